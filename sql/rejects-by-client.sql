-- rejects-by-client - which clients are refused most, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since.
-- bar: refused

WITH counted (client, refused, n, last) AS (
    SELECT m.client, sum(v.action IN ('reject', 'tempfail')), count(*), max(m.id)
    FROM mail AS m JOIN verdict AS v ON v.id = m.verdict
    WHERE m.id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
    GROUP BY m.client
)
SELECT c.name || '[' || c.addr || ']' AS client, k.refused AS refused, k.n AS transactions,
    datetime(((k.last >> 22) + 1577836800000) / 1000, 'unixepoch') AS last_seen
FROM counted AS k JOIN client AS c ON c.id = k.client
WHERE k.refused > 0
ORDER BY k.refused DESC, client
LIMIT 50;
