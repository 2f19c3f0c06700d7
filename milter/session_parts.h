/* session_parts - what the files of the session share */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_PARTS_H
#define TAMIS_SESSION_PARTS_H

#include "engine.h"
#include "session.h"
#include "session_authres.h"
#include "session_content.h"
#include "session_log.h"
#include "session_sign.h"
#include "session_verify.h"

struct session {
    struct policy *policy;
    struct world *world;
    struct journal *journal;
    bool enforce, annotates; /* all; Authentication-Results alone */
    struct arena *arena, *helo_arena; /* of the client, of its last HELO; the message has its own */
    struct client client;
    struct engine engine;
    struct message *message; /* never NULL */
    struct content *content; /* of the message, once some has come; NULL: nothing looks at it */
    bool has_content;
    struct inspection inspection;
    struct sealing sealing;
    struct annotation annotation;
    bool touched;            /* something happened to the message that is worth a row */
    struct verdict pending;  /* found at MAIL when that cannot answer; ACT_DUNNO: none */
    struct verdict discard;  /* the message will be thrown away at its end; ACT_DUNNO: no */
    struct verdict answer;
    struct verdict late;     /* of a message that has gone, and its token */
    char token[SESSION_TOKEN_SIZE];
};

/* For session_log.h; good until the message ends. */
struct session_log session_log_of(struct session *s);

/* From now on there is settings->stage_time_limit for all that is slow, until the next answer. */
void session_begin_stage(struct session *s);

/* For the log: the answer of this stage took from `begun` (now_us) to now. */
void session_note_stage(struct session *s, enum stage stage, uint64_t begun);

/* Judges what is due. `discard` stops it all. Begins the stage, but for STAGE_EOM, which began
 * with the verification of signatures. */
struct verdict session_run(struct session *s, enum stage stage, const struct recipient *recipient);

/* Notes a refusal or discard on the message (`recipient`: whose; may be NULL) and in syslog, and
 * makes it the answer. */
const struct verdict *session_conclude(struct session *s, struct verdict v,
                                       struct recipient *recipient);

/* The first that the MTA names; it may come as late as the end of the message. */
void session_note_queue_id(struct session *s, const struct macros *macros);

#endif
