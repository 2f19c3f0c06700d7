/* dkim_plan - of a mail's header: which signatures are worth a verification, and what it takes */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_PLAN_H
#define TAMIS_DKIM_PLAN_H

#include "dkim_field.h"

/* More DKIM-Signature fields are counted only. */
enum { DKIM_LISTED_MAX = 100 };

/* A field of the header; value is what stands behind the colon. */
struct dkim_header {
    struct slice name, value;
};

struct dkim_limits {
    size_t max_signatures;     /* that are evaluated; 0: 8 */
    unsigned minimum_key_bits; /* of RSA keys; 0: 1024 */
    bool accept_partial;       /* a good signature over a part of the body is a pass */
    int64_t now; /* seconds since 1970; libopendkim holds t= and x= against the clock, too */
};

/* What is known of one signature beside what is published. */
struct dkim_entry {
    struct dkim_field field;
    size_t header;   /* its place among the headers */
    bool judged;     /* to be verified */
    size_t question; /* its place among the questions, if judged */
};

/* Everything is in the arena; signature and entry stand side by side. */
struct dkim_plan {
    struct dkim_signature *signature;
    struct dkim_entry *entry;
    size_t count;
    size_t judged;
    size_t unlisted;
    const char **question; /* names in the DNS, lower case, none twice */
    size_t questions;
    bool *wanted; /* for each header: some signature to be verified covers it */
    unsigned from_count;
    const char *from_domain;
};

/* Reads the header of a mail, top to bottom. Of the good signatures those of the From domain come
 * first, then those above or below it, then the rest; what is beyond the limit is capped. Time and
 * memory are bounded by the header's size. Any thread; never blocks. */
void dkim_plan_make(const struct dkim_header *header, size_t count,
                    const struct dkim_limits *limits, struct arena *arena, struct dkim_plan *plan);

#endif
