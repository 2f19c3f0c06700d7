/* edits - performs at end of message what rules decided: header edits, HOLD, REDIRECT, BCC */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_EDITS_H
#define TAMIS_EDITS_H

#include "message.h"

#include <libmilter/mfapi.h>

/* What the MTA can do, as negotiated. */
struct edit_terms {
    bool leading_space; /* header values carry their own blank (SMFIP_HDR_LEADSPC) */
    bool rcpt_args;     /* smfi_addrcpt_par may be used (SMFIF_ADDRCPT_PAR) */
    bool sendmail;      /* it is Sendmail: client_is_sendmail */
};

/* Only in the end-of-message callback. Headers are changed as header_changes_plan says; a BCC
 * address that already is a recipient is not added again; with REDIRECT (the last one wins) only
 * its target gets the mail, and recipients are deleted only after the target was added. A text that
 * is no header or address is logged and skipped, as the engine should not have let it through.
 * NULL: all was performed. Else the name of the call that failed: then the message must be answered
 * with a temporary failure, which undoes the rest. Blocks while the MTA does not read. */
const char *edits_perform(SMFICTX *ctx, const struct edit *edits, const struct message *message,
                          const struct edit_terms *terms);

#endif
