/* rehearsal - an SMTP transaction that did not take place: its facts and its answers */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REHEARSAL_H
#define TAMIS_REHEARSAL_H

#include "session.h"

/* What is known of the client and the transaction so far. Facts may be set in any order and again;
 * each question to it plays all facts, in SMTP's order, through a session of its own, so that every
 * answer is the live filter's. Begins with an SMTP client unknown[192.0.2.1]. */
struct rehearsal;

struct rehearsal *rehearsal_new(struct world *world); /* which must live longer */
void rehearsal_free(struct rehearsal *r);             /* NULL is allowed */

/* The facts of the client; each replaces what was said of it before. Texts are copied. `ptr` NULL:
 * no reverse name; `method` NULL: PLAIN; a macro's name as in struct macros. */
void rehearsal_client(struct rehearsal *r, const char *name, const char *addr, const char *ptr);
void rehearsal_helo(struct rehearsal *r, const char *name);
void rehearsal_auth(struct rehearsal *r, const char *login, const char *method);
void rehearsal_macro(struct rehearsal *r, const char *name, const char *value);

/* A new transaction begins at mail; argv is ADDR and ESMTP parameters. */
void rehearsal_mail(struct rehearsal *r, const char *const *argv, size_t argc);
void rehearsal_rcpt(struct rehearsal *r, const char *const *argv, size_t argc);
void rehearsal_message(struct rehearsal *r, const char *path); /* "": none */
void rehearsal_reset(struct rehearsal *r); /* the transaction's facts are forgotten */

/* The policy from now on, held by the caller as long as it is used here, and no
 * line in syslog; NULL: the current one. */
void rehearsal_set_policy(struct rehearsal *r, struct policy *policy);

/* A whole mail ends where its client would give up, and each of its steps is told in syslog's
 * words; of single events the last one is. */
enum {
    REHEARSAL_WHOLE = 1,
    REHEARSAL_QUIET = 2, /* nothing is told */
};

/* Plays everything up to `stage` under the policy and returns the session, whose last answer is
 * *verdict: at STAGE_RCPT that for the last recipient. `how`: the flags above. NULL with err when
 * the message file cannot be read. The caller frees the session. */
struct session *rehearsal_play(const struct rehearsal *r, enum stage stage, unsigned how,
                               const struct verdict **verdict, struct err *err);

#endif
