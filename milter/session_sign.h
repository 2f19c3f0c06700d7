/* session_sign - outgoing mail gets the DKIM signatures that its sender has keys for */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_SIGN_H
#define TAMIS_SESSION_SIGN_H

#include "engine.h"

struct dkim_hash;

/* Of one message. */
struct sealing {
    struct engine *engine;
    struct dkim_hash *hash; /* of the body; NULL before it, or when nothing is to be signed */
    bool off;               /* nothing may be signed, or the body could not be hashed */
};

/* For the message that the engine has now. Not `may_sign`: nothing is done. */
void sealing_begin(struct sealing *sealing, struct engine *engine, bool may_sign);
void sealing_free(struct sealing *sealing); /* at any time */

/* The next bytes of the body. False when the body makes no difference. */
bool sealing_body(struct sealing *sealing, const char *data, size_t len);

/* At the end of a message that is going to be taken: notes a DKIM-Signature on top of all for each
 * key that signs, over the header as `edits` (all that will be performed; may be NULL) leave it.
 * Who may not sign is told in syslog. Waits for nothing. */
void sealing_end(struct sealing *sealing, const struct edit *edits);

#endif
