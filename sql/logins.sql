-- logins - what each login sent in the last 24 hours, against its own usual day: stolen passwords
-- SPDX-License-Identifier: BSD-2-Clause
--
-- usual: messages a day, of as many of the seven days before as there are. networks: different /24
-- or /48; new: recipients whom the login did not write to before, as far as the log goes back.
-- bar: messages

WITH now (hour, id) AS (
    SELECT hour, (hour - 23) * 3600000 << 22
    FROM (SELECT (CAST(strftime('%s', 'now') AS INTEGER) - 1577836800) / 3600 AS hour)
), days (n) AS (
    SELECT max(1.0, min(7.0, (hour - 23 - ifnull((SELECT min(hour) FROM volume), hour)) / 24.0))
    FROM now
), counted (login, messages, recipients, refused, before) AS (
    SELECT login, sum(messages * (hour > (SELECT hour FROM now) - 24)),
        sum(recipients * (hour > (SELECT hour FROM now) - 24)),
        sum(refused * (hour > (SELECT hour FROM now) - 24)),
        sum(messages * (hour <= (SELECT hour FROM now) - 24))
    FROM login_volume WHERE hour > (SELECT hour FROM now) - 192
    GROUP BY login
), top AS MATERIALIZED (
    SELECT * FROM counted WHERE messages > 0 ORDER BY messages DESC, login LIMIT 30
), sent (login, id, client) AS MATERIALIZED (
    SELECT n.text, m.id, m.client FROM mail AS m JOIN name AS n ON n.id = m.login
    WHERE m.id >= (SELECT id FROM now) AND n.text IN (SELECT login FROM top)
), nets (login, n) AS (
    SELECT s.login, count(DISTINCT CASE WHEN instr(c.addr, ':') THEN substr(c.addr, 1, 14)
                                   ELSE rtrim(c.addr, '0123456789') END)
    FROM sent AS s JOIN client AS c ON c.id = s.client GROUP BY s.login
), written (login, address) AS (
    SELECT DISTINCT s.login, r.address FROM sent AS s JOIN mail_recipient AS r ON r.id = s.id
), news (login, n) AS (
    SELECT w.login, count(*) FROM written AS w
    WHERE NOT EXISTS (SELECT 1 FROM mail_recipient AS r JOIN mail AS m ON m.id = r.id
        JOIN name AS n ON n.id = m.login
        WHERE r.address = w.address AND r.id < (SELECT id FROM now) AND n.text = w.login)
    GROUP BY w.login
)
SELECT t.login, t.messages, round(t.before / (SELECT n FROM days), 1) AS usual,
    round(t.messages * (SELECT n FROM days) / nullif(t.before, 0), 1) AS times,
    t.recipients, ifnull(w.n, 0) AS new, t.refused, ifnull(e.n, 0) AS networks
FROM top AS t LEFT JOIN nets AS e ON e.login = t.login LEFT JOIN news AS w ON w.login = t.login
ORDER BY t.messages DESC, t.login;
