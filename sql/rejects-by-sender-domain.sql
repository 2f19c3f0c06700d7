-- rejects-by-sender-domain - whose mail is refused most, and what share of it, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since. The domain is what follows the last @;
-- <> is the null sender.
-- bar: refused

WITH bound (id) AS (
    SELECT ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
), refused (sender, n) AS MATERIALIZED (
    SELECT sender, count(*) FROM mail NOT INDEXED
    WHERE id >= (SELECT id FROM bound) AND direction = 0 AND +sender IS NOT NULL
        AND verdict IN (SELECT id FROM verdict WHERE action IN ('reject', 'tempfail'))
    GROUP BY +sender
), named (id, domain) AS (
    SELECT id, CASE WHEN text = '' THEN '<>'
        ELSE lower(replace(text, rtrim(text, replace(text, '@', '')), '')) END FROM address
), top (domain, refused) AS MATERIALIZED (
    SELECT d.domain, sum(k.n) FROM refused AS k JOIN named AS d ON d.id = k.sender
    GROUP BY d.domain ORDER BY 2 DESC, 1 LIMIT 50
), totals (domain, n) AS (
    SELECT d.domain, sum((SELECT count(*) FROM mail AS m WHERE m.sender = d.id
                          AND m.id >= (SELECT id FROM bound)))
    FROM named AS d WHERE d.domain IN (SELECT domain FROM top) GROUP BY d.domain
)
SELECT t.domain, t.refused AS refused, k.n AS messages, round(100.0 * t.refused / k.n, 1) AS percent
FROM top AS t JOIN totals AS k ON k.domain = t.domain
ORDER BY t.refused DESC, t.domain;
