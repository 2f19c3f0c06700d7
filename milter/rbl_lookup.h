/* rbl_lookup - what a list says about a client or a domain, with its filter applied */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RBL_LOOKUP_H
#define TAMIS_RBL_LOOKUP_H

#include "check.h"
#include "question.h"
#include "rbl.h"

enum rbl_state {
    RBL_UNLISTED,
    RBL_LISTED,
    RBL_FAILED, /* nobody knows: no answer, or one that is no listing (rbl_error) */
};

struct rbl_result {
    enum rbl_state state;
    struct rbl_answer answer;             /* of RBL_LISTED */
    const char *question, *answer_text;   /* for the log */
};

/* What lists are asked about; NULL: nothing is to be asked. The client's address; a name, or the
 * domain of a mail address, as A-labels (RFC 5890), if it is a host name that does not end in a
 * number. */
const char *rbl_key_of_client(const struct scene *scene);
const char *rbl_key_of_name(const struct scene *scene, const char *name);

/* False: *need. A failed lookup is logged, rarely enough. */
bool rbl_lookup(const struct scene *scene, const struct rbl_site *site, const char *key,
                struct rbl_result *result, struct outcome *need);

/* The questions about `key` that were not asked yet, each once: *need, and the others as `also`.
 * False when there is none. */
bool rbl_need_all(const struct scene *scene, const struct rbl_sites *sites, const char *key,
                  struct outcome *need);

#endif
