-- false-positives - refused mail of those whom our users write to, and what a change of rules let in
-- SPDX-License-Identifier: BSD-2-Clause
--
-- In the last 7 days; :span, where bound, is another span of the view since. Our users' mail is looked
-- for in the whole log. Addresses are compared as they were typed.

WITH refused (sender, n, id, address, recipient) AS MATERIALIZED (
    SELECT m.sender, count(*), max(r.id), r.address, r.n
    FROM mail_recipient AS r CROSS JOIN mail AS m ON m.id = r.id
    WHERE r.id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
        AND r.verdict IN (SELECT id FROM verdict WHERE action IN ('reject', 'tempfail'))
        AND m.direction = 0 AND m.sender <> ifnull((SELECT id FROM address WHERE text = ''), 0)
    GROUP BY m.sender
), top AS MATERIALIZED (
    SELECT f.*, (SELECT count(*) FROM (SELECT 1 FROM mail_recipient AS r CROSS JOIN mail AS m
        ON m.id = r.id WHERE r.address = f.sender AND m.direction = 1 LIMIT 100)) AS written
    FROM (SELECT * FROM refused AS f WHERE EXISTS (SELECT 1 FROM mail_recipient AS r
            CROSS JOIN mail AS m ON m.id = r.id WHERE r.address = f.sender AND m.direction = 1)
          ORDER BY n DESC, id DESC LIMIT 50) AS f
)
SELECT k.n AS refused, k.written AS we_wrote, a.text AS sender, t.text AS recipient,
    iif(v.enforced, '', 'would-') || d.action AS action, d.code, d.file || ':' || d.line AS rule,
    datetime(((k.id >> 22) + 1577836800000) / 1000, 'unixepoch') AS last
FROM top AS k
JOIN address AS a ON a.id = k.sender JOIN address AS t ON t.id = k.address
JOIN recipient AS d ON d.id = k.id AND d.n = k.recipient
JOIN mail_recipient AS r ON r.id = k.id AND r.n = k.recipient
JOIN verdict AS v ON v.id = r.verdict
ORDER BY k.written DESC, k.n DESC, sender;

WITH pairs (sender, address, last, verdict, policy) AS MATERIALIZED (
    SELECT m.sender, r.address, max(r.id), r.verdict, m.policy
    FROM mail_recipient AS r CROSS JOIN mail AS m ON m.id = r.id
    WHERE r.id >= ifnull(:first, (SELECT id FROM since WHERE span = ifnull(:span, '7d')))
        AND r.verdict IN (SELECT id FROM verdict WHERE action = 'reject') AND m.direction = 0
        AND m.sender <> ifnull((SELECT id FROM address WHERE text = ''), 0)
        AND m.policy <> (SELECT ruleset FROM ruleset_load ORDER BY id DESC LIMIT 1)
    GROUP BY m.sender, r.address
), later (sender, address, last, verdict, accepted) AS (
    SELECT p.sender, p.address, p.last, p.verdict,
        (SELECT r.id FROM mail_recipient AS r CROSS JOIN mail AS m ON m.id = r.id
         WHERE r.address = p.address AND r.id > p.last AND m.sender = p.sender
             AND m.policy <> p.policy
             AND r.verdict IN (SELECT id FROM verdict WHERE action = 'accept')
         ORDER BY r.id LIMIT 1)
    FROM pairs AS p
)
SELECT a.text AS later_allowed, t.text AS recipient, u.file || ':' || u.line AS once_refused_by,
    datetime(((l.last >> 22) + 1577836800000) / 1000, 'unixepoch') AS refused,
    datetime(((l.accepted >> 22) + 1577836800000) / 1000, 'unixepoch') AS accepted
FROM later AS l JOIN address AS a ON a.id = l.sender JOIN address AS t ON t.id = l.address
JOIN verdict AS v ON v.id = l.verdict LEFT JOIN rule AS u ON u.id = v.rule
WHERE l.accepted IS NOT NULL
ORDER BY l.accepted DESC
LIMIT 50;
