-- unsigned_outgoing - our own mail that left without a DKIM signature of ours, by login and From domain
-- SPDX-License-Identifier: BSD-2-Clause
--
-- Accepted, in the last 7 days; :span, where bound, is another span of the view since. The domain is
-- that of From where evidence_headers kept it, else, in parentheses, of the envelope sender.
-- bar: messages

WITH made (id) AS MATERIALIZED (
    SELECT id FROM dkim WHERE signed
), unsigned (id, login, sender, client) AS MATERIALIZED (
    SELECT m.id, m.login, m.sender, m.client
    FROM mail AS m JOIN verdict AS v ON v.id = m.verdict
    WHERE m.id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
        AND m.direction = 1 AND v.action = 'accept'
        AND NOT EXISTS (SELECT 1 FROM mail_question AS k JOIN json_each(k.signatures) AS e
                        WHERE k.id = m.id AND e.value IN (SELECT id FROM made))
), fields (id, value) AS (
    SELECT u.id, (SELECT json_extract(e.value, '$[1]') FROM mail_evidence AS k
        JOIN json_each(k.text, '$.headers') AS e
        WHERE k.id = u.id AND lower(json_extract(e.value, '$[0]')) = 'from' LIMIT 1)
    FROM unsigned AS u
), named (id, login, client, domain) AS (
    SELECT u.id, u.login, u.client, CASE WHEN instr(f.value, '@') THEN
            lower(rtrim(replace(f.value, rtrim(f.value, replace(f.value, '@', '')), ''),
                  '> ' || char(9, 10, 13)))
        WHEN a.text = '' THEN '(<>)'
        ELSE '(' || lower(replace(a.text, rtrim(a.text, replace(a.text, '@', '')), '')) || ')' END
    FROM unsigned AS u JOIN fields AS f ON f.id = u.id LEFT JOIN address AS a ON a.id = u.sender
)
SELECT ifnull(n.text, c.name || '[' || c.addr || ']') AS login, d.domain AS from_domain,
    count(*) AS messages, datetime(((max(d.id) >> 22) + 1577836800000) / 1000, 'unixepoch') AS last
FROM named AS d LEFT JOIN name AS n ON n.id = d.login LEFT JOIN client AS c ON c.id = d.client
GROUP BY 1, 2
ORDER BY messages DESC, login, from_domain
LIMIT 50;
