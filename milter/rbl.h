/* rbl - block and allow lists as the configuration names them */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RBL_H
#define TAMIS_RBL_H

#include "rbl_filter.h"
#include "settings.h"
#include "table.h"

/* ZONE[=FILTER], for a score with *WEIGHT. */
struct rbl_site {
    const char *text;                /* ZONE[=FILTER] as written: the key in rbl_reply_maps */
    const char *zone;                /* as written */
    const struct rbl_filter *filter; /* NULL: whatever the list answers is a listing */
    int weight;                      /* 1 unless told; negative: an allow list */
};

enum { RBL_SITES_MAX = 50 }; /* in one parameter */

struct rbl_sites {
    const struct rbl_site *list;
    size_t count;
    struct where where; /* of the parameter */
};

/* What the parameters of block lists say; part of a policy. */
struct rbl {
    struct rbl_sites maps_domains; /* maps_rbl_domains */
    struct rbl_sites score_sites;  /* rbl_score_sites */
    const struct table *const *reply_maps; /* rbl_reply_maps, in their order */
    size_t reply_map_count;
};

/* The argument of reject_rbl_client and its like (a parse_fn of restriction.h): a struct rbl_site
 * in the arena; NULL when it is none. */
const void *rbl_site_parse(struct slice text, struct arena *arena, struct where where,
                           struct problems *problems);

/* Reads the parameters; what is wrong is an error in `problems`, with its place. Tables are opened,
 * which may block for files. Never NULL; in the arena. */
const struct rbl *rbl_load(const struct settings *settings, struct tables *tables,
                           struct arena *arena, struct problems *problems);

#endif
