-- schema - the decision log: what is stored, and the views that people and programs read
-- SPDX-License-Identifier: BSD-2-Clause
--
-- The views at the end are the interface: their names and columns stay. The tables may change with
-- user_version; an older file is brought forward when the filter opens it (sql/migrate-N.sql, then
-- the views anew), a newer one is left alone.
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
CREATE INDEX client_name ON client (name COLLATE NOCASE) WHERE name <> 'unknown';

-- How the client came: what a replay needs to know of the connection.
CREATE TABLE circumstance (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    ptr TEXT,                   -- NULL: the client's name
    resolve TEXT,
    daemon_name TEXT,
    daemon_addr TEXT,
    daemon_port INTEGER,
    local INTEGER NOT NULL,     -- 1: submitted by sendmail(1)
    tls_version TEXT,           -- NULL: no TLS
    cipher TEXT,
    cipher_bits TEXT,
    cert_subject TEXT,
    cert_issuer TEXT,
    auth_method TEXT,
    smtputf8 INTEGER NOT NULL,
    mta_version TEXT,
    mta_host TEXT
);
CREATE INDEX circumstance_content ON circumstance (ptr, cipher, tls_version, auth_method,
    daemon_name, daemon_addr, daemon_port, resolve, cert_subject);

-- A rule that fired: where it stood and what it said. Kept when what it decided is gone, because
-- the counters of the hours name it.
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

-- One question to the world and what came back.
CREATE TABLE asked (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    question TEXT,
    state TEXT,                 -- found, none, temperror
    answer TEXT
);
CREATE INDEX asked_content ON asked (question, answer, state);

-- One DKIM signature: found in the mail and judged, or made here (signed 1).
CREATE TABLE dkim (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    domain TEXT,
    selector TEXT,
    algorithm TEXT,
    bits INTEGER,
    canonicalization TEXT,
    identity TEXT,              -- NULL: @domain
    result TEXT,
    reason TEXT,
    signed INTEGER NOT NULL
);
CREATE INDEX dkim_content ON dkim (domain, selector, result, reason, identity, algorithm);

-- One change of a mail. Values hold variables, and are kept only where a rule wrote them.
CREATE TABLE edit (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    op TEXT NOT NULL,           -- prepend, replace, ignore, strip, hold, redirect, bcc
    field TEXT,
    value TEXT,
    rule INTEGER
);
CREATE INDEX edit_content ON edit (value, field, rule, op);

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
    message_id TEXT,
    policy INTEGER,             -- a ruleset
    circumstance INTEGER,
    size INTEGER                -- as the client announced it
);
CREATE INDEX mail_queue_id ON mail (queue_id) WHERE queue_id IS NOT NULL;
CREATE INDEX mail_sender ON mail (sender) WHERE sender IS NOT NULL;
CREATE INDEX mail_client ON mail (client);
-- For WHERE substr(message_id, 2, 12) = ... AND message_id = ...
CREATE INDEX mail_message_id ON mail (substr(message_id, 2, 12)) WHERE message_id IS NOT NULL;

CREATE TABLE mail_recipient (
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    address INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    PRIMARY KEY (id, n)
) WITHOUT ROWID;
CREATE INDEX mail_recipient_address ON mail_recipient (address);

-- One row a reply of ours that ended with a token, 'K7Q4-9MZ2'. n: the recipient; 0: none.
CREATE TABLE mail_token (
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    token TEXT NOT NULL,
    PRIMARY KEY (id, n, token)
) WITHOUT ROWID;
CREATE INDEX mail_token_text ON mail_token (token);

-- The steps of one transaction in their order: JSON, [[recipient, step, microseconds], ...].
CREATE TABLE mail_check (
    id INTEGER PRIMARY KEY,
    list TEXT NOT NULL
);

-- What was asked of the world: JSON, [[asked, microseconds], ...]; and the DKIM signatures in the
-- order of the mail: JSON, [dkim, ...]. In one row, because most mails have both.
CREATE TABLE mail_question (
    id INTEGER PRIMARY KEY,
    list TEXT,
    signatures TEXT
);

-- Changes in the order in which they were decided: JSON, [edit, ...].
CREATE TABLE mail_edit (
    id INTEGER PRIMARY KEY,
    list TEXT NOT NULL
);

-- What else a replay needs: JSON, see tamis-log(5).
CREATE TABLE mail_evidence (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);

-- What a shadow policy would have done; ruleset: a shadow_ruleset. n: the recipient; 0: the
-- transaction had none. verdict NULL: that of the filter, by the same rule.
CREATE TABLE mail_shadow (
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    ruleset INTEGER NOT NULL,
    change INTEGER NOT NULL,    -- 0 same, 1 changed, 2 unknown
    verdict INTEGER,
    missing TEXT,
    PRIMARY KEY (id, n)
) WITHOUT ROWID;

CREATE TABLE shadow_ruleset (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    file TEXT NOT NULL
);

-- The nodes whose rows are here; the number stands in each id.
CREATE TABLE node (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);

-- Policies: one row for each content, whatever the number of times that it was loaded.
CREATE TABLE ruleset (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    version TEXT                -- of tamis; NULL: nothing but the hash is known
);

CREATE TABLE ruleset_load (
    id INTEGER PRIMARY KEY,
    ruleset INTEGER NOT NULL,
    loaded_ms INTEGER NOT NULL, -- since 1970
    loaded_by TEXT NOT NULL
);

CREATE TABLE ruleset_file (
    ruleset INTEGER NOT NULL,
    n INTEGER NOT NULL,
    path TEXT NOT NULL,
    text INTEGER NOT NULL,
    PRIMARY KEY (ruleset, n)
) WITHOUT ROWID;

CREATE TABLE ruleset_text (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    text TEXT                   -- NULL: too large to be kept
);

-- The rules of the policy that was loaded last, and since when each of them is in force.
CREATE TABLE ruleset_rule (
    n INTEGER PRIMARY KEY,
    file TEXT,
    line INTEGER,
    text TEXT,
    since_ms INTEGER NOT NULL
);
CREATE INDEX ruleset_rule_content ON ruleset_rule (file, text);

-- Counters by hours since 2020-01-01 UTC; they stay when the rows that they count are gone. Of what
-- strangers can invent only the most frequent of each hour keeps its name; all others are '*'.

CREATE TABLE hour_mail (
    hour INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    action TEXT NOT NULL,
    enforced INTEGER NOT NULL,
    stage TEXT NOT NULL,
    code INTEGER NOT NULL,      -- 0: none
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    PRIMARY KEY (hour, direction, action, enforced, stage, code)
) WITHOUT ROWID;

-- bucket b counts what took less than 2^b microseconds, but not less than half of that.
CREATE TABLE hour_latency (
    hour INTEGER NOT NULL,
    what TEXT NOT NULL,         -- message, a stage, or a question's kind
    bucket INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (hour, what, bucket)
) WITHOUT ROWID;

CREATE TABLE hour_rule (
    hour INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    result TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (hour, rule, result)
) WITHOUT ROWID;
CREATE INDEX hour_rule_rule ON hour_rule (rule);

CREATE TABLE hour_auth (
    hour INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    method TEXT NOT NULL,
    domain TEXT NOT NULL,       -- '': not told
    result TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (hour, direction, method, domain, result)
) WITHOUT ROWID;

CREATE TABLE hour_login (
    hour INTEGER NOT NULL,
    login TEXT NOT NULL,
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (hour, login)
) WITHOUT ROWID;

CREATE TABLE hour_reject (
    hour INTEGER NOT NULL,
    kind TEXT NOT NULL,         -- sender_domain, client_net
    what TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, what)
) WITHOUT ROWID;

-- THE VIEWS

-- One row a transaction.
--   action      accept, reject, tempfail, discard, or aborted: the client ended it
--   enforced    0: judged only; the mail server was told to go on
--   stage       where it was decided, as in Postfix's log: CONNECT, HELO, MAIL, RCPT, DATA,
--               HEADER, BODY, END-OF-MESSAGE; NULL: aborted before anything was
--   code, dsn, text          what the client was told: 554, 5.7.1, ...; of discard only a text, for
--               whoever reads the log
--   file, line, rule_text    the rule that decided
--   recipients  all that were named, in their order, separated by commas
--   ms          from the first event to the last answer
--   held        1: put on hold, else 0
--   redirected  the address to which the message was redirected; NULL where it was refused
--   policy      the policy in force, of the view policy
--   size        in bytes, as the client announced it
CREATE VIEW decision (id, time, queue_id, message_id, direction, client_name, client_addr, helo,
                      login, sender, recipients, stage, action, enforced, code, dsn, text, file,
                      line, rule_text, ms, held, redirected, policy, size) AS
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
    d.text,
    m.policy,
    m.size
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

-- One row a question that was asked of the world (the DNS), n counting from 1.
--   state   found, none, temperror
--   answer  what came back, raw
CREATE VIEW question (id, n, question, state, answer, us) AS
SELECT
    k.id, e.key + 1,
    replace(replace(replace(replace(replace(replace(p.question,
        char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')), char(3), ifnull(h.text, '')),
        char(4), ifnull(l.text, '')), char(5), ifnull(s.text, '')),
        char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
    p.state,
    replace(replace(replace(replace(replace(replace(p.answer,
        char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')), char(3), ifnull(h.text, '')),
        char(4), ifnull(l.text, '')), char(5), ifnull(s.text, '')),
        char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
    json_extract(e.value, '$[1]')
FROM mail_question AS k
JOIN mail AS m ON m.id = k.id
JOIN json_each(k.list) AS e
LEFT JOIN asked AS p ON p.id = json_extract(e.value, '$[0]')
LEFT JOIN client AS c ON c.id = m.client
LEFT JOIN name AS h ON h.id = m.helo
LEFT JOIN name AS l ON l.id = m.login
LEFT JOIN address AS s ON s.id = m.sender;

-- One row a DKIM signature, n counting from 1: of the mail or, signed = 1, made by the filter.
CREATE VIEW signature (id, n, domain, selector, algorithm, bits, canonicalization, identity, signed,
                       result, reason) AS
SELECT k.id, e.key + 1, p.domain, p.selector, p.algorithm, p.bits, p.canonicalization,
    ifnull(p.identity, '@' || p.domain), p.signed, p.result, p.reason
FROM mail_question AS k
JOIN json_each(k.signatures) AS e
LEFT JOIN dkim AS p ON p.id = e.value;

-- One row a change of the mail, n counting from 1. For hold, redirect and bcc field is NULL.
--   op  more: value says how many more changes there were
CREATE VIEW header_edit (id, n, op, field, value, file, line, rule_text) AS
SELECT
    k.id, e.key + 1, p.op, p.field,
    replace(replace(replace(replace(replace(replace(p.value,
        char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')), char(3), ifnull(h.text, '')),
        char(4), ifnull(l.text, '')), char(5), ifnull(s.text, '')),
        char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
    u.file, u.line, u.text
FROM mail_edit AS k
JOIN mail AS m ON m.id = k.id
JOIN json_each(k.list) AS e
LEFT JOIN edit AS p ON p.id = e.value
LEFT JOIN rule AS u ON u.id = p.rule
LEFT JOIN client AS c ON c.id = m.client
LEFT JOIN name AS h ON h.id = m.helo
LEFT JOIN name AS l ON l.id = m.login
LEFT JOIN address AS s ON s.id = m.sender;

-- One row a reply that ended with a token. recipient: the n of the view recipient, or NULL.
CREATE VIEW token (token, id, recipient) AS
SELECT token, id, nullif(n, 0) FROM mail_token;

-- One row a transaction: how its client came.
CREATE VIEW connection (id, client_ptr, client_resolve, daemon_name, daemon_addr, daemon_port,
                        local, tls_version, cipher, cipher_bits, cert_subject, cert_issuer,
                        auth_method, smtputf8, mta_version, mta_host) AS
SELECT m.id, ifnull(k.ptr, c.name), k.resolve, k.daemon_name, k.daemon_addr, k.daemon_port, k.local,
    k.tls_version, k.cipher, k.cipher_bits, k.cert_subject, k.cert_issuer, k.auth_method,
    k.smtputf8, k.mta_version, k.mta_host
FROM mail AS m
JOIN circumstance AS k ON k.id = m.circumstance
LEFT JOIN client AS c ON c.id = m.client;

-- What else a replay needs, JSON.
CREATE VIEW evidence (id, evidence) AS
SELECT id, text FROM mail_evidence;

-- One row a load of a policy. until: when the next one was loaded; NULL: it is in force.
CREATE VIEW policy (policy, loaded, until, loaded_by, hash, version) AS
SELECT s.id, datetime(b.loaded_ms / 1000, 'unixepoch'),
    datetime((SELECT loaded_ms FROM ruleset_load WHERE id > b.id ORDER BY id LIMIT 1) / 1000,
             'unixepoch'),
    b.loaded_by, s.hash, s.version
FROM ruleset_load AS b JOIN ruleset AS s ON s.id = b.ruleset;

-- One row a file that a policy was read from, n counting from 1; text NULL: too large to be kept.
CREATE VIEW policy_file (policy, n, path, hash, size, text) AS
SELECT f.ruleset, f.n, f.path, t.hash, t.size, t.text
FROM ruleset_file AS f JOIN ruleset_text AS t ON t.id = f.text;

-- The counters of each hour. hour is a number that grows, time its beginning:
-- WHERE hour >= (SELECT hour FROM since WHERE span = '7d')

-- Transactions and recipients.
CREATE VIEW volume (hour, time, direction, action, enforced, stage, code, messages, recipients) AS
SELECT hour, datetime(hour * 3600 + 1577836800, 'unixepoch'),
    CASE direction WHEN 1 THEN 'outgoing' ELSE 'incoming' END, action, enforced,
    nullif(stage, ''), nullif(code, 0), messages, recipients
FROM hour_mail;

-- How often a rule fired, and with which result.
CREATE VIEW rule_hits (hour, time, file, line, rule_text, result, n) AS
SELECT k.hour, datetime(k.hour * 3600 + 1577836800, 'unixepoch'), u.file, u.line, u.text,
    k.result, k.n
FROM hour_rule AS k JOIN rule AS u ON u.id = k.rule;

-- The rules in force that have never fired, as far as the counters go back, and since when they are
-- in force. A rule that only moved to another line is the same one; so is one that the lists of both
-- directions have.
CREATE VIEW dead_rules (file, line, rule_text, since) AS
SELECT DISTINCT d.file, d.line, d.text, datetime(d.since_ms / 1000, 'unixepoch')
FROM ruleset_rule AS d
WHERE NOT EXISTS (SELECT 1 FROM rule AS u JOIN hour_rule AS k ON k.rule = u.id
                  WHERE u.file IS d.file AND u.text IS d.text);

-- Results of SPF, DKIM and iprev by domain. domain '*': all those that are not listed.
CREATE VIEW auth_rate (hour, time, direction, method, domain, result, n) AS
SELECT hour, datetime(hour * 3600 + 1577836800, 'unixepoch'),
    CASE direction WHEN 1 THEN 'outgoing' ELSE 'incoming' END, method, nullif(domain, ''),
    result, n
FROM hour_auth;

-- What each login sent; refused: transactions.
CREATE VIEW login_volume (hour, time, login, messages, recipients, refused) AS
SELECT hour, datetime(hour * 3600 + 1577836800, 'unixepoch'), login, messages, recipients, refused
FROM hour_login;

-- How long things took: n of them less than us microseconds, but not less than half of that.
--   what  message: from the first event to the last answer; a stage, RCPT, END-OF-MESSAGE ...: the
--         slowest answer of a transaction; a question's kind: table, dns, spf ...
CREATE VIEW latency (hour, time, what, us, n) AS
SELECT hour, datetime(hour * 3600 + 1577836800, 'unixepoch'), what, 1 << bucket, n
FROM hour_latency;

-- Who was refused most.
--   kind  sender_domain, client_net (/24 or /48)
--   what  '*': all those that are not listed
CREATE VIEW top_rejects (hour, time, kind, what, n) AS
SELECT hour, datetime(hour * 3600 + 1577836800, 'unixepoch'), kind, what, n FROM hour_reject;

-- One row the first time that a recipient was put off at RCPT TO, by sender and recipient.
--   returned  the transaction in which the same mail was taken within two days; NULL: none
--   delay     seconds until then
CREATE VIEW greylist_effect (id, time, client_addr, sender, recipient, file, line, returned,
                             delay) AS
WITH put_off (id, sender, address, verdict, client) AS MATERIALIZED (
    SELECT min(r.id), m.sender, r.address, r.verdict, m.client
    FROM mail_recipient AS r
    CROSS JOIN mail AS m ON m.id = r.id
    WHERE r.verdict IN (SELECT id FROM verdict WHERE action = 'tempfail' AND stage = 'RCPT'
                        AND code BETWEEN 400 AND 499)
        AND m.sender IS NOT NULL
    GROUP BY m.sender, r.address),
-- Once through all that was accepted: looking each pair up would take those who write much, and
-- are written to much, for hours.
taken (returned, sender, address) AS MATERIALIZED (
    SELECT min(r.id), p.sender, p.address
    FROM mail_recipient AS r
    CROSS JOIN mail AS m ON m.id = r.id
    CROSS JOIN put_off AS p ON p.sender = m.sender AND p.address = r.address
    WHERE r.verdict IN (SELECT id FROM verdict WHERE action = 'accept')
        AND r.id > p.id AND r.id < p.id + (172800000 << 22)
    GROUP BY p.sender, p.address)
SELECT p.id, datetime(((p.id >> 22) + 1577836800000) / 1000, 'unixepoch'), c.addr, s.text, a.text,
    u.file, u.line, t.returned, ((t.returned >> 22) - (p.id >> 22)) / 1000
FROM put_off AS p
LEFT JOIN taken AS t ON t.sender = p.sender AND t.address = p.address
LEFT JOIN verdict AS v ON v.id = p.verdict
LEFT JOIN client AS c ON c.id = p.client
LEFT JOIN address AS s ON s.id = p.sender
LEFT JOIN address AS a ON a.id = p.address
LEFT JOIN rule AS u ON u.id = v.rule;

-- One row a recipient that the shadow policy judged; n NULL: the transaction had no recipient.
--   change    same, changed, unknown
--   action ... rule_text   what the shadow would have done, as in the view decision; aborted: taken,
--             as far as was seen
--   missing   unknown: the question that nobody asked, or what was not there to be read
--   shadow    grows with each new content of the shadow, whose file it is
CREATE VIEW shadow (id, n, address, change, stage, action, code, dsn, text, file, line, rule_text,
                    was_action, was_text, missing, shadow, shadow_file) AS
SELECT
    k.id, nullif(k.n, 0), a.text,
    CASE k.change WHEN 0 THEN 'same' WHEN 1 THEN 'changed' ELSE 'unknown' END,
    v.stage, v.action, v.code, v.dsn,
    replace(replace(replace(replace(replace(replace(replace(replace(v.text,
        char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')), char(3), ifnull(h.text, '')),
        char(4), ifnull(l.text, '')), char(5), ifnull(s.text, '')), char(6), ifnull(a.text, '')),
        char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
        char(8), ifnull(substr(a.text, instr(a.text, '@') + 1), '')),
    u.file, u.line, u.text, w.action,
    replace(replace(replace(replace(replace(replace(replace(replace(w.text,
        char(1), ifnull(c.name, '')), char(2), ifnull(c.addr, '')), char(3), ifnull(h.text, '')),
        char(4), ifnull(l.text, '')), char(5), ifnull(s.text, '')), char(6), ifnull(a.text, '')),
        char(7), ifnull(substr(s.text, instr(s.text, '@') + 1), '')),
        char(8), ifnull(substr(a.text, instr(a.text, '@') + 1), '')),
    k.missing, k.ruleset, p.file
FROM mail_shadow AS k
JOIN mail AS m ON m.id = k.id
LEFT JOIN shadow_ruleset AS p ON p.id = k.ruleset
LEFT JOIN mail_recipient AS r ON r.id = k.id AND r.n = k.n
LEFT JOIN client AS c ON c.id = m.client
LEFT JOIN name AS h ON h.id = m.helo
LEFT JOIN name AS l ON l.id = m.login
LEFT JOIN address AS s ON s.id = m.sender
LEFT JOIN address AS a ON a.id = r.address
LEFT JOIN verdict AS w ON w.id = ifnull(r.verdict, m.verdict)
LEFT JOIN verdict AS v ON v.id = ifnull(k.verdict, w.id)
LEFT JOIN rule AS u ON u.id = v.rule;

-- The nodes whose rows are here; that of a row is id >> 12 & 1023.
CREATE VIEW nodes (node, name) AS
SELECT number, name FROM node;

-- The first id of the last hour, day, ...: WHERE id >= (SELECT id FROM since WHERE span = '7d')
-- reads only the rows of that time; hour is the first hour of the counters. 'all' is everything.
CREATE VIEW since (span, id, hour) AS
WITH known (span, seconds) AS (VALUES
    ('1h', 3600), ('6h', 21600), ('12h', 43200), ('24h', 86400), ('48h', 172800),
    ('1d', 86400), ('2d', 172800), ('3d', 259200), ('7d', 604800), ('14d', 1209600),
    ('30d', 2592000), ('90d', 7776000), ('365d', 31536000))
SELECT span, (CAST(strftime('%s', 'now') AS INTEGER) - seconds - 1577836800) * 1000 << 22,
    (CAST(strftime('%s', 'now') AS INTEGER) - seconds - 1577836800) / 3600
FROM known
UNION ALL SELECT 'all', 0, 0;

PRAGMA user_version = 2;
