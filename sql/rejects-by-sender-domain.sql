-- rejects-by-sender-domain - whose mail is refused most, and what share of it, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since. The domain is what follows the last @;
-- <> is the null sender.
-- bar: refused

WITH counted (sender, refused, n) AS (
    SELECT m.sender, sum(v.action IN ('reject', 'tempfail')), count(*)
    FROM mail AS m JOIN verdict AS v ON v.id = m.verdict
    WHERE m.id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
        AND m.direction = 0 AND m.sender IS NOT NULL
    GROUP BY m.sender
)
SELECT CASE WHEN a.text = '' THEN '<>'
         ELSE lower(replace(a.text, rtrim(a.text, replace(a.text, '@', '')), '')) END AS domain,
    sum(k.refused) AS refused, sum(k.n) AS messages,
    round(100.0 * sum(k.refused) / sum(k.n), 1) AS percent
FROM counted AS k JOIN address AS a ON a.id = k.sender
GROUP BY domain
HAVING sum(k.refused) > 0
ORDER BY sum(k.refused) DESC, domain
LIMIT 50;
