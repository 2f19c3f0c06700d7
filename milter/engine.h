/* engine - walks restriction lists as Postfix does, asks the world, collects edits and deferrals */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ENGINE_H
#define TAMIS_ENGINE_H

#include "policy.h"
#include "world.h"

/* One evaluation. The message is changed: records of checks, findings, edits. */
struct engine {
    const struct policy *policy;
    struct world *world;
    const struct client *client;
    struct message *message;
    uint64_t deadline_us; /* of the stage, monotonic */
    struct verdict defer_if_permit; /* code 0: not set; outlives lists and, within Postfix's rules, stages */
};

/* Judges what is due at `stage` (Postfix's smtpd_delay_reject decides which lists) for the message, at
 * STAGE_RCPT for `recipient`. The verdict's texts live in the message's arena or the policy. */
struct verdict engine_run(struct engine *engine, enum stage stage,
                          const struct recipient *recipient);

#endif
