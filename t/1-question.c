/* 1-question - the texts of questions and answers: what is written is read again */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "question.h"
#include "tap.h"

#include <string.h>

static struct arena *arena;

static struct addr address(const char *text)
{
    struct addr addr;

    if (!addr_parse(slice_of(text), &addr))
        die("no address: %s", text);
    return addr;
}

static void test_words(void)
{
    struct slice rest;
    const char *word;

    tap_is(question_word("a@b.example", arena), "a@b.example", "a plain word is itself");
    tap_is(question_word("", arena), "<>", "none");
    tap_is(question_word("a b\\\xe9\n", arena), "a\\032b\\092\\233\\010", "bytes in the way");
    rest = slice_of("one a\\032b\\233 <> end");
    tap_ok(question_take(&rest, arena, &word) && strcmp(word, "one") == 0, "one");
    tap_ok(question_take(&rest, arena, &word) && strcmp(word, "a b\xe9") == 0, "bytes again");
    tap_ok(question_take(&rest, arena, &word) && word[0] == '\0', "none again");
    tap_ok(question_take(&rest, arena, &word) && strcmp(word, "end") == 0, "the last");
    tap_ok(!question_take(&rest, arena, &word), "no more");
    rest = slice_of("a\\0");
    tap_ok(!question_take(&rest, arena, &word), "half an escape");
    rest = slice_of("a\\000b");
    tap_ok(!question_take(&rest, arena, &word), "a NUL");
}

static void test_questions(void)
{
    struct addr v4 = address("192.0.2.7"), v6 = address("2001:db8::1");
    struct spf_question q;
    const char *text;

    tap_is(question_rbl("Zen.Example", "192.0.2.7", arena), "rbl zen.example 192.0.2.7", "a list");
    tap_is(question_rbl("dbl.example", "B\303\274cher.example", arena),
           "rbl dbl.example xn--bcher-kva.example", "A-labels");
    text = question_spf(SPF_MAILFROM, "a b@c.example", &v4, "mx.c.example", arena);
    tap_is(text, "spf mailfrom a\\032b@c.example 192.0.2.7 mx.c.example", "SPF");
    tap_ok(question_spf_read(text, arena, &q), "read again");
    tap_is(q.sender, "a b@c.example", "the sender");
    tap_is(q.helo, "mx.c.example", "the HELO name");
    tap_ok(q.identity == SPF_MAILFROM && addr_equal(&q.client, &v4), "the rest");
    tap_is(question_spf(SPF_HELO, "a@b.example", &v6, "", arena), "spf helo <> 2001:db8::1 <>",
           "HELO knows no sender");
    tap_ok(question_spf_read("spf mailfrom <> 2001:db8::1 h", arena, &q) && q.sender[0] == '\0',
           "the null sender");
    tap_ok(!question_spf_read("spf other <> 192.0.2.7 h", arena, &q), "no such identity");
    tap_ok(!question_spf_read("spf helo <> 192.0.2 h", arena, &q), "no address");
    tap_ok(!question_spf_read("spf helo <> 192.0.2.7 h more", arena, &q), "too much");
    tap_ok(!question_spf_read("dns A a.example", arena, &q), "another kind");
}

/* What stands in the log, and what is written from what was read. */
static void same(enum dns_type type, const char *text)
{
    struct dns_answer a;

    tap_ok(dns_answer_read(text, type, arena, &a), "%s", text);
    tap_is(dns_answer_text(&a, arena), text, "and back");
}

static void test_answers(void)
{
    struct dns_answer a;

    same(DNS_A, "192.0.2.1");
    same(DNS_A, "192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, 192.0.2.6");
    same(DNS_AAAA, "2001:db8::1");
    same(DNS_MX, "10 mx.example, 20 a\\,b.example");
    same(DNS_MX, "0 .");
    same(DNS_PTR, "host.example, other.example");
    same(DNS_TXT, "\"v=spf1 \" \"-all\", \"a, \\\"b\\\" \\\\ \\233; c\", \"\"");
    same(DNS_A, "no data");
    same(DNS_A, "no such name");
    same(DNS_A, "temperror: SERVFAIL");
    tap_ok(dns_answer_read("\"v=spf1 \" \"-all\"", DNS_TXT, arena, &a), "two strings");
    tap_ok(a.count == 1 && a.records[0].txt.count == 2 &&
               slice_is(a.records[0].txt.joined, "v=spf1 -all"),
           "are one record, joined");
    tap_ok(!dns_answer_read("", DNS_A, arena, &a), "nothing");
    tap_ok(!dns_answer_read("192.0.2", DNS_A, arena, &a), "no address");
    tap_ok(!dns_answer_read("192.0.2.1,", DNS_A, arena, &a), "an open end");
    tap_ok(!dns_answer_read("192.0.2.1 192.0.2.2", DNS_A, arena, &a), "no comma");
    tap_ok(!dns_answer_read("10", DNS_MX, arena, &a), "no host");
    tap_ok(!dns_answer_read("x mx.example", DNS_MX, arena, &a), "no number");
    tap_ok(!dns_answer_read("\"open", DNS_TXT, arena, &a), "an open quote");
    tap_ok(!dns_answer_read("\"a\\9", DNS_TXT, arena, &a), "an open escape");
    tap_ok(!dns_answer_read("\"a\" b", DNS_TXT, arena, &a), "something behind");
}

static void test_lists(void)
{
    static const char full[] = "127.0.0.2, 127.0.0.4; \"see; https://a.example\", \"two\"";
    struct rbl_answer l;
    struct addr error = address("127.255.255.254"), outside = address("192.0.2.1");
    struct addr closed = address("127.0.0.1"), listed = address("127.0.0.2");

    tap_ok(rbl_answer_read(full, arena, &l) && l.a.count == 2 && l.txt.count == 2, "a listing");
    tap_is(rbl_answer_text(&l, arena), full, "and back");
    tap_ok(rbl_answer_read("127.0.0.2", arena, &l) && l.txt.state == DNS_NODATA, "without TXT");
    tap_is(rbl_answer_text(&l, arena), "127.0.0.2", "and back");
    tap_ok(rbl_answer_read("no such name", arena, &l) && l.a.state == DNS_NXDOMAIN, "not listed");
    tap_ok(!rbl_answer_read("127.0.0.2; x", arena, &l), "no TXT");
    tap_ok(rbl_error(&error) != NULL && rbl_error(&outside) != NULL && rbl_error(&closed) != NULL,
           "errors");
    tap_ok(rbl_error(&listed) == NULL, "a listing is none");
}

static void test_spf(void)
{
    struct spf_answer a = {.result = SPF_FAIL, .domain = "d.example", .term = "-exists:a,",
                           .why = "", .explainer = "d.example", .terms = 4, .voids = 1,
                           .lookups = 7, .explanation = "say \"no\" \\ = end"};
    static const char text[] = "fail domain=d.example term=\"-exists:a,\" explainer=d.example "
                               "explanation=\"say \\\"no\\\" \\\\ = end\" why=\"\" "
                               "terms=4 voids=1 lookups=7";

    tap_is(spf_answer_text(&a, arena), text, "SPF written");
    memset(&a, 0, sizeof(a));
    tap_ok(spf_answer_read(text, arena, &a), "and read");
    tap_ok(a.result == SPF_FAIL && a.terms == 4 && a.voids == 1 && a.lookups == 7, "numbers");
    tap_is(a.domain, "d.example", "domain");
    tap_is(a.term, "-exists:a,", "term");
    tap_is(a.explanation, "say \"no\" \\ = end", "explanation");
    tap_is(a.why, "", "why");
    tap_ok(spf_answer_read("permerror why=\"two records\"", arena, &a) &&
               a.result == SPF_PERMERROR && a.term == NULL,
           "what is not there is NULL");
    tap_ok(!spf_answer_read("maybe", arena, &a), "no such result");
    tap_ok(!spf_answer_read("pass colour=red", arena, &a), "no such field");
    tap_ok(!spf_answer_read("pass why=\"open", arena, &a), "an open quote");
}

int main(void)
{
    tap_start(30);
    arena = arena_new();
    test_words();
    test_questions();
    test_answers();
    test_lists();
    test_spf();
    arena_free(arena);
    return tap_done();
}
