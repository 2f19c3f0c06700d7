/* 5-detail - what the views say of questions, signatures, edits, tokens, policies and hours */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_batch.h"
#include "journal_wait.h"
#include "logged.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct rule_ref header_rule = {{"rules/header", 4}, "/^X-A/ PREPEND X-Seen: yes"};

static void add_finding(struct message *m, const char *question, enum finding_state state,
                        const char *answer, unsigned us)
{
    struct finding *f = message_add_finding(m, question);

    f->state = state;
    f->answer = answer;
    f->us = us;
}

static struct entry *rich_entry(void)
{
    struct entry *e = logged_entry(0);
    struct message *m = e->message;
    struct logged_signature *s;
    const struct header *h = message_add_header(m, "X-A", " b");
    struct check_record *check = message_add_check(m);

    e->client.ptr = "ptr.example";
    e->client.resolve = "FORGED";
    e->client.daemon_name = "smtpd";
    e->client.daemon_port = 25;
    e->client.tls_version = "TLSv1.3";
    e->policy = "abc";
    addr_parse(slice_of("192.0.2.1"), &e->client.addr);
    m->login = "anna";
    m->auth_method = "PLAIN";
    m->size = 1234;
    m->keeps_evidence = true;
    m->esmtp = "SIZE=1234";
    m->sender.arg = "<@route.example:s0@sender.example>";
    m->recipients->address.arg = "r@here.example";
    message_add_evidence(m, "From", " \"Anna\" <anna@sender.example>");
    message_add_evidence(m, "Date", " today");
    add_finding(m, "spf mailfrom s0@sender.example 192.0.2.1 mail.example", FINDING_FOUND,
                "softfail domain=sender.example term=~all", 1500);
    add_finding(m, "dns MX nowhere.example", FINDING_NONE, "NXDOMAIN", 3);
    add_finding(m, "dns A late.example", FINDING_TEMPERROR, "", 5000000);
    s = message_log_signature(m);
    *s = (struct logged_signature){.next = s->next, .domain = "sender.example", .selector = "k1",
                            .algorithm = "rsa-sha256", .canonicalization = "relaxed/simple",
                            .result = "fail", .reason = "body hash\001", .bits = 2048};
    s = message_log_signature(m);
    *s = (struct logged_signature){.next = s->next, .domain = "here.example", .selector = "x",
                            .identity = "anna@here.example", .result = "pass", .made = true};
    message_edit_header(m, ACT_PREPEND, h, EDIT_HEADER, "X-Seen: by s0@sender.example",
                        &header_rule);
    message_edit_header(m, ACT_IGNORE, h, EDIT_HEADER, NULL, &header_rule);
    message_add_edit(m, ACT_BCC, "copy@here.example", &header_rule);
    *check = (struct check_record){.next = check->next, .recipient = 1,
                                   .restriction = "header_checks pcre:rules/header",
                                   .question = "table pcre:rules/header X-A",
                                   .answer = "PREPEND X-Seen: yes", .result = "prepend",
                                   .rule = header_rule, .us = 9};
    message_add_token(m, 1, "K7Q4-9MZ2");
    message_add_token(m, 0, "0000-0001");
    return e;
}

static struct entry *policy_entry(const char *hash, const char *by, int64_t ms, bool longer)
{
    struct entry *e = entry_new(message_new(0));
    struct arena *a = e->message->arena;
    struct ruleset *r = arena_alloc(a, sizeof(*r));
    struct ruleset_file *f = arena_alloc(a, sizeof(*f)), *g = arena_alloc(a, sizeof(*g));
    struct ruleset_rule *x = arena_alloc(a, sizeof(*x)), *y = arena_alloc(a, sizeof(*y));

    *f = (struct ruleset_file){g, "milter.conf", "h1", "mode = enforce\n", 15};
    *g = (struct ruleset_file){NULL, "rules/large", "h2", NULL, 99999};
    *x = (struct ruleset_rule){longer ? y : NULL, "rules/header", header_rule.text,
                               longer ? 5 : 4};
    *y = (struct ruleset_rule){NULL, "rules/client", "192.0.2.9 REJECT", 2};
    *r = (struct ruleset){hash, "1.0", by, ms, f, x};
    e->ruleset = r;
    return e;
}

static void test_rows(const char *path)
{
    tap_is(logged_query(path, "SELECT n, question, state, answer, us FROM question ORDER BY n"),
           "1|spf mailfrom s0@sender.example 192.0.2.1 mail.example|found|softfail "
           "domain=sender.example term=~all|1500\n"
           "2|dns MX nowhere.example|none|NXDOMAIN|3\n3|dns A late.example|temperror|NULL|5000000",
           "questions");
    tap_is(logged_query(path, "SELECT n, domain, selector, algorithm, bits, canonicalization,"
                              " identity, signed, result, reason FROM signature ORDER BY n"),
           "1|sender.example|k1|rsa-sha256|2048|relaxed/simple|@sender.example|0|fail|body hash?\n"
           "2|here.example|x|NULL|NULL|NULL|anna@here.example|1|pass|NULL", "signatures");
    tap_is(logged_query(path, "SELECT n, op, field, value, file, line FROM header_edit ORDER BY n"),
           "1|prepend|X-Seen|by s0@sender.example|rules/header|4\n"
           "2|ignore|X-A|NULL|rules/header|4\n3|bcc|NULL|copy@here.example|rules/header|4",
           "changes");
    tap_is(logged_query(path, "SELECT token, queue_id, recipient FROM token JOIN decision USING"
                              " (id) ORDER BY token"), "0000-0001|Q0|NULL\nK7Q4-9MZ2|Q0|1",
           "tokens");
    tap_is(logged_query(path, "SELECT client_ptr, client_resolve, daemon_name, daemon_addr,"
                              " daemon_port, local, tls_version, cipher, auth_method, smtputf8 FROM"
                              " connection JOIN decision USING (id) WHERE queue_id = 'Q0'"),
           "ptr.example|FORGED|smtpd|NULL|25|0|TLSv1.3|NULL|PLAIN|0", "the connection");
    tap_is(logged_query(path, "SELECT evidence FROM evidence"),
           "{\"sender\":\"<@route.example:s0@sender.example>\",\"esmtp\":\"SIZE=1234\","
           "\"recipients\":{\"1\":\"r@here.example\"},\"headers\":[[\"From\",\" \\\"Anna\\\" "
           "<anna@sender.example>\"],[\"Date\",\" today\"]]}", "evidence");
    tap_is(logged_query(path, "SELECT hash, size FROM decision JOIN policy USING (policy) WHERE"
                              " queue_id = 'Q0' GROUP BY id"), "abc|1234", "policy and size");
    tap_is(logged_query(path, "SELECT * FROM nodes; SELECT DISTINCT id >> 12 & 1023 FROM decision"),
           "7|mx7.example\n7", "the node");
}

static void test_policies(const char *path)
{
    tap_is(logged_query(path, "SELECT policy, loaded, until, loaded_by, hash, version FROM policy"),
           "1|2023-11-14 22:00:00|2023-11-14 22:10:00|start|abc|1.0\n"
           "2|2023-11-14 22:10:00|2023-11-14 22:20:00|SIGUSR1|def|1.0\n"
           "1|2023-11-14 22:20:00|2023-11-14 22:30:00|a file changed|abc|1.0\n"
           "2|2023-11-14 22:30:00|NULL|start|def|1.0", "loads; the same content, the same policy");
    tap_is(logged_query(path, "SELECT n, path, hash, size, text FROM policy_file WHERE policy = 1"),
           "1|milter.conf|h1|15|mode = enforce\n\n2|rules/large|h2|99999|NULL", "files");
    tap_is(logged_query(path, "SELECT count(*) FROM ruleset_text"), "2", "each text once");
    tap_is(logged_query(path, "SELECT * FROM dead_rules"),
           "rules/client|2|192.0.2.9 REJECT|2023-11-14 22:30:00",
           "dead: not what fired when it stood in another line");
    tap_is(logged_query(path, "SELECT datetime(since_ms / 1000, 'unixepoch') FROM ruleset_rule"
                              " WHERE file = 'rules/header'"), "2023-11-14 22:00:00",
           "a rule is in force since it first came");
}

static void test_hours(const char *path)
{
    tap_is(logged_query(path, "SELECT time, direction, action, enforced, stage, code, messages,"
                              " recipients FROM volume ORDER BY action"),
           "2023-11-14 22:00:00|incoming|accept|1|END-OF-MESSAGE|NULL|11|11\n"
           "2023-11-14 22:00:00|incoming|reject|1|RCPT|554|3|3", "volume");
    tap_is(logged_query(path, "SELECT time, file, line, rule_text, result, n FROM rule_hits"),
           "2023-11-14 22:00:00|rules/header|4|/^X-A/ PREPEND X-Seen: yes|prepend|1", "rule hits");
    tap_is(logged_query(path, "SELECT method, domain, result, n FROM auth_rate ORDER BY method"),
           "dkim|sender.example|fail|1\niprev|NULL|fail|1\nspf|sender.example|softfail|1",
           "results by domain");
    tap_is(logged_query(path, "SELECT login, messages, recipients, refused FROM login_volume"),
           "anna|1|1|0", "logins");
    tap_is(logged_query(path, "SELECT what, us, n FROM latency WHERE what IN ('spf', 'dns',"
                              " 'message') ORDER BY what, us"),
           "dns|4|1\ndns|8388608|1\nmessage|4096|14\nspf|2048|1", "latencies");
    tap_is(logged_query(path, "SELECT DISTINCT what FROM latency ORDER BY what"),
           "dns\nmessage\nspf\ntable", "kinds of questions, and nothing else");
    tap_is(logged_query(path, "SELECT kind, what, n FROM top_rejects ORDER BY kind"),
           "client_net|192.0.2.0/24|3\nsender_domain|sender.example|3", "who was refused");
}

static struct entry *refused(int number)
{
    struct entry *e = logged_entry(number);
    struct message *m = e->message;

    addr_parse(slice_of("192.0.2.1"), &e->client.addr);
    m->verdict = (struct verdict){.act = ACT_REJECT, .stage = STAGE_RCPT, .code = 554,
                                  .dsn = "5.7.1", .text = "no", .enforced = true};
    e->action = ENTRY_REJECT;
    return e;
}

static void test_views(void)
{
    struct journal_options options = {.path = tap_path("detail.db"), .queue_limit = 1000,
                                      .node = 7, .node_name = "mx7.example"};
    struct journal *j = journal_open(&options);

    journal_offer(j, policy_entry("abc", "start", 1699999200000, false));
    journal_offer(j, policy_entry("def", "SIGUSR1", 1699999800000, true));
    journal_offer(j, policy_entry("abc", "a file changed", 1700000400000, false));
    journal_offer(j, policy_entry("def", "start", 1700001000000, true));
    journal_offer(j, rich_entry());
    logged_offer(j, 1, 10);
    for (int i = 11; i < 14; i++)
        journal_offer(j, refused(i));
    journal_close(j);
    test_rows(options.path);
    test_policies(options.path);
    test_hours(options.path);
}

/* Many names in one hour, then the next hour. */
static void test_names(void)
{
    const char *path = tap_path("names.db");
    struct journal *j = logged_open(path);

    for (int i = 0; i < 2000; i++) {
        struct entry *e = refused(i);

        e->message->sender.text = arena_printf(e->message->arena, "s@d%d.example", i % 1000);
        journal_offer(j, e);
    }
    logged_wait(j);
    tap_is(logged_query(path, "SELECT count(*), sum(n) FROM top_rejects WHERE kind ="
                              " 'sender_domain'"), "501|2000", "an hour knows 500 names");
    tap_is(logged_query(path, "SELECT n = 1000 FROM top_rejects WHERE what = '*' AND kind"
                              " = 'sender_domain'"), "1",
           "all others are one");
    tap_is(logged_query(path, "SELECT what, n FROM top_rejects WHERE kind = 'client_net'"),
           "192.0.2.0/24|2000", "which does not concern other kinds");
    journal_offer(j, refused(3600000));
    journal_close(j);
    tap_is(logged_query(path, "SELECT time, count(*), sum(n) FROM top_rejects WHERE kind ="
                              " 'sender_domain' GROUP BY 1"),
           "2023-11-14 22:00:00|51|2000\n2023-11-14 23:00:00|1|1",
           "when it is over the 50 most frequent stay, and nothing is lost");
}

static struct entry *aged(int number, int64_t days)
{
    struct entry *e = logged_entry(number);

    e->message->time_us = ((int64_t)time(NULL) - days * 86400) * 1000000;
    e->message->keeps_evidence = true;
    message_add_evidence(e->message, "From", " x");
    return e;
}

static void test_retention(void)
{
    const int64_t day = 86400ll * 1000000;
    struct journal_options options = {.path = tap_path("age.db"), .queue_limit = 10000,
                                      .retention = 30 * day, .evidence_retention = 7 * day,
                                      .rollup_retention = 400 * day};
    struct journal *j = journal_open(&options);
    static const int64_t days[] = {500, 399, 40, 31, 29, 8, 6, 0};
    struct journal_status s;

    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        for (int n = 0; n < 300; n++)
            journal_offer(j, aged(n, days[i]));
    logged_wait(j);
    journal_offer(j, aged(1, 0));
    logged_wait(j);
    journal_close(j);
    j = journal_open(&options); /* the pruning goes on when there is nothing else to do */
    do
        journal_read_status(j, &s);
    while (s.healthy && atoi(logged_query(options.path, "SELECT count(*) FROM mail WHERE id >> 22 <"
                                          " (strftime('%s', 'now') - 1577836800 - 30 * 86400) *"
                                          " 1000")) > 0);
    journal_close(j);
    tap_is(logged_query(options.path, "SELECT count(*) FROM decision"), "1201", "30 days of rows");
    tap_is(logged_query(options.path, "SELECT count(*) FROM check_result"), "2402", "and steps");
    tap_is(logged_query(options.path, "SELECT count(*) FROM evidence"), "601", "7 of evidence");
    tap_is(logged_query(options.path, "SELECT sum(messages) FROM volume"), "2101",
           "400 of counters");
}

/* A second recipient, who was refused for himself, with a token. */
static void add_refused(struct message *m)
{
    struct address address = {"other@example.org", "other@example.org", "<other@example.org>"};
    struct recipient *r = message_add_recipient(m, &address);

    r->verdict = (struct verdict){.act = ACT_REJECT, .stage = STAGE_RCPT, .code = 550,
                                  .dsn = "5.7.1", .text = "no", .enforced = true};
    r->verdict.token = message_add_token(m, r->number, "0000-0001");
}

/* Somebody who gave up while his row was being committed. */
static void test_late(void)
{
    struct journal_db db = {.path = tap_path("late.db")};
    struct journal_db closed = {.path = db.path};
    struct entry *e = logged_entry(1), *kept = logged_entry(2), *lost = logged_entry(3);
    struct entry *entries[] = {e, kept};
    struct err err = {""};

    e->late = (struct verdict){.act = ACT_DEFER, .stage = STAGE_EOM, .code = 451, .dsn = "4.3.0",
                               .text = "later", .enforced = true, .token = "0000-0002"};
    kept->late = e->late;
    add_refused(e->message);
    e->waiter = waiter_new();
    kept->waiter = waiter_new();
    lost->waiter = waiter_new();
    tap_ok(journal_db_open(&db, &err) == DB_OK, "opened");
    tap_ok(batch_write(&db, NULL, entries, 2, &err) == DB_OK, "written");
    tap_ok(!waiter_wait(e->waiter, 0), "who waits too short a time gives up");
    waiter_wait(lost->waiter, 0);
    tap_ok(batch_tell(&db, e, &err) == DB_OK, "told");
    tap_ok(batch_tell(&closed, kept, &err) == DB_OK && batch_tell(&closed, lost, &err) == DB_BROKEN,
           "when the log was closed meanwhile, too");
    tap_ok(waiter_wait(kept->waiter, 0), "the other one knows that it is written");
    waiter_release(e->waiter);
    waiter_release(kept->waiter);
    waiter_release(lost->waiter);
    entry_free(e);
    entry_free(kept);
    entry_free(lost);
    journal_db_close(&db);
    tap_is(logged_query(db.path, "SELECT d.queue_id, d.action, d.code, d.text, r.action, t.token"
                                 " FROM decision AS d JOIN recipient AS r USING (id)"
                                 " LEFT JOIN token AS t ON t.id = d.id AND"
                                 " ifnull(t.recipient, 1) = r.n ORDER BY 1, r.n"),
           "Q1|tempfail|451|later|tempfail|0000-0002\nQ1|tempfail|451|later|reject|0000-0001\nQ2|accept|NULL|NULL|accept|NULL",
           "the row says what he was told");
}

int main(void)
{
    tap_start(120);
    if (system("sqlite3 -version >/dev/null 2>&1") != 0)
        tap_skip_all("no sqlite3 shell");
    test_views();
    test_names();
    test_retention();
    test_late();
    return tap_done();
}
