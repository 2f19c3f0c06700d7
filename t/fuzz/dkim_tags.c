/* dkim_tags - any bytes as tag lists, as DKIM-Signature fields and as key records */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_from.h"
#include "dkim_record.h"
#include "dkim_tags.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_printable(const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        if (!is_print((unsigned char)*text) || *text == '"' || *text == '\\')
            abort();
}

static void try_field(struct slice text, struct arena *arena, struct dkim_field *field)
{
    struct dkim_signature sig;
    bool good = dkim_field_read(text, 1700000000, arena, &sig, field);

    must_be_printable(sig.why);
    must_be_printable(sig.d);
    must_be_printable(sig.s);
    must_be_printable(sig.i);
    if (good != (sig.result == DKIM_NONE) || good != (sig.why == NULL))
        abort();
    if (good && (field->d == NULL || field->s == NULL || field->b == NULL || sig.bh == NULL ||
                 sig.a == NULL || sig.c == NULL || field->count == 0 || field->key == NULL))
        abort();
    if (!good)
        *field = (struct dkim_field){.key = "rsa", .d = "example.org"};
}

static void try_record(struct slice text, const struct dkim_field *field, struct arena *arena)
{
    struct dkim_key_answer answer = {.state = DKIM_KEY_FOUND, .txt = &text, .count = 1};
    struct dkim_record record;
    const char *why;
    enum dkim_result result;

    for (int i = 0; i < 2; i++) {
        result = dkim_record_read(text, i == 0 ? "rsa" : "ed25519", arena, &record, &why);
        must_be_printable(why);
        if ((result == DKIM_NONE) != (why == NULL) ||
            (result == DKIM_NONE && (record.text == NULL || record.bits == 0 ||
                                     strlen(record.text) >= DKIM_RECORD_SIZE)))
            abort();
    }
    if (dkim_record_judge(&answer, field, arena, &record, &why) != DKIM_NONE)
        must_be_printable(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct arena *arena = arena_new();
    struct dkim_tags tags;
    struct dkim_field field;
    struct err err = {0};

    if (!dkim_tags_parse(text, &tags, &err))
        must_be_printable(err.text);
    must_be_printable(dkim_from_domain(arena_strndup(arena, text.ptr, text.len), arena));
    try_field(text, arena, &field);
    try_record(text, &field, arena);
    arena_free(arena);
    return 0;
}
