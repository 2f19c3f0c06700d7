/* shadow - shadow_config: a second policy that judges live mail, and never answers */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SHADOW_H
#define TAMIS_SHADOW_H

#include "journal.h"
#include "policy.h"

/* Loads what the policy's shadow_config names, if it does, with the options of `source`, and
 * leaves it with the policy (policy->shadow), which must not be published yet. What is wrong
 * with it is at most a warning in `problems`, and then there is no shadow. Blocks for files; one
 * thread at a time, which loads no other policy meanwhile. */
void shadow_load(struct policy *policy, const struct policy_source *source,
                 struct problems *problems);

/* Says in syslog whether this policy has the shadow that it wants. */
void shadow_announce(const struct policy *policy);

/* For journal_options.written: takes over an entry that was written, to be judged by the shadow of
 * its policy on a thread of its own; what was found goes into the journal behind it. False: not
 * taken, because there is no shadow, or too much waits already, which is counted. Never blocks. */
bool shadow_take(struct entry *entry);

/* Starts the thread; before that nothing is taken. shadow_stop judges what was taken, and ends it;
 * before journal_close. Both do nothing without a journal (NULL). */
void shadow_start(struct journal *journal);
void shadow_stop(void);

#endif
