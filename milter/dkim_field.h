/* dkim_field - a DKIM-Signature field read and judged before anybody's library sees it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_FIELD_H
#define TAMIS_DKIM_FIELD_H

#include "arena.h"
#include "dkim_result.h"

enum {
    DKIM_FIELD_MAX = 16384,   /* bytes of a value that is evaluated */
    DKIM_NAMES_MAX = 300,     /* names in h= */
    DKIM_NAMES_SIZE = 4095,   /* bytes of h= without white space */
    DKIM_IDENTITY_MAX = 250,  /* bytes of i= */
    DKIM_CLOCK_SKEW = 300     /* seconds */
};

/* What evaluation needs; texts without white space, in the arena, NULL when missing. Only if the
 * field is good are all of them known. */
struct dkim_field {
    const char *d, *s, *i, *b;
    const char *key;      /* what k= must be: "rsa" or "ed25519" */
    struct slice *names;  /* h= */
    size_t count;
};

/* Reads the value of a DKIM-Signature field (RFC 6376, 3.5, as libmilter gives it; any bytes but
 * NUL) and fills in what is known of `sig` and `field`. `now`: seconds since 1970. Returns whether
 * it is worth to be evaluated; if not, sig->result and sig->why are set: permerror for what is
 * wrong, policy for rsa-sha1 (RFC 8301), neutral for what is right and libopendkim cannot do. */
bool dkim_field_read(struct slice value, int64_t now, struct arena *arena,
                     struct dkim_signature *sig, struct dkim_field *field);

/* Does i= name the signing domain itself, not one below, as t=s in the key demands? */
bool dkim_field_is_own(const struct dkim_field *field);

/* A domain name in ASCII with at least `labels` labels. */
bool dkim_is_domain(struct slice name, size_t labels);

/* Equal, or `name` is below `domain`, whatever the case. */
bool dkim_is_within(struct slice name, struct slice domain);

#endif
