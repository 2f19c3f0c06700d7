/* session_log - what a session tells the decision log, and what it promises for it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_LOG_H
#define TAMIS_SESSION_LOG_H

#include "journal.h"
#include "policy.h"

/* Where a session's messages go. */
struct session_log {
    struct policy *policy;
    struct journal *journal; /* NULL: nowhere */
    const struct client *client;
    bool quiet;   /* a rehearsal: not counted */
    bool enforce; /* in earnest: answers may say what the log could not keep */
};

/* Gives a refusal that the client will read its token, if the policy wants that and the log has
 * room to keep it; `recipient` is the one that is refused, or NULL. */
void session_log_token(const struct session_log *log, struct message *message,
                       const struct recipient *recipient, struct verdict *verdict);

/* Notes what MAIL said behind the address. */
void session_log_mail(struct message *message, const char *const *argv);

/* Notes a header: the Message-ID, and what evidence_headers names. */
void session_log_header(const struct session_log *log, struct message *message, const char *name,
                        const char *value);

/* Is the log to keep what mime_header_checks is asked about? */
bool session_log_parts(const struct session_log *log, const struct message *message);

/* Hands the message over: to the journal, or to nobody. `touched`: it is worth a row. False, only
 * with log_sync = message and for a message that is accepted or discarded: it could not be kept in
 * time, and the client must be told so; `token` then ends the reply, or is "". Waits up to
 * log_sync_time_limit; in all other cases not at all. */
enum { SESSION_TOKEN_SIZE = 16 };
bool session_log_end(const struct session_log *log, struct message *message, bool touched,
                     bool finished, char token[SESSION_TOKEN_SIZE]);

/* The reply to what could not be kept. */
struct verdict session_log_late(const char *token);

#endif
