-- rejects-by-client - which clients are refused most, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since.

SELECT client_name || '[' || client_addr || ']' AS client,
    sum(action IN ('reject', 'tempfail')) AS refused, count(*) AS transactions,
    max(time) AS last_seen
FROM decision
WHERE id >= (SELECT id FROM since WHERE span = ifnull(:span, '7d'))
GROUP BY client_name, client_addr
HAVING refused > 0
ORDER BY refused DESC, client
LIMIT 50;
