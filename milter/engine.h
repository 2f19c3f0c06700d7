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
    bool enforce;         /* what is decided is done; else syslog says "would-" */

    /* A step whose questions the end of the message will ask (engine_learn): they are sent early;
     * NULL: none. Its row asks, and its judge answers ACT_DUNNO when nothing is missing. */
    const struct step *wanted;

    bool idle; /* the step that is judged decides nothing, whatever it learns */
    bool forgets; /* there are findings to be forgotten behind it */

    struct inquiry *inquiry; /* of the message, with what is on its way; NULL: nothing was asked */
    struct hint *hints;

    /* The deferral that takes effect if the recipient would be permitted, as it stood at the end of
     * the client, HELO and sender lists; code 0: none. What an earlier stage set is kept for the
     * later ones. */
    struct verdict defer_if_permit[LIST_SENDER + 1];

    /* Beside a deferral that the last engine_run returned: the message is to be discarded all the
     * same, should it come; else ACT_DUNNO. */
    struct verdict discard;
};

/* Judges what is due at `stage` (smtpd_delay_reject decides which lists, as in Postfix), at
 * STAGE_RCPT for `recipient`. The verdict's texts live in the message's arena or the policy;
 * `enforced` is for the caller to set. May block as long as the world does, at most until the
 * deadline. */
struct verdict engine_run(struct engine *engine, enum stage stage,
                          const struct recipient *recipient);

/* The same at STAGE_RCPT for a message that is to be discarded: no list is judged, but with
 * delay_reject = no a deferral that awaits permission since MAIL or before is the verdict. */
struct verdict engine_deferred(struct engine *e, const struct recipient *recipient);

/* Sends what the lists will surely ask and what is known enough at `stage` to be asked: early, and
 * all of it side by side. Never waits. Not for what an earlier step, judged on what is known,
 * permits or refuses; not before the login where steps wait for one and clients log in. */
void engine_prepare(struct engine *engine, enum stage stage);

/* Answers what the step's judge needs, as findings on the message. Waits like engine_run; nothing
 * else happens. */
void engine_learn(struct engine *engine, enum stage stage, const struct step *step);

/* Sends a question of the message's, early. Never waits. */
void engine_start(struct engine *engine, const char *question);

/* Its answer, waited for like engine_run. Never NULL. */
const struct finding *engine_find(struct engine *engine, enum stage stage, const char *question);

/* The message is over: forgets what is on its way. Never waits. */
void engine_forget(struct engine *engine);

#endif
