-- shadow - what the shadow policy would have done, in the last 7 days
-- SPDX-License-Identifier: BSD-2-Clause
--
-- :span, where bound, is another span of the view since: 1h, 24h, 30d, ... Of the shadow's contents
-- the last one that judged counts. In its order: how many recipients come out the same, changed,
-- unknown; the changes by what becomes of the mail and by rule; those to look at first (tamis
-- explain takes their queue id), mail that would be refused before all; what was missing.
-- "accept as far as seen": refused before its content came, so nobody knows more of it.

WITH judged AS MATERIALIZED (
    SELECT id, n, address, change, was_action,
        CASE WHEN action = 'aborted' THEN 'accept as far as seen' ELSE action END AS action,
        code || ' ' || dsn || ' ' || text AS reply, was_text, missing, shadow_file,
        CASE WHEN file IS NULL THEN ifnull(rule_text, '-')
            ELSE file || ':' || line || ': ' || ifnull(rule_text, '') END AS rule
    FROM shadow
    WHERE id >= (SELECT id FROM since WHERE span = ifnull(:span, '7d'))
        AND shadow = (SELECT max(shadow) FROM shadow)
),
changed AS MATERIALIZED (
    SELECT * FROM judged WHERE change = 'changed'
),
known (address) AS (
    SELECT DISTINCT lower(r.address) FROM decision AS m JOIN recipient AS r ON r.id = m.id
    WHERE m.direction = 'outgoing' AND r.action = 'accept'
),
lines (part, rank, what, recipients, share, detail) AS (
    SELECT 1, k.rank, k.change, count(j.id),
        round(100.0 * count(j.id) / max(1, (SELECT count(*) FROM judged)), 2) || ' %',
        CASE k.rank WHEN 0 THEN (SELECT shadow_file FROM judged LIMIT 1) END
    FROM (SELECT 0 AS rank, 'same' AS change UNION ALL SELECT 1, 'changed'
          UNION ALL SELECT 2, 'unknown') AS k
    LEFT JOIN judged AS j ON j.change = k.change
    GROUP BY k.rank
    UNION ALL
    SELECT 1, 3, 'changed, from correspondents', count(*), NULL, 'senders that your users write to'
    FROM changed AS c JOIN decision AS m ON m.id = c.id
    WHERE m.direction = 'incoming' AND lower(m.sender) IN (SELECT address FROM known)
    HAVING count(*) > 0
    UNION ALL
    SELECT 2, -count(*), was_action || ' -> ' || action ||
        CASE WHEN was_action = action THEN ' (another reply)' ELSE '' END, count(*), NULL, rule
    FROM changed GROUP BY was_action, action, rule
    UNION ALL
    SELECT 3, rank, what, NULL, NULL, detail FROM (
        SELECT row_number() OVER (ORDER BY c.was_action <> 'accept', c.id DESC) AS rank,
            'look at ' || ifnull(m.queue_id, 'NOQUEUE') AS what,
            m.time || ' <' || ifnull(m.sender, '') || '> -> <' || ifnull(c.address, '') || '>: '
                || c.was_action || ' -> ' || c.action || ': ' || ifnull(c.reply, ifnull(c.was_text, '')) AS detail
        FROM changed AS c JOIN decision AS m ON m.id = c.id
        ORDER BY c.was_action <> 'accept', c.id DESC LIMIT 10)
    UNION ALL
    SELECT 4, -count(*), 'unknown', count(*), NULL,
        CASE WHEN missing LIKE 'header %' OR instr(missing, ' ') = 0 THEN missing
            ELSE substr(missing, 1, instr(missing, ' ') - 1) END
    FROM judged WHERE change = 'unknown' GROUP BY 6
)
SELECT what, recipients, share, detail FROM lines ORDER BY part, rank, detail;
