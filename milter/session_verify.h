/* session_verify - the DKIM signatures of incoming mail, verified while it arrives */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_VERIFY_H
#define TAMIS_SESSION_VERIFY_H

#include "engine.h"

struct dkim_verifier;

/* Of one message. */
struct inspection {
    struct engine *engine;
    struct dkim_verifier *verifier; /* NULL: nobody wants to know, or no header has come */
    const char *const *names;       /* of key records; NULL before the end of the header */
    size_t count;
    const struct dkim_verdict *known; /* NULL: it is to be found out */
};

/* For the message that the engine has now. */
void inspection_begin(struct inspection *inspection, struct engine *engine);
void inspection_free(struct inspection *inspection); /* at any time */

/* A header as it came; both texts must live as long as the message. */
void inspection_header(struct inspection *inspection, const char *name, const char *value);

/* One that is not kept, for there are too many. */
void inspection_cut(struct inspection *inspection);

/* The next bytes of the body; the first end the header, and the keys are asked for. False when the
 * body makes no difference. */
bool inspection_body(struct inspection *inspection, const char *data, size_t len);

/* The end: the verdict is on the message (message->dkim) if the policy wants to know. Waits for
 * keys, at most until the engine's deadline. */
void inspection_end(struct inspection *inspection);

#endif
