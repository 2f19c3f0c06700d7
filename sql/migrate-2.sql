-- migrate-2 - the tables of version 1 as those of version 2; the views are made anew behind it
-- SPDX-License-Identifier: BSD-2-Clause
--
-- Questions to the world were steps; they have a table of their own now, with the same ids.

ALTER TABLE mail ADD COLUMN policy INTEGER;
ALTER TABLE mail ADD COLUMN circumstance INTEGER;
ALTER TABLE mail ADD COLUMN size INTEGER;

CREATE TABLE circumstance (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    ptr TEXT,
    resolve TEXT,
    daemon_name TEXT,
    daemon_addr TEXT,
    daemon_port INTEGER,
    local INTEGER NOT NULL,
    tls_version TEXT,
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

CREATE TABLE asked (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    question TEXT,
    state TEXT,
    answer TEXT
);

CREATE INDEX asked_content ON asked (question, answer, state);

CREATE TABLE dkim (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    domain TEXT,
    selector TEXT,
    algorithm TEXT,
    bits INTEGER,
    canonicalization TEXT,
    identity TEXT,
    result TEXT,
    reason TEXT,
    signed INTEGER NOT NULL
);

CREATE INDEX dkim_content ON dkim (domain, selector, result, reason, identity, algorithm);

CREATE TABLE edit (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    op TEXT NOT NULL,
    field TEXT,
    value TEXT,
    rule INTEGER
);

CREATE INDEX edit_content ON edit (value, field, rule, op);

CREATE INDEX client_name ON client (name COLLATE NOCASE) WHERE name <> 'unknown';

CREATE INDEX mail_sender ON mail (sender) WHERE sender IS NOT NULL;

CREATE INDEX mail_client ON mail (client);

CREATE INDEX mail_message_id ON mail (substr(message_id, 2, 12)) WHERE message_id IS NOT NULL;

CREATE INDEX mail_recipient_address ON mail_recipient (address);

CREATE TABLE mail_token (
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    token TEXT NOT NULL,
    PRIMARY KEY (id, n, token)
) WITHOUT ROWID;

CREATE INDEX mail_token_text ON mail_token (token);

CREATE TABLE mail_question (
    id INTEGER PRIMARY KEY,
    list TEXT,
    signatures TEXT
);

CREATE TABLE mail_edit (
    id INTEGER PRIMARY KEY,
    list TEXT NOT NULL
);

CREATE TABLE mail_evidence (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);

CREATE TABLE mail_shadow (
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    ruleset INTEGER NOT NULL,
    change INTEGER NOT NULL,
    verdict INTEGER,
    missing TEXT,
    PRIMARY KEY (id, n)
) WITHOUT ROWID;

CREATE TABLE shadow_ruleset (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    file TEXT NOT NULL
);

CREATE TABLE node (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE ruleset (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    version TEXT
);

CREATE TABLE ruleset_load (
    id INTEGER PRIMARY KEY,
    ruleset INTEGER NOT NULL,
    loaded_ms INTEGER NOT NULL,
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
    text TEXT
);

CREATE TABLE ruleset_rule (
    n INTEGER PRIMARY KEY,
    file TEXT,
    line INTEGER,
    text TEXT,
    since_ms INTEGER NOT NULL
);

CREATE INDEX ruleset_rule_content ON ruleset_rule (file, text);

CREATE TABLE hour_mail (
    hour INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    action TEXT NOT NULL,
    enforced INTEGER NOT NULL,
    stage TEXT NOT NULL,
    code INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    PRIMARY KEY (hour, direction, action, enforced, stage, code)
) WITHOUT ROWID;

CREATE TABLE hour_latency (
    hour INTEGER NOT NULL,
    what TEXT NOT NULL,
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
    domain TEXT NOT NULL,
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
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, what)
) WITHOUT ROWID;

INSERT INTO asked (id, used, question, state, answer)
SELECT id, used, question, result, answer FROM step WHERE restriction = 'question';

INSERT INTO mail_question (id, list)
SELECT id, json_group_array(json_array(step, us)) FROM
    (SELECT k.id, json_extract(e.value, '$[1]') AS step, json_extract(e.value, '$[2]') AS us
     FROM mail_check AS k JOIN json_each(k.list) AS e ORDER BY k.id, e.key)
WHERE step IN (SELECT id FROM asked)
GROUP BY id;

UPDATE mail_check SET list =
    (SELECT json_group_array(json(value)) FROM
        (SELECT e.value AS value FROM json_each(mail_check.list) AS e
         WHERE json_extract(e.value, '$[1]') NOT IN (SELECT id FROM asked) ORDER BY e.key))
WHERE id IN (SELECT id FROM mail_question);

DELETE FROM mail_check WHERE list = '[]';

DELETE FROM step WHERE restriction = 'question';
