/* policy_classes - the lists that restriction_classes names */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_POLICY_CLASSES_H
#define TAMIS_POLICY_CLASSES_H

#include "policy.h"
#include "steps.h"

/* The names alone, in the policy's arena; what has no definition is an error. */
struct restriction_classes *classes_declare(const struct policy *policy,
                                            struct problems *problems);

/* The steps of each, for each list, once policy->lists are read. What is wrong in a class that a
 * list names is what it would be in that list; in one that only tables can name, what it would be
 * in the recipient's, or nothing if it works at the end of data. */
void classes_define(const struct policy *policy, struct problems *problems);

/* Is the class meant for this list: does the list name it, directly or through another class, or no
 * list at all, so that only tables' values can? After classes_define. */
bool class_may_be_used(const struct policy *policy, const struct restriction_class *class,
                       enum list_id list);

/* policy.c: a list's text read for that list, in the policy's arena; NULL if it is unusable.
 * `problems` may be NULL. */
const struct steps *policy_parse_list(const struct policy *policy, const struct param_text *text,
                                      enum list_id list, struct problems *problems);

#endif
