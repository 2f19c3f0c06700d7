/* cmd_log - `tamis log`: the decisions, one line each, also as they come */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"

#include "buf.h"
#include "fold.h"
#include "logdb.h"
#include "options.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { POLL_MS = 250, LINES = 20 };

struct query {
    const char *file;
    const char *rcpt, *from, *client; /* patterns, or NULL */
    long count;
    bool refused, follow, json;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* The order of the columns that print_line knows. */
enum column {
    COL_ID,
    COL_TIME,
    COL_QUEUE_ID,
    COL_MESSAGE_ID,
    COL_DIRECTION,
    COL_CLIENT_NAME,
    COL_CLIENT_ADDR,
    COL_HELO,
    COL_LOGIN,
    COL_SENDER,
    COL_RECIPIENTS,
    COL_STAGE,
    COL_ACTION,
    COL_ENFORCED,
    COL_CODE,
    COL_DSN,
    COL_TEXT,
    COL_FILE,
    COL_LINE,
    COL_RULE_TEXT,
    COL_MS,
    COL_HELD,
};

static const char select_decisions[] =
    "SELECT id, time, queue_id, message_id, direction, client_name, client_addr, helo, login,"
    " sender, recipients, stage, action, enforced, code, dsn, text, file, line, rule_text, ms,"
    " held, redirected FROM decision AS d WHERE id > :after";

/* NULL patterns match everything. The newest :count of them, in the order of time. */
static char *build_sql(const struct query *q)
{
    struct buf sql = {0};

    buf_addf(&sql, "SELECT * FROM (%s", select_decisions);
    if (q->refused)
        buf_adds(&sql, " AND action IN ('reject', 'tempfail')");
    if (q->from != NULL)
        buf_adds(&sql, " AND lower(sender) GLOB lower(:from)");
    if (q->client != NULL)
        buf_adds(&sql, " AND (lower(client_name) GLOB lower(:client)"
                       " OR client_addr GLOB lower(:client))");
    if (q->rcpt != NULL)
        buf_adds(&sql, " AND EXISTS (SELECT 1 FROM recipient AS r WHERE r.id = d.id"
                       " AND lower(r.address) GLOB lower(:rcpt))");
    buf_adds(&sql, " ORDER BY id DESC LIMIT :count) ORDER BY id");
    return buf_steal(&sql);
}

static void bind_pattern(sqlite3_stmt *stmt, const char *name, const char *pattern)
{
    int column = sqlite3_bind_parameter_index(stmt, name);
    char *text;

    if (column == 0)
        return;
    text = strpbrk(pattern, "*?") != NULL ? xstrdup(pattern) : xasprintf("*%s*", pattern);
    sqlite3_bind_text(stmt, column, text, -1, SQLITE_TRANSIENT);
    free(text);
}

/* Controls would let a sender write on the reader's terminal. */
static void add_printable(struct buf *b, const char *text)
{
    size_t from = b->len;

    buf_adds(b, text);
    fold_printable(b->ptr + from, '?');
}

static const char *column(sqlite3_stmt *stmt, enum column number, const char *if_null)
{
    const char *text = (const char *)sqlite3_column_text(stmt, (int)number);

    return text != NULL ? text : if_null;
}

static void add_line(struct buf *b, sqlite3_stmt *stmt)
{
    const char *action = column(stmt, COL_ACTION, "-");
    bool accepted = strcmp(action, "accept") == 0 || strcmp(action, "aborted") == 0;
    bool enforced = accepted || sqlite3_column_int(stmt, COL_ENFORCED) != 0;
    bool held = accepted && sqlite3_column_int(stmt, COL_HELD) != 0;
    bool has_sender = sqlite3_column_type(stmt, COL_SENDER) != SQLITE_NULL;

    if (held) {
        action = "hold";
        enforced = sqlite3_column_int(stmt, COL_ENFORCED) != 0;
    }
    buf_addf(b, "%s ", column(stmt, COL_TIME, "-"));
    add_printable(b, column(stmt, COL_QUEUE_ID, "NOQUEUE"));
    buf_addf(b, " %s %s%s %s ", column(stmt, COL_DIRECTION, "-"), enforced ? "" : "would-",
             action, column(stmt, COL_CODE, "-"));
    add_printable(b, column(stmt, COL_CLIENT_NAME, "unknown"));
    buf_addc(b, '[');
    add_printable(b, column(stmt, COL_CLIENT_ADDR, ""));
    buf_adds(b, has_sender ? "] <" : "] ");
    add_printable(b, column(stmt, COL_SENDER, "-"));
    buf_adds(b, has_sender ? "> -> " : " -> ");
    add_printable(b, column(stmt, COL_RECIPIENTS, "-"));
    buf_addc(b, ' ');
    add_printable(b, column(stmt, COL_FILE, "-"));
    if (sqlite3_column_type(stmt, COL_LINE) != SQLITE_NULL)
        buf_addf(b, ":%d", sqlite3_column_int(stmt, COL_LINE));
    if (sqlite3_column_type(stmt, COL_TEXT) != SQLITE_NULL) {
        buf_addf(b, " %s ", column(stmt, COL_DSN, ""));
        add_printable(b, column(stmt, COL_TEXT, ""));
    }
    buf_addc(b, '\n');
}

static void add_json_value(struct buf *b, sqlite3_stmt *stmt, int number)
{
    switch (sqlite3_column_type(stmt, number)) {
    case SQLITE_NULL:
        buf_adds(b, "null");
        break;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        buf_adds(b, (const char *)sqlite3_column_text(stmt, number));
        break;
    default:
        buf_add_json(b, (const char *)sqlite3_column_text(stmt, number),
                     (size_t)sqlite3_column_bytes(stmt, number));
    }
}

static void add_json(struct buf *b, sqlite3_stmt *stmt)
{
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        buf_adds(b, i == 0 ? "{" : ",");
        buf_addf(b, "\"%s\":", sqlite3_column_name(stmt, i));
        add_json_value(b, stmt, i);
    }
    buf_adds(b, "}\n");
}

/* Prints what came after *last, which moves on. */
static bool print_new(struct logdb *log, const struct query *q, long count, int64_t *last,
                      struct err *err)
{
    char *sql = build_sql(q);
    sqlite3_stmt *stmt = logdb_prepare(log, sql, err);
    struct buf line = {0};
    int rc = SQLITE_DONE;

    free(sql);
    if (stmt == NULL)
        return false;
    sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, ":after"), *last);
    sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, ":count"), count);
    bind_pattern(stmt, ":from", q->from);
    bind_pattern(stmt, ":rcpt", q->rcpt);
    bind_pattern(stmt, ":client", q->client);
    while (!stopped && !ferror(stdout) && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        buf_clear(&line);
        (q->json ? add_json : add_line)(&line, stmt);
        fwrite(line.ptr, 1, line.len, stdout);
        *last = sqlite3_column_int64(stmt, COL_ID);
    }
    buf_free(&line);
    if (sqlite3_finalize(stmt) != SQLITE_OK)
        return err_set(err, "%s: %s", log->path, sqlite3_errmsg(log->db));
    fflush(stdout);
    return true;
}

/* A number for the newest row and for "somebody has written"; -1 if it cannot be read. */
static int64_t read_number(struct logdb *log, const char *sql)
{
    sqlite3_stmt *stmt = logdb_prepare(log, sql, NULL);
    int64_t number = -1;

    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
        number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return number;
}

/* False when nobody reads any more. */
static bool wait_a_little(void)
{
    struct pollfd out = {STDOUT_FILENO, 0, 0};

    return poll(&out, 1, POLL_MS) <= 0 || (out.revents & (POLLERR | POLLNVAL)) == 0;
}

/* Another connection counts its versions anew, maybe from the same number. */
static void reopen_if_replaced(struct logdb *log, const char *path, int64_t *version)
{
    if (log->db != NULL && logdb_is_replaced(log))
        logdb_close(log);
    if (log->db != NULL)
        return;
    *version = -1;
    logdb_open(log, path, NULL);
}

/* Until interrupted, or nobody reads. A log that is away for a while is waited for. */
static void follow(struct logdb *log, const struct query *q, int64_t last)
{
    int64_t version = -1, now;

    while (!stopped && !ferror(stdout) && wait_a_little()) {
        reopen_if_replaced(log, q->file, &version);
        if (log->db == NULL)
            continue;
        now = read_number(log, "PRAGMA data_version");
        if (now == version && now >= 0)
            continue;
        version = print_new(log, q, -1, &last, NULL) ? now : -1;
        if (version < 0)
            logdb_close(log);
    }
}

static int run(const struct query *q)
{
    struct logdb log;
    struct err err;
    int64_t newest, last = 0;
    bool good;

    if (!logdb_open(&log, q->file, &err)) {
        fprintf(stderr, "tamis log: %s\n", err.text);
        return EX_NOINPUT;
    }
    newest = read_number(&log, "SELECT id FROM decision ORDER BY id DESC LIMIT 1");
    good = print_new(&log, q, q->count, &last, &err);
    if (!good)
        fprintf(stderr, "tamis log: %s\n", err.text);
    else if (q->follow)
        follow(&log, q, newest > last ? newest : last);
    logdb_close(&log);
    return good ? EX_OK : EX_NOINPUT;
}

/* Of the log that the configuration names. */
static int run_configured(struct query *q, const struct options *options)
{
    struct problems problems = {0};
    struct settings *settings = options_settings(options, false, &problems);
    int status = EX_CONFIG;

    if (settings != NULL && problems.errors == 0) {
        q->file = settings->log_file;
        status = run(q);
    } else {
        options_print_problems(&problems, SEV_ERROR);
    }
    settings_free(settings);
    problems_free(&problems);
    return status;
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal};

    /* A reader that goes away (head, less) is no error. */
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
}

int cmd_log(int argc, char **argv)
{
    struct query q = {.count = LINES};
    const char *follow_it = NULL, *refused = NULL, *json = NULL, *lines = NULL;
    const struct option_row rows[] = {
        {'f', "follow", NULL, "go on with new ones until interrupted", &follow_it, NULL},
        {'n', "lines", "COUNT", "of the newest that match (20)", &lines, NULL},
        {0, "reject", NULL, "only what was rejected or deferred", &refused, NULL},
        {0, "from", "PATTERN", "the sender; * and ? are wild, else a part will do",
         &q.from, NULL},
        {0, "rcpt", "PATTERN", "a recipient, likewise", &q.rcpt, NULL},
        {0, "client", "PATTERN", "the client's name or address, likewise", &q.client, NULL},
        {0, "json", NULL, "one JSON object a line: the view decision", &json,
         NULL},
        {0, "file", "LOG", "this log, not the one that the configuration names", &q.file, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis log [OPTION…]",
        .about = "Prints decisions, the oldest first; times are UTC.",
        .rows = rows,
    };
    int status = options_parse(&options, argc, argv);

    q.follow = follow_it != NULL;
    q.refused = refused != NULL;
    q.json = json != NULL;
    if (status < 0) {
        catch_signals();
        if (argv[options.first] != NULL)
            status = options_usage_error(&options, "%s: too many arguments", argv[options.first]);
        else if (lines != NULL && !parse_long(slice_of(lines), 0, 1000000000, &q.count))
            status = options_usage_error(&options, "%s is no number of lines", lines);
        else
            status = q.file != NULL ? run(&q) : run_configured(&q, &options);
    }
    options_free(&options);
    return status;
}
