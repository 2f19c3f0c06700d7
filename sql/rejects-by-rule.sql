-- rejects-by-rule - which rules refused how many recipients and messages, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since: 1h, 24h, 30d, ... A transaction that was
-- refused before it named a recipient counts as one.

SELECT count(*) AS refused, action, file || ':' || line AS rule,
    min(text) AS for_example
FROM (
    SELECT id, action, code, text, file, line FROM recipient
    WHERE id >= (SELECT id FROM since WHERE span = ifnull(:span, '7d'))
    UNION ALL
    SELECT id, action, code, text, file, line FROM decision
    WHERE id >= (SELECT id FROM since WHERE span = ifnull(:span, '7d')) AND recipients IS NULL
)
WHERE action IN ('reject', 'tempfail')
GROUP BY action, file, line
ORDER BY refused DESC, rule
LIMIT 50;
