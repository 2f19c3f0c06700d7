-- daily - the last 24 hours on one screen: first what is unusual
-- SPDX-License-Identifier: BSD-2-Clause
--
-- From the counters of the hours. usual: a day, of as many of the seven days before as there are.
-- Unusual is what differs threefold, and by more than 20.
-- bar: today

WITH now (hour) AS (
    SELECT (CAST(strftime('%s', 'now') AS INTEGER) - 1577836800) / 3600
), days (n) AS (
    SELECT min(7.0, (hour - 23 - ifnull((SELECT min(hour) FROM volume), hour)) / 24.0)
    FROM now
), counted (what, today, before) AS (
    SELECT direction || ' mail, ' || action, sum(messages * (hour > (SELECT hour FROM now) - 24)),
        sum(messages * (hour <= (SELECT hour FROM now) - 24))
    FROM volume WHERE hour > (SELECT hour FROM now) - 192 GROUP BY direction, action
    UNION ALL
    SELECT 'login ' || login, sum(messages * (hour > (SELECT hour FROM now) - 24)),
        sum(messages * (hour <= (SELECT hour FROM now) - 24))
    FROM login_volume WHERE hour > (SELECT hour FROM now) - 192 GROUP BY login
    UNION ALL
    SELECT 'rule ' || file || ':' || line || ', ' || result,
        sum(n * (hour > (SELECT hour FROM now) - 24)),
        sum(n * (hour <= (SELECT hour FROM now) - 24))
    FROM rule_hits WHERE hour > (SELECT hour FROM now) - 192 AND result IN ('reject', 'defer')
    GROUP BY file, line, result
    UNION ALL
    SELECT method || ' ' || result || ', ' || direction,
        sum(n * (hour > (SELECT hour FROM now) - 24)),
        sum(n * (hour <= (SELECT hour FROM now) - 24))
    FROM auth_rate WHERE hour > (SELECT hour FROM now) - 192
    GROUP BY direction, method, result
    UNION ALL
    SELECT 'refused ' || what, sum(n * (hour > (SELECT hour FROM now) - 24)),
        sum(n * (hour <= (SELECT hour FROM now) - 24))
    FROM top_rejects WHERE hour > (SELECT hour FROM now) - 192 AND what <> '*' GROUP BY kind, what
), odd (what, today, usual, weight) AS (
    SELECT what, today, before / (SELECT n FROM days),
        max((today + 1) / (before / (SELECT n FROM days) + 1),
            (before / (SELECT n FROM days) + 1) / (today + 1))
    FROM counted
    WHERE (SELECT n FROM days) >= 1 AND abs(today - before / (SELECT n FROM days)) > 20
), shown AS (
    SELECT * FROM odd WHERE weight >= 3 ORDER BY weight DESC, what LIMIT 5
)
SELECT what || ': ' || today || ', usually ' || CAST(round(usual) AS INTEGER) || ' a day' AS unusual
FROM shown
UNION ALL
SELECT CASE WHEN (SELECT n FROM days) >= 1 THEN 'nothing'
    ELSE 'not known yet: the log is younger than two days' END
WHERE NOT EXISTS (SELECT 1 FROM shown);

WITH now (hour) AS (
    SELECT (CAST(strftime('%s', 'now') AS INTEGER) - 1577836800) / 3600
), days (n) AS (
    SELECT max(1.0, min(7.0, (hour - 23 - ifnull((SELECT min(hour) FROM volume), hour)) / 24.0))
    FROM now
)
SELECT direction || ', ' || action AS mail,
    sum(messages * (hour > (SELECT hour FROM now) - 24)) AS today,
    CAST(round(sum(messages * (hour <= (SELECT hour FROM now) - 24)) / (SELECT n FROM days))
        AS INTEGER) AS usual,
    sum(recipients * (hour > (SELECT hour FROM now) - 24)) AS recipients
FROM volume
WHERE hour > (SELECT hour FROM now) - 192
GROUP BY direction, action
ORDER BY direction, action;

SELECT file || ':' || line AS rule_that_refused, sum(n) AS today, result, rule_text AS text
FROM rule_hits
WHERE hour > (CAST(strftime('%s', 'now') AS INTEGER) - 1577836800) / 3600 - 24
    AND result IN ('reject', 'defer')
GROUP BY file, line, rule_text, result
ORDER BY today DESC, file, line
LIMIT 5;

SELECT what AS refused_sender_domain, sum(n) AS today
FROM top_rejects
WHERE hour > (CAST(strftime('%s', 'now') AS INTEGER) - 1577836800) / 3600 - 24
    AND kind = 'sender_domain' AND what <> '*'
GROUP BY what
ORDER BY today DESC, what
LIMIT 5;

SELECT login, sum(messages) AS today, sum(recipients) AS recipients, sum(refused) AS refused
FROM login_volume
WHERE hour > (CAST(strftime('%s', 'now') AS INTEGER) - 1577836800) / 3600 - 24
GROUP BY login
ORDER BY today DESC, login
LIMIT 5;

SELECT method || ' ' || result AS authentication, sum(n) AS today
FROM auth_rate
WHERE hour > (CAST(strftime('%s', 'now') AS INTEGER) - 1577836800) / 3600 - 24
    AND direction = 'incoming'
GROUP BY method, result
ORDER BY method, today DESC
LIMIT 10;
