/* cmd_postfix - tamis postfix: the lines that main.cf and master.cf need, and what is wrong there */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "advice.h"
#include "buf.h"
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: tamis postfix [-c DIR] [-o name=value] [--json]\n"
    "\n"
    "Reads postconf and prints the lines that main.cf and master.cf need so that each mail\n"
    "passes tamis once; says on standard error what is wrong or doubled there. Changes nothing.\n"
    "\n"
    "  -c DIR            Postfix's configuration directory\n"
    "  -o socket=ADDRESS where tamis listens, as in milter.conf\n"
    "  --json            lines and findings as one JSON object on standard output\n";

struct settings_given {
    const char *const *list;
    size_t count;
};

static const char *given(void *arg, const char *name)
{
    const struct settings_given *settings = arg;
    size_t len = strlen(name);

    for (size_t i = settings->count; i > 0; i--)
        if (strncmp(settings->list[i - 1], name, len) == 0 && settings->list[i - 1][len] == '=')
            return settings->list[i - 1] + len + 1;
    return NULL;
}

/* Asks postconf for what is set, for the services, and for the presets that advice depends on. */
static bool read_postfix(struct postfix *postfix, const char *dir, struct err *err)
{
    static const char *const set[] = {"-x", "-n", NULL};
    static const char *const services[] = {"-M", NULL};
    static const char *const overrides[] = {"-x", "-P", NULL};
    static const char *const presets[] = {"-x",           "mail_version",          "queue_directory",
                                          "milter_default_action", NULL};
    const char *text;

    if (!postconf_run(postfix->arena, dir, set, false, &text, err))
        return false;
    postfix_read_params(postfix, text);
    if (!postconf_run(postfix->arena, dir, services, true, &text, err))
        return false;
    postfix_read_services(postfix, text);
    if (!postconf_run(postfix->arena, dir, overrides, true, &text, err))
        return false;
    postfix_read_overrides(postfix, text);
    if (!postconf_run(postfix->arena, dir, presets, true, &text, err))
        return false;
    postfix_read_params(postfix, text);
    return true;
}

static void print_lines(const struct advice *advice, const char *dir, const char *file)
{
    bool any = false;

    for (const struct advice_line *line = advice->lines; line != NULL; line = line->next) {
        if (strcmp(line->file, file) != 0)
            continue;
        if (!any)
            printf("# ---- %s/%s ----\n", dir, file);
        any = true;
        printf("# %s\n", line->why);
        if (line->service != NULL)
            printf("# (this replaces the entry; the same as: postconf -P '%s/%s=%s')\n",
                   line->service, line->name, line->value);
        printf("%s\n", line->text);
    }
}

static void print_text(const struct advice *advice, const char *dir)
{
    if (advice->lines == NULL)
        printf("# main.cf and master.cf have what tamis (%s) needs\n", advice->address);
    print_lines(advice, dir, "main.cf");
    print_lines(advice, dir, "master.cf");
    fflush(stdout);
    for (size_t i = 0; i < advice->problems->count; i++) {
        char *text = problem_text(&advice->problems->list[i]);

        fprintf(stderr, "%s\n", text);
        free(text);
    }
}

static void add_member(struct buf *b, const char *name, const char *value, bool last)
{
    buf_addf(b, "\"%s\":", name);
    if (value == NULL)
        buf_adds(b, "null");
    else
        buf_add_json(b, value, strlen(value));
    buf_adds(b, last ? "}" : ",");
}

static void print_json(const struct advice *advice)
{
    struct buf b = {0};

    buf_adds(&b, "{\"lines\":[");
    for (const struct advice_line *line = advice->lines; line != NULL; line = line->next) {
        buf_adds(&b, line == advice->lines ? "{" : ",{");
        add_member(&b, "file", line->file, false);
        add_member(&b, "service", line->service, false);
        add_member(&b, "name", line->name, false);
        add_member(&b, "value", line->value, false);
        add_member(&b, "text", line->text, false);
        add_member(&b, "why", line->why, true);
    }
    buf_adds(&b, "],\"findings\":[");
    for (size_t i = 0; i < advice->problems->count; i++) {
        buf_adds(&b, i == 0 ? "{" : ",{");
        add_member(&b, "severity", severity_name(advice->problems->list[i].severity), false);
        add_member(&b, "text", advice->problems->list[i].text, true);
    }
    buf_adds(&b, "]}\n");
    fputs(buf_text(&b), stdout);
    buf_free(&b);
}

static int advise(const char *dir, struct settings_given *settings, bool json)
{
    struct postfix postfix = {.arena = arena_new()};
    struct problems problems = {0};
    struct advice_side side = {"inet:8894@localhost", true, given, settings};
    struct advice advice;
    struct err err;
    int code = EX_UNAVAILABLE;

    if (given(settings, "socket") != NULL)
        side.socket = given(settings, "socket");
    if (given(settings, "mode") != NULL)
        side.enforces = strcmp(given(settings, "mode"), "enforce") == 0;
    if (read_postfix(&postfix, dir, &err)) {
        advice_give(&advice, &postfix, &side, &problems);
        if (json)
            print_json(&advice);
        else
            print_text(&advice, *postfix_param(&postfix, "config_directory")
                                    ? postfix_param(&postfix, "config_directory")
                                    : "/etc/postfix");
        code = EX_OK;
    } else {
        fprintf(stderr, "tamis: %s\n", err.text);
    }
    problems_free(&problems);
    arena_free(postfix.arena);
    return code;
}

int cmd_postfix(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char **list = xcalloc((size_t)argc, sizeof(*list));
    struct settings_given settings = {list, 0};
    const char *dir = NULL;
    bool json = false;
    int c, code;

    while ((c = getopt_long(argc, argv, "c:o:v", options, NULL)) != -1) {
        if (c == 'c') {
            dir = optarg;
        } else if (c == 'o') {
            list[settings.count++] = optarg;
        } else if (c == 'j') {
            json = true;
        } else if (c != 'v') {
            free(list);
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? EX_OK : EX_USAGE;
        }
    }
    if (optind < argc)
        fprintf(stderr, "tamis: postfix takes no argument: %s\n%s", argv[optind], usage);
    code = optind < argc ? EX_USAGE : advise(dir, &settings, json);
    free(list);
    return code;
}
