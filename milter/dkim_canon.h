/* dkim_canon - header fields and bodies in the form that DKIM signs (RFC 6376, section 3.4) */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_CANON_H
#define TAMIS_DKIM_CANON_H

#include "buf.h"

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };
enum { DKIM_CANONS = 2 };

const char *dkim_canon_name(enum dkim_canon how); /* "simple", "relaxed" */

/* "relaxed/simple" (header/body); the body's may be left out and is simple then (section 3.5, c=).
 * Case does not matter. False for anything else; nothing is changed then. */
bool dkim_canon_parse(struct slice text, enum dkim_canon *header, enum dkim_canon *body);

/* Appends a field. `value` is all that stands behind the colon: its blanks, folds as LF or CRLF in
 * front of a blank; each becomes CRLF, as it is delivered. A bare CR is a character like others
 * (Postfix makes a space of it before it shows it to a filter). Without the CRLF at the end, which
 * the signature's own field does not have. */
void dkim_canon_field(struct buf *out, enum dkim_canon how, const char *name, const char *value);

/* Takes canonical text; `sink` is what dkim_body_start got. The text is valid during the call. */
typedef void dkim_emit(void *sink, const void *data, size_t len);

/* One body under way. Nothing in it needs to be freed. */
struct dkim_body {
    enum dkim_canon how;
    dkim_emit *emit;
    void *sink;
    size_t blank_lines; /* held back: they may be the last ones */
    bool cr;            /* held back: an LF may follow */
    bool blank;         /* held back, relaxed: the line may end */
    bool in_line;       /* something of this line was taken */
    bool any;           /* something was taken at all */
    size_t filled;
    char staged[4096];
};

/* The body arrives in chunks of any size; where they are cut makes no difference. Lines end in
 * CRLF, or in LF, which is taken for CRLF, as it is delivered. A CR anywhere else is a character
 * like others, and no white space. The last line gets its CRLF if it has none; an empty body is
 * CRLF in simple and nothing in relaxed. */
void dkim_body_start(struct dkim_body *body, enum dkim_canon how, dkim_emit *emit, void *sink);
void dkim_body_add(struct dkim_body *body, const void *data, size_t len);
void dkim_body_end(struct dkim_body *body);

#endif
