/* 3-dkim-mail - DKIM and mails of all kinds: hostile, large, many signatures, any From */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_scene.h"

#include <pthread.h>
#include <stdlib.h>

#include "buf.h"

static void check_texts(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_signature *sig;
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_2048,
                 TAGS " i=foo=3B=20dkim=3Dpass=20header.d=3Dbank.example=0D=0AX:@example.org;",
                 arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "pass", "", "i= with encoded line breaks");
    tap_ok(verdict->signature->i == NULL, "is not shown");
    sign_plainly(&mail, KEY_2048, TAGS, arena);
    sig = dkim_test_verify(&mail, &plain, arena)->signature;
    tap_is(sig->d, "example.org", "d");
    tap_is(sig->s, "sel", "s");
    tap_is(sig->i, "@example.org", "i, when there is none");
    tap_is(sig->a, "rsa-sha256", "a");
    tap_is(sig->c, "simple/simple", "c");
    tap_is(sig->question, NAME, "the question");
    tap_is_int((long long)strlen(sig->b), 8, "b: 8 characters");
    start(&mail);
    dkim_test_first(&mail, "DKIM-Signature", " v=1; a=rsa-sha256; d=a(b; s=c\"d; i=\"@x; b=(\"xIU");
    sig = dkim_test_verify(&mail, &plain, arena)->signature;
    tap_ok(sig->d == NULL && sig->s == NULL && sig->i == NULL && sig->b == NULL,
           "nothing that could mean something else");
}

static void check_prefixes(struct arena *arena)
{
    static const char *const values[] = {
        " v=1; a=rsa-sha256; d=e.org; s=s; h=from; bh=QQ==; b=AAAABBBBCCCCDDDD",
        " v=1; a=rsa-sha256; d=e.org; s=s; h=from; bh=QQ==; b=AAAABBBBCCCCEEEE",
        " v=1; a=rsa-sha256; d=e.org; s=s; h=from; bh=QQ==; b=BBBB\n BBBBCCCCEEEE",
    };
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    start(&mail);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        dkim_test_field(&mail, "DKIM-Signature", values[i]);
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is_int((long long)verdict->count, 3, "three signatures");
    tap_is(verdict->signature[0].b, "AAAABBBBCCCCD", "b is long enough");
    tap_is(verdict->signature[1].b, "AAAABBBBCCCCE", "to tell one from the other");
    tap_is(verdict->signature[2].b, "BBBBBBBBCCCCE", "blanks do not count");
}

static void check_cap(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;
    size_t capped = 0;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    for (int i = 0; i < 99; i++)
        dkim_test_first(&mail, "DKIM-Signature",
                        arena_printf(arena, " v=1; a=rsa-sha256; d=d%d.example; s=s; h=from;"
                                     " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; l=%d;"
                                     " b=QUJD%04d", i, i, i));
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is(dkim_result_name(verdict->result), "pass", "99 others do not hide the sender's own");
    tap_is_int(mail.asked, 8, "8 are evaluated");
    for (size_t i = 0; i < verdict->count; i++)
        capped += verdict->signature[i].capped && verdict->signature[i].result == DKIM_POLICY;
    tap_is_int((long long)capped, 92, "the others are said to be too many");
    tap_is_int((long long)verdict->count, 100, "all are listed");
    for (int i = 0; i < 50; i++)
        dkim_test_first(&mail, "DKIM-Signature", " =foo");
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is_int((long long)verdict->unlisted, 50, "beyond 100 they are counted");
}

static void check_hostile(struct arena *arena)
{
    struct dkim_test_mail mail;
    struct buf big = {0};
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    buf_adds(&big, " v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=x; b=");
    while (big.len < 65536 + 100)
        buf_adds(&big, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo");
    dkim_test_first(&mail, "DKIM-Signature", buf_text(&big));
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "permerror", "the field is too long", "64 kB of signature");
    tap_is(dkim_result_name(verdict->result), "pass", "and the other one is evaluated");
    buf_clear(&big);
    buf_adds(&big, " v=1; a=rsa-sha256; d=example.org; s=sel; bh=@BH@; h=from");
    while (big.len < 4300)
        buf_adds(&big, ":abcdefghijklmnopqrstuvwxyz");
    buf_addc(&big, ';');
    sign_plainly(&mail, KEY_2048, big.ptr, arena);
    is_result(dkim_test_verify(&mail, &plain, arena), "permerror", "h= is too long", "h= of 4 kB");
    buf_clear(&big);
    buf_adds(&big, TAGS " i=");
    for (int i = 0; i < 300; i++)
        buf_addc(&big, 'a');
    buf_adds(&big, "@example.org;");
    sign_plainly(&mail, KEY_2048, big.ptr, arena);
    is_result(dkim_test_verify(&mail, &plain, arena), "permerror", "i= is malformed or too long",
              "i= of 300 bytes");
    buf_free(&big);
}

static void check_three_headers(struct arena *arena)
{
    struct dkim_test_mail mail;

    memset(&mail, 0, sizeof(mail));
    mail.body = "";
    dkim_test_field(&mail, "From", " a@example.org");
    dkim_test_field(&mail, "To", " b@example.org");
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "DKIM-Signature",
                    " v=1; a=rsa-sha256; d=example.org; s=sel; h=from:to:dkim-signature:x;"
                    " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=QUJD");
    is_result(dkim_test_verify(&mail, &plain, arena), "fail",
              "bad signature, and the body was altered", "three fields, and h= names all");
}

static void check_long_name(struct arena *arena)
{
    struct dkim_test_mail mail;
    char *name = arena_alloc(arena, 60001);

    memset(name, 'n', 60000);
    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_field(&mail, name, " x");
    dkim_test_field(&mail, "b\xc3\xa4" "d;", " x");
    dkim_test_field(&mail, "", " x");
    is_result(dkim_test_verify(&mail, &plain, arena), "pass", "", "fields with odd names");
}

static const struct {
    const char *from, *domain;
    bool aligned, strict;
} froms[] = {
    {" alice@example.org", "example.org", true, true},
    {" \"x@evil.example, y\" <alice@EXAMPLE.org> (z@evil.example)", "example.org", true, true},
    {" A <a@lists.example.org>", "lists.example.org", true, false},
    {" A <a@org>", "org", false, false},
    {" A <a@example.com>", "example.com", false, false},
    {" A <a@badexample.org>", "badexample.org", false, false},
    {" A <a@b\xc3\xbc""cher.example>", "xn--bcher-kva.example", false, false},
    {" a@example.org, b@example.com", NULL, false, false},
    {" a@example.org b@example.com", NULL, false, false},
    {" a@example.org <b@example.com", NULL, false, false},
    {" <a@example.com> <b@example.org>", NULL, false, false},
    {" <a@example.com>@example.org", NULL, false, false},
    {" <@example.com:a@example.org>", NULL, false, false},
    {" g: a@example.org;", NULL, false, false},
    {" (a@example.org", NULL, false, false},
    {" \"a\\\"@example.com\"@example.org", "example.org", true, true},
    {" nobody", NULL, false, false},
    {"", NULL, false, false},
};

static void check_from(void)
{
    for (size_t i = 0; i < ARRAY_LEN(froms); i++) {
        struct arena *arena = arena_new();
        struct dkim_test_mail mail;
        const struct dkim_verdict *verdict;

        start(&mail);
        mail.field[1].value = froms[i].from;
        dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
        dkim_test_first(&mail, "DKIM-Signature",
                        dkim_test_sign(&mail, KEY_2048, TAGS, mail.body_len, arena));
        verdict = dkim_test_verify(&mail, &plain, arena);
        tap_is(verdict->from_domain != NULL ? verdict->from_domain : "none",
               froms[i].domain != NULL ? froms[i].domain : "none", "From:%s", froms[i].from);
        tap_ok(verdict->signature->aligned == froms[i].aligned &&
                   verdict->signature->aligned_strict == froms[i].strict &&
                   verdict->result == DKIM_PASS,
               "alignment and pass");
        arena_free(arena);
    }
}

static void check_two_froms(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "From", " <bank@example.com>");
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is_int(verdict->from_count, 2, "two From fields are counted");
    tap_ok(!verdict->signature->aligned && verdict->from_domain == NULL, "and nothing is aligned");
    is_result(verdict, "policy", "the mail has 2 From fields", "two From fields");
    start(&mail);
    mail.field[1].name = "Fro";
    dkim_test_first(&mail, "DKIM-Signature",
                    dkim_test_sign(&mail, KEY_2048, TAGS, mail.body_len, arena));
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is_int(verdict->from_count, 0, "no From");
    is_result(verdict, "pass", "", "no From, which is what was signed");
}

static void *verify_many(void *arg)
{
    const struct dkim_test_mail *first = arg;
    struct dkim_test_mail *mail = xmalloc(sizeof(*mail));
    intptr_t passed = 0;

    *mail = *first;
    for (mail->seed = 1; mail->seed <= 50; mail->seed++) {
        struct arena *arena = arena_new();

        passed += dkim_test_verify(mail, &plain, arena)->result == DKIM_PASS;
        arena_free(arena);
    }
    free(mail);
    return (void *)passed;
}

static void check_threads(struct arena *arena)
{
    struct dkim_test_mail mail;
    pthread_t thread[4];
    intptr_t passed = 0;
    void *one;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    for (size_t i = 0; i < ARRAY_LEN(thread); i++)
        if (pthread_create(&thread[i], NULL, verify_many, &mail) != 0)
            die("no thread");
    for (size_t i = 0; i < ARRAY_LEN(thread); i++) {
        pthread_join(thread[i], &one);
        passed += (intptr_t)one;
    }
    tap_is_int((long long)passed, 200, "four threads, 200 mails");
}

static const struct {
    const char *name, *sent, *canonical;
} bodies[] = {
    {"empty", "", "\r\n"},
    {"one line", "x\r\n", "x\r\n"},
    {"no CR LF at the end", "x\r\ny", "x\r\ny\r\n"},
    {"a CR at the end", "x\r\ny\r", "x\r\ny\r\r\n"},
    {"only empty lines", "\r\n\r\n\r\n", "\r\n"},
    {"empty lines behind", "x\r\n\r\n\r\n", "x\r\n"},
    {"empty lines between", "x\r\n\r\n\r\ny\r\n", "x\r\n\r\n\r\ny\r\n"},
    {"a bare CR", "a\rb\r\n\r\n\rc\r\n", "a\rb\r\n\r\n\rc\r\n"},
    {"many CRs", "a\r\r\r\r\r\nb\r\r\rc\r\n", "a\r\r\r\r\r\nb\r\r\rc\r\n"},
    {"a bare LF", "a\nb\n\r\nc\r\n", "a\r\nb\r\n\r\nc\r\n"},
    {"blanks at the end", "a \t\r\n \r\n", "a \t\r\n \r\n"},
    {"8-bit", "\xff\xfe \xc3\xa4\r\n", "\xff\xfe \xc3\xa4\r\n"},
    {"dots", ".\r\n..\r\n", ".\r\n..\r\n"},
};

static void check_bodies(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct arena *arena = arena_new();
        struct dkim_test_mail mail;
        unsigned passed = 0;

        start(&mail);
        dkim_test_txt(&mail, NAME, record_of(KEY_1024, "", arena));
        mail.body = bodies[i].canonical;
        dkim_test_first(&mail, "DKIM-Signature",
                        dkim_test_sign(&mail, KEY_1024, TAGS, strlen(mail.body), arena));
        mail.body = bodies[i].sent;
        mail.body_len = strlen(mail.body);
        for (mail.seed = 0; mail.seed < 50; mail.seed++)
            passed += dkim_test_verify(&mail, &plain, arena)->result == DKIM_PASS;
        tap_is_int(passed, 50, "body: %s, cut anywhere", bodies[i].name);
        arena_free(arena);
    }
}

static void check_long_lines(struct arena *arena)
{
    static const char tags[] =
        " v=1; a=rsa-sha256; d=example.org; s=sel; h=from:x-long; bh=@BH@;";
    enum { MEGABYTE = 1 << 20 };
    struct dkim_test_mail mail;
    char *body = arena_alloc(arena, MEGABYTE + 1);

    memset(body, 'x', MEGABYTE);
    memcpy(body + MEGABYTE - 2, "\r\n", 2);
    start(&mail);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    mail.body = body;
    mail.body_len = MEGABYTE;
    dkim_test_field(&mail, "X-Long", arena_strndup(arena, body, MEGABYTE - 2));
    dkim_test_first(&mail, "DKIM-Signature",
                    dkim_test_sign(&mail, KEY_2048, tags, mail.body_len, arena));
    tap_is(dkim_result_name(dkim_test_verify(&mail, &plain, arena)->result), "pass",
           "a line and a field of a megabyte");
}

int main(void)
{
    static void (*const checks[])(struct arena *) = {
        check_texts, check_prefixes, check_cap, check_hostile, check_three_headers,
        check_long_name, check_two_froms, check_threads, check_long_lines};

    tap_start(120);
    check_from();
    check_bodies();
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct arena *arena = arena_new();

        checks[i](arena);
        arena_free(arena);
    }
    return tap_done();
}
