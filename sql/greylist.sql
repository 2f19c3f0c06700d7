-- greylist - who was put off and never came back, after how long the others did, who is put off always
-- SPDX-License-Identifier: BSD-2-Clause
--
-- In the last 7 days; :span, where bound, is another span of the view since. As the view
-- greylist_effect has it, but quick in a large log: the first time is that within the span,
-- of the newest 20,000.
-- bar: put_off

DROP TABLE IF EXISTS temp.greylist_seen;
CREATE TEMP TABLE greylist_seen AS
WITH bound (id) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
), put_off (id, sender, address) AS MATERIALIZED (
    SELECT min(r.id), m.sender, r.address
    FROM mail_recipient AS r CROSS JOIN mail AS m ON m.id = r.id
    WHERE r.id >= (SELECT id FROM bound) AND m.sender IS NOT NULL AND r.verdict IN
        (SELECT id FROM verdict WHERE action = 'tempfail' AND stage = 'RCPT' AND code < 500)
    GROUP BY m.sender, r.address ORDER BY 1 DESC LIMIT 20000
)
SELECT p.id, p.sender,
    (((SELECT r.id FROM mail_recipient AS r CROSS JOIN mail AS m ON m.id = r.id
       WHERE r.address = p.address AND r.id > p.id AND r.id < p.id + (172800000 << 22)
           AND m.sender = p.sender
           AND r.verdict IN (SELECT id FROM verdict WHERE action = 'accept')
       ORDER BY r.id LIMIT 1) >> 22) - (p.id >> 22)) / 1000 AS delay
FROM put_off AS p;

WITH delays AS (
    SELECT delay, row_number() OVER (ORDER BY delay) AS place, count(*) OVER () AS n
    FROM greylist_seen WHERE delay IS NOT NULL
)
SELECT count(*) AS put_off, sum(delay IS NOT NULL) AS came_back,
    sum(delay IS NULL) AS never_came_back,
    round(100.0 * sum(delay IS NULL) / nullif(count(*), 0), 1) AS never_percent,
    (SELECT delay FROM delays WHERE place = (n + 1) / 2) AS median_delay_s,
    (SELECT delay FROM delays WHERE place = (9 * n + 9) / 10) AS p90_delay_s
FROM greylist_seen
HAVING count(*) > 0;

SELECT c.addr AS put_off_again_and_again, count(*) AS put_off,
    sum(s.delay IS NOT NULL) AS came_back, count(DISTINCT s.sender) AS senders,
    round(avg(s.delay)) AS mean_delay_s
FROM greylist_seen AS s JOIN mail AS m ON m.id = s.id JOIN client AS c ON c.id = m.client
GROUP BY c.addr HAVING count(*) > 1
ORDER BY count(*) DESC, c.addr
LIMIT 20;
