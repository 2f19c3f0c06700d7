-- would - what mode = observe would have refused, by rule, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since. written_to: of the senders, those whom our
-- users write to: look there first.
-- bar: would_refuse

WITH bound (id) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
), judged (verdict) AS MATERIALIZED (
    SELECT id FROM verdict WHERE NOT enforced AND action IN ('reject', 'tempfail', 'discard')
), hits (id, n, verdict) AS MATERIALIZED (
    SELECT r.id, r.n, r.verdict FROM mail_recipient AS r
    WHERE r.id >= (SELECT id FROM bound) AND r.verdict IN (SELECT verdict FROM judged)
    UNION ALL
    SELECT m.id, NULL, m.verdict FROM mail AS m
    WHERE m.id >= (SELECT id FROM bound) AND m.verdict IN (SELECT verdict FROM judged)
        AND NOT EXISTS (SELECT 1 FROM mail_recipient AS r WHERE r.id = m.id)
), senders (rule, action, sender) AS (
    SELECT DISTINCT v.rule, v.action, m.sender
    FROM hits AS h JOIN verdict AS v ON v.id = h.verdict JOIN mail AS m ON m.id = h.id
), known (rule, action, senders, written_to) AS (
    SELECT s.rule, s.action, count(*), sum(EXISTS (SELECT 1 FROM mail_recipient AS r
        JOIN mail AS m ON m.id = r.id WHERE r.address = s.sender AND m.direction = 1))
    FROM senders AS s GROUP BY s.rule, s.action
), counted (n, verdict, id) AS (
    SELECT count(*), verdict, max(id) FROM hits GROUP BY verdict
), ruled (n, action, rule, id) AS (
    SELECT sum(c.n), v.action, v.rule, max(c.id)
    FROM counted AS c JOIN verdict AS v ON v.id = c.verdict GROUP BY v.action, v.rule
)
SELECT r.n AS would_refuse, r.action, u.file || ':' || u.line AS rule, u.text AS rule_text,
    k.senders, k.written_to,
    (SELECT ifnull(d.queue_id, d.id) FROM decision AS d WHERE d.id = r.id) AS for_example
FROM ruled AS r LEFT JOIN rule AS u ON u.id = r.rule
LEFT JOIN known AS k ON k.rule IS r.rule AND k.action = r.action
ORDER BY would_refuse DESC, rule
LIMIT 50;
