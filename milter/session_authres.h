/* session_authres - Authentication-Results: ours is added, what claims to be ours is removed */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_AUTHRES_H
#define TAMIS_SESSION_AUTHRES_H

#include "engine.h"

/* Whose message it is. */
struct annotation {
    struct engine *engine;
    bool merges; /* rules edit headers, too; else annotation_edits alone are performed */
    int removed; /* fields so far */
};

/* For the message that the engine has now, whose edits get ours; also tells the engine what is to
 * be asked early. */
void annotation_begin(struct annotation *annotation, struct engine *engine, bool merges);

/* A header as it came, after the rules had their say about it: marks it for removal if it is an
 * Authentication-Results field with our id. RFC 8601, section 5. */
void annotation_header(struct annotation *annotation, const struct header *header);

/* At the end of a message that is going to be taken: notes the fields that are added, on top of
 * all. Waits for answers, at most until the engine's deadline. */
void annotation_end(struct annotation *annotation);

/* What annotate mode performs: our edits without those of rules. In the message's arena. */
const struct edit *annotation_edits(const struct annotation *annotation);

#endif
