/* access_search - a search of a subject's keys in an access table, and what the rule found says */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ACCESS_SEARCH_H
#define TAMIS_ACCESS_SEARCH_H

#include "access_keys.h"
#include "check.h"

/* Ends at the first key that the table has. For judges: start, hand the keys to access_keys_*() or
 * access_search_ask(), in the order in which they are to be asked, until one returns true, then
 * conclude. */
struct access_search {
    const struct step *step;
    const struct scene *scene;
    struct access_keys keys; /* for access_keys_*() */
    struct slice first;      /* the full key: what the log shows when nothing is found */
    struct slice found;
    struct hit hit;
    enum table_result result;
};

/* A search of step->table. `search` must stay where it is. */
void access_search_start(struct access_search *search, const struct step *step,
                         const struct scene *scene);

/* One key as it is. True: found, or the table cannot be asked, which ends the search, too. The key
 * must live as long as the search. */
bool access_search_ask(struct access_search *search, struct slice key);

/* DUNNO when nothing was found. A table that cannot be asked refuses with 451 4.3.5. */
struct outcome access_search_conclude(const struct access_search *search, struct subject subject);

#endif
