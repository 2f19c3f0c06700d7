-- rejects-by-sender-domain - whose mail is refused most, and what share of it, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since. The domain is what follows the last @;
-- <> is the null sender.

SELECT domain, sum(refused) AS refused, count(*) AS messages,
    round(100.0 * sum(refused) / count(*), 1) AS percent
FROM (
    SELECT action IN ('reject', 'tempfail') AS refused,
        CASE WHEN sender = '' THEN '<>'
             ELSE lower(replace(sender, rtrim(sender, replace(sender, '@', '')), '')) END AS domain
    FROM decision
    WHERE id >= (SELECT id FROM since WHERE span = ifnull(:span, '7d'))
        AND direction = 'incoming' AND sender IS NOT NULL
)
GROUP BY domain
HAVING sum(refused) > 0
ORDER BY refused DESC, domain
LIMIT 50;
