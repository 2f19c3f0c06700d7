-- rejects-by-rule - which rules refused how many recipients and messages, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since: 1h, 24h, 30d, ... A transaction that was
-- refused before it named a recipient counts as one.
-- bar: refused

WITH bound (id) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
), counted (verdict, n, id, recipient) AS (
    SELECT verdict, count(*), max(id), n FROM mail_recipient
    WHERE id >= (SELECT id FROM bound) GROUP BY verdict
    UNION ALL
    SELECT verdict, count(*), max(id), NULL FROM mail AS m
    WHERE id >= (SELECT id FROM bound)
        AND NOT EXISTS (SELECT 1 FROM mail_recipient AS r WHERE r.id = m.id) GROUP BY verdict
)
SELECT sum(k.n) AS refused, v.action, u.file || ':' || u.line AS rule,
    min(CASE WHEN k.recipient IS NULL THEN (SELECT text FROM decision WHERE id = k.id)
        ELSE (SELECT text FROM recipient AS r WHERE r.id = k.id AND r.n = k.recipient) END)
        AS for_example
FROM counted AS k
JOIN verdict AS v ON v.id = k.verdict
LEFT JOIN rule AS u ON u.id = v.rule
WHERE v.action IN ('reject', 'tempfail')
GROUP BY v.action, u.file, u.line
ORDER BY refused DESC, rule
LIMIT 50;
