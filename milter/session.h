/* session - one MTA connection's events, from any front end, noted, judged and logged */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_H
#define TAMIS_SESSION_H

#include "journal.h"
#include "policy.h"
#include "world.h"

/* One milter connection (or one `tamis test`). One thread at a time, not always the same one. */
struct session;

/* The MTA's macros, as the front end has them; NULL when one is not set. Names with braces where
 * they have them ("{client_ptr}", "i"). The text is copied when it is kept. */
struct macros {
    const char *(*get)(void *arg, const char *name);
    void *arg;
};

/* The session holds the policy (acquired by the caller, released by session_free) to its end.
 * `journal` may be NULL: nothing is logged. `always_enforce`: as if mode = enforce (`tamis
 * test`). */
struct session *session_new(struct policy *policy, struct world *world, struct journal *journal,
                            bool always_enforce);

/* No syslog lines: a rehearsal. */
void session_set_quiet(struct session *session, bool quiet);

/* Whether answers are in force, whatever the policy's mode; before session_connect. For a
 * replay. */
void session_set_enforce(struct session *session, bool enforce);

/* What is known of the message's DKIM signatures, so that none is verified: before its first
 * header. It must live as long as the message. */
void session_set_dkim(struct session *session, const struct dkim_verdict *verdict);

/* Forgets the findings with this answer (the pointer), so that they are asked for again. */
void session_drop_findings(struct session *session, const char *answer);

/* The end of the connection: an unfinished transaction is logged as aborted. Never waits. */
void session_free(struct session *session);

/* Events, in any order, any number of times; each returns the answer to the MTA, valid until the
 * next event. A verdict that may not be given at that event (no-reply events, local submission) is
 * kept for the next one that can. Texts are copied; NULL stands for empty; any byte may be in them.
 * session_connect starts a new client: everything known before is forgotten (an MTA may
 * reuse connections). addr_text may be anything. */
const struct verdict *session_connect(struct session *session, const char *name,
                                      const char *addr_text, int port, const struct macros *macros);
const struct verdict *session_helo(struct session *session, const char *name,
                                   const struct macros *macros);
const struct verdict *session_mail(struct session *session, const char *const *argv,
                                   const struct macros *macros);
const struct verdict *session_rcpt(struct session *session, const char *const *argv,
                                   const struct macros *macros);
const struct verdict *session_data(struct session *session, const struct macros *macros);

/* A header: `value` is all that stands behind the colon, blanks included. It cannot be answered:
 * what is found waits for the end of the message. */
void session_header(struct session *session, const char *name, const char *value);

/* Of a replay, behind all headers: one of a part, "Name:value". */
void session_part(struct session *session, const char *text);
/* The next bytes of the body, cut anywhere; not answered either. False: no more of it is wanted. */
bool session_body(struct session *session, const char *data, size_t len);
const struct verdict *session_eom(struct session *session, const struct macros *macros);

/* RSET, or a transaction broken off. */
void session_abort(struct session *session);

/* After session_eom was answered with ACT_DUNNO, or with what is not enforced: what must be
 * performed on the mail; in annotate mode Authentication-Results alone. NULL: nothing. */
const struct edit *session_edits(const struct session *session);
const struct message *session_message(const struct session *session);
const struct client *session_client(const struct session *session);

/* What the message has asked its world; NULL: nothing. */
const struct inquiry *session_inquiry(const struct session *session);

/* After the answer to end of message is known: `failed` names a call that the MTA refused, or NULL.
 * Logs the transaction and makes room for the next one. With log_sync = message it waits for the
 * log, and may return a verdict that has to be answered instead; else NULL. */
const struct verdict *session_done(struct session *session, const char *failed);

#endif
