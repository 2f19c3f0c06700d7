-- auth-rates - how SPF, DKIM and reverse names came out: of strangers' domains, then of our own mail
-- SPDX-License-Identifier: BSD-2-Clause
--
-- From the counters of the hours, 7 days. :span, where bound, is another span of the view since.
-- domain *: all those that are not counted by name; -: not told.
-- bar: n

WITH counted (direction, method, domain, n, pass, fail, temperror) AS (
    SELECT direction, method, domain, sum(n), sum(n * (result = 'pass')),
        sum(n * (result IN ('fail', 'softfail', 'permerror', 'policy'))),
        sum(n * (result = 'temperror'))
    FROM auth_rate
    WHERE hour >= ifnull(:first >> 22, (SELECT id >> 22 FROM since
        WHERE span = ifnull(:span, '7d'))) / 3600000
    GROUP BY direction, method, domain
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY direction, method ORDER BY n DESC, domain) AS place
    FROM counted
)
SELECT direction, method, n, round(100.0 * pass / n, 1) AS pass_percent,
    round(100.0 * fail / n, 1) AS fail_percent, temperror, domain
FROM ranked WHERE place <= 20
ORDER BY direction, method, place;
