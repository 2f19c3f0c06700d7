/* sign_fields - which header fields a signature covers, and their text as it is signed */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SIGN_FIELDS_H
#define TAMIS_SIGN_FIELDS_H

#include "arena.h"
#include "dkim_canon.h"

/* A field of the mail as it will be delivered; value as dkim_canon_field takes it. */
struct sign_header {
    const char *name;
    const char *value;
};

/* Names of fields (sign_fields_is_name), both lists end in NULL. */
struct sign_fields {
    const char *const *sign;     /* each of them that is there, as often as it is */
    const char *const *oversign; /* one more than there are: nobody can add one unnoticed */
};

/* May this be a field's name, in h=, too (RFC 5322, section 2.2, without the semicolon)? */
bool sign_fields_is_name(struct slice name);

/* What is signed where nothing else is said: RFC 6376, section 5.4.1, with the fields of
 * MIME, List-Unsubscribe-Post (RFC 8058, section 4) and Feedback-ID. */
extern const struct sign_fields sign_fields_default;

/* h=: names in the order in which they are signed, each standing for the lowest field of that name
 * that no mention before it stood for (RFC 6376, section 5.4.2). */
struct sign_mentions {
    const char **names;
    const struct sign_header **headers; /* NULL: there is no such field any more */
    size_t count;
};

/* Bounds of h=, whatever a mail contains. */
enum { SIGN_MENTIONS_MAX = 100, SIGN_FROM_MAX = 20 };

/* Chooses the fields. From is always among them, first, and oversigned if the list says so. Of
 * a name that occurs too often for SIGN_MENTIONS_MAX only the lowest ones are taken. Everything
 * lives in the arena; the names are those of `fields`, the headers those given. False with err for
 * a mail without From, or with more than SIGN_FROM_MAX of them. */
bool sign_fields_choose(const struct sign_fields *fields, const struct sign_header *headers,
                        size_t count, struct arena *arena, struct sign_mentions *mentions,
                        struct err *err);

/* The same for a list of names that is final. */
void sign_fields_find(const char *const *names, size_t names_count,
                      const struct sign_header *headers, size_t count, struct arena *arena,
                      struct sign_mentions *mentions);

/* Appends the fields in the order of their mentions, canonical, each with CRLF. */
void sign_fields_text(const struct sign_mentions *mentions, enum dkim_canon how, struct buf *out);

#endif
