/* 2-param - typed values, their limits, presets; unknown and doubled names, directions, classes */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "param.h"
#include "postfix_names.h"
#include "settings.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* Loads the text with no Postfix; the problems as one text, each with a newline behind. */
static struct settings *load(const char *text, char **said)
{
    struct problems problems = {0};
    struct conf *conf = conf_new();
    struct settings *settings;
    char *all = xstrdup("");

    conf_read_text(conf, "/d/f", text, strlen(text), &problems);
    if (conf_find(conf, "postfix_config_directory") == NULL)
        conf_set(conf, "postfix_config_directory =", &problems);
    settings = settings_of_conf(conf, "/d/f", &problems);
    for (size_t i = 0; i < problems.count; i++) {
        char *one = problem_text(&problems.list[i]), *more = xasprintf("%s%s\n", all, one);

        free(one);
        free(all);
        all = more;
    }
    problems_free(&problems);
    *said = all;
    return settings;
}

static void test_presets(void)
{
    char *said;
    struct settings *s = load("", &said);

    tap_is(said, "", "the presets have no problems");
    tap_is(s->socket, "inet:8894@localhost", "socket");
    tap_is_int(s->mode, MODE_ENFORCE, "mode");
    tap_is_int(s->drain_time_limit, 10000000, "drain_time_limit in microseconds");
    tap_is_int(s->access_map_reject_code, 554, "access_map_reject_code");
    tap_is(s->recipient_restrictions[DIR_OUTGOING].text, "", "no restrictions");
    tap_is(s->outgoing.text, "sasl_authenticated, mynetworks, local_submission", "outgoing");
    tap_is_int(s->log_queue_size, 33554432, "32M");
    tap_ok(s->delay_reject && !s->helo_required && s->reload_on_change, "bools");
    free(said);
    settings_free(s);
}

static void test_values(void)
{
    char *said;
    struct settings *s = load("mode = observe\ndrain_time_limit = 2m\nstage_time_limit = 7\n"
                              "log_queue_size = 640K\nlog_file = sub/l.db\npid_file = /run/x\n"
                              "smtpd_helo_required = YES\nreject_code = 550\nnets = 10.0.0.0/8\n"
                              "mynetworks = $nets [::1]/128\nsyslog_facility = local3\n"
                              "myhostname = mx.example.com\n",
                              &said);

    tap_is(said, "", "no problems");
    tap_is_int(s->mode, MODE_OBSERVE, "a word");
    tap_is_int(s->drain_time_limit, 120000000, "minutes");
    tap_is_int(s->stage_time_limit, 7000000, "no unit: seconds");
    tap_is_int(s->log_queue_size, 655360, "kilobytes");
    tap_is(s->log_file, "/d/sub/l.db", "a path is relative to the file that names it");
    tap_is(s->pid_file, "/run/x", "unless it is absolute");
    tap_ok(s->helo_required, "with smtpd_");
    tap_is_int(s->reject_code, 550, "a number");
    tap_is(s->mynetworks.text, "10.0.0.0/8 [::1]/128", "a name of the site");
    tap_is_int(s->mynetworks.where.line, 10, "knows its line");
    tap_is_int(s->syslog_facility, 19 << 3, "LOG_LOCAL3");
    tap_is(s->mydomain, "example.com", "mydomain follows from myhostname");
    tap_is(s->mydestination.text, "mx.example.com, localhost.example.com, localhost",
           "and so does mydestination");
    free(said);
    settings_free(s);
}

static void test_problems(void)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"mode = on\n", "/d/f:1: error: mode = on: write observe, annotate or enforce\n"},
        {"strict = 1\n", "/d/f:1: error: strict = 1: write yes or no\n"},
        {"reject_code = 200\n",
         "/d/f:1: error: reject_code = 200: write a value from 400 to 599\n"},
        {"reject_code = x\n", "/d/f:1: error: reject_code = x: write a number\n"},
        {"stage_time_limit = 1h\n",
         "/d/f:1: error: stage_time_limit = 1h: write a value from 1s to 5m\n"},
        {"stage_time_limit = 3 s\n",
         "/d/f:1: error: stage_time_limit = 3 s: write a time such as 30s, 5m, 2h, 1d, 1w\n"},
        {"log_queue_size = 99999999999999999999\n",
         "/d/f:1: error: log_queue_size = 99999999999999999999: write a size such as 500, 64K, "
         "10M, 1G\n"},
        {"sokcet = x\n", "/d/f:1: error: sokcet: unknown name; did you mean socket?\n"},
        {"smtpd_sender_restriction = x\n", "/d/f:1: error: smtpd_sender_restriction: unknown name; "
                                           "did you mean smtpd_sender_restrictions?\n"},
        {"qwertzuiop = x\n", "/d/f:1: error: qwertzuiop: unknown name; correct or remove it "
                             "(tamis conf lists all names)\n"},
        {"smtpd_tls_security_level = may\n",
         "/d/f:1: note: smtpd_tls_security_level stays in main.cf; no effect here\n"},
        {"amavis_destination_recipient_limit = 1\n", "/d/f:1: note: "
         "amavis_destination_recipient_limit stays in main.cf; no effect here\n"},
        {"helo_required = yes\nsmtpd_helo_required = yes\n", "/d/f:2: error: smtpd_helo_required "
         "is the same as helo_required (/d/f:1): remove one of them\n"},
        {"outgoing_mode = observe\n",
         "/d/f:1: error: outgoing_mode: mode has no direction; write mode\n"},
        {"socket = $nix\n", "/d/f:1: warning: $nix is not set: it stands for nothing; set it, or "
                            "write $$ for the character\n"},
        {"socket = $socket\n",
         "/d/f:1: error: socket: $socket needs its own value: socket refers to socket\n"},
        {"restriction_classes = a\n", "/d/f:1: error: restriction_classes: a is not defined: add a "
                                      "line a = …\n"},
        {"mode = 1\nstrict = 2\n", "/d/f:1: error: mode = 1: write observe, annotate or enforce\n"
                                   "/d/f:2: error: strict = 2: write yes or no\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *said;
        struct settings *s = load(rows[i].text, &said);

        if (strncmp(rows[i].text, "socket = $socket", 16) == 0) {
            tap_ok(strstr(said, "error: socket: $socket needs its own value") != NULL,
                   "a loop is an error");
            tap_is(s->socket, "inet:8894@localhost", "the preset takes its place");
        } else {
            tap_is(said, rows[i].said, "%.*s", (int)strcspn(rows[i].text, "\n"), rows[i].text);
        }
        free(said);
        settings_free(s);
    }
}

static void test_directions(void)
{
    char *said;
    struct settings *s = load("sender_restrictions = both\noutgoing_sender_restrictions = out\n"
                              "incoming_smtpd_helo_restrictions = in\n"
                              "header_checks = h\noutgoing_header_checks = oh\n"
                              "mime_header_checks = m\nincoming_nested_header_checks = in\n",
                              &said);

    tap_is(said, "", "no problems");
    tap_is(s->sender_restrictions[DIR_INCOMING].text, "both", "incoming: as for both");
    tap_is(s->sender_restrictions[DIR_OUTGOING].text, "out", "outgoing: its own");
    tap_is_int(s->sender_restrictions[DIR_OUTGOING].where.line, 2, "and its own line");
    tap_is(s->helo_restrictions[DIR_INCOMING].text, "in", "with smtpd_ inside");
    tap_is(s->helo_restrictions[DIR_OUTGOING].text, "", "the other one stays empty");
    tap_is(s->mime_header_checks[DIR_INCOMING].text, "m", "mime, incoming");
    tap_is(s->mime_header_checks[DIR_OUTGOING].text, "oh",
           "mime, outgoing: outgoing_header_checks goes before mime_header_checks");
    tap_is(s->nested_header_checks[DIR_INCOMING].text, "in", "nested, incoming");
    tap_is(s->nested_header_checks[DIR_OUTGOING].text, "oh", "nested, outgoing");
    free(said);
    settings_free(s);
}

static void test_classes(void)
{
    char *said;
    struct settings *s = load("smtpd_restriction_classes = a, b_c\na = permit\nb_c = reject $x\n"
                              "x = permit\n",
                              &said);

    tap_is(said, "", "no problems");
    tap_is(settings_class(s, "a")->text, "permit", "a class");
    tap_is(settings_class(s, "b_c")->text, "reject permit", "expanded");
    tap_is_int(settings_class(s, "b_c")->where.line, 3, "with its line");
    tap_ok(settings_class(s, "x") == NULL, "a name for $name is no class");
    free(said);
    settings_free(s);
}

static void test_distance(void)
{
    tap_is_int(edit_distance("socket", "sokcet", 2), 1, "neighbours swapped");
    tap_is_int(edit_distance("socket", "sockets", 2), 1, "one more");
    tap_is_int(edit_distance("", "abc", 5), 3, "from nothing");
    tap_is_int(edit_distance("kitten", "sitting", 5), 3, "kitten, sitting");
    tap_is_int(edit_distance("abc", "xyz", 1), 2, "more than the limit");
    tap_ok(postfix_knows("smtpd_banner") && postfix_knows("zone_time_limit") &&
               !postfix_knows("smtpd_baner") && !postfix_knows(""), "Postfix's names");
}

static void test_postfix_order(void)
{
    char *said;
    struct settings *s;
    struct problems problems = {0};
    const char *o[] = {"postfix_config_directory =", "socket = $undefined", "mode = ?"};

    s = settings_load(NULL, o, ARRAY_LEN(o), &problems);
    tap_is_int((long long)problems.errors, 1, "-o is checked, too");
    tap_is_int((long long)problems.warnings, 1, "and expanded");
    problems_free(&problems);
    settings_free(s);
    s = load("mydomain = $myhostname\nmyhostname = x.$mydomain\n", &said);
    tap_ok(strstr(said, "needs its own value") != NULL, "a loop of two names");
    free(said);
    settings_free(s);
}

int main(void)
{
    tap_start(60);
    test_presets();
    test_values();
    test_problems();
    test_directions();
    test_classes();
    test_distance();
    test_postfix_order();
    return tap_done();
}
