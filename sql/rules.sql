-- rules - which rules fire most, which never do, and which restrictions take long
-- SPDX-License-Identifier: BSD-2-Clause
--
-- Hits from the counters of the hours, 30 days; :span, where bound, is another span of the view
-- since. Times are of the newest 5,000 transactions that were judged.
-- bar: hits

SELECT sum(n) AS hits, result, file || ':' || line AS rule, rule_text AS text, max(time) AS last
FROM rule_hits
WHERE hour >= ifnull(:first >> 22, (SELECT id >> 22 FROM since
    WHERE span = ifnull(:span, '30d'))) / 3600000
GROUP BY file, line, rule_text, result
ORDER BY hits DESC, rule
LIMIT 30;

SELECT file || ':' || line AS never_fired, rule_text AS text, since AS in_force_since
FROM dead_rules
ORDER BY since, file, line
LIMIT 50;

WITH newest (id, list) AS (
    SELECT id, list FROM mail_check ORDER BY id DESC LIMIT 5000
), taken (step, us) AS (
    SELECT json_extract(e.value, '$[1]'), json_extract(e.value, '$[2]')
    FROM newest AS k JOIN json_each(k.list) AS e
)
SELECT p.restriction AS restriction, count(*) AS judged, CAST(avg(t.us) AS INTEGER) AS mean_us,
    max(t.us) AS longest_us
FROM taken AS t JOIN step AS p ON p.id = t.step
GROUP BY p.restriction
ORDER BY sum(t.us) DESC, restriction
LIMIT 20;
