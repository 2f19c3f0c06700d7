-- rejects-by-client - which clients are refused most, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since.
-- bar: refused

WITH bound (id) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
), counted (client, refused) AS (
    SELECT client, count(*) FROM mail NOT INDEXED
    WHERE id >= (SELECT id FROM bound)
        AND verdict IN (SELECT id FROM verdict WHERE action IN ('reject', 'tempfail'))
    GROUP BY client ORDER BY 2 DESC, 1 LIMIT 50
)
SELECT c.name || '[' || c.addr || ']' AS client, k.refused AS refused,
    (SELECT count(*) FROM mail AS m WHERE m.client = k.client
     AND m.id >= (SELECT id FROM bound)) AS transactions,
    datetime((((SELECT max(m.id) FROM mail AS m WHERE m.client = k.client) >> 22)
        + 1577836800000) / 1000, 'unixepoch') AS last_seen
FROM counted AS k JOIN client AS c ON c.id = k.client
ORDER BY k.refused DESC, client;
