/* rule_check - reads the rules of every access table for the use that is made of them */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RULE_CHECK_H
#define TAMIS_RULE_CHECK_H

#include "policy.h"

/* Adds to `problems`, each at its place, the keys that no lookup will ever ask for, with the key to
 * write instead, and the values that cannot work; and what outgoing_hide_client and
 * rules for Received fields cannot do together; and, as notes, fields that rules refuse by and the
 * log does not keep for replays. A table used twice in one way is read once. */
void rule_check_policy(const struct policy *policy, struct problems *problems);

#endif
