/* cmd_control - `tamis reload`, `tamis status`: talk to the running filter */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "control.h"
#include "options.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define RELOAD_WAIT_US 310000000 /* a little longer than the filter lets a client wait */
#define STATUS_WAIT_US 10000000

/* Settings only: a broken rule must not keep anybody from asking. */
static int ask(const struct options *options, const char *request, uint64_t wait_us,
               struct buf *out, struct err *err)
{
    struct problems problems = {0};
    struct settings *settings = options_settings(options, false, &problems);
    int status = -1;

    if (settings != NULL)
        status = control_ask(settings->control_socket, request, wait_us, out, err);
    else
        problems_first_error(&problems, err);
    settings_free(settings);
    problems_free(&problems);
    return status;
}

struct form {
    const char *json; /* NULL: for people */
};

static int reload(const struct options *options, void *arg)
{
    const struct form *form = arg;
    bool json = form->json != NULL;
    struct buf out = {0};
    struct err err = {""};
    int status = ask(options, json ? "reload json" : "reload", RELOAD_WAIT_US, &out, &err);

    if (status < 0) {
        fprintf(stderr, "tamis reload: %s\n", err.text);
        status = EX_UNAVAILABLE;
    }
    fputs(buf_text(&out), status == EX_OK || json ? stdout : stderr);
    buf_free(&out);
    return status;
}

int cmd_reload(int argc, char **argv)
{
    struct form form = {NULL};
    const struct option_row rows[] = {
        {.name = "json", .value = &form.json, .help = "the result as one line of JSON"},
        {0},
    };
    struct options options = {
        .usage = "tamis reload [OPTION…]",
        .about = "Has the running filter read its configuration again, and waits for the result.\n"
                 "A bad one changes nothing.",
        .rows = rows,
    };

    return options_run(&options, argc, argv, reload, &form);
}

static void print_down(const struct err *err, bool json)
{
    struct buf text = {0};

    if (json) {
        buf_adds(&text, "{\"state\":\"down\"");
        buf_add_member(&text, "why", err->text);
        buf_addc(&text, '}');
    } else {
        buf_addf(&text, "down: %s", err->text);
    }
    puts(buf_text(&text));
    buf_free(&text);
}

static int status(const struct options *options, void *arg)
{
    const struct form *form = arg;
    bool json = form->json != NULL;
    struct buf out = {0};
    struct err err = {""};
    int result = ask(options, json ? "status json" : "status", STATUS_WAIT_US, &out, &err);

    if (result < 0) {
        print_down(&err, json);
        result = STATUS_DOWN;
    }
    fputs(buf_text(&out), stdout);
    buf_free(&out);
    return result;
}

int cmd_status(int argc, char **argv)
{
    struct form form = {NULL};
    const struct option_row rows[] = {
        {.name = "json", .value = &form.json, .help = "one line of JSON"},
        {0},
    };
    struct options options = {
        .usage = "tamis status [OPTION…]",
        .about = "Says how the running filter is. Exit status: 0 fine, 1 degraded, 2 down.",
        .rows = rows,
    };

    return options_run(&options, argc, argv, status, &form);
}
