/* 1-message - names, copies of a client, the lists of a message, the clock */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"
#include "tap.h"
#include "world.h"

#include <string.h>

static void test_names(void)
{
    tap_is(stage_name(STAGE_CONNECT), "CONNECT", "first stage");
    tap_is(stage_name(STAGE_RCPT), "RCPT", "stage of recipients");
    tap_is(stage_name(STAGE_EOM), "END-OF-MESSAGE", "last stage");
    tap_is(act_name(ACT_DUNNO), "dunno", "first act");
    tap_is(act_name(ACT_DEFER_IF_PERMIT), "defer_if_permit", "an act");
    tap_is(act_name(ACT_INFO), "info", "last act");
    tap_is(direction_name(DIR_INCOMING), "incoming", "in");
    tap_is(direction_name(DIR_OUTGOING), "outgoing", "out");
    tap_ok(verdict_refuses(&(struct verdict){.act = ACT_DEFER}), "defer refuses");
    tap_ok(verdict_refuses(&(struct verdict){.act = ACT_REJECT}), "reject refuses");
    tap_ok(!verdict_refuses(&(struct verdict){.act = ACT_DISCARD}), "discard does not");
}

static void test_rules(void)
{
    const struct rule_ref none = {{NULL, 0}, NULL}, empty = {{"", 0}, ""},
                          rule = {{"rules/client", 3}, "x"}, below = {{"rules/client", 4}, "x"},
                          other = {{"rules/client", 3}, "y"}, beside = {{"rules/helo", 3}, "x"},
                          again = {{"rules/client", 3}, "x"};

    tap_ok(rule_is_same(&rule, &again), "the same rule");
    tap_ok(rule_is_same(&none, &empty), "none, however it is written");
    tap_ok(!rule_is_same(&rule, &none), "a rule and none");
    tap_ok(!rule_is_same(&rule, &below), "another line");
    tap_ok(!rule_is_same(&rule, &other), "another text");
    tap_ok(!rule_is_same(&rule, &beside), "another file");
}

static void test_client_copy(void)
{
    char name[] = "mail.example", helo[] = "helo.example", address[] = "192.0.2.1";
    struct client from = {.name = name, .helo = helo, .addr_text = address, .port = 25,
                          .daemon_port = -1, .addr = {.family = 2, .bytes = {192, 0, 2, 1}}};
    struct arena *arena = arena_new();
    struct client to;

    client_copy(&to, &from, arena);
    memset(name, 'x', strlen(name));
    memset(helo, 'x', strlen(helo));
    memset(address, 'x', strlen(address));
    tap_is(to.name, "mail.example", "the name is a copy");
    tap_is(to.helo, "helo.example", "the HELO name");
    tap_is(to.addr_text, "192.0.2.1", "the address");
    tap_ok(to.tls_version == NULL && to.ptr == NULL, "what was not told stays so");
    tap_ok(to.port == 25 && to.addr.bytes[3] == 1, "numbers");
    arena_free(arena);
}

/* Whatever could be a pointer is one here, but for the members that are known to be none: a text
 * that is not copied, and a member that this test was not told of, is still the same in the copy. */
static void test_client_copy_is_whole(void)
{
    static const char text[] = "text";
    const char *word = text;
    struct arena *arena = arena_new();
    struct client from, to;
    size_t shared = 0;

    for (size_t at = 0; at < sizeof(from); at += sizeof(word))
        memcpy((char *)&from + at, &word, sizeof(word));
    memset(&from.addr, 0, sizeof(from.addr));
    from.port = from.daemon_port = 0;
    from.local = false;
    client_copy(&to, &from, arena);
    for (size_t at = 0; at < sizeof(to); at += sizeof(word)) {
        memcpy(&word, (char *)&to + at, sizeof(word));
        shared += word == text;
    }
    tap_is_int((long long)shared, 0, "no pointer of the copy leads out of its arena");
    tap_is(to.cert_issuer, "text", "the last text");
    arena_free(arena);
}

static void test_lists(void)
{
    struct message *m = message_new(1234567890);
    struct address address = {"<a@b.example>", "a@b.example", "a@b.example"};
    struct recipient *r;

    tap_is(m->queue_id, "", "no queue id yet");
    tap_ok(m->verdict.act == ACT_DUNNO && m->verdict.enforced, "nothing decided");
    message_add_recipient(m, &address);
    r = message_add_recipient(m, &address);
    tap_ok(r->number == 2 && m->recipient_count == 2 && m->recipients->next == r,
           "recipients are numbered from 1");
    tap_is(r->address.text, "a@b.example", "the address");
    message_add_check(m)->restriction = "one";
    message_add_check(m)->restriction = "two";
    tap_is(m->checks->next->restriction, "two", "checks keep their order");
    message_add_header(m, "Subject", " hello");
    tap_is(m->headers->value, " hello", "headers keep their blank");
    tap_ok(message_find(m, "dns A a.example") == NULL, "not asked yet");
    message_add_finding(m, "dns A b.example");
    message_add_finding(m, "dns A a.example");
    tap_ok(message_find(m, "dns A a.example") == m->findings->next, "found again");
    tap_ok(world_clock(NULL) > 1500000000ll * 1000000, "the clock");
    message_free(m);
}

static void test_edits(void)
{
    struct message *m = message_new(0);
    char text[] = "because";
    struct rule_ref rule = {{"rules/client", 3}, "x HOLD because"},
                    other = {{"rules/client", 4}, "y"};

    tap_ok(message_add_edit(m, ACT_HOLD, text, &rule), "a first edit");
    tap_ok(!message_add_edit(m, ACT_HOLD, "because", &rule), "the same again counts once");
    tap_ok(message_add_edit(m, ACT_HOLD, "because", &other), "another rule");
    tap_ok(message_add_edit(m, ACT_PREPEND, "because", &rule), "another act");
    tap_ok(message_add_edit(m, ACT_HOLD, NULL, &rule), "no text");
    text[0] = 'B';
    tap_is(m->edits->text, "because", "the text is a copy");
    tap_ok(message_last_edit(m, ACT_HOLD)->text == NULL, "the last of its kind");
    tap_ok(message_last_edit(m, ACT_BCC) == NULL, "none of its kind");
    message_add_edit(m, ACT_REDIRECT, "a@x", &rule);
    message_add_edit(m, ACT_REDIRECT, "b@x", &other);
    tap_is(message_last_edit(m, ACT_REDIRECT)->text, "b@x", "the last redirection");
    tap_ok(!message_add_edit(m, ACT_REDIRECT, "a@x", &rule), "one that was there");
    tap_is(message_last_edit(m, ACT_REDIRECT)->text, "a@x", "is the last again");
    tap_ok(!message_add_edit(m, ACT_REDIRECT, "a@x", &rule) &&
               message_add_edit(m, ACT_HOLD, "late", &rule),
           "the end of the list is where it belongs");
    tap_is(message_last_edit(m, ACT_HOLD)->text, "late", "what comes behind");
    message_free(m);
}

int main(void)
{
    tap_start(35);
    test_names();
    test_rules();
    test_client_copy();
    test_client_copy_is_whole();
    test_lists();
    test_edits();
    return tap_done();
}
