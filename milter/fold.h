/* fold - one spelling for texts that compare equal: case folding, A-labels */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_FOLD_H
#define TAMIS_FOLD_H

#include "arena.h"
#include "base.h"

/* Any thread; nothing blocks; nothing fails but for memory (which aborts). */

/* Case folded as Unicode says (full default case folding, section 3.13; u8_casefold) when `text` is
 * valid UTF-8 (NULs allowed), else ASCII letters only. The result is in the arena, or is `text`
 * itself when nothing changes; NUL-terminated behind its length only when it was copied. Pure ASCII
 * takes a fast path without libunistring. */
struct slice fold_case(struct slice text, struct arena *arena);

/* Postfix's printable(): every control character and every byte that is no UTF-8 becomes
 * `replacement`, in place. */
void fold_printable(char *text, char replacement);

/* Each control character but line feeds and tabs becomes `replacement`, in place; the text may get
 * shorter. All other bytes stay, UTF-8 or not. text[len] must be writable. */
void fold_controls(char *text, size_t len, char replacement);

/* The bytes of the UTF-8 character that the text (`left` bytes, no NUL) begins with; 0: none. */
size_t fold_length(const char *text, size_t left);

/* The number of bytes, at most `max`, that hold whole UTF-8 characters only. */
size_t fold_cut(const char *text, size_t max);

bool is_utf8(struct slice text); /* RFC 3629; ASCII is UTF-8 */

/* A domain's ASCII form (A-labels, RFC 5890; libidn2, non-transitional) in lower case, or its UTF-8
 * form (U-labels). When the name cannot be converted it is returned as it is, case folded. In the
 * arena. */
const char *fold_domain_ascii(const char *domain, struct arena *arena);
const char *fold_domain_utf8(const char *domain, struct arena *arena);

#endif
