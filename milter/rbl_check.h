/* rbl_check - which block lists are used, and what can be said of them without asking */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RBL_CHECK_H
#define TAMIS_RBL_CHECK_H

#include "policy.h"

/* A list that some restriction or parameter names; each zone once a kind. */
struct rbl_use {
    const char *zone;
    struct where where;
    bool domains; /* it is asked about names, not addresses */
};

struct rbl_uses {
    const struct rbl_use *list;
    size_t count;
};

/* All of them, in the arena. The texts are the policy's. */
struct rbl_uses rbl_uses_of(const struct policy *policy, struct arena *arena);

/* Adds warnings: a list that has closed, a filter that matches errors only, a score without
 * lists or one that cannot be reached, questions that go through a public resolver.
 * `resolv_conf`: what is asked where dns_servers is empty; blocks for reading it. */
void rbl_check_policy(const struct policy *policy, const char *resolv_conf,
                      struct problems *problems);

#endif
