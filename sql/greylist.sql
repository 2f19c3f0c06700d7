-- greylist - who was put off and never came back, after how long the others did, who is put off always
-- SPDX-License-Identifier: BSD-2-Clause
--
-- In the last 7 days; :span, where bound, is another span of the view since.
-- bar: put_off

WITH seen AS MATERIALIZED (
    SELECT * FROM greylist_effect
    WHERE id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
), delays AS (
    SELECT delay, row_number() OVER (ORDER BY delay) AS place, count(*) OVER () AS n
    FROM seen WHERE delay IS NOT NULL
)
SELECT count(*) AS put_off, sum(returned IS NOT NULL) AS came_back,
    sum(returned IS NULL) AS never_came_back,
    round(100.0 * sum(returned IS NULL) / nullif(count(*), 0), 1) AS never_percent,
    (SELECT delay FROM delays WHERE place = (n + 1) / 2) AS median_delay_s,
    (SELECT delay FROM delays WHERE place = (9 * n + 9) / 10) AS p90_delay_s
FROM seen
HAVING count(*) > 0;

SELECT client_addr AS put_off_again_and_again, count(*) AS put_off,
    sum(returned IS NOT NULL) AS came_back, count(DISTINCT sender) AS senders,
    round(avg(delay)) AS mean_delay_s
FROM greylist_effect
WHERE id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
GROUP BY client_addr HAVING count(*) > 1
ORDER BY count(*) DESC, client_addr
LIMIT 20;
