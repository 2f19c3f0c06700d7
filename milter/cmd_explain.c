/* cmd_explain - `tamis explain`: why a message was treated so */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"

#include "cmd_world.h"
#include "explain_advise.h"
#include "fold.h"
#include "log.h"
#include "options.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { NOT_FOUND = 1 };

struct asked {
    struct explain_query query;
    const char *log_file;
    const char *zone; /* with ask_now: in place of the DNS */
    bool all, json, as_test, ask_now;
    bool named; /* -c: what becomes of it under that configuration is told in any case */
    const struct policy_source *source;
};

static int print(const struct buf *b)
{
    bool good = fwrite(buf_text(b), 1, b->len, stdout) == b->len && fflush(stdout) == 0;

    return good ? EX_OK : EX_IOERR;
}

static int fail(const struct err *err, int status)
{
    fprintf(stderr, "tamis explain: %s\n", err->text);
    return status;
}

/* The DNS of today, as the policy asks it. */
static bool open_world(const struct asked *asked, struct explain_again *again,
                       struct cmd_world *world)
{
    const struct policy *policy = explain_again_policy(again);

    if (policy == NULL)
        return true;
    if (!cmd_world_open(world, policy->settings, asked->zone))
        return false;
    explain_again_ask_now(again, world->world);
    return true;
}

static int explain_one(struct logdb *log, const struct asked *asked, int64_t id, int64_t focus,
                       struct arena *arena)
{
    struct err err = {{0}}, why = {{0}};
    struct explanation *e = explain_read(log, id, focus, arena, &err);
    struct cmd_world world = {0};
    struct explain_again *again;
    struct buf b = {0};
    int status;

    if (e == NULL)
        return fail(&err, EX_DATAERR);
    again = explain_again_open(log, e, asked->source, &why);
    if (again != NULL && asked->ask_now && !open_world(asked, again, &world)) {
        explain_again_close(again);
        cmd_world_close(&world);
        return EX_CONFIG;
    }
    if (again != NULL && !asked->as_test)
        explain_again_tell(again, asked->named);
    if (again == NULL)
        explain_add_line(&e->again, arena, "without",
                         arena_printf(arena, "cannot be judged again: %s", why.text));
    if (!asked->as_test)
        explain_advise(e, again);
    if (asked->as_test && again == NULL)
        return fail(&why, EX_DATAERR);
    if (asked->as_test)
        explain_add_script(&b, again);
    else if (asked->json)
        explain_add_json(&b, e);
    else
        explain_add_text(&b, e, asked->all);
    status = print(&b);
    buf_free(&b);
    explain_again_close(again);
    cmd_world_close(&world);
    return status;
}

/* It may be what a stranger wrote, and somebody gives it to a shell. */
static void print_grep(const char *pattern)
{
    struct buf b = {0};

    for (const char *c = pattern; *c != '\0'; c++)
        if (*c == '\'')
            buf_adds(&b, "'\\''");
        else
            buf_addc(&b, *c);
    buf_addc(&b, '\'');
    fold_printable(b.ptr, '.');
    fprintf(stderr,
            "; the mail server may have refused it before tamis saw it: "
            "grep -F '%s /var/log/mail.log",
            b.ptr);
    buf_free(&b);
}

/* Why it may not be there, and where else to look. */
static int tell_missing(struct logdb *log, const struct asked *asked)
{
    sqlite3_stmt *stmt = logdb_prepare(log, "SELECT time FROM decision ORDER BY id LIMIT 1", NULL);
    const struct explain_query *q = &asked->query;
    const char *pattern = q->what != NULL         ? q->what
                          : q->rcpt != NULL       ? q->rcpt
                          : q->from != NULL       ? q->from
                          : q->message_id != NULL ? q->message_id
                                                  : q->client;
    bool some = stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW;

    fprintf(stderr, "tamis explain: no such mail in %s, ", log->path);
    if (some)
        fprintf(stderr, "which goes back to %s UTC", (const char *)sqlite3_column_text(stmt, 0));
    else
        fputs("which is empty", stderr);
    if (pattern != NULL)
        print_grep(pattern);
    fputs("\n", stderr);
    sqlite3_finalize(stmt);
    return NOT_FOUND;
}

/* The recipient that the question was about: by token, or by address. */
static int64_t focus_of(struct logdb *log, const struct asked *asked, int64_t id, int64_t by_token)
{
    const char *rcpt = asked->query.rcpt != NULL ? asked->query.rcpt : asked->query.what;
    size_t len = rcpt != NULL ? strlen(rcpt) : 0;
    bool bracketed = len >= 2 && rcpt[0] == '<' && rcpt[len - 1] == '>';
    sqlite3_stmt *stmt;
    int64_t focus = 0;

    if (by_token > 0 || rcpt == NULL)
        return by_token;
    stmt = logdb_prepare(log,
                         "SELECT n FROM recipient WHERE id = ?1 AND lower(address) = lower(?2)"
                         " ORDER BY n LIMIT 1",
                         NULL);
    if (stmt == NULL)
        return 0;
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_text(stmt, 2, rcpt + bracketed, (int)(len - 2 * bracketed), SQLITE_STATIC);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        focus = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return focus;
}

static int print_candidates(const struct asked *asked, const struct report_table *found)
{
    struct buf b = {0};
    int status;

    if (asked->json) {
        buf_adds(&b, "{\"candidates\":[");
        for (size_t i = 0; i < found->rows; i++) {
            buf_adds(&b, i > 0 ? ",\n" : "");
            report_add_json_row(&b, found, i);
        }
        buf_adds(&b, "]}\n");
    } else {
        explain_add_candidates(&b, found);
    }
    status = print(&b);
    buf_free(&b);
    return status;
}

static int explain_found(struct logdb *log, const struct asked *asked, struct arena *arena)
{
    struct err err = {{0}};
    const struct report_table *found = explain_find(log, &asked->query, arena, &err);
    int64_t id;

    if (found == NULL)
        return fail(&err, EX_USAGE);
    if (found->rows == 0)
        return tell_missing(log, asked);
    if (found->rows > 1)
        return print_candidates(asked, found);
    id = report_number(found, 0, "id");
    return explain_one(log, asked, id,
                       focus_of(log, asked, id, report_number(found, 0, "token_recipient")), arena);
}

/* One snapshot, whatever is written or pruned meanwhile. */
static int run(const struct asked *asked)
{
    struct arena *arena;
    struct logdb log;
    struct err err;
    int status;

    if (!logdb_open(&log, asked->log_file, &err))
        return fail(&err, EX_NOINPUT);
    arena = arena_new();
    log_silence(true); /* what is judged again is no news for syslog */
    sqlite3_exec(log.db, "BEGIN", NULL, NULL, NULL);
    status = explain_found(&log, asked, arena);
    sqlite3_exec(log.db, "COMMIT", NULL, NULL, NULL);
    log_silence(false);
    arena_free(arena);
    logdb_close(&log);
    return status;
}

/* With the log that the configuration names, unless another was asked for; a configuration that
 * cannot be used is a reason to ask, not to refuse an answer. */
static int run_configured(const struct asked *asked, const struct options *options)
{
    struct problems problems = {0};
    struct settings *settings = options_settings(options, false, &problems);
    struct policy_source source;
    struct asked whole = *asked;
    int status = EX_CONFIG;

    if (whole.log_file == NULL && settings != NULL && problems.errors == 0)
        whole.log_file = settings->log_file;
    if (whole.log_file != NULL && options_source(options, false, &source, &problems)) {
        whole.source = &source;
        status = run(&whole);
    } else {
        options_print_problems(&problems, SEV_ERROR);
    }
    settings_free(settings);
    problems_free(&problems);
    return status;
}

static int run_arguments(struct asked *asked, const struct options *options, char **arguments)
{
    const struct explain_query *q = &asked->query;

    asked->query.what = arguments[0];
    asked->named = options->file != NULL;
    if (arguments[0] != NULL && arguments[1] != NULL)
        return options_usage_error(options, "%s: one message at a time", arguments[1]);
    if (asked->json && asked->as_test)
        return options_usage_error(options, "--json does not go with --as-test");
    if (q->what == NULL && q->message_id == NULL && q->from == NULL && q->rcpt == NULL &&
        q->client == NULL && q->time == NULL && !q->last)
        return options_usage_error(options,
                                   "which message? a token, a queue id, --last …");
    return run_configured(asked, options);
}

int cmd_explain(int argc, char **argv)
{
    struct asked asked = {0};
    const char *last = NULL, *all = NULL, *json = NULL, *as_test = NULL,
               *ask_now = NULL;
    const struct option_row rows[] = {
        {0, "message-id", "ID", "its Message-ID", &asked.query.message_id, NULL},
        {0, "from", "ADDR", "its sender; @example.org: all of a domain", &asked.query.from, NULL},
        {0, "rcpt", "ADDR", "one of its recipients, likewise", &asked.query.rcpt, NULL},
        {0, "client", "NAME|ADDR", "the client's name or address", &asked.query.client, NULL},
        {0, "time", "TIME", "2026-11-22, 2026-11-22 14:02 (UTC), or 1h", &asked.query.time, NULL},
        {0, "last", NULL, "the newest of those that fit", &last, NULL},
        {0, "all", NULL, "everything, however long", &all, NULL},
        {0, "json", NULL, "one JSON object", &json, NULL},
        {0, "as-test", NULL, "a script for tamis test --session", &as_test, NULL},
        {0, "ask-now", NULL, "ask the DNS of today what was not recorded", &ask_now, NULL},
        {0, "zone", "FILE", "with --ask-now: a zone file in place of the DNS", &asked.zone, NULL},
        {0, "file", "LOG", "this log, not the one that the configuration names", &asked.log_file,
         NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis explain [OPTION…] [TOKEN|QUEUE-ID|MESSAGE-ID|ADDRESS]",
        .about =
            "Tells from the log why a message was treated so; with -c NEW.conf also what that\n"
            "configuration would make of it.",
        .rows = rows,
    };
    int status = options_parse(&options, argc, argv);

    asked.query.last = last != NULL;
    asked.all = all != NULL;
    asked.json = json != NULL;
    asked.as_test = as_test != NULL;
    asked.ask_now = ask_now != NULL || asked.zone != NULL;
    if (status < 0)
        status = run_arguments(&asked, &options, argv + options.first);
    options_free(&options);
    return status;
}
