/* dkim - any bytes as a mail and as the answers about its keys, verified */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "check_dkim.h"
#include "eml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 3 };

struct input {
    struct slice record[RECORDS];
    struct arena *arena;
    struct dkim_verifier *verifier;
    size_t piece;
    unsigned asked;
};

static void on_header(void *arg, const char *name, const char *value)
{
    struct input *in = arg;

    dkim_verifier_header(in->verifier, arena_strdup(in->arena, name),
                         arena_strdup(in->arena, value));
}

static void on_eoh(void *arg)
{
    struct input *in = arg;
    size_t count;

    dkim_verifier_headers_end(in->verifier, &count);
    if (count > 8)
        abort();
}

static void on_body(void *arg, const char *data, size_t len)
{
    struct input *in = arg;

    while (len > 0) {
        size_t n = len < in->piece ? len : in->piece;

        dkim_verifier_body(in->verifier, data, n);
        data += n;
        len -= n;
    }
}

/* A name's answer is the record for its algorithm, as far as that shows in the name. */
static void answer(void *ctx, const char *name, struct dkim_key_answer *a)
{
    struct input *in = ctx;
    size_t i = strlen(name) % (RECORDS + 1);

    if (++in->asked > 8)
        abort();
    a->state = i < RECORDS ? DKIM_KEY_FOUND : DKIM_KEY_TEMPERROR;
    a->why = "timeout";
    a->txt = &in->record[i % RECORDS];
    a->count = 1;
    if (i == 0)
        a->count = RECORDS;
}

static void must_be_harmless(const char *text, const char *others)
{
    for (; text != NULL && *text != '\0'; text++)
        if (!is_alnum((unsigned char)*text) && strchr(others, *text) == NULL)
            abort();
}

static void check(const struct dkim_verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        const struct dkim_signature *sig = &verdict->signature[i];

        must_be_harmless(sig->d, "-._");
        must_be_harmless(sig->s, "-._");
        must_be_harmless(sig->i, "-._+@");
        must_be_harmless(sig->b, "+/=");
        must_be_harmless(sig->a, "-");
        for (const char *c = sig->why; c != NULL && *c != '\0'; c++)
            if (!is_print((unsigned char)*c) || *c == '"' || *c == '\\')
                abort();
        if (sig->result == DKIM_NONE || (sig->result != DKIM_PASS && sig->why == NULL) ||
            (sig->result == DKIM_PASS &&
             (sig->header_match != DKIM_MATCH || sig->body_match != DKIM_MATCH)))
            abort();
        if (sig->aligned && verdict->from_count != 1)
            abort();
    }
}

/* A byte that says how the body is cut, three lines of records, the mail. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eml_events events = {.header = on_header, .eoh = on_eoh, .body = on_body};
    struct dkim_limits limits = {.now = 1700000000};
    struct input in = {0};
    struct dkim_keys keys = {&in, answer};
    struct slice rest = {(const char *)data + 1, size - 1};

    if (size < 2)
        return 0;
    for (size_t i = 0; i < RECORDS; i++) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;

        in.record[i] = (struct slice){rest.ptr, len};
        rest.ptr += len + (end != NULL);
        rest.len -= len + (end != NULL);
    }
    in.arena = arena_new();
    in.piece = (data[0] & 31) + 1;
    limits.accept_partial = (data[0] & 32) != 0;
    in.verifier = dkim_verifier_new(&limits, in.arena);
    events.arg = &in;
    eml_parse(rest.ptr, rest.len, &events);
    if ((data[0] & 64) == 0)
        check(dkim_verifier_end(in.verifier, &keys));
    dkim_verifier_free(in.verifier);
    arena_free(in.arena);
    return 0;
}
