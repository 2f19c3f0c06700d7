/* replay_rules - the rules of a policy as a list, and what two policies do not have in common */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_RULES_H
#define TAMIS_REPLAY_RULES_H

#include "policy.h"

/* A rule that only one of two policies has. The texts live as long as the difference. */
struct rule_difference {
    struct rule_difference *next;
    bool added; /* in the second one; else it is in the first one alone */
    struct where where;
    const char *text;
};

/* Restrictions of lists, rows of tables, and parameters that are set. Files are known by their
 * names below the directory of the configuration, which itself is one file whatever its name; the
 * number of a line does not matter. In `arena`; removed ones first, each in their order. */
const struct rule_difference *rules_compare(const struct policy *a, const struct policy *b,
                                            struct arena *arena);

#endif
