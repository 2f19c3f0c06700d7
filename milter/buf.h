/* buf - a text that grows */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_BUF_H
#define TAMIS_BUF_H

#include "base.h"

/* ptr is always NUL-terminated once anything was added; before that it is NULL and len is 0.
 * Start with `struct buf b = {0};`, end with buf_free. */
struct buf {
    char *ptr;
    size_t len;
    size_t cap;
};

void buf_free(struct buf *b);
void buf_clear(struct buf *b); /* empty, keeping its memory */

/* Add bytes, a character, a text, what printf(3) would print. `b` grows; nothing can fail. */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *text);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The text, never NULL; valid until the next change. */
const char *buf_text(const struct buf *b);

/* The text handed over: the caller frees it; the buf is empty afterwards. */
char *buf_steal(struct buf *b);

/* Adds the JSON string (RFC 8259, with its quotes) of `len` bytes: control characters, quotes
 * and bytes that are no UTF-8 are escaped (the latter as U+FFFD), so the result is always valid
 * JSON. */
void buf_add_json(struct buf *b, const char *text, size_t len);

/* Adds a member of a JSON object, "name":"text", or "name":null for NULL; a comma in front where
 * one is needed: not behind { [ , nor at the beginning. */
void buf_add_member(struct buf *b, const char *name, const char *text);

#endif
