/* session_content - a message on its way through header_checks and body_checks */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_CONTENT_H
#define TAMIS_SESSION_CONTENT_H

#include "policy.h"
#include "session_log.h"

struct content;

/* Whose message it is; all of it outlives the content. */
struct content_scene {
    const struct policy *policy;
    const struct client *client;
    struct message *message; /* its direction chooses the lists; gets headers, edits, records */
    bool enforce;            /* for the log: "reject", else "would-reject" */
    bool quiet;              /* nothing is logged */
    struct session_log log;
};

/* NULL when no list is to be asked for a message of this direction, or about a bounce; the
 * functions below take that, too. The caller frees it. Nothing here waits for anything; one thread
 * at a time. */
struct content *content_new(const struct content_scene *scene);
void content_free(struct content *content);

/* Notes a header on the message, as the MTA passes it, the blank behind the colon included. NULL
 * when nothing could edit it. */
const struct header *content_keep(const struct policy *policy, struct message *message,
                                  const char *name, const char *value);

/* The same header, as content_keep returned it. What a rule decides is kept. After the first of the
 * body there are no more. */
void content_header(struct content *content, const struct header *header, const char *name,
                    const char *value);

/* The field that the MTA itself puts on top, "Received: …" (received_text), before all others.
 * Only REPLACE by another Received and what does not edit it can be done. */
void content_own_received(struct content *content, const char *text);

/* Of a replay, behind the headers: a field of a part, "Name:value", as it was evidence. */
void content_part(struct content *content, const char *text);

/* The next bytes of the body. False when nothing that may still come can change anything. */
bool content_body(struct content *content, const char *data, size_t len);

/* The end of the message: what the lists made of it. ACT_DUNNO, ACT_REJECT, ACT_DEFER or
 * ACT_DISCARD, logged already; its texts live in the message's arena or the policy. `enforced` is
 * for the caller. */
struct verdict content_end(struct content *content);

#endif
