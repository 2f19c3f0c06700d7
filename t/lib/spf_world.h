/* spf_world - a DNS of a few lines, for tests of SPF */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SPF_WORLD_H
#define TAMIS_SPF_WORLD_H

#include "spf.h"

/* One record. type: "TXT", "A", "AAAA", "MX" (the host alone), "PTR", "CNAME", or "TIMEOUT": what
 * the name has no record for is not answered. Names are compared without case and without a dot at the
 * end; those that start with "error." are not answered. A name with nothing at or below it is
 * NXDOMAIN. */
struct spf_world_rr {
    const char *name, *type, *value;
    size_t len; /* of value; 0: it is a text */
};

struct spf_world {
    struct spf_world_rr *rr;
    size_t count;
    unsigned asked[5]; /* questions by enum spf_type */
    uint64_t clock_us; /* the world's time, and how much of it a question takes */
    uint64_t step_us;
};

/* A world with room for more records; texts are copied. */
void spf_world_add(struct spf_world *w, const char *name, const char *type, const char *value,
                   size_t len);
void spf_world_free(struct spf_world *w);

/* The callbacks over a world, which must live as long. */
struct spf_dns spf_world_dns(struct spf_world *w);

#endif
