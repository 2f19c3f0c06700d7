/* policy_parts - what the files of the policy's loading share */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_POLICY_PARTS_H
#define TAMIS_POLICY_PARTS_H

#include "policy.h"

/* Reads one restriction list, or a class for that list, into the policy's arena; NULL: unusable,
 * with every problem placed (`problems` may be NULL). */
const struct steps *policy_parse_list(const struct policy *p, const struct param_text *text,
                                      enum list_id list, struct problems *problems);

/* The classes, in three steps: their names; for each list, once it is read itself, what they are in
 * it; at last those that are unusable everywhere and have not been reported, because no list names
 * them. */
void policy_declare_classes(struct policy *p, struct problems *problems);
void policy_define_classes(struct policy *p, enum list_id list, struct problems *problems);
void policy_report_classes(struct policy *p, struct problems *problems);

/* Is the class meant for this list: does the list name it, directly or through another class, or no
 * list at all, so that only tables' values can? */
bool policy_may_use_class(const struct policy *p, const struct restriction_class *class,
                          enum list_id list);

#endif
