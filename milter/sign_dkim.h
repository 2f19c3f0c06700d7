/* sign_dkim - DKIM signatures of a mail, as many as its sender has keys for (RFC 6376, RFC 8463) */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SIGN_DKIM_H
#define TAMIS_SIGN_DKIM_H

#include "arena.h"
#include "dkim_hash.h"
#include "dkim_key.h"
#include "sign_fields.h"

#define SIGN_DKIM_FIELD "DKIM-Signature"

/* One signature to be made. Texts and key belong to the caller. */
struct sign_plan {
    const char *domain;   /* d=, in its ASCII form */
    const char *selector; /* s= */
    const struct dkim_key *key;
    enum dkim_canon header_canon, body_canon;
    const struct sign_fields *fields;
    const char *identity; /* i=, "@sub.example.org" or an address; NULL: none */
    int64_t time;         /* t=, seconds since 1970; below 0: none */
    int64_t ttl;          /* seconds until x=, which needs t=; 0: none */
};

/* What is signed: all fields from top to bottom as they will be delivered, all other edits done;
 * the body, hashed to its end in each canonicalization of the plans. */
struct sign_mail {
    const struct sign_header *headers;
    size_t header_count;
    const struct dkim_hash *body;
};

/* One of them is NULL. */
struct sign_result {
    const char *value; /* what stands behind "DKIM-Signature:", with its blank, folds as "\n\t" */
    const char *error; /* for the log: why there is no signature */
};

/* Makes all signatures of one mail: results[i] is that of plans[i], and one that fails leaves the
 * others alone. Plans with the same `fields` share the work. The texts live in the arena. Does not
 * block; takes as long as the keys do (dkim_key_sign). */
void sign_dkim(const struct sign_plan *plans, size_t count, const struct sign_mail *mail,
               struct arena *arena, struct sign_result *results);

/* The signature alone, raw: of `fields` (sign_fields_text) followed by the DKIM-Signature field
 * itself (section 3.7), whose `value` has an empty b=. *len and false as dkim_key_sign. */
bool sign_dkim_raw(const struct dkim_key *key, enum dkim_canon how, struct slice fields,
                   const char *value, unsigned char signature[DKIM_SIGNATURE_MAX], size_t *len,
                   struct err *err);

#endif
