-- rejects-today - whom the last 24 hours refused, against the usual day of the week before
-- SPDX-License-Identifier: BSD-2-Clause
--
-- From the counters of the hours. usual: a day, of as many of the seven days before as there are.
-- bar: today

WITH now (hour) AS (
    SELECT (CAST(strftime('%s', 'now') AS INTEGER) - 1577836800) / 3600
), days (n) AS (
    SELECT max(1.0, min(7.0, (hour - 23 - ifnull((SELECT min(hour) FROM volume), hour)) / 24.0))
    FROM now
), counted (kind, what, today, before) AS (
    SELECT kind, what, sum(n * (hour > (SELECT hour FROM now) - 24)),
        sum(n * (hour <= (SELECT hour FROM now) - 24))
    FROM top_rejects WHERE hour > (SELECT hour FROM now) - 192
    GROUP BY kind, what
    UNION ALL
    SELECT 'rule', file || ':' || line, sum(n * (hour > (SELECT hour FROM now) - 24)),
        sum(n * (hour <= (SELECT hour FROM now) - 24))
    FROM rule_hits WHERE hour > (SELECT hour FROM now) - 192 AND result IN ('reject', 'defer')
    GROUP BY file, line
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY kind ORDER BY today DESC, what) AS place
    FROM counted WHERE today > 0
)
SELECT kind, today, round(before / (SELECT n FROM days), 1) AS usual,
    round(today * (SELECT n FROM days) / nullif(before, 0), 1) AS times, what
FROM ranked WHERE place <= 10
ORDER BY kind, place;
