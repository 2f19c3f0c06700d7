/* spf - any bytes as SPF records, explanations, senders and names in a DNS made of them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf.h"
#include "spf_macro.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 1 for the first record, 10 terms with 10 hosts each, the PTR with 10 names, the explanation. */
enum { LINES_MAX = 16, LOOKUPS_MAX = 1 + 10 + 10 * 10 + 1 + 10 + 1 };

struct input {
    struct slice line[LINES_MAX];
    size_t count;
    unsigned asked;
};

static unsigned hash_of(const char *name, unsigned seed)
{
    unsigned h = 2166136261u ^ seed;

    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)to_lower((unsigned char)*name)) * 16777619u;
    return h ^ h >> 15;
}

static struct spf_rr rr_of(const struct input *in, enum spf_type type, unsigned h)
{
    struct spf_rr rr = {.text = in->line[h % in->count]};

    rr.addr.family = type == SPF_AAAA ? AF_INET6 : AF_INET;
    rr.addr.bytes[0] = (unsigned char)(192 + h % 2);
    if (type == SPF_AAAA)
        rr.addr.bytes[15] = (unsigned char)(h % 3);
    return rr;
}

/* A name's answer is its own, whatever was asked before. The domain d.example has line 0. */
static enum spf_dns_status lookup(void *ctx, const char *name, enum spf_type type,
                                  uint64_t deadline_us, struct arena *arena, struct spf_rrs *rrs)
{
    struct input *in = ctx;
    unsigned h = hash_of(name, (unsigned)type);
    bool first = strcmp(name, "d.example") == 0 && type == SPF_TXT;
    size_t count = first ? 1 : h / 7 % 12;
    struct spf_rr *rr;

    if (!spf_name_is_usable(name) || deadline_us == 0 || ++in->asked > LOOKUPS_MAX)
        abort();
    if (!first && h % 16 < 3)
        return (enum spf_dns_status)(SPF_DNS_NODATA + h % 16);
    if (type == SPF_TXT)
        count = 1;
    rr = arena_alloc(arena, (count + 1) * sizeof(*rr));
    for (size_t i = 0; i < count; i++)
        rr[i] = rr_of(in, type, first ? 0 : h + (unsigned)i);
    if (first)
        rr[0].text = in->line[0];
    *rrs = (struct spf_rrs){rr, count};
    return SPF_DNS_OK;
}

static void must_be_printable(const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        if (!is_print((unsigned char)*text))
            abort();
}

static void evaluate(struct input *in, unsigned flags, struct arena *arena)
{
    static const char *const clients[] = {"192.0.2.1", "2001:db8::1", "127.0.0.1", "::1"};
    struct spf_question q = {.identity = SPF_MAILFROM, .time = 1};
    struct spf_dns dns = {.ctx = in, .lookup = lookup};
    struct spf_answer a;
    const char *local = arena_strndup(arena, in->line[in->count - 1].ptr,
                                      in->line[in->count - 1].len);

    q.sender = arena_printf(arena, "%s@d.example", local);
    q.helo = arena_strndup(arena, in->line[in->count / 2].ptr, in->line[in->count / 2].len);
    q.void_limit = flags & 4 ? -1 : 0;
    addr_parse(slice_of(clients[flags % 4]), &q.client);
    spf_evaluate(&q, &dns, arena, &a);
    if (a.result > SPF_PERMERROR || a.why == NULL || *a.why == '\0' || a.terms > 11 ||
        a.lookups != in->asked || (a.explanation != NULL && a.result != SPF_FAIL) ||
        (a.explanation != NULL && strlen(a.explanation) > SPF_EXPLANATION_MAX))
        abort();
    must_be_printable(a.why);
    must_be_printable(a.term);
    must_be_printable(a.domain);
    must_be_printable(a.explainer);
    must_be_printable(a.explanation);
}

/* A byte of flags, then lines: the first is the record; all are records, texts and hosts of other
 * names; one in the middle is the HELO, the last the local part. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data + 1, size - 1};
    struct arena *arena;
    struct input in = {0};

    if (size < 2)
        return 0;
    while (rest.len > 0 && in.count < LINES_MAX) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;

        in.line[in.count++] = (struct slice){rest.ptr, len};
        rest.ptr += len + (end != NULL);
        rest.len -= len + (end != NULL);
    }
    arena = arena_new();
    evaluate(&in, data[0], arena);
    arena_free(arena);
    return 0;
}
