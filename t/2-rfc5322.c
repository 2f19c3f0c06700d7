/* 2-rfc5322 - the mailboxes in From fields: as they should be, as they are, as an attacker would */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "rfc5322.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;

/* "local|domain local|domain", or "! why" */
static const char *read(const char *text)
{
    struct mailbox list[3];
    const char *why = NULL, *out;
    int count = mailboxes_read(text, list, ARRAY_LEN(list), arena, &why);
    struct buf b = {0};

    if (count < 0)
        return arena_printf(arena, "! %s", why);
    for (int i = 0; i < count && i < (int)ARRAY_LEN(list); i++)
        buf_addf(&b, "%s%s|%s", i ? " " : "", list[i].local, list[i].domain);
    if (count > (int)ARRAY_LEN(list))
        buf_addf(&b, " of %d", count);
    out = arena_strdup(arena, buf_text(&b));
    buf_free(&b);
    return out;
}

static const struct {
    const char *text, *want;
} cases[] = {
    {" joe@example.org", "joe|example.org"},
    {" Joe Doe <joe@example.org>", "joe|example.org"},
    {" \"Doe, Joe\" <joe@example.org>", "joe|example.org"},
    {" <joe@Example.ORG>", "joe|example.org"},
    {" Joe.Q.Public <John@example.org>", "John|example.org"},
    {" =?utf-8?Q?Jos=C3=A9_=3Cx=40y=2Ez=3E?= <jose@example.org>", "jose|example.org"},
    {" Joe (work; a, b <c@d>) <joe@example.org> (at (deep) night)", "joe|example.org"},
    {" Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete|silly.test"},
    {"\n joe@example.org", "joe|example.org"},
    {" Joe\r\n\tDoe\n <joe\n @ example . org>", "joe|example.org"},
    {" <@route.example,@two.example:joe@example.org>", "joe|example.org"},
    {" \"joe@bank.example\" <joe@evil.example>", "joe|evil.example"},
    {" \"joe@bank.example\"@evil.example", "joe@bank.example|evil.example"},
    {" \"a b\\\"c\"@example.org", "a b\"c|example.org"},
    {" \"very\".odd.\"local part\"@example.org", "very.odd.local part|example.org"},
    {" .dots..everywhere.@example.org", ".dots..everywhere.|example.org"},
    {" joe@example.org.", "joe|example.org"},
    {" joe@b\303\274cher.example", "joe|xn--bcher-kva.example"},
    {" J\303\266 \377 <joe@example.org>", "joe|example.org"},
    {" Foo [Bar] <joe@example.org>", "joe|example.org"},
    {" joe@[192.0.2.1]", "joe|[192.0.2.1]"},
    {" a@x.example, b@y.example", "a|x.example b|y.example"},
    {" a@x.example,, ,b@y.example,", "a|x.example b|y.example"},
    {" a@x.example,b@x.example,c@x.example,d@x.example",
     "a|x.example b|x.example c|x.example of 4"},
    {" Group: a@x.example, B <b@y.example>;", "a|x.example b|y.example"},
    {" Undisclosed: ;", ""},
    {"", ""},
    {" ", ""},
    {" (nobody)", ""},
    {" Joe", "! a name without an address"},
    {" \"\" <>", "! an address without a domain"},
    {" Joe Doe joe@example.org", "! two words in front of an @"},
    {" joe@example.org <joe@evil.example>", "! text behind an address"},
    {" joe@bank.example (x) <j@evil.example>", "! text behind an address"},
    {" <joe@bank.example> <j@evil.example>", "! text behind an address"},
    {" <joe@bank.example>, <j@evil.example", "! a < has no >"},
    {" <joe@bank.example j@evil.example>", "! two words in a domain"},
    {" <joe bob@example.org>", "! two words in front of an @"},
    {" joe@two words.example", "! two words in a domain"},
    {" joe@@example.org", "! a domain is none"},
    {" a@b@example.org", "! text behind an address"},
    {" @example.org", "! an address without a user"},
    {" joe@", "! a domain is none"},
    {" joe@.example.org", "! a domain is none"},
    {" joe@ex..org", "! a domain is none"},
    {" joe@../etc/passwd", "! a domain is none"},
    {" joe@a/b.example", "! a domain is none"},
    {" joe@%2e.example", "! a domain is none"},
    {" \"joe <joe@example.org>", "! a quote has no end"},
    {" joe@[1.2.3.4", "! a [ has no ]"},
    {" (joe <joe@example.org>", "! a comment has no end"},
    {" joe@example.org\\", "! a character that does not belong there"},
    {" joe\001@example.org", "! a character that does not belong there"},
    {" joe)@example.org", "! a character that does not belong there"},
    {" Group: a@x.example", "! a group has no end"},
    {" A: B: a@x.example;;", "! a name without an address"},
    {" <@route joe@example.org>", "! two words in a domain"},
};

static char *repeated(const char *text, size_t count)
{
    struct buf b = {0};

    while (count-- > 0)
        buf_adds(&b, text);
    return buf_steal(&b);
}

static void test_long(void)
{
    static const char *const pieces[] = {"(", "\"a\" ", "a@b.example,", "\\", "[", "<", ":", ".",
                                         "a.", "((\\)", "@a.example,", "\303\274.", "\"\\\""};

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        char *text = repeated(pieces[i], 100000);

        read(text);
        tap_ok(arena_size(arena) < 64 * 1024 * 1024, "100,000 times %zu", i + 1);
        arena_reset(arena);
        free(text);
    }
}

/* What mailbox_read makes of it: a domain, or why not. */
static void test_one(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {" \"Doe, Joe\" (x@y) <joe@Example.ORG> (z)", "example.org"},
        {" joe(his account)@silly.test(his host)", "silly.test"},
        {" <joe@example.org >", "example.org"},
        {" joe@[192.0.2.1]", "[192.0.2.1]"},
        {" <@route.example:joe@example.org>", "! a route"},
        {" Group: a@x.example;", "! a name without an address"},
        {" a@x.example, b@y.example", "! not one address"},
        {" a@x.example,", "! not one address"},
        {" a@x.example;", "! not one address"},
        {" <a@x.example> <b@y.example>", "! not one address"},
        {" joe@example . org", "! a blank in a domain"},
        {" joe@example.org.", "! a domain is none"},
        {"", "! not one address"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mailbox mailbox;
        const char *why = NULL;
        bool good = mailbox_read(rows[i].text, &mailbox, arena, &why);

        tap_is(good ? mailbox.domain : arena_printf(arena, "! %s", why), rows[i].want, "one:%s",
               rows[i].text);
    }
}

int main(void)
{
    tap_start(60);
    arena = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        tap_is(read(cases[i].text), cases[i].want, "case %zu", i + 1);
    test_long();
    test_one();
    arena_free(arena);
    return tap_done();
}
