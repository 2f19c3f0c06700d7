/* cmd_report - `tamis report`: the files of sql/, run on the log */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"

#include "options.h"
#include "report.h"
#include "span.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { SQL_MAX = 1000000 };

/* 2020-01-01 00:00:00 UTC: where ids begin. */
#define EPOCH_MS 1577836800000ll

struct asked {
    const char *name, *log_file, *html;
    bool json, csv;
    struct report_span span;
};

/* rejects_by_rule is rejects-by-rule. */
static bool is_name(const char *name, const char *other)
{
    for (; *name != '\0' && *other != '\0'; name++, other++)
        if (*name != *other && !(strchr("-_", *name) != NULL && strchr("-_", *other) != NULL))
            return false;
    return *name == *other;
}

static const struct report_file *find_carried(const char *name)
{
    const struct report_file *file = report_files;

    while (file->name != NULL && !is_name(file->name, name))
        file++;
    return file->name != NULL ? file : NULL;
}

/* A small file as text, or NULL with errno. The caller frees it. */
static char *read_text(const char *path)
{
    FILE *in = fopen(path, "r");
    struct buf b = {0};
    char part[4096];
    size_t got;

    if (in == NULL)
        return NULL;
    while (b.len < SQL_MAX && (got = fread(part, 1, sizeof(part), in)) > 0)
        buf_add(&b, part, got);
    if (ferror(in) || b.len >= SQL_MAX) {
        errno = b.len >= SQL_MAX ? EFBIG : EIO;
        buf_free(&b);
    }
    fclose(in);
    if (b.len == 0)
        return NULL;
    return buf_steal(&b);
}

/* A path is that file; a name is the installed file, which an administrator may have changed, else
 * what the program carries. */
static char *find_sql(const char *name, struct err *err)
{
    const struct report_file *carried = find_carried(name);
    char *path = xasprintf("%s/sql/%s.sql", PKGDATADIR, carried != NULL ? carried->name : name);
    char *sql;

    errno = 0;
    sql = read_text(strchr(name, '/') != NULL ? name : path);
    free(path);
    if (sql == NULL && carried != NULL)
        sql = xstrdup(carried->sql);
    if (sql == NULL && strchr(name, '/') != NULL)
        err_set(err, "%s: %s", name, errno ? strerror(errno) : "empty");
    else if (sql == NULL)
        err_set(err, "there is no report %s; tamis report lists them", name);
    return sql;
}

/* `-- NAME - what it shows` */
static void print_list(void)
{
    for (const struct report_file *f = report_files; f->name != NULL; f++) {
        const char *about = strstr(f->sql, " - ");
        size_t len = about != NULL ? strcspn(about + 3, "\n") : 0;

        printf("%-26s %.*s\n", f->name, (int)len, about != NULL ? about + 3 : "");
    }
}

static int write_out(const struct asked *asked, const struct buf *text)
{
    FILE *out =
        asked->html != NULL && strcmp(asked->html, "-") != 0 ? fopen(asked->html, "w") : stdout;
    bool good = out != NULL && fwrite(text->ptr, 1, text->len, out) == text->len;

    if (out != NULL)
        good = (out == stdout ? fflush(out) : fclose(out)) == 0 && good;
    if (!good)
        fprintf(stderr, "tamis report: %s: %s\n",
                asked->html != NULL ? asked->html : "standard output", strerror(errno));
    return good ? EX_OK : EX_CANTCREAT;
}

static int print(const struct asked *asked, const struct report *report)
{
    struct buf text = {0};
    int status;

    if (asked->html != NULL)
        report_add_html(&text, report);
    else if (asked->json)
        report_add_json(&text, report);
    else if (asked->csv)
        report_add_csv(&text, report);
    else
        report_add_text(&text, report);
    status = write_out(asked, &text);
    buf_free(&text);
    return status;
}

static int run(const struct asked *asked, const char *sql)
{
    struct report report = {.name = asked->name, .sql = sql};
    struct arena *arena = arena_new();
    struct logdb log;
    struct err err;
    int status = EX_NOINPUT;

    if (!logdb_open(&log, asked->log_file, &err)) {
        fprintf(stderr, "tamis report: %s\n", err.text);
    } else if (!report_run(&report, &log, &asked->span, arena, &err)) {
        fprintf(stderr, "tamis report: %s\n", err.text);
        status = EX_DATAERR;
    } else {
        status = print(asked, &report);
    }
    logdb_close(&log);
    arena_free(arena);
    return status;
}

/* Of the log that the configuration names. */
static int run_configured(struct asked *asked, const struct options *options, const char *sql)
{
    struct problems problems = {0};
    struct settings *settings = options_settings(options, false, &problems);
    int status = EX_CONFIG;

    if (settings != NULL && problems.errors == 0) {
        asked->log_file = settings->log_file;
        status = run(asked, sql);
    } else {
        options_print_problems(&problems, SEV_ERROR);
    }
    settings_free(settings);
    problems_free(&problems);
    return status;
}

static int run_named(struct asked *asked, const struct options *options)
{
    struct err err;
    char *sql = find_sql(asked->name, &err);
    int status;

    if (sql == NULL) {
        fprintf(stderr, "tamis report: %s\n", err.text);
        return EX_USAGE;
    }
    status = asked->log_file != NULL ? run(asked, sql) : run_configured(asked, options, sql);
    free(sql);
    return status;
}

/* -1 when the span is good. */
static int take_span(struct asked *asked, const struct options *options)
{
    int64_t from, to;

    asked->span.now_ms = span_now();
    if (asked->span.text == NULL)
        return -1;
    if (!span_parse(asked->span.text, asked->span.now_ms, &from, &to))
        return options_usage_error(options, "--since %s: write 7d, 36h, all or 2026-11-22 14:02",
                                   asked->span.text);
    asked->span.first = from > EPOCH_MS ? (from - EPOCH_MS) << 22 : 0;
    return -1;
}

static int run_arguments(struct asked *asked, const struct options *options, char **arguments)
{
    int status;

    if (arguments[0] == NULL) {
        print_list();
        return EX_OK;
    }
    if (arguments[1] != NULL)
        return options_usage_error(options, "%s: one report at a time", arguments[1]);
    if (asked->json + asked->csv + (asked->html != NULL) > 1)
        return options_usage_error(options, "--json, --csv and --html: one of them");
    status = take_span(asked, options);
    asked->name = arguments[0];
    return status < 0 ? run_named(asked, options) : status;
}

int cmd_report(int argc, char **argv)
{
    struct asked asked = {0};
    const char *json = NULL, *csv = NULL;
    const struct option_row rows[] = {
        {0, "since", "TIME", "7d, 36h, all, or 2026-11-22 14:02 (UTC)", &asked.span.text, NULL},
        {0, "json", NULL, "one JSON object", &json, NULL},
        {0, "csv", NULL, "comma-separated values", &csv, NULL},
        {0, "html", "FILE", "a page for a browser (- : standard output)", &asked.html, NULL},
        {0, "file", "LOG", "this log, not the one that the configuration names", &asked.log_file,
         NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis report [OPTION…] [NAME]",
        .about = "Runs a report on the log; without NAME lists the reports.",
        .rows = rows,
    };
    int status = options_parse(&options, argc, argv);

    asked.json = json != NULL;
    asked.csv = csv != NULL;
    if (status < 0)
        status = run_arguments(&asked, &options, argv + options.first);
    options_free(&options);
    return status;
}
