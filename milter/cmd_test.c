/* cmd_test - `tamis test`: a mail file, or a script of SMTP events, through the whole engine */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "cmd_world.h"
#include "front_test.h"
#include "options.h"
#include "test_mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static int run_session(const char *path, const struct policy_source *source, struct world *world)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    bool good;

    if (in == NULL) {
        fprintf(stderr, "tamis test: %s: %s\n", path, strerror(errno));
        return EX_DATAERR;
    }
    good = test_session(in, stdout, source, world);
    if (!good)
        fprintf(stderr, "tamis test: %s: %s\n", path, strerror(errno));
    if (in != stdin)
        fclose(in);
    return good ? EX_OK : EX_DATAERR;
}

/* Nobody sees the fields that a script's mail would get, so nothing is asked for them. What the
 * command line says counts more. The caller frees the list. */
static const char **leave_out_fields(struct policy_source *source)
{
    static const char *const fields[] = {"authentication_results=", "received_spf_header=no"};
    size_t count = source->override_count, own = ARRAY_LEN(fields);
    const char **all = xcalloc(count + own, sizeof(*all));

    memcpy(all, fields, sizeof(fields));
    if (count > 0)
        memcpy(all + own, source->overrides, count * sizeof(*all));
    source->overrides = all;
    source->override_count = count + own;
    return all;
}

/* Publishes; false after the errors were printed. */
static bool load(const struct policy_source *source, struct problems *problems)
{
    struct policy *policy = problems->errors > 0 ? NULL : policy_load(source, problems);

    options_print_problems(problems, SEV_WARNING);
    problems_free(problems);
    if (policy != NULL)
        policy_publish(policy);
    return policy != NULL;
}

static void unload(void)
{
    policy_publish(NULL);
    policy_reap();
}

static int play(const struct policy_source *source, const struct test_mail *mail,
                const char *script, const char *path, const char *zone)
{
    struct policy *policy = policy_acquire();
    struct cmd_world world;
    int status = EX_DATAERR;

    if (cmd_world_open(&world, policy->settings, zone))
        status = script != NULL ? run_session(script, source, world.world)
                                : test_mail_run(mail, path, world.world, stdout);
    cmd_world_close(&world);
    policy_release(policy);
    return status;
}

static int run(const struct options *options, const struct test_mail *mail, const char *script,
               const char *zone, char **arguments)
{
    struct policy_source source;
    struct problems problems = {0};
    const char **overrides = NULL;
    int status = EX_CONFIG;

    if (script == NULL && (arguments[0] == NULL || arguments[1] != NULL))
        return options_usage_error(options, "one mail file is needed, or --session SCRIPT");
    if (script != NULL && arguments[0] != NULL)
        return options_usage_error(options, "a mail file does not go with --session");
    if (options_source(options, false, &source, &problems) && script != NULL)
        overrides = leave_out_fields(&source);
    if (load(&source, &problems)) {
        status = play(&source, mail, script, arguments[0], zone);
        unload();
    }
    free(overrides);
    return status;
}

int cmd_test(int argc, char **argv)
{
    struct test_mail mail = {0};
    const char *script = NULL, *json = NULL, *zone = NULL;
    const struct option_row rows[] = {
        {0, "session", "SCRIPT", "play a script of SMTP events (- : standard input)", &script,
         NULL},
        {0, "client", "NAME[ADDR]", "the client (unknown[192.0.2.1])", &mail.client, NULL},
        {0, "helo", "NAME", "its HELO name", &mail.helo, NULL},
        {0, "auth", "LOGIN", "its login name", &mail.login, NULL},
        {0, "from", "ADDR", "the envelope sender (Return-Path, else <>)", &mail.from, NULL},
        {0, "rcpt", "ADDR", "an envelope recipient; may be repeated", NULL, &mail.recipients},
        {0, "zone", "FILE", "a zone file in place of the DNS", &zone, NULL},
        {0, "json", NULL, "one JSON object", &json, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis test [OPTION…] MAIL.eml | --session SCRIPT",
        .about = "Plays a mail through the rules as the live filter would, always enforcing.",
        .rows = rows,
    };
    int status = options_parse(&options, argc, argv);

    mail.json = json != NULL;
    mail.verbose = options.verbose > 0;
    if (status < 0)
        status = run(&options, &mail, script, zone, argv + options.first);
    test_mail_free(&mail);
    options_free(&options);
    return status;
}
