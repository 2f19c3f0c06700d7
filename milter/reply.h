/* reply - the one place where a verdict becomes a milter answer */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLY_H
#define TAMIS_REPLY_H

#include "verdict.h"

#include <libmilter/mfapi.h>

/* libmilter's prototypes know no const, but it does not write. */
#define MUTABLE(text) ((char *)(uintptr_t)(text))

/* What was agreed with the MTA about the event that is answered. */
struct reply_terms {
    enum stage stage;
    bool no_reply; /* negotiated without reply: nothing can be said (SMFIP_NR_*) */
    bool local;    /* mail that did not come over SMTP: only end of message can be answered */
};

/* Hands code and text to libmilter (smfi_setreply) and returns what the callback has to return
 * at once. What must not be answered at this event is answered with "continue": every verdict in
 * a no-reply event or, before end of message, for local mail; DISCARD at CONNECT and HELO; all
 * that is not enforced. A reply that libmilter does not take is logged and becomes its plain
 * REJECT or TEMPFAIL: the kind of answer is always the verdict's. May block in no way. */
sfsistat reply_send(SMFICTX *ctx, const struct verdict *verdict, const struct reply_terms *terms);

#endif
