/* engine - walks restriction lists as Postfix does, asks the world, collects edits and deferrals */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ENGINE_H
#define TAMIS_ENGINE_H

#include "policy.h"
#include "world.h"

/* One session's evaluations. The message is changed: records of checks, findings, edits. */
struct engine {
    const struct policy *policy;
    struct world *world;
    const struct client *client;
    struct message *message;
    uint64_t deadline_us; /* of the stage, monotonic */
    bool quiet;           /* no syslog lines: a rehearsal */

    /* The deferral that takes effect if the recipient would be permitted, as it stood at the end of
     * the client, HELO and sender lists; code 0: none. What an earlier stage set is kept for the
     * later ones. */
    struct verdict defer_if_permit[LIST_SENDER + 1];
};

/* Judges what is due at `stage` (smtpd_delay_reject decides which lists, as in Postfix), at
 * STAGE_RCPT for `recipient`. The verdict's texts live in the message's arena or the policy;
 * `enforced` is for the caller to set. May block as long as the world does, at most until the
 * deadline. */
struct verdict engine_run(struct engine *engine, enum stage stage,
                          const struct recipient *recipient);

#endif
