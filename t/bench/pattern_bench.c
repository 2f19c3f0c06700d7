/* pattern_bench - header rules in a pcre table beside a plain loop over the same patterns */
/* SPDX-License-Identifier: BSD-2-Clause */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "buf.h"
#include "meter.h"
#include "table.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 9
#define LOAD_RULES 100000

/* The headers of a message that came over two relays; no rule is about them. */
static const char *const headers[] = {
    "Return-Path: <bounce-4711@lists.example.org>",
    "Received: from mx2.example.org (mx2.example.org [198.51.100.25])\n\t(using TLSv1.3 with "
    "cipher "
    "TLS_AES_256_GCM_SHA384 (256/256 bits))\n\t(No client certificate requested)\n\tby "
    "mail.example.com (Postfix) with ESMTPS id 4XyZab12cd\n\tfor <user@example.com>; Tue, 4 Jun "
    "2024 09:12:33 +0200 (CEST)",
    "Received: from localhost (localhost [127.0.0.1])\n\tby mx2.example.org (Postfix) with ESMTP "
    "id "
    "3F2A1C0049; Tue, 4 Jun 2024 09:12:31 +0200 (CEST)",
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.org;\n\ts=2024a; "
    "t=1717485151; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n\th=From:To:Subject:Date:"
    "List-Id:From;\n\tb=TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBi"
    "eSB0aGlz\n\t IHNpbmd1bGFyIHBhc3Npb24gZnJvbSBvdGhlciBhbmltYWxzLCB3aGljaCBpcyBhIGx1c3Q=",
    "From: \"Marie Dupont\" <marie.dupont@example.org>",
    "Sender: lists-bounces@lists.example.org",
    "Reply-To: <marie.dupont@example.org>",
    "To: Announcements <announce@lists.example.org>",
    "Cc: \"Smith, John\" <john.smith@example.com>, accounts@example.net",
    "Subject: Re: [announce] Minutes of the meeting of May 28th, and a question about the budget",
    "Date: Tue, 4 Jun 2024 09:12:29 +0200",
    "Message-ID: <20240604071229.GA12345@desk17.example.org>",
    "In-Reply-To: <d41d8cd9-8f00-b204-e980-0998ecf8427e@example.net>",
    "References: <d41d8cd9-8f00-b204-e980-0998ecf8427e@example.net>\n <5f3a@desk17.example.org>",
    "MIME-Version: 1.0",
    "Content-Type: multipart/alternative; boundary=\"----=_Part_1234_567890.1717485149000\"",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.11.0",
    "List-Id: Announcements <announce.lists.example.org>",
    ("List-Unsubscribe: <https://lists.example.org/options/announce>,\n "
     "<mailto:announce-request@lists.example.org?subject=unsubscribe>"),
    "X-Virus-Scanned: amavisd-new at example.org",
};

/* Of a hundred rules 50 are for Subject, 15 for From, 10 for Received, 5 for any header. */
static void rule_text(struct buf *text, unsigned n)
{
    static const char *const others[] = {"To",       "Cc",      "Reply-To",     "Message-ID",
                                         "X-Mailer", "List-Id", "Content-Type", "Date",
                                         "Sender",   "X-Sender"};
    static const char *const words[] = {"viagra", "casino", "replica", "mortgage", "lottery"};
    const char *word = words[n / 20 % ARRAY_LEN(words)];
    unsigned slot = n % 20;

    buf_clear(text);
    if (slot < 10 && slot % 2 == 0)
        buf_addf(text, "^Subject:.*%s%u", word, n);
    else if (slot < 10)
        buf_addf(text, "^Subject: *(re: *)?(buy|cheap) .*%s[0-9]+x%u\\b", word, n);
    else if (slot < 13)
        buf_addf(text, "^From:.*@%s%u\\.example>?$", word, n);
    else if (slot < 15)
        buf_addf(text, "^Received: from .*\\.%s%u\\.example \\(", word, n);
    else if (slot < 19)
        buf_addf(text, "^%s:.*%s-?%u", others[n / 20 % ARRAY_LEN(others)], word, n);
    else
        buf_addf(text, "%s[ -]*%u for free", word, n);
}

/* The same rules twice. */
struct both {
    unsigned count;
    pcre2_code **codes;
    pcre2_match_data *data;
    struct table *table;
    struct arena *arena;
    double load_ms;
};

static pcre2_code *compile(const char *pattern)
{
    PCRE2_SIZE offset;
    int number;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_CASELESS | PCRE2_DOTALL, &number, &offset, NULL);

    if (code == NULL || pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) != 0)
        die("%s is not compiled to machine code", pattern);
    return code;
}

static struct table *open_table(const char *dir, unsigned count, double *load_ms)
{
    char *path = xasprintf("%s/patterns-%u", dir, count), *spec = xasprintf("pcre:%s", path);
    FILE *f = fopen(path, "w");
    struct buf text = {0};
    struct table *table;
    uint64_t start;

    for (unsigned n = 0; f != NULL && n < count; n++) {
        rule_text(&text, n);
        fprintf(f, "/%s/ REJECT number %u\n", text.ptr, n);
    }
    if (f == NULL || fclose(f) != 0)
        die("%s cannot be written", path);
    start = now_us();
    table = table_open(spec, NULL, (struct where){0}, NULL, NULL);
    *load_ms = (double)(now_us() - start) / 1000;
    if (table == NULL || table_count(table) != count)
        die("%s is unusable", path);
    buf_free(&text);
    free(spec);
    free(path);
    return table;
}

static struct both make_both(const char *dir, unsigned count)
{
    struct both both = {.count = count, .arena = arena_new()};
    struct buf text = {0};

    both.codes = xcalloc(count, sizeof(*both.codes));
    for (unsigned n = 0; n < count; n++) {
        rule_text(&text, n);
        both.codes[n] = compile(text.ptr);
    }
    both.data = pcre2_match_data_create(4, NULL);
    both.table = open_table(dir, count, &both.load_ms);
    buf_free(&text);
    return both;
}

static void free_both(struct both *both)
{
    for (unsigned n = 0; n < both->count; n++)
        pcre2_code_free(both->codes[n]);
    free(both->codes);
    pcre2_match_data_free(both->data);
    table_free(both->table);
    arena_free(both->arena);
}

static bool plain_lookup(const struct both *both, struct slice key)
{
    for (unsigned n = 0; n < both->count; n++)
        if (pcre2_match(both->codes[n], (PCRE2_SPTR)key.ptr, key.len, 0, 0, both->data, NULL) > 0)
            return true;
    return false;
}

/* Microseconds for all headers once. */
static double time_messages(struct both *both, bool plain, unsigned times)
{
    uint64_t start = now_us();

    for (unsigned t = 0; t < times; t++) {
        for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
            struct slice key = slice_of(headers[i]);
            struct hit hit;

            if (plain ? plain_lookup(both, key)
                      : table_lookup(both->table, key, both->arena, &hit) == TABLE_FOUND)
                die("no rule should match \"%s\"", headers[i]);
        }
        arena_reset(both->arena);
    }
    return (double)(now_us() - start) / times;
}

/* The two take turns, so that a drift of the machine's speed hits both. */
static void measure(const char *dir, unsigned count, const char *bar)
{
    struct both both = make_both(dir, count);
    unsigned times = 20000 / count;
    double plain[ROUNDS], table[ROUNDS], ratio[ROUNDS];

    for (int round = -1; round < ROUNDS; round++) {
        size_t at = round < 0 ? 0 : (size_t)round;

        plain[at] = time_messages(&both, true, times);
        table[at] = time_messages(&both, false, times * 10);
        ratio[at] = plain[at] / table[at];
    }
    printf("%8u %12.1f %12.1f %9.1f %9.1f%s\n", count, meter_median(plain, ROUNDS),
           meter_median(table, ROUNDS), meter_median(ratio, ROUNDS), both.load_ms, bar);
    fflush(stdout);
    free_both(&both);
}

int main(int argc, char **argv)
{
    double load_ms;

    if (argc != 2) {
        fputs("usage: pattern_bench DIRECTORY (for the tables)\n", stderr);
        return 64;
    }
    printf("%zu headers, medians of %d rounds\n", ARRAY_LEN(headers), ROUNDS);
    printf("%8s %12s %12s %9s %9s\n", "rules", "plain us", "table us", "ratio", "load ms");
    measure(argv[1], 10, "");
    measure(argv[1], 100, "");
    measure(argv[1], 1000, "  (ratio at least 10)");
    table_free(open_table(argv[1], LOAD_RULES, &load_ms));
    printf("%8u %12s %12s %9s %9.1f\n", LOAD_RULES, "", "", "", load_ms);
    return 0;
}
