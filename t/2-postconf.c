/* 2-postconf - what postconf prints, lists of milters, addresses as Postfix writes them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "postconf.h"
#include "tap.h"

#include <string.h>

static const char PARAMS[] =
    "compatibility_level = 3.6\n"
    "content_filter =\n"
    "smtpd_milters = inet:127.0.0.1:8891, { inet:localhost:8894, default_action=tempfail }\n"
    "not an assignment\n"
    "smtpd_banner = $myhostname ESMTP a=b";

static const char SERVICES[] =
    "smtp       inet  n       -       y       -       -       smtpd\n"
    "127.0.0.1:10025 inet n   -       n       -       -       smtpd -v -o content_filter= "
    "-o {smtpd_milters=inet:a:1, { inet:b:2, default_action=accept }} -osyslog_name=x\n"
    "short line\n"
    "filter     unix  -       n       n       -       10      pipe flags=Rq user=filter argv=/f -f "
    "${sender}\n";

static const char OVERRIDES[] =
    "127.0.0.1:10025/inet/content_filter =\n"
    "127.0.0.1:10025/inet/smtpd_milters = inet:a:1, { inet:b:2, default_action=accept }\n"
    "bad = line\n";

static void test_reading(struct arena *arena)
{
    struct postfix postfix = {.arena = arena};
    const struct postfix_service *smtp, *back, *filter;

    postfix_read_params(&postfix, PARAMS);
    postfix_read_services(&postfix, SERVICES);
    postfix_read_overrides(&postfix, OVERRIDES);
    tap_is(postfix_param(&postfix, "compatibility_level"), "3.6", "a parameter");
    tap_is(postfix_param(&postfix, "content_filter"), "", "an empty parameter");
    tap_is(postfix_param(&postfix, "no_such"), "", "a parameter that is not set");
    tap_is(postfix_param(&postfix, "smtpd_banner"), "$myhostname ESMTP a=b",
           "the last line needs no newline, the value may hold =");
    smtp = postfix.services;
    back = smtp->next;
    filter = back->next;
    tap_ok(filter->next == NULL, "three services; a short line is none");
    tap_is(back->key, "127.0.0.1:10025/inet", "key as in postconf -P");
    tap_is(smtp->fields, "n - y - -", "fields");
    tap_ok(smtp->chroot == 'y' && back->chroot == 'n', "chroot");
    tap_is(filter->command, "pipe", "command");
    tap_ok(postfix_override(&postfix, smtp, "smtpd_milters") == NULL, "no override");
    tap_is(postfix_override(&postfix, back, "content_filter"), "", "an empty override");
    tap_is(postfix_effective(&postfix, back, "smtpd_milters"),
           "inet:a:1, { inet:b:2, default_action=accept }", "the service's own value");
    tap_is(postfix_effective(&postfix, smtp, "smtpd_milters"),
           "inet:127.0.0.1:8891, { inet:localhost:8894, default_action=tempfail }",
           "main.cf's value");
    tap_is(postfix_entry_with(&postfix, back, "smtpd_milters", ""),
           "127.0.0.1:10025 inet n - n - - smtpd\n"
           "    -v\n"
           "    -o content_filter=\n"
           "    -o smtpd_milters=\n"
           "    -o syslog_name=x",
           "an entry with one option replaced");
    tap_is(postfix_entry_with(&postfix, smtp, "smtpd_milters", "inet:a:1, inet:b:2"),
           "smtp inet n - y - - smtpd\n    -o { smtpd_milters = inet:a:1, inet:b:2 }",
           "an entry with one option added");
}

static void test_items(struct arena *arena)
{
    const struct milter_item *i = milter_items(
        arena, "inet:127.0.0.1:8891,{ unix:/a b, default_action=accept, { command_timeout = 5s }} "
               "{inet:localhost:8894,default_action = quarantine}\n unix:x");

    tap_is(i->text, "inet:127.0.0.1:8891", "a plain item");
    tap_ok(i->default_action == NULL, "has no default_action");
    i = i->next;
    tap_is(i->text, "{ unix:/a b, default_action=accept, { command_timeout = 5s }}", "braces");
    tap_is(i->address, "unix:/a", "its address");
    tap_is(i->default_action, "accept", "its default_action");
    i = i->next;
    tap_is(i->address, "inet:localhost:8894", "braces without blanks");
    tap_is(i->default_action, "quarantine", "blanks around =");
    i = i->next;
    tap_is(i->text, "unix:x", "the last item");
    tap_ok(i->next == NULL, "nothing behind");
    tap_ok(milter_items(arena, " , ") == NULL, "an empty list");
    tap_ok(milter_items(arena, "{") != NULL && milter_items(arena, "}}") != NULL,
           "unbalanced braces are survived");
    tap_ok(milter_items(arena, "{}")->address != NULL, "empty braces are survived");
}

static void test_addresses(struct arena *arena)
{
    static const struct {
        const char *socket, *want;
    } rows[] = {
        {"inet:8894@localhost", "inet:localhost:8894"},
        {"inet:8894", "inet:localhost:8894"},
        {"inet:8894@0.0.0.0", "inet:localhost:8894"},
        {"inet:8894@192.0.2.1", "inet:192.0.2.1:8894"},
        {"inet:localhost:8894", "inet:localhost:8894"},
        {"inet:[::1]:8894", "inet:[::1]:8894"},
        {"inet6:8894@::1", "inet:[::1]:8894"},
        {"inet6:8894@[2001:db8::1]", "inet:[2001:db8::1]:8894"},
        {"inet6:8894", "inet:[::1]:8894"},
        {"unix:/run/tamis/sock", "unix:/run/tamis/sock"},
        {"local:/run/tamis/sock", "unix:/run/tamis/sock"},
        {"/run/tamis/sock", "unix:/run/tamis/sock"},
        {"unix:/var/spool/postfix/tamis/sock", "unix:tamis/sock"},
        {"/var/spool/postfix/tamis/sock", "unix:tamis/sock"},
        {"/var/spool/postfixed/sock", "unix:/var/spool/postfixed/sock"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tap_is(milter_address(arena, rows[i].socket, "/var/spool/postfix"), rows[i].want, "%s",
               rows[i].socket);
    tap_ok(milter_address(arena, "fd:3", "/q") == NULL, "fd:3 has no address");
}

static void test_same(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"inet:localhost:8894", "inet:127.0.0.1:8894", true},
        {"inet:[::1]:8894", "inet:LOCALHOST:8894", true},
        {"inet:localhost:8894", "inet:localhost:8891", false},
        {"inet:localhost:889", "inet:localhost:8894", false},
        {"inet:192.0.2.1:8894", "inet:127.0.0.1:8894", false},
        {"inet:192.0.2.1:8894", "inet:192.0.2.1:8894", true},
        {"unix:/tamis/sock", "unix:tamis/sock", true},
        {"unix:tamis/sock", "unix:tamis/other", false},
        {"", "", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tap_ok(milter_address_same(rows[i].a, rows[i].b) == rows[i].same, "\"%s\" and \"%s\"",
               rows[i].a, rows[i].b);
}

int main(void)
{
    struct arena *arena = arena_new();

    tap_start(20);
    test_reading(arena);
    test_items(arena);
    test_addresses(arena);
    test_same();
    arena_free(arena);
    return tap_done();
}
