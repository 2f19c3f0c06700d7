/* zone - libFuzzer: any bytes as a zone file that is asked; as a name; as the data of each type */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_zone.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = {DNS_A,  DNS_NS,  DNS_CNAME, DNS_SOA, DNS_PTR,
                                      DNS_MX, DNS_TXT, DNS_AAAA,  DNS_SPF};

/* Texts are printable, and a name leads back to itself. */
static void check_text(const char *text)
{
    for (; *text != '\0'; text++)
        if (!is_print((unsigned char)*text))
            abort();
}

static void check_name(const char *text, struct arena *arena)
{
    struct dns_name name;

    check_text(text);
    if (strcmp(text, "@") == 0)
        return;
    if (!dns_name_read(slice_of(text), NULL, &name) ||
        strcmp(dns_name_text(&name, arena), text) != 0)
        abort();
}

static void check_answer(const struct dns_answer *answer, struct arena *arena)
{
    check_text(dns_answer_text(answer, arena));
    if ((answer->state == DNS_FOUND) != (answer->count > 0) ||
        (answer->state == DNS_TEMPERROR) != (answer->why != NULL))
        abort();
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *r = &answer->records[i];

        if (r->type == DNS_MX)
            check_name(r->mx.host, arena);
        if (r->type == DNS_NS || r->type == DNS_PTR || r->type == DNS_CNAME)
            check_name(r->name, arena);
    }
}

static void fuzz_rdata(const uint8_t *data, size_t size, struct arena *arena)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct dns_rdata halves[] = {{data, size / 2}, {data + size / 2, size - size / 2}};
        struct dns_reply *reply = dns_reply_found(types[i], halves, 1 + size % 2, 10, false);
        struct dns_answer answer;

        dns_reply_decode(reply, 5, arena, &answer);
        check_answer(&answer, arena);
        dns_reply_release(reply);
    }
}

static void fuzz_name(struct slice text, struct arena *arena)
{
    struct dns_question q;

    if (dns_question_make(text, DNS_A, arena, &q))
        check_name(q.name, arena);
}

/* Each line's first word is asked for. */
static void ask_all(struct dns *dns, struct slice text, struct arena *arena)
{
    struct slice line, word;

    for (int i = 0; i < 50 && slice_word(&text, "\n", &line); i++) {
        struct dns_question q;
        struct dns_answer answer;

        if (!slice_word(&line, " \t", &word) ||
            !dns_question_make(word, types[(size_t)i % ARRAY_LEN(types)], arena, &q))
            continue;
        dns_ask(dns, &q, 0, arena, &answer);
        check_answer(&answer, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_limits limits = {.cache_size = 65536, .max_ttl = 100, .max_negative_ttl = 10,
                                .under_way = 10, .timeout_us = 0};
    struct slice text = {(const char *)data, size};
    struct arena *arena = arena_new();
    struct problems problems = {0};
    struct dns_zone *zone = dns_zone_new();
    struct dns_source source;
    struct dns *dns;

    dns_zone_read(zone, "fuzz", text, &problems);
    problems_free(&problems);
    source = dns_zone_source(zone);
    dns = dns_open(&limits, &source);
    ask_all(dns, text, arena);
    dns_close(dns);
    fuzz_rdata(data, size, arena);
    fuzz_name(text, arena);
    arena_free(arena);
    return 0;
}
