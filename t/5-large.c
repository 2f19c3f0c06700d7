/* 5-large - mails too large for the queue of the log, or changed too often: each is logged */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "logged.h"
#include "tap.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rule_ref rule = {{"rules/header", 4}, "/^X-A/ IGNORE"};

static const char *path_of(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", tap_dir(), name);
    return path;
}

static struct entry *changed_entry(int number, int changes)
{
    struct entry *e = logged_entry(number);
    const struct header *h = message_add_header(e->message, "X-A", " b");

    for (int i = 0; i < changes; i++)
        message_edit_header(e->message, ACT_IGNORE, h, EDIT_HEADER, NULL, &rule);
    return e;
}

static void test_changes(void)
{
    const char *path = path_of("changes.db");
    struct journal *j = logged_open(path);

    journal_offer(j, changed_entry(1, 1000));
    journal_offer(j, changed_entry(2, 1001));
    journal_offer(j, changed_entry(3, 100000));
    logged_wait(j);
    journal_close(j);
    tap_is(logged_query(path, "SELECT queue_id, e.op, count(*), max(e.n), max(e.value)"
                              " FROM decision JOIN header_edit AS e USING (id)"
                              " GROUP BY 1, 2 ORDER BY 1, 2"),
           "Q1|ignore|1000|1000|NULL\nQ2|ignore|1000|1000|NULL\nQ2|more|1|1001|1\n"
           "Q3|ignore|1000|1000|NULL\nQ3|more|1|1001|99000", "the first 1,000 changes, and how many more");
}

/* With 3 MB of header, refused for one of two recipients, held, redirected, with tokens. */
static struct entry *large_entry(int number)
{
    struct entry *e = changed_entry(number, 10);
    struct message *m = e->message;
    struct address rcpt = {"<two@here.example>", "two@here.example", "two@here.example"};
    struct recipient *two = message_add_recipient(m, &rcpt);

    arena_alloc(m->arena, 3000000);
    two->verdict = (struct verdict){.act = ACT_REJECT, .stage = STAGE_RCPT, .code = 550,
                                    .dsn = "5.7.1", .text = "no two@here.example",
                                    .rule = {{"rules/rcpt", 7}, "two REJECT"}, .enforced = true};
    two->verdict.token = message_add_token(m, 2, number % 2 ? "K7Q4-9MZ2" : "K7Q4-9MZ3");
    m->login = "anna";
    m->auth_method = "PLAIN";
    m->size = 1234;
    m->direction = DIR_OUTGOING;
    e->client.helo = "helo.example";
    message_add_edit(m, ACT_HOLD, "look", &rule);
    message_add_edit(m, ACT_REDIRECT, "first@else.example", &rule);
    message_add_edit(m, ACT_REDIRECT, "boss@else.example", &rule);
    return e;
}

static void test_large(void)
{
    struct journal_options options = {.path = path_of("large.db"), .queue_limit = 10000,
                                      .queue_bytes = 4 << 20};
    struct journal *j = journal_open(&options);
    struct journal_status s;

    journal_offer(j, large_entry(1));
    logged_wait(j);
    journal_read_status(j, &s);
    tap_ok(s.dropped == 0 && s.written == 1, "an entry larger than its part is written");
    tap_is_int((long long)s.details_dropped, 2, "without its two steps");
    journal_close(j);
    tap_is(logged_query(options.path,
                        "SELECT direction, client_addr, helo, login, sender, action, held, redirected,"
                        " queue_id, message_id, ms FROM decision"),
           "outgoing|192.0.2.1|helo.example|anna|s1@sender.example|accept|1|boss@else.example|Q1|"
           "<1@sender.example>|2.5", "its row");
    tap_is(logged_query(options.path, "SELECT n, address, action, code, dsn, text, file, line"
                                      " FROM recipient ORDER BY n"),
           "1|r@here.example|accept|NULL|NULL|NULL|NULL|NULL\n"
           "2|two@here.example|reject|550|5.7.1|no two@here.example|rules/rcpt|7",
           "its recipients");
    tap_is(logged_query(options.path, "SELECT op, field, value FROM header_edit ORDER BY n"),
           "hold|NULL|look\nredirect|NULL|boss@else.example\nmore|NULL|11",
           "what became of it, and how many changes there were");
    tap_is(logged_query(options.path, "SELECT token, recipient FROM token"), "K7Q4-9MZ2|2", "its token");
    tap_is(logged_query(options.path, "SELECT auth_method, client_ptr FROM connection"),
           "PLAIN|mail.example", "how its client came");
}

/* While nothing can be written. */
static void test_many(void)
{
    struct journal_options options = {.path = path_of("many.db"), .queue_limit = 10000,
                                      .queue_bytes = 16 << 20};
    struct journal *j = journal_open(&options);
    struct journal_status s;
    sqlite3 *other;

    logged_offer(j, 0, 1);
    logged_wait(j);
    sqlite3_open(options.path, &other);
    if (sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
        die("%s", sqlite3_errmsg(other));
    logged_offer(j, 1, 1);
    logged_wait_health(j, false);
    for (int i = 0; i < 200; i++) {
        journal_offer(j, large_entry(1000 + i));
        logged_offer(j, 2 + i, 1);
    }
    journal_read_status(j, &s);
    tap_is_int((long long)s.dropped, 0, "200 large ones at once keep nobody out");
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    logged_wait(j);
    journal_close(j);
    tap_is(logged_query(options.path, "SELECT held, count(*) FROM decision GROUP BY 1"),
           "0|202\n1|200", "and all are written");
}

int main(void)
{
    tap_start(120);
    if (system("sqlite3 -version >/dev/null 2>&1") != 0)
        tap_skip_all("no sqlite3 shell");
    test_changes();
    test_large();
    test_many();
    return tap_done();
}
