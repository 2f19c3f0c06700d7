/* 5-journal - what the views say of what was logged, read by the plain sqlite3 shell */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_write.h"
#include "logged.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct rule_ref client_rule = {{"rules/client", 7}, "192.0.2.1 REJECT \"no\" thanks"};

/* Refused at RCPT, the second of two recipients, by a rule; ended by the client. */
static struct entry *refused_entry(void)
{
    struct entry *entry = logged_entry(0);
    struct message *m = entry->message;
    struct address second = {"<x@here.example>", "x@here.example", "x@here.example"};
    struct recipient *r = message_add_recipient(m, &second);
    struct check_record *check = message_add_check(m);

    r->verdict = (struct verdict){.act = ACT_REJECT,
                                  .stage = STAGE_RCPT,
                                  .code = 554,
                                  .dsn = "5.7.1",
                                  .text = "<x@here.example>: Recipient address rejected: no",
                                  .rule = client_rule,
                                  .enforced = true};
    *check = (struct check_record){.recipient = 2,
                                   .restriction = "check_client_access hash:rules/client",
                                   .question = "table hash:rules/client 192.0.2.1",
                                   .answer = "REJECT no",
                                   .result = "reject",
                                   .rule = client_rule,
                                   .us = 12};
    m->verdict = r->verdict;
    entry->action = ENTRY_ABORTED;
    return entry;
}

static struct entry *outgoing_entry(void)
{
    struct entry *entry = logged_entry(1);
    struct message *m = entry->message;
    struct rule_ref none = {{NULL, 0}, NULL};

    m->direction = DIR_OUTGOING;
    m->login = "anna";
    message_add_edit(m, ACT_HOLD, "check this", &none);
    message_add_edit(m, ACT_REDIRECT, "postmaster@here.example", &none);
    return entry;
}

/* Before HELO and MAIL; a name that would write on a terminal. */
static struct entry *early_entry(void)
{
    struct message *m = message_new(1700000000002000);
    struct entry *entry = entry_new(m);

    entry->client.name = "un\033known";
    entry->client.addr_text = "2001:db8::1";
    entry->action = ENTRY_TEMPFAIL;
    m->verdict = (struct verdict){.act = ACT_DEFER,
                                  .stage = STAGE_CONNECT,
                                  .code = 450,
                                  .dsn = "4.7.1",
                                  .text = "later, 2001:db8::1\001",
                                  .enforced = false};
    return entry;
}

static struct entry *null_sender_entry(void)
{
    struct entry *entry = logged_entry(3);
    struct message *m = entry->message;
    struct rule_ref none = {{NULL, 0}, NULL};

    m->sender = (struct address){"<>", "", ""};
    message_add_edit(m, ACT_HOLD, "check this", &none);
    message_add_edit(m, ACT_REDIRECT, "postmaster@here.example", &none);
    m->verdict = (struct verdict){.act = ACT_REJECT,
                                  .stage = STAGE_EOM,
                                  .code = 550,
                                  .dsn = "5.7.1",
                                  .text = "mail from mail.example, not from mail.example.org",
                                  .enforced = true};
    entry->action = ENTRY_REJECT;
    return entry;
}

/* Nothing was decided. */
static struct entry *given_up_entry(void)
{
    struct entry *entry = logged_entry(4);
    struct finding *f = message_add_finding(entry->message, "spf helo <> 192.0.2.1 h");

    f->state = FINDING_FOUND;
    f->answer = "none domain=\"\" why=\"an empty name\" terms=0";
    entry->message->verdict = (struct verdict){.act = ACT_DUNNO, .enforced = true};
    entry->action = ENTRY_ABORTED;
    return entry;
}

static void test_given_up(void)
{
    const char *path = tap_path("given-up.db");
    struct journal *j = logged_open(path);

    journal_offer(j, given_up_entry());
    journal_close(j);
    tap_is(logged_query(path, "SELECT action, stage, text FROM decision; SELECT action, stage,"
                              " messages FROM volume; SELECT action FROM recipient"),
           "aborted|NULL|NULL\naborted|NULL|1\naborted", "broken off before anything was decided");
    tap_is(logged_query(path, "SELECT method, domain, result, n FROM auth_rate"),
           "spf|NULL|none|1", "no domain is NULL");
}

static void test_views(void)
{
    const char *path = tap_path("views.db");
    struct journal *j = logged_open(path);

    journal_offer(j, refused_entry());
    journal_offer(j, outgoing_entry());
    journal_offer(j, early_entry());
    journal_offer(j, null_sender_entry());
    journal_close(j);
    tap_is(logged_query(path, "SELECT * FROM decision WHERE queue_id = 'Q0'"),
           "512389598412800000|2023-11-14 22:13:20|Q0|<0@sender.example>|incoming|mail.example|"
           "192.0.2.1|mail.example|NULL|s0@sender.example|r@here.example,x@here.example|RCPT|"
           "aborted|1|"
           "554|5.7.1|<x@here.example>: Recipient address rejected: no|rules/client|7|"
           "192.0.2.1 REJECT \"no\" thanks|2.5|0|NULL|NULL|NULL",
           "a decision");
    tap_is(logged_query(path, "SELECT direction, login, action, code, dsn, text, file, line, held,"
                              " redirected FROM decision WHERE queue_id = 'Q1'"),
           "outgoing|anna|accept|NULL|NULL|NULL|NULL|NULL|1|postmaster@here.example",
           "outgoing, held and redirected");
    tap_is(logged_query(path, "SELECT action, held, redirected FROM decision"
                              " WHERE queue_id = 'Q3'"), "reject|0|NULL",
           "what is refused is neither held nor redirected");
    tap_is(logged_query(
               path, "SELECT queue_id, message_id, client_name, client_addr, helo, login, sender,"
                     " recipients, stage, action, enforced, code, dsn, text FROM decision"
                     " WHERE client_addr = '2001:db8::1'"),
           "NULL|NULL|un?known|2001:db8::1|NULL|NULL|NULL|NULL|CONNECT|tempfail|0|450|4.7.1|"
           "later, 2001:db8::1?",
           "refused before anything was said");
    tap_is(logged_query(path, "SELECT sender, text FROM decision WHERE queue_id = 'Q3'"),
           "|mail from mail.example, not from mail.example.org", "the null sender is no NULL");
    tap_is(logged_query(path,
                        "SELECT id - 512389598412800000, n, address, action, code, dsn, text, file,"
                        " line FROM recipient ORDER BY id, n"),
           "0|1|r@here.example|aborted|NULL|NULL|NULL|NULL|NULL\n"
           "0|2|x@here.example|reject|554|5.7.1|<x@here.example>: Recipient address rejected: no|"
           "rules/client|7\n"
           "4194304|1|r@here.example|accept|NULL|NULL|NULL|NULL|NULL\n"
           "12582912|1|r@here.example|reject|550|5.7.1|mail from mail.example, not from "
           "mail.example.org|"
           "NULL|NULL",
           "recipients: their own refusal, else the message's");
    tap_is(
        logged_query(path,
                     "SELECT n, recipient, restriction, question, answer, result, file, line, us"
                     " FROM check_result WHERE id = 512389598412800000"),
        "1|NULL|permit_mynetworks|NULL|NULL|dunno|NULL|NULL|3\n"
        "2|1|check_sender_access hash:rules/sender|table hash:rules/sender s0@sender.example|NULL|"
        "dunno|NULL|NULL|3\n"
        "3|2|check_client_access hash:rules/client|table hash:rules/client 192.0.2.1|REJECT "
        "no|reject|"
        "rules/client|7|12",
        "checks");
}

/* Texts that hold the transaction's own values come out as they went in. */
static void test_texts(void)
{
    static const char *const texts[] = {
        "spf mailfrom s5@sender.example 192.0.2.1 mail.example", "mail.example.mail.example",
        "r@here.example here.example sender.example", "xmail.example 192.0.2.11 192.0.2.1",
        "Adresse IP blacklist\303\251e", "\xff\xfe raw", "", "%s '' [] *",
    };
    const char *path = tap_path("texts.db");
    struct journal *j = logged_open(path);
    struct check_record *check;
    struct entry *entry;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        entry = logged_entry(5);
        check = message_add_check(entry->message);
        check->recipient = 1;
        check->answer = check->question = texts[i];
        journal_offer(j, entry);
    }
    journal_close(j);
    tap_is(logged_query(path, "SELECT question FROM check_result WHERE n = 3"),
           "spf mailfrom s5@sender.example 192.0.2.1 mail.example\nmail.example.mail.example\n"
           "r@here.example here.example sender.example\nxmail.example 192.0.2.11 192.0.2.1\n"
           "Adresse IP blacklist\xc3\xa9"
           "e\n\xef\xbf\xbd\xef\xbf\xbd raw\nNULL\n%s '' [] *",
           "all texts are kept; what is no UTF-8 is marked");
    tap_is(
        logged_query(path, "SELECT count(*) FROM check_result WHERE n = 3 AND question IS answer"),
        "8", "answers, too");
}

/* What strangers say in any bytes: whoever reads the log reads UTF-8. */
static void test_bytes(void)
{
    const char *path = tap_path("bytes.db");
    struct journal *j = logged_open(path);
    struct entry *entry = logged_entry(6);
    struct message *m = entry->message;
    struct address rcpt = {"<\xe9@here.example>", "\xe9@here.example", "\xe9@here.example"};
    struct check_record *check = message_add_check(m);
    char *longest = xasprintf("%1999s\xc3\xa9 \x80", "x");

    m->sender.text = m->sender.key = "t\xe9t\xe9\x80@b\xff.example";
    message_add_recipient(m, &rcpt);
    m->verdict = (struct verdict){.act = ACT_REJECT, .stage = STAGE_RCPT, .code = 554, .dsn = "5.7.1",
                                  .text = "<\xe9@here.example>: \xc3\xa9 \xe9", .enforced = true};
    check->question = "table hash:x t\xe9t\xe9\x80@b\xff.example \xf0\x9f\x98\x80 \xf0\x9f\x98";
    check->answer = longest;
    journal_offer(j, entry);
    journal_close(j);
    free(longest);
    tap_is(logged_query(path, "SELECT sender, recipients, text FROM decision"),
           "t\xef\xbf\xbdt\xef\xbf\xbd\xef\xbf\xbd@b\xef\xbf\xbd.example|"
           "r@here.example,\xef\xbf\xbd@here.example|"
           "<\xef\xbf\xbd@here.example>: \xc3\xa9 \xef\xbf\xbd",
           "addresses and a reply");
    tap_is(logged_query(path, "SELECT question, substr(answer, 1999) FROM check_result WHERE n = 3"),
           "table hash:x t\xef\xbf\xbdt\xef\xbf\xbd\xef\xbf\xbd@b\xef\xbf\xbd.example "
           "\xf0\x9f\x98\x80 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|x\xef\xbf\xbd",
           "a question, and an answer that is cut");
    tap_is(logged_query(path, "SELECT what FROM top_rejects WHERE kind = 'sender_domain'"),
           "b?.example", "counters");
}

static void test_keys(void)
{
    const char *path = tap_path("keys.db");
    struct journal *j = logged_open(path);
    int64_t clock_ms, id = journal_id(1577836801000000, 0, 0, &clock_ms);

    tap_is_int(id, 4194304000, "the id is the time: one second after the epoch");
    tap_is_int(journal_id(1577836801000000, 4194304000 + 0xfff, 0, &clock_ms), 4198498304,
               "4,096 in one millisecond, then the next one");
    tap_is_int(clock_ms, -1, "which it was not");
    tap_is_int(journal_id(-5, 0, 0, &clock_ms), 0, "a clock before the epoch");
    logged_offer(j, 3600000, 3);
    logged_offer(j, 0, 3);
    journal_close(j);
    j = logged_open(path);
    logged_offer(j, 0, 1);
    journal_close(j);
    tap_is(logged_query(path, "SELECT time FROM decision ORDER BY id"),
           "2023-11-14 23:13:20\n2023-11-14 23:13:20\n2023-11-14 23:13:20\n2023-11-14 22:13:20\n"
           "2023-11-14 22:13:20\n2023-11-14 22:13:20\n2023-11-14 22:13:20",
           "the clock stepped back an hour: ids grow, times are what the clock said");
}

static void test_plans(void)
{
    const char *path = tap_path("keys.db"), *plan;

    plan = logged_query(path, "EXPLAIN QUERY PLAN SELECT * FROM decision WHERE id >="
                              " (SELECT id FROM since WHERE span = '7d')");
    tap_ok(strstr(plan, "SEARCH m USING INTEGER PRIMARY KEY (rowid>?)") != NULL,
           "since reads a key range");
    tap_ok(strstr(plan, "SCAN m") == NULL, "and does not scan");
    plan = logged_query(path, "EXPLAIN QUERY PLAN SELECT * FROM recipient WHERE id >="
                              " (SELECT id FROM since WHERE span = '24h')");
    tap_ok(strstr(plan, "SCAN r") == NULL && strstr(plan, "SCAN m") == NULL, "recipients, too");
    plan = logged_query(path, "EXPLAIN QUERY PLAN SELECT * FROM check_result WHERE id = 5");
    tap_ok(strstr(plan, "SEARCH k USING INTEGER PRIMARY KEY") != NULL, "checks of one message");
    plan = logged_query(path, "EXPLAIN QUERY PLAN SELECT * FROM decision WHERE queue_id = 'Q1'");
    tap_ok(strstr(plan, "USING INDEX mail_queue_id") != NULL, "a queue id is found by an index");
    tap_is(logged_query(path,
                        "SELECT span FROM since WHERE span IN ('1h','6h','24h','1d','7d','30d')"),
           "1h\n6h\n24h\n1d\n7d\n30d", "spans");
    tap_is(logged_query(path,
                        "SELECT datetime((id >> 22) / 1000 + 1577836800, 'unixepoch') BETWEEN"
                        " datetime('now', '-7 days', '-1 minute') AND datetime('now', '-7 days',"
                        " '+1 minute') FROM since WHERE span = '7d'"),
           "1", "7d is seven days ago");
}

static void test_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    const char *path = tap_path("files.db");
    mode_t mask = umask(0077);
    struct journal *j = logged_open(path);
    char name[600];
    struct stat st;

    logged_offer(j, 0, 1);
    logged_wait(j);
    umask(0);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        tap_ok(stat(name, &st) == 0 && (st.st_mode & 07777) == 0640, "log.db%s has mode 0640",
               suffixes[i]);
    }
    journal_close(j);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        tap_ok(stat(name, &st) == 0 && (st.st_mode & 07777) == 0640,
               "log.db%s is there when closed", suffixes[i]);
    }
    tap_is(logged_query(path, "PRAGMA journal_mode"), "wal", "WAL");
    tap_is(logged_query(path, "PRAGMA user_version"), "2", "version 2");
    umask(mask);
}

static void *offer_many(void *arg)
{
    static _Atomic int next;
    int first = next++ * 1250;

    logged_offer(arg, first, 1250);
    return NULL;
}

static void test_threads(void)
{
    const char *path = tap_path("threads.db");
    struct journal *j = logged_open(path);
    struct journal_status s;
    pthread_t threads[8];

    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, offer_many, j);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    logged_wait(j);
    journal_read_status(j, &s);
    journal_close(j);
    tap_ok(s.offered == 10000 && s.written == 10000 && s.dropped == 0 && s.healthy,
           "all are written");
    tap_is(logged_query(path,
                        "SELECT count(*), count(DISTINCT queue_id), count(DISTINCT sender) FROM"
                        " decision"),
           "10000|10000|10000", "10,000 of 8 threads, once each");
    tap_is(logged_query(path, "SELECT count(*) FROM decision WHERE"
                              " 'Q' || substr(sender, 2, instr(sender, '@') - 2) <> queue_id"), "0",
           "and nothing is mixed up");
    tap_is(logged_query(path, "SELECT count(*) FROM step"), "2", "two steps stand for 20,000");
    tap_is(logged_query(path, "PRAGMA integrity_check"), "ok", "integrity");
}

static void test_reports(void)
{
    static const char *const reports[] = {"why", "rejects-by-rule", "rejects-by-sender-domain",
                                          "rejects-by-client", "volume-by-hour"};
    const char *path = tap_path("views.db"),
               *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";

    for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
        char *command = xasprintf(".read %s/sql/%s.sql", top, reports[i]);
        const char *got = logged_query(path, command);

        tap_ok(strstr(got, "rror") == NULL, "sqlite3 runs sql/%s.sql", reports[i]);
        if (i == 0)
            tap_ok(strstr(got, "queue id|Q3\n") != NULL, "why tells of the newest message");
        free(command);
    }
}

/* Each report against rows of this very moment, its expected output written out. */
static void test_report_values(void)
{
    const char *path = tap_path("reports.db"),
               *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
    struct journal *j = logged_open(path);
    struct entry *entries[] = {refused_entry(), null_sender_entry(), outgoing_entry()};
    char *read[3];

    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        entries[i]->message->time_us = (int64_t)time(NULL) * 1000000;
        journal_offer(j, entries[i]);
    }
    journal_close(j);
    read[0] = xasprintf(".read %s/sql/rejects-by-rule.sql", top);
    read[1] = xasprintf(".read %s/sql/rejects-by-client.sql", top);
    read[2] = xasprintf(".read %s/sql/rejects-by-sender-domain.sql", top);
    tap_is(logged_query(path, read[0]),
           "1|reject|NULL|mail from mail.example, not from mail.example.org\n"
           "1|reject|rules/client:7|<x@here.example>: Recipient address rejected: no", "by rule");
    tap_ok(strncmp(logged_query(path, read[1]), "mail.example[192.0.2.1]|1|3|", 28) == 0,
           "by client");
    tap_is(logged_query(path, read[2]), "<>|1|1|100.0", "by sender domain");
    for (size_t i = 0; i < ARRAY_LEN(read); i++)
        free(read[i]);
}

int main(void)
{
    tap_start(120);
    if (system("sqlite3 -version >/dev/null 2>&1") != 0)
        tap_skip_all("no sqlite3 shell");
    test_views();
    test_given_up();
    test_texts();
    test_bytes();
    test_keys();
    test_plans();
    test_files();
    test_threads();
    test_reports();
    test_report_values();
    return tap_done();
}
