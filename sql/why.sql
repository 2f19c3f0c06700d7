-- why - one message: what was decided, what each recipient was told, and every step that led there
-- SPDX-License-Identifier: BSD-2-Clause
--
--   sqlite3 log.db < sql/why.sql                                       the newest message
--   sqlite3 log.db -cmd ".param set :queue_id 'XYZ'" < sql/why.sql     this one
--
-- :queue_id or :id, where bound, name the message; of several with the queue id it is the newest.

DROP TABLE IF EXISTS temp.why_chosen;
CREATE TEMP TABLE why_chosen AS
SELECT * FROM decision WHERE id = CASE
    WHEN :id IS NOT NULL THEN :id
    WHEN :queue_id IS NOT NULL
        THEN (SELECT id FROM decision WHERE queue_id = :queue_id ORDER BY id DESC LIMIT 1)
    ELSE (SELECT id FROM decision ORDER BY id DESC LIMIT 1) END;

WITH lines (what, value) AS (
              SELECT 'when (UTC)', time FROM why_chosen
    UNION ALL SELECT 'id', id FROM why_chosen
    UNION ALL SELECT 'queue id', queue_id FROM why_chosen
    UNION ALL SELECT 'Message-ID', message_id FROM why_chosen
    UNION ALL SELECT 'direction', direction FROM why_chosen
    UNION ALL SELECT 'client', client_name || '[' || client_addr || ']' FROM why_chosen
    UNION ALL SELECT 'HELO', helo FROM why_chosen
    UNION ALL SELECT 'login', login FROM why_chosen
    UNION ALL SELECT 'sender', '<' || sender || '>' FROM why_chosen
    UNION ALL SELECT 'recipients', recipients FROM why_chosen
    UNION ALL SELECT 'decision', action || iif(enforced, '', ' (not enforced)') || ifnull(' at ' || stage, '')
              FROM why_chosen
    UNION ALL SELECT 'answer', code || ' ' || dsn || ' ' || text FROM why_chosen
    UNION ALL SELECT 'rule', file || ':' || line FROM why_chosen
    UNION ALL SELECT 'its text', rule_text FROM why_chosen
    UNION ALL SELECT 'held', 'yes' FROM why_chosen WHERE held
    UNION ALL SELECT 'redirected to', redirected FROM why_chosen
    UNION ALL SELECT 'took', ms || ' ms' FROM why_chosen
)
SELECT what, value FROM lines WHERE value IS NOT NULL;

SELECT 'recipient ' || n AS recipient, address, action, code, dsn, text, file || ':' || line AS rule
FROM recipient WHERE id = (SELECT id FROM why_chosen)
ORDER BY n;

SELECT 'step ' || n AS step, recipient, restriction, question, answer, result,
    file || ':' || line AS rule, us || ' us' AS took
FROM check_result WHERE id = (SELECT id FROM why_chosen)
ORDER BY check_result.n;

SELECT 'question ' || n AS question, question AS asked, state, answer, us || ' us' AS took
FROM question WHERE id = (SELECT id FROM why_chosen)
ORDER BY question.n;
