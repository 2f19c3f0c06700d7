-- log-1 - a decision log as version 1 of the schema had it, with three transactions
-- SPDX-License-Identifier: BSD-2-Clause
--
-- The views at the end are the interface: their names and columns stay. The tables may change with
-- user_version; an older file is brought forward when the filter opens it, a newer one is left
-- alone.
--
-- In the views NULL means unknown, not told, or none; '' is a known empty text: the null sender <>.
-- Times are UTC, 'YYYY-MM-DD HH:MM:SS'.
--
-- id: (milliseconds since 2020-01-01 UTC) << 22 | node << 12 | sequence, taken when the transaction
-- ended. It only ever grows, so it is order of arrival and time index in one.

PRAGMA application_id = 0x74616d69;

-- The dictionaries: what is said again and again is stored once. `used` is the last generation of
-- rows (see below) that points to the entry; when those rows are gone the entry goes, too.

-- Host names, HELO names, logins.
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    text TEXT NOT NULL UNIQUE
);

-- Mail addresses, as the client typed them, without < and >.
CREATE TABLE address (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    text TEXT NOT NULL UNIQUE
);

CREATE TABLE client (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    addr TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (addr, name)
);

-- A rule that was in force: where it stood and what it said.
CREATE TABLE rule (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    file TEXT,
    line INTEGER,
    text TEXT
);
CREATE INDEX rule_content ON rule (file, line, text);

-- The texts of verdict and step hold variables, so that thousands of messages share one entry:
-- char(1) client name, char(2) client address, char(3) HELO name, char(4) login, char(5) sender,
-- char(6) recipient, char(7) domain of the sender, char(8) domain of the recipient. A domain is
-- what follows the first @.

CREATE TABLE verdict (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    action TEXT NOT NULL,
    stage TEXT,
    enforced INTEGER NOT NULL,
    code INTEGER,
    dsn TEXT,
    text TEXT,
    rule INTEGER
);
CREATE INDEX verdict_content ON verdict (text, rule, code, dsn, stage, action, enforced);

-- One restriction and how it came out.
CREATE TABLE step (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    restriction TEXT,
    question TEXT,
    answer TEXT,
    result TEXT,
    rule INTEGER
);
CREATE INDEX step_content ON step (question, restriction, answer, result, rule);

-- A new generation begins at each start and when much has been written since the last one.
CREATE TABLE generation (
    number INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL
);

-- One row a transaction, also for one that was refused before MAIL.
CREATE TABLE mail (
    id INTEGER PRIMARY KEY,
    clock_ms INTEGER,           -- the clock had stepped back: to be added to the time in id
    direction INTEGER NOT NULL, -- 0 incoming, 1 outgoing
    client INTEGER NOT NULL,
    helo INTEGER,
    login INTEGER,
    sender INTEGER,
    verdict INTEGER NOT NULL,
    us INTEGER NOT NULL,        -- from the first event to the last answer
    held INTEGER NOT NULL,
    redirected INTEGER,         -- an address
    queue_id TEXT,
    message_id TEXT
);
CREATE INDEX mail_queue_id ON mail (queue_id) WHERE queue_id IS NOT NULL;

CREATE TABLE mail_recipient (
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    address INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    PRIMARY KEY (id, n)
) WITHOUT ROWID;

-- The steps of one transaction in their order: JSON, [[recipient, step, microseconds], ...].
CREATE TABLE mail_check (
    id INTEGER PRIMARY KEY,
    list TEXT NOT NULL
);

-- One row a transaction.
--   action      accept, reject, tempfail, discard, or aborted: the client ended it
--   enforced    0: judged only; the mail server was told to go on
--   stage       where it was decided, as in Postfix's log: CONNECT, HELO, MAIL, RCPT, DATA,
--               HEADER, BODY, END-OF-MESSAGE
--   code, dsn, text          what the client was told: 554, 5.7.1, ...
--   file, line, rule_text    the rule that decided
--   recipients  all that were named, in their order, separated by commas
--   ms          from the first event to the last answer
--   held        1: put on hold, else 0
--   redirected  the address to which the message was redirected
CREATE VIEW decision (id, time, queue_id, message_id, direction, client_name, client_addr, helo,
                      login, sender, recipients, stage, action, enforced, code, dsn, text, file,
                      line, rule_text, ms, held, redirected) AS
SELECT
    m.id,
    datetime(((m.id >> 22) + 1577836800000 + ifnull(m.clock_ms, 0)) / 1000, 'unixepoch'),
    m.queue_id, m.message_id,
    CASE m.direction WHEN 1 THEN 'outgoing' ELSE 'incoming' END,
    c.name, c.addr, h.text, l.text, s.text,
    (SELECT group_concat(text, ',') FROM
        (SELECT a.text AS text FROM mail_recipient AS r JOIN address AS a ON a.id = r.address
         WHERE r.id = m.id ORDER BY r.n)),
    v.stage, v.action, v.enforced, v.code, v.dsn,
    CASE WHEN v.text GLOB '*[' || char(1) || '-' || char(8) || ']*' THEN
        (SELECT replace(replace(replace(replace(replace(replace(replace(replace(v.text,
             char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')),
             char(3), ifnull(h.text, '')), char(4), ifnull(l.text, '')),
             char(5), ifnull(s.text, '')), char(6), ifnull(a.text, '')),
             char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
             char(8), ifnull(substr(a.text, instr(a.text, '@') + 1), ''))
         FROM (SELECT max(n) AS n FROM mail_recipient WHERE id = m.id) AS last
         LEFT JOIN mail_recipient AS r ON r.id = m.id AND r.n = last.n
         LEFT JOIN address AS a ON a.id = r.address)
    ELSE v.text END,
    u.file, u.line, u.text,
    m.us / 1000.0,
    m.held,
    d.text
FROM mail AS m
LEFT JOIN client AS c ON c.id = m.client
LEFT JOIN name AS h ON h.id = m.helo
LEFT JOIN name AS l ON l.id = m.login
LEFT JOIN address AS s ON s.id = m.sender
LEFT JOIN verdict AS v ON v.id = m.verdict
LEFT JOIN rule AS u ON u.id = v.rule
LEFT JOIN address AS d ON d.id = m.redirected;

-- One row a recipient, n counting from 1: its own refusal, else what became of the message.
CREATE VIEW recipient (id, n, address, action, code, dsn, text, file, line) AS
SELECT
    r.id, r.n, a.text, v.action, v.code, v.dsn,
    replace(replace(replace(replace(replace(replace(replace(replace(v.text,
        char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')), char(3), ifnull(h.text, '')),
        char(4), ifnull(l.text, '')), char(5), ifnull(s.text, '')), char(6), ifnull(a.text, '')),
        char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
        char(8), ifnull(substr(a.text, instr(a.text, '@') + 1), '')),
    u.file, u.line
FROM mail_recipient AS r
JOIN mail AS m ON m.id = r.id
LEFT JOIN client AS c ON c.id = m.client
LEFT JOIN name AS h ON h.id = m.helo
LEFT JOIN name AS l ON l.id = m.login
LEFT JOIN address AS s ON s.id = m.sender
LEFT JOIN address AS a ON a.id = r.address
LEFT JOIN verdict AS v ON v.id = r.verdict
LEFT JOIN rule AS u ON u.id = v.rule;

-- One row a restriction that was judged, n counting from 1 in the transaction.
--   recipient  the n of the view recipient; NULL: judged for the message as a whole
--   question   what was looked up, as in 'table hash:rules/client mail.example'
--   answer     what came back, raw
--   result     dunno, permit, reject, defer, ...; warn:reject under warn_if_reject
--   us         microseconds
CREATE VIEW check_result (id, n, recipient, restriction, question, answer, result, file, line,
                          us) AS
SELECT
    k.id, e.key + 1, nullif(json_extract(e.value, '$[0]'), 0), p.restriction,
    replace(replace(replace(replace(replace(replace(replace(replace(p.question,
        char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')), char(3), ifnull(h.text, '')),
        char(4), ifnull(l.text, '')), char(5), ifnull(s.text, '')), char(6), ifnull(a.text, '')),
        char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
        char(8), ifnull(substr(a.text, instr(a.text, '@') + 1), '')),
    replace(replace(replace(replace(replace(replace(replace(replace(p.answer,
        char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')), char(3), ifnull(h.text, '')),
        char(4), ifnull(l.text, '')), char(5), ifnull(s.text, '')), char(6), ifnull(a.text, '')),
        char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
        char(8), ifnull(substr(a.text, instr(a.text, '@') + 1), '')),
    p.result, u.file, u.line, json_extract(e.value, '$[2]')
FROM mail_check AS k
JOIN mail AS m ON m.id = k.id
JOIN json_each(k.list) AS e
LEFT JOIN step AS p ON p.id = json_extract(e.value, '$[1]')
LEFT JOIN rule AS u ON u.id = p.rule
LEFT JOIN client AS c ON c.id = m.client
LEFT JOIN name AS h ON h.id = m.helo
LEFT JOIN name AS l ON l.id = m.login
LEFT JOIN address AS s ON s.id = m.sender
LEFT JOIN mail_recipient AS r ON r.id = k.id AND r.n = json_extract(e.value, '$[0]')
LEFT JOIN address AS a ON a.id = r.address;

-- The first id of the last hour, day, ...: WHERE id >= (SELECT id FROM since WHERE span = '7d')
-- reads only the rows of that time. 'all' is everything.
CREATE VIEW since (span, id) AS
WITH known (span, seconds) AS (VALUES
    ('1h', 3600), ('6h', 21600), ('12h', 43200), ('24h', 86400), ('48h', 172800),
    ('1d', 86400), ('2d', 172800), ('3d', 259200), ('7d', 604800), ('14d', 1209600),
    ('30d', 2592000), ('90d', 7776000), ('365d', 31536000))
SELECT span, (CAST(strftime('%s', 'now') AS INTEGER) - seconds - 1577836800) * 1000 << 22 FROM known
UNION ALL SELECT 'all', 0;

PRAGMA user_version = 1;

INSERT INTO generation VALUES (1, 1);
INSERT INTO name VALUES (1, 1, 'mail.example');
INSERT INTO address VALUES (1, 1, 'a@b.example'), (2, 1, 'bob@example.org'), (3, 1, '');
INSERT INTO client VALUES (1, 1, '192.0.2.7', 'mail.example');
INSERT INTO rule VALUES (1, 1, 'client', 7, 'mail.example REJECT go');
INSERT INTO verdict VALUES (1, 1, 'accept', 'END-OF-MESSAGE', 1, NULL, NULL, NULL, NULL),
    (2, 1, 'reject', 'RCPT', 1, 554, '5.7.1', '<' || char(1) || '>: Client host rejected: go', 1);
INSERT INTO step VALUES (1, 1, 'permit_mynetworks', NULL, NULL, 'dunno', NULL),
    (2, 1, 'check_client_access texthash:client', 'table texthash:client ' || char(1), 'REJECT go',
     'reject', 1),
    (3, 1, 'question', 'dns MX ' || char(7), '10 mx.b.example', 'found', NULL),
    (4, 1, 'question', 'rbl zen.example ' || char(2), 'NXDOMAIN', 'none', NULL);
INSERT INTO mail VALUES
    ((SELECT id FROM since WHERE span = '1h') & ~4095, NULL, 0, 1, 1, NULL, 1, 2, 2500, 0,
     NULL, NULL, NULL),
    (((SELECT id FROM since WHERE span = '1h') & ~4095) + 1, NULL, 0, 1, 1, NULL, 1, 1, 2600, 1,
     NULL, '4Q1', '<1@b.example>'),
    (((SELECT id FROM since WHERE span = '1h') & ~4095) + 2, NULL, 1, 1, 1, 1, 3, 1, 2700, 0, 2,
     '4Q2', NULL);
INSERT INTO mail_recipient SELECT id, 1, 2, verdict FROM mail;
INSERT INTO mail_check SELECT min(id), '[[0,1,3],[1,2,12],[0,3,900],[0,4,1]]' FROM mail;
INSERT INTO mail_check SELECT min(id) + 1, '[[0,3,7]]' FROM mail;
