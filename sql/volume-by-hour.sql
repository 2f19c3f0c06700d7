-- volume-by-hour - how much came in and went out each hour (UTC), in the last 24 hours
-- SPDX-License-Identifier: BSD-2-Clause
--
-- From the counters of the hours. :span, where bound, is another span of the view since.
-- bar: transactions

SELECT substr(time, 1, 13) || ':00' AS hour, direction, sum(messages) AS transactions,
    sum(messages * (action = 'accept')) AS accepted,
    sum(messages * (action = 'reject')) AS rejected,
    sum(messages * (action = 'tempfail')) AS deferred,
    sum(messages * (action = 'discard')) AS discarded,
    sum(messages * (action = 'aborted')) AS aborted, sum(recipients) AS recipients
FROM volume
WHERE volume.hour >= ifnull(:first >> 22, (SELECT id >> 22 FROM since
    WHERE span = ifnull(:span, '24h'))) / 3600000
GROUP BY volume.hour, direction
ORDER BY volume.hour, direction;
