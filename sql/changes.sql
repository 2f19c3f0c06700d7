-- changes - each load of the policy, what was refused the day before and after, and the new rules
-- SPDX-License-Identifier: BSD-2-Clause
--
-- In the last 30 days; :span, where bound, is another span of the view since. Percentages are of
-- transactions, by whole hours. A rule is new when the policy in force has it since then.

WITH loads (policy, loaded, until, loaded_by, hour) AS (
    SELECT policy, loaded, until, loaded_by,
        (CAST(strftime('%s', loaded) AS INTEGER) - 1577836800) / 3600
    FROM policy
    WHERE CAST(strftime('%s', loaded) AS INTEGER) - 1577836800 >= ifnull(:first >> 22,
        (SELECT id >> 22 FROM since WHERE span = ifnull(:span, '30d'))) / 1000
)
SELECT loaded, until, policy, loaded_by,
    (SELECT round(100.0 * sum(messages * (action IN ('reject', 'tempfail'))) / sum(messages), 1)
     FROM volume AS v WHERE v.hour >= l.hour - 24 AND v.hour < l.hour) AS refused_percent_before,
    (SELECT round(100.0 * sum(messages * (action IN ('reject', 'tempfail'))) / sum(messages), 1)
     FROM volume AS v WHERE v.hour > l.hour AND v.hour <= l.hour + 24) AS refused_percent_after
FROM loads AS l
ORDER BY loaded DESC
LIMIT 30;

SELECT datetime(r.since_ms / 1000, 'unixepoch') AS new_since, r.file || ':' || r.line AS rule,
    r.text AS text
FROM ruleset_rule AS r
WHERE r.since_ms - 1577836800000 >= ifnull(:first >> 22,
        (SELECT id >> 22 FROM since WHERE span = ifnull(:span, '30d')))
    AND r.since_ms > (SELECT min(loaded_ms) FROM ruleset_load)
ORDER BY r.since_ms DESC, r.n
LIMIT 30;
