/* 2-received - Postfix's own Received field, rebuilt from what a milter is told */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "header_edits.h"
#include "received.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 2026-01-01 09:08:07 UTC */
#define WHEN INT64_C(1767258487000000)

struct scene {
    const char *name;
    struct client client;
    bool smtputf8, hide;
    const char *login, *queue_id;
    const char *recipients[4];
    int refused; /* how many of them, from the first */
    const char *want;
};

#define CLIENT .name = "mail.example", .addr_text = "192.0.2.1", .helo = "helo.example",           \
               .mta_version = "Postfix 3.7.11", .mta_host = "mx.test.example",                     \
               .addr = {.family = AF_INET}
#define TLS .tls_version = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384", .cipher_bits = "256"
#define DATE "Thu,  1 Jan 2026 10:08:07 +0100 (CET)"

static const struct scene scenes[] = {
    {"one recipient", {CLIENT}, .queue_id = "4Wxyz1", .recipients = {"a@b.example"},
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\tby mx.test.example (Postfix) with ESMTP id 4Wxyz1\n"
             "\tfor <a@b.example>; " DATE},
    {"two", {CLIENT}, .queue_id = "4Wxyz1", .recipients = {"a@b.example", "c@b.example"},
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\tby mx.test.example (Postfix) with ESMTP id 4Wxyz1;\n\t" DATE},
    {"two, one of them refused", {CLIENT}, .queue_id = "4Wxyz1",
     .recipients = {"a@b.example", "c@b.example"}, .refused = 1,
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\tby mx.test.example (Postfix) with ESMTP id 4Wxyz1\n"
             "\tfor <c@b.example>; " DATE},
    {"TLS", {CLIENT, TLS}, .queue_id = "Q", .recipients = {"a@b.example"},
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n"
             "\tby mx.test.example (Postfix) with ESMTPS id Q\n\tfor <a@b.example>; " DATE},
    {"login", {CLIENT}, .login = "joe", .queue_id = "Q", .recipients = {"a@b.example"},
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\tby mx.test.example (Postfix) with ESMTPA id Q\n\tfor <a@b.example>; " DATE},
    {"TLS and login, hidden", {CLIENT, TLS}, .login = "joe", .queue_id = "Q", .hide = true,
     .recipients = {"a@b.example"},
     .want = "Received: from [127.0.0.1] (localhost [127.0.0.1])\n"
             "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n"
             "\tby mx.test.example (Postfix) with ESMTPSA id Q\n\tfor <a@b.example>; " DATE},
    {"SMTPUTF8", {CLIENT, TLS}, .smtputf8 = true, .login = "joe", .queue_id = "Q",
     .recipients = {"\xc3\xa9@b.example"},
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n"
             "\tby mx.test.example (Postfix) with UTF8SMTPSA id Q\n"
             "\tfor <\xc3\xa9@b.example>; " DATE},
    {"IPv6, no HELO, no queue id",
     {.name = "unknown", .addr_text = "2001:db8::1", .addr = {.family = AF_INET6},
      .mta_host = "mx.test.example"}, .recipients = {"postmaster"},
     .want = "Received: from unknown (unknown [IPv6:2001:db8::1])\n"
             "\tby mx.test.example (Postfix) with ESMTP\n\tfor <postmaster>; " DATE},
    {"a local part that is quoted", {CLIENT}, .queue_id = "Q", .recipients = {"a \"b\\@c@b.example"},
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\tby mx.test.example (Postfix) with ESMTP id Q\n"
             "\tfor <\"a \\\"b\\\\@c\"@b.example>; " DATE},
    {"dots", {CLIENT}, .queue_id = "Q", .recipients = {"a..b@b.example"},
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\tby mx.test.example (Postfix) with ESMTP id Q\n"
             "\tfor <\"a..b\"@b.example>; " DATE},
    {"no line is smuggled in", {CLIENT}, .queue_id = "Q", .recipients = {"a\nX-B: c\r@b.example"},
     .want = "Received: from helo.example (mail.example [192.0.2.1])\n"
             "\tby mx.test.example (Postfix) with ESMTP id Q\n"
             "\tfor <\"a?X-B: c?\"@b.example>; " DATE},
    {"sendmail(1)", {CLIENT, .local = true}, .queue_id = "Q", .recipients = {"a@b.example"},
     .want = "Received: by mx.test.example (Postfix)\n\tid Q; " DATE},
};

static void test_scene(const struct scene *s)
{
    struct message *m = message_new(0);
    int n = 0;

    m->mail_us = WHEN;
    m->smtputf8 = s->smtputf8;
    m->login = s->login != NULL ? s->login : "";
    m->queue_id = s->queue_id != NULL ? s->queue_id : "";
    for (const char *const *text = s->recipients; *text != NULL; text++) {
        struct address address = {*text, *text, *text};
        struct recipient *r = message_add_recipient(m, &address);

        if (n++ < s->refused)
            r->verdict.act = ACT_REJECT;
    }
    tap_is(received_text(&s->client, m, s->hide, m->arena), s->want, "%s", s->name);
    message_free(m);
}

static void test_versions(void)
{
    static const struct {
        const char *version;
        bool want;
    } cases[] = {{"Postfix 3.7.11", true}, {"Postfix", true},   {"Postfixed 1", false},
                 {"8.17.1.9", false},      {"postfix 3", false}, {NULL, false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client c = {.mta_version = cases[i].version};

        tap_ok(received_is_postfix(&c) == cases[i].want, "macro v: %s",
           cases[i].version != NULL ? cases[i].version : "none");
    }
}

static void test_decoys(void)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {" from [127.0.0.1] (localhost [127.0.0.1])\n\tby x; y",
         " from\n\t[127.0.0.1] (localhost [127.0.0.1])\n\tby x; y"},
        {"from a by b; c", " from\n\ta by b; c"},
        {" by b (Postfix)\n\tid Q; c", " by\n\tb (Postfix)\n\tid Q; c"},
        {" From a", " \n\tFrom a"},
        {" fromage; c", " \n\tfromage; c"},
        {" from", " \n\tfrom"},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        tap_is(received_decoy(cases[i].value, arena), cases[i].want, "decoy %zu", i + 1);
    arena_free(arena);
}

/* Between what is done to the headers that are shown, and what comes on top of all. */
static void test_plan(void)
{
    static const struct {
        enum header_op op;
        int index;
        const char *name, *value;
    } want[] = {
        {HEADER_DELETE, 1, "Received", NULL},    {HEADER_APPEND, 0, "X-End", " e"},
        {HEADER_INSERT, 0, "Received", " from\n\tx; y"}, {HEADER_DELETE, 1, "Received", NULL},
        {HEADER_INSERT, 0, "X-Second", " 2"},    {HEADER_INSERT, 0, "X-First", " 1"},
    };
    struct rule_ref rule = {{"rules", 1}, "x"};
    struct message *m = message_new(0);
    const struct header *h = message_add_header(m, "Received", " from z");
    struct header_changes c;

    message_edit_header(m, ACT_PREPEND, NULL, EDIT_TOP, "X-First: 1", &rule);
    message_edit_header(m, ACT_REPLACE, NULL, EDIT_OWN, "Received: from x; y", &rule);
    message_edit_header(m, ACT_PREPEND, NULL, EDIT_TOP, "X-Second: 2", &rule);
    message_edit_header(m, ACT_IGNORE, h, EDIT_HEADER, NULL, &rule);
    message_edit_header(m, ACT_PREPEND, NULL, EDIT_BOTTOM, "X-End: e", &rule);
    c = header_changes_plan(m, m->edits);
    tap_ok(c.count == 6, "six changes");
    for (size_t i = 0; i < c.count && i < 6; i++) {
        tap_ok(c.list[i].op == want[i].op && c.list[i].index == want[i].index, "change %zu", i + 1);
        tap_is(c.list[i].name, want[i].name, "its name");
        tap_is(c.list[i].value, want[i].value, "its value");
    }
    message_free(m);
}

int main(void)
{
    tap_start(30);
    setenv("TZ", "CET-1", 1);
    tzset();
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        test_scene(&scenes[i]);
    test_versions();
    test_decoys();
    test_plan();
    return tap_done();
}
