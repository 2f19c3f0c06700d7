/* dkim_tags - DKIM's lists of tags: `v=1; a=rsa-sha256; …` */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_TAGS_H
#define TAMIS_DKIM_TAGS_H

#include "arena.h"

enum { DKIM_TAGS_MAX = 64 };

/* Slices of the text that was parsed. */
struct dkim_tag {
    struct slice name;
    struct slice value; /* white space at both ends taken off, folds inside left */
    bool spaced;        /* white space stands between name and = */
    bool eight_bit;     /* a byte above 0x7f is in the value */
};

struct dkim_tags {
    struct dkim_tag tag[DKIM_TAGS_MAX];
    size_t count;
};

/* RFC 6376, 3.2, strictly: names of letters, digits and _; no name twice; no control characters.
 * Bytes above 0x7f are left to the caller to judge. False: err says what is wrong, in printable
 * ASCII. Any thread; nothing is allocated. */
bool dkim_tags_parse(struct slice text, struct dkim_tags *tags, struct err *err);

/* NULL: there is none of that name (case counts). */
const struct dkim_tag *dkim_tags_find(const struct dkim_tags *tags, const char *name);

/* All white space taken out; NUL-terminated, in the arena. */
const char *dkim_squeeze(struct slice value, struct arena *arena);

/* Splits off the first item of a list with colons, trimmed; it may be empty. False: none is left,
 * and *rest has ptr NULL. A list has at least one item. */
bool dkim_list_next(struct slice *rest, struct slice *item);

/* Is `word` an item of the list, whatever the case? */
bool dkim_list_has(struct slice list, const char *word);

/* For messages: at most 40 bytes of a stranger's text, made printable; in the arena. */
const char *dkim_quote(struct slice text, struct arena *arena);

/* Base64 (RFC 4648, 4; white space skipped; padding may be missing, as in
 * RFC 6376's grammar). The result is in the arena; false:
 * it is none. */
bool dkim_from_base64(struct slice text, struct arena *arena, struct slice *bytes);
const char *dkim_to_base64(struct slice bytes, struct arena *arena);

#endif
