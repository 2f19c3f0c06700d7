-- volume-by-hour - how much came in and went out each hour (UTC), in the last 24 hours
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since.

SELECT substr(time, 1, 13) || ':00' AS hour, direction, count(*) AS transactions,
    sum(action = 'accept') AS accepted, sum(action = 'reject') AS rejected,
    sum(action = 'tempfail') AS deferred, sum(action = 'discard') AS discarded,
    sum(action = 'aborted') AS aborted
FROM decision
WHERE id >= (SELECT id FROM since WHERE span = ifnull(:span, '24h'))
GROUP BY hour, direction
ORDER BY hour, direction;
