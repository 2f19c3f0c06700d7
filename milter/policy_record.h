/* policy_record - a policy's texts and rules as the log keeps them */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_POLICY_RECORD_H
#define TAMIS_POLICY_RECORD_H

#include "journal.h"
#include "policy.h"

/* Reads once more the files that the policy was read from, sets policy->hash, and returns what
 * is to be offered to the journal; the caller owns it. `loaded_by` is copied. Before the policy
 * is published. Of a file that is large, or that holds a private key, only the hash is kept.
 * Blocks for the files. */
struct entry *policy_record(struct policy *policy, const struct policy_source *source,
                            const char *loaded_by);

#endif
