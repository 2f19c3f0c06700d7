-- false-positives - refused mail of those whom our users write to, and what a change of rules let in
-- SPDX-License-Identifier: BSD-2-Clause
--
-- In the last 7 days; :span, where bound, is another span of the view since. Our users' mail is looked
-- for in the whole log. Addresses are compared as they were typed.

WITH refused (id, n, sender, address, verdict) AS MATERIALIZED (
    SELECT m.id, r.n, m.sender, r.address, r.verdict
    FROM mail_recipient AS r JOIN mail AS m ON m.id = r.id
    WHERE r.id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
        AND r.verdict IN (SELECT id FROM verdict WHERE action IN ('reject', 'tempfail'))
        AND m.direction = 0
        AND m.sender IN (SELECT id FROM address WHERE text <> '')
), senders (sender, n, written) AS MATERIALIZED (
    SELECT sender, count(*),
        (SELECT count(*) FROM (SELECT 1 FROM mail_recipient AS r JOIN mail AS m ON m.id = r.id
         WHERE r.address = f.sender AND m.direction = 1 LIMIT 100))
    FROM refused AS f GROUP BY sender
)
SELECT k.n AS refused, k.written AS we_wrote, a.text AS sender, t.text AS recipient,
    iif(v.enforced, '', 'would-') || d.action AS action, d.code, d.file || ':' || d.line AS rule,
    datetime(((max(f.id) >> 22) + 1577836800000) / 1000, 'unixepoch') AS last
FROM senders AS k JOIN refused AS f ON f.sender = k.sender
JOIN address AS a ON a.id = k.sender JOIN address AS t ON t.id = f.address
JOIN recipient AS d ON d.id = f.id AND d.n = f.n JOIN verdict AS v ON v.id = f.verdict
WHERE k.written > 0
GROUP BY k.sender
ORDER BY k.written DESC, k.n DESC, sender
LIMIT 50;

WITH pairs (sender, address, last, rule, policy) AS MATERIALIZED (
    SELECT m.sender, r.address, max(m.id), v.rule, m.policy
    FROM mail_recipient AS r JOIN mail AS m ON m.id = r.id JOIN verdict AS v ON v.id = r.verdict
    WHERE r.id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
        AND r.verdict IN (SELECT id FROM verdict WHERE action = 'reject') AND m.direction = 0
        AND m.sender IN (SELECT id FROM address WHERE text <> '')
    GROUP BY m.sender, r.address
), later (sender, address, last, rule, accepted) AS (
    SELECT p.sender, p.address, p.last, p.rule,
        (SELECT min(m.id) FROM mail AS m JOIN mail_recipient AS r ON r.id = m.id
         JOIN verdict AS v ON v.id = r.verdict
         WHERE m.sender = p.sender AND r.address = p.address AND m.id > p.last
             AND m.policy <> p.policy AND v.action = 'accept')
    FROM pairs AS p
)
SELECT a.text AS later_allowed, t.text AS recipient, u.file || ':' || u.line AS once_refused_by,
    datetime(((l.last >> 22) + 1577836800000) / 1000, 'unixepoch') AS refused,
    datetime(((l.accepted >> 22) + 1577836800000) / 1000, 'unixepoch') AS accepted
FROM later AS l JOIN address AS a ON a.id = l.sender JOIN address AS t ON t.id = l.address
LEFT JOIN rule AS u ON u.id = l.rule
WHERE l.accepted IS NOT NULL
ORDER BY l.accepted DESC
LIMIT 50;
