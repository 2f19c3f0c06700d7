/* 2-dns-zone - names, master files, and the answers that a zone file gives */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_zone.h"
#include "tap.h"

#include <string.h>

static struct arena *arena;

static void test_names(void)
{
    static const struct {
        const char *text, *want; /* NULL: no name */
    } rows[] = {
        {"host.example", "host.example"},
        {"host.example.", "host.example"},
        {".", "."},
        {"a b.example", "a\\032b.example"},
        {"a\\b.example", "a\\\\b.example"},
        {"\xc3\xa9.example", "\\195\\169.example"},
        {"_spf.example", "_spf.example"},
        {"*.example", "*.example"},
        {"@", "@"},
        {"", NULL},
        {"..", NULL},
        {".example", NULL},
        {"a..example", NULL},
        {"example..", NULL},
        {"a2345678901234567890123456789012345678901234567890123456789012x.example",
         "a2345678901234567890123456789012345678901234567890123456789012x.example"},
        {"a2345678901234567890123456789012345678901234567890123456789012xx.example", NULL},
    };
    struct dns_question q;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool made = dns_question_make(slice_of(rows[i].text), DNS_A, arena, &q);

        tap_is(made ? q.name : "(none)", rows[i].want != NULL ? rows[i].want : "(none)", "name %s",
               rows[i].text);
    }
    dns_question_make(slice_of("HOST.Example"), DNS_MX, arena, &q);
    tap_is(dns_question_text(&q, arena), "dns MX host.example", "a question is in lower case");
    tap_ok(dns_question_about("a\\.b.\\065.example", DNS_TXT, arena, &q), "escapes of an answer");
    tap_is(dns_question_text(&q, arena), "dns TXT a\\.b.a.example", "a dot inside a label stays");
    tap_ok(!dns_question_about("a\\256.example", DNS_A, arena, &q), "\\256 is no octet");
    tap_ok(!dns_question_about("a\\", DNS_A, arena, &q), "a lone backslash");
    tap_ok(!dns_question_about("a\\1", DNS_A, arena, &q), "half an escape");
}

static void test_long_names(void)
{
    char text[300];
    struct dns_question q;

    memset(text, 'a', sizeof(text));
    for (size_t i = 49; i < sizeof(text); i += 50)
        text[i] = '.';
    tap_ok(dns_question_make((struct slice){text, 253}, DNS_A, arena, &q), "253 octets");
    tap_is_int((long long)strlen(q.name), 253, "all of them");
    tap_ok(!dns_question_make((struct slice){text, 254}, DNS_A, arena, &q), "254 are too many");
}

static void test_reverse(void)
{
    struct addr addr;

    addr_parse(slice_of("192.0.2.7"), &addr);
    tap_is(dns_reverse_name(&addr, NULL, arena), "7.2.0.192.in-addr.arpa", "IPv4");
    tap_is(dns_reverse_name(&addr, "zen.example", arena), "7.2.0.192.zen.example", "in a list");
    addr_parse(slice_of("2001:db8::fab"), &addr);
    tap_is(dns_reverse_name(&addr, NULL, arena),
           "b.a.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "IPv6");
    addr.family = AF_UNSPEC;
    tap_ok(dns_reverse_name(&addr, NULL, arena) == NULL, "no address");
}

static void test_wire(void)
{
    static const unsigned char pointer[] = {1, 'a', 0xc0, 0}, open[] = {1, 'a'}, cut[] = {5, 'a'};
    static const unsigned char fine[] = {1, 'a', 0, 9}, dot[] = {3, 'a', '.', 0, 0};
    unsigned char full[260] = {0};
    struct dns_name name;

    tap_is_int((long long)dns_name_of_wire(fine, sizeof(fine), &name), 3, "a name and a byte");
    tap_is_int((long long)dns_name_of_wire(pointer, sizeof(pointer), &name), 0, "a pointer");
    tap_is_int((long long)dns_name_of_wire(open, sizeof(open), &name), 0, "without an end");
    tap_is_int((long long)dns_name_of_wire(cut, sizeof(cut), &name), 0, "a label cut off");
    tap_is_int((long long)dns_name_of_wire(fine, 0, &name), 0, "nothing");
    tap_is_int((long long)dns_name_of_wire(dot, sizeof(dot), &name), 5, "odd octets");
    tap_is(dns_name_text(&name, arena), "a\\.\\000", "are escaped");
    for (size_t i = 0; i < 254; i += 2)
        full[i] = 1;
    tap_is_int((long long)dns_name_of_wire(full, 255, &name), 255, "255 octets");
    full[254] = 1;
    tap_is_int((long long)dns_name_of_wire(full, 257, &name), 0, "257 octets");
}

static void test_rdata(void)
{
    static const struct {
        enum dns_type type;
        const char *data;
        size_t len;
        bool ok;
    } rows[] = {
        {DNS_A, "\1\2\3\4", 4, true},       {DNS_A, "\1\2\3", 3, false},
        {DNS_A, "", 0, false},              {DNS_AAAA, "0123456789abcdef", 16, true},
        {DNS_AAAA, "\1\2\3\4", 4, false},   {DNS_PTR, "\1a\0", 3, true},
        {DNS_PTR, "\1a\0\0", 4, false},     {DNS_PTR, "\1a", 2, false},
        {DNS_MX, "\0\12\0", 3, true},       {DNS_MX, "\0\12", 2, false},
        {DNS_MX, "\0\12\1a\0x", 6, false},  {DNS_TXT, "\0", 1, true},
        {DNS_TXT, "\1a\2bc", 5, true},      {DNS_TXT, "\1a\3bc", 5, false},
        {DNS_TXT, "", 0, false},            {DNS_SOA, "\0\0" "01234567890123456789", 22, true},
        {DNS_SOA, "\0\0" "0123456789012345678", 21, false},
        {DNS_SOA, "\0", 1, false},          {(enum dns_type)41, "", 0, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tap_ok(dns_rdata_ok(rows[i].type, (struct dns_rdata){(const unsigned char *)rows[i].data,
                                                             rows[i].len}) == rows[i].ok,
               "%s data of %zu bytes, row %zu", dns_type_name(rows[i].type), rows[i].len, i);
}

static const char zone_text[] =
    "; a zone\n"
    "$ORIGIN example.\n"
    "$TTL 1h\n"
    "@ 3600 IN SOA ns hostmaster.example. ( 1 ; serial\n"
    "   2h 15m\n"
    "   1w 300 )\n"
    "  NS ns\n"
    "  MX 20 b\n"
    "  IN 60 MX 10 a.mail.test.\n"
    "host A 192.0.2.2\n"
    "host 120 A 192.0.2.1\n"
    "HOST a 192.0.2.1\n"
    "     AAAA 2001:db8::1\n"
    "mapped AAAA ::ffff:192.0.2.9\n"
    "text TXT \"v=spf1 \" \"-all\"\n"
    "     TXT plain;comment\n"
    "odd  TXT \"say \\\"hi\\\" \\007 \\\\ ; (\" \"\"\n"
    "null MX 0 .\n"
    "alias CNAME host\n"
    "chain 30 CNAME Alias\n"
    "nowhere CNAME missing\n"
    "loop CNAME pool\n"
    "pool CNAME loop\n"
    "deep.below A 192.0.2.3\n"
    "*.wild TXT any\n"
    "taken.wild A 192.0.2.4\n"
    "a\\.b A 192.0.2.5\n"
    "old SPF v=spf1\n"
    "1.2.0.192.in-addr.arpa. PTR host\n"
    "$TIMEOUT slow\n"
    "$SERVFAIL broken A\n"
    "broken TXT works\n"
    "$BOGUS forged.example. TXT\n"
    "tobroken CNAME broken\n"
    "$ORIGIN sub\n"
    "under A 192.0.2.6\n";

static struct dns *zone_open(const char *text, const char *want)
{
    static const struct dns_limits limits = {
        .cache_size = 1 << 20, .max_ttl = 86400, .max_negative_ttl = 3600, .under_way = 100,
        .timeout_us = 50000,
    };
    struct problems problems = {0};
    struct dns_zone *zone = dns_zone_new();
    struct dns_source source;
    struct err err = {0};

    dns_zone_read(zone, "zone", slice_of(text), &problems);
    problems_first_error(&problems, &err);
    tap_is(err.text, want, "reading the zone");
    problems_free(&problems);
    source = dns_zone_source(zone);
    return dns_open(&limits, &source);
}

static void test_answers(void)
{
    static const struct {
        const char *name;
        enum dns_type type;
        unsigned ttl;
        const char *want;
    } rows[] = {
        {"host.example", DNS_A, 120, "192.0.2.1, 192.0.2.2"},
        {"Host.EXAMPLE", DNS_AAAA, 3600, "2001:db8::1"},
        {"host.example", DNS_MX, 60, "no data"},
        {"mapped.example", DNS_AAAA, 3600, "192.0.2.9"},
        {"example", DNS_MX, 60, "10 a.mail.test, 20 b.example"},
        {"example", DNS_NS, 3600, "ns.example"},
        {"example", DNS_SOA, 3600, "ns.example hostmaster.example 1 7200 900 604800 300"},
        {"text.example", DNS_TXT, 3600, "\"plain\", \"v=spf1 \" \"-all\""},
        {"odd.example", DNS_TXT, 3600, "\"say \\\"hi\\\" \\007 \\\\ ; (\" \"\""},
        {"null.example", DNS_MX, 3600, "0 ."},
        {"alias.example", DNS_A, 120, "192.0.2.1, 192.0.2.2"},
        {"alias.example", DNS_CNAME, 3600, "host.example"},
        {"chain.example", DNS_AAAA, 30, "2001:db8::1"},
        {"chain.example", DNS_TXT, 60, "no data"},
        {"nowhere.example", DNS_A, 60, "no such name"},
        {"loop.example", DNS_A, 0, "temperror: a loop of aliases"},
        {"below.example", DNS_A, 60, "no data"},
        {"deep.below.example", DNS_A, 3600, "192.0.2.3"},
        {"deeper.below.example", DNS_A, 60, "no such name"},
        {"x.y.wild.example", DNS_TXT, 3600, "\"any\""},
        {"taken.wild.example", DNS_TXT, 60, "no data"},
        {"x.taken.wild.example", DNS_TXT, 60, "no such name"},
        {"old.example", DNS_SPF, 3600, "\"v=spf1\""},
        {"1.2.0.192.in-addr.arpa", DNS_PTR, 3600, "host.example"},
        {"other", DNS_A, 60, "no such name"},
        {"slow.example", DNS_A, 0, "temperror: timeout"},
        {"broken.example", DNS_A, 0, "temperror: SERVFAIL"},
        {"tobroken.example", DNS_A, 0, "temperror: SERVFAIL"},
        {"broken.example", DNS_TXT, 3600, "\"works\""},
        {"forged.example", DNS_TXT, 0, "temperror: bogus: the zone file says so"},
        {"forged.example", DNS_A, 60, "no data"},
        {"under.sub.example", DNS_A, 3600, "192.0.2.6"},
    };
    struct dns *dns = zone_open(zone_text, "");

    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct dns_question q;
            struct dns_answer answer;

            dns_question_make(slice_of(rows[i].name), rows[i].type, arena, &q);
            dns_ask(dns, &q, now_us() + 20000000, arena, &answer);
            tap_is(dns_answer_text(&answer, arena), rows[i].want, "%s %s%s", rows[i].name,
                   dns_type_name(rows[i].type), round > 0 ? ", from memory" : "");
            tap_ok(answer.ttl <= rows[i].ttl && answer.ttl + 20 >= rows[i].ttl, "its TTL, %u",
                   answer.ttl);
        }
    dns_close(dns);
}

static void test_decoded(void)
{
    struct dns *dns = zone_open(zone_text, "");
    struct dns_question q;
    struct dns_answer a;

    dns_question_make(slice_of("text.example"), DNS_TXT, arena, &q);
    dns_ask(dns, &q, UINT64_MAX, arena, &a);
    tap_ok(a.state == DNS_FOUND && a.count == 2, "two records");
    tap_ok(a.count == 2 && slice_is(a.records[1].txt.joined, "v=spf1 -all"), "strings joined");
    tap_ok(a.count == 2 && a.records[1].txt.count == 2 &&
               slice_is(a.records[1].txt.strings[1], "-all"),
           "strings one by one");
    dns_question_about("a\\.b.example", DNS_A, arena, &q);
    dns_ask(dns, &q, UINT64_MAX, arena, &a);
    tap_is(dns_answer_text(&a, arena), "192.0.2.5", "a dot inside a label");
    dns_question_make(slice_of("a.b.example"), DNS_A, arena, &q);
    dns_ask(dns, &q, UINT64_MAX, arena, &a);
    tap_is(dns_answer_text(&a, arena), "no such name", "which is not two labels");
    dns_close(dns);
}

static void test_wrong(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a.example A 1.2.3", "zone:1: error: 1.2.3 is no IPv4 address"},
        {"a.example A ::1", "zone:1: error: ::1 is no IPv4 address"},
        {"a.example AAAA 192.0.2.1", "zone:1: error: 192.0.2.1 is no IPv6 address"},
        {"\na..b A 192.0.2.1", "zone:2: error: a..b is no name in the DNS"},
        {"a.example MX mail", "zone:1: error: MX wants 2 words"},
        {"a.example MX 65536 mail", "zone:1: error: 65536 is no number up to 65535"},
        {"a.example TXT", "zone:1: error: TXT wants 1 string or more"},
        {"a.example TXT \"open\nb.example A 192.0.2.1", "zone:1: error: a quote is not closed"},
        {"a.example TXT \"open\\", "zone:1: error: a quote is not closed"},
        {"a.example TXT ( a", "zone:1: error: `(' without `)'"},
        {"a.example TXT a )", "zone:1: error: `)' without `('"},
        {"a.example TXT \\999", "zone:1: error: \\999 is no octet"},
        {"a.example HINFO a b", "zone:1: error: HINFO is no type that is known here: write "
                                "NAME [TTL] [IN] TYPE DATA, TYPE being one of A, NS, CNAME, SOA, "
                                "PTR, MX, TXT, AAAA, SPF"},
        {"a.example CH TXT a", "zone:1: error: CH is not the class IN"},
        {"a.example", "zone:1: error: a record without a type"},
        {" A 192.0.2.1", "zone:1: error: a record without a name"},
        {"$INCLUDE other", "zone:1: error: $INCLUDE is not known here; there are $ORIGIN, $TTL, "
                           "$TIMEOUT, $SERVFAIL, $BOGUS, $DELAY"},
        {"$DELAY soon", "zone:1: error: soon is no number of milliseconds up to 600000"},
        {"$ORIGIN a..b\nc A 192.0.2.1", "zone:1: error: a..b is no name in the DNS"},
        {"$TTL 68y", "zone:1: error: 68y is no time"},
        {"$TIMEOUT", "zone:1: error: $TIMEOUT wants NAME or NAME TYPE"},
        {"$BOGUS a.example B", "zone:1: error: B is no type that is known here: write NAME or "
                               "NAME TYPE, TYPE being one of A, NS, CNAME, SOA, PTR, MX, TXT, "
                               "AAAA, SPF"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        dns_close(zone_open(rows[i].text, rows[i].want));
}

static void test_file(void)
{
    struct problems problems = {0};
    struct dns_zone *zone = dns_zone_new();

    dns_zone_load(zone, tap_file("fine", "a.example A 192.0.2.1\n"), &problems);
    tap_is_int((long long)problems.count, 0, "a file");
    dns_zone_load(zone, "/nonexistent/zone", &problems);
    tap_is_int((long long)problems.errors, 1, "no file");
    problems_free(&problems);
    dns_zone_free(zone);
}

int main(void)
{
    tap_start(60);
    arena = arena_new();
    test_names();
    test_long_names();
    test_reverse();
    test_wire();
    test_rdata();
    test_answers();
    test_decoded();
    test_wrong();
    test_file();
    arena_free(arena);
    return tap_done();
}
