-- latency - how long messages and each kind of question took: half, 95 and 99 of 100 took less
-- SPDX-License-Identifier: BSD-2-Clause
--
-- From the counters of the hours, 7 days; :span, where bound, is another span of the view since. The
-- counters know powers of two only. Then, of the newest 20,000 transactions that asked: what had no
-- answer.
-- bar: n

WITH counted (what, us, n) AS (
    SELECT what, us, sum(n) FROM latency
    WHERE hour >= ifnull(:first >> 22, (SELECT id >> 22 FROM since
        WHERE span = ifnull(:span, '7d'))) / 3600000
    GROUP BY what, us
), running AS (
    SELECT what, us, sum(n) OVER (PARTITION BY what ORDER BY us) AS upto,
        sum(n) OVER (PARTITION BY what) AS n
    FROM counted
)
SELECT what, n, min(CASE WHEN upto * 100 >= n * 50 THEN us END) / 1000.0 AS p50_ms,
    min(CASE WHEN upto * 100 >= n * 95 THEN us END) / 1000.0 AS p95_ms,
    min(CASE WHEN upto * 100 >= n * 99 THEN us END) / 1000.0 AS p99_ms,
    max(us) / 1000.0 AS longest_ms
FROM running
GROUP BY what
ORDER BY n DESC, what;

WITH newest (id, list) AS (
    SELECT id, list FROM mail_question WHERE list IS NOT NULL ORDER BY id DESC LIMIT 20000
), put (asked, us) AS (
    SELECT json_extract(e.value, '$[0]'), json_extract(e.value, '$[1]')
    FROM newest AS k JOIN json_each(k.list) AS e
), kinds (kind, state, us) AS (
    SELECT substr(a.question, 1, instr(a.question || ' ', ' ') - 1), a.state, p.us
    FROM put AS p JOIN asked AS a ON a.id = p.asked
)
SELECT kind AS question, count(*) AS asked, sum(state = 'temperror') AS no_answer,
    round(100.0 * sum(state = 'temperror') / count(*), 2) AS percent,
    round(max(us) / 1000.0, 1) AS longest_ms
FROM kinds
GROUP BY kind
ORDER BY no_answer DESC, kind;
