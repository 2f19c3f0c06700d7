-- shadow - what the shadow policy would have done, in the last 7 days: in all, by rule, by mail
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since: 1h, 24h, 30d, ... Of the contents that the
-- shadow had, the one that judged last counts. "accept as far as seen": the mail was refused before
-- its content came, so nobody knows more of it. Correspondents are the senders to whom outgoing mail
-- of the log was delivered.

-- How the recipients come out.
WITH bound (id, ruleset) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d'))),
        (SELECT ruleset FROM mail_shadow ORDER BY id DESC LIMIT 1)
), counted (change, n) AS (
    SELECT change, count(*) FROM mail_shadow, bound
    WHERE mail_shadow.id >= bound.id AND mail_shadow.ruleset = bound.ruleset GROUP BY change
), kinds (change, name) AS (VALUES (0, 'same'), (1, 'changed'), (2, 'unknown'))
SELECT k.name AS change, ifnull(c.n, 0) AS recipients,
    round(100.0 * ifnull(c.n, 0) / max(1, (SELECT total(n) FROM counted)), 2) AS percent,
    (SELECT file FROM shadow_ruleset WHERE id = (SELECT ruleset FROM bound)) AS shadow
FROM kinds AS k LEFT JOIN counted AS c ON c.change = k.change
ORDER BY k.change;

-- What changes.
WITH bound (id, ruleset) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d'))),
        (SELECT ruleset FROM mail_shadow ORDER BY id DESC LIMIT 1)
), known (address) AS MATERIALIZED (
    SELECT DISTINCT lower(a.text) FROM mail AS m JOIN mail_recipient AS r ON r.id = m.id
    JOIN verdict AS v ON v.id = r.verdict JOIN address AS a ON a.id = r.address
    WHERE m.direction = 1 AND v.action = 'accept'
)
SELECT count(*) AS recipients, s.was_action AS was,
    CASE s.action WHEN 'aborted' THEN 'accept as far as seen' ELSE s.action END AS now,
    CASE WHEN s.file IS NULL THEN s.rule_text ELSE s.file || ':' || s.line || ': ' || s.rule_text END
        AS rule,
    sum(ifnull(d.direction = 'incoming' AND lower(d.sender) IN (SELECT address FROM known), 0))
        AS correspondents
FROM bound JOIN shadow AS s ON s.id >= bound.id AND s.shadow = bound.ruleset
JOIN decision AS d ON d.id = s.id
WHERE s.change = 'changed'
GROUP BY 2, 3, 4
ORDER BY recipients DESC, rule
LIMIT 50;

-- Look at these first (tamis explain takes the queue id): what was accepted before all.
WITH bound (id, ruleset) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d'))),
        (SELECT ruleset FROM mail_shadow ORDER BY id DESC LIMIT 1)
)
SELECT d.time, ifnull(d.queue_id, 'NOQUEUE') AS queue_id, d.sender, s.address AS recipient,
    s.was_action AS was,
    CASE s.action WHEN 'aborted' THEN 'accept as far as seen' ELSE s.action END AS now,
    ifnull(s.code || ' ' || s.dsn || ' ' || s.text, s.was_text) AS reply
FROM bound JOIN shadow AS s ON s.id >= bound.id AND s.shadow = bound.ruleset
JOIN decision AS d ON d.id = s.id
WHERE s.change = 'changed'
ORDER BY s.was_action <> 'accept', s.was_action = s.action, s.id DESC, s.n
LIMIT 10;

-- Unknown, because nobody asked or recorded it.
WITH bound (id, ruleset) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d'))),
        (SELECT ruleset FROM mail_shadow ORDER BY id DESC LIMIT 1)
), missed (missing, id) AS (
    SELECT s.missing, s.id FROM bound
    JOIN mail_shadow AS s ON s.id >= bound.id AND s.ruleset = bound.ruleset WHERE s.change = 2
)
SELECT count(*) AS recipients,
    CASE WHEN missing LIKE 'header %' OR instr(missing, ' ') = 0 THEN missing
        WHEN missing LIKE 'rbl %' THEN
            substr(missing, 1, 3 + instr(substr(missing, 5) || ' ', ' '))
        ELSE substr(missing, 1, instr(missing, ' ') - 1) END AS missing,
    min(missing) AS for_example
FROM missed
GROUP BY 2
ORDER BY recipients DESC, 2
LIMIT 50;
