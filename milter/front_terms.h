/* front_terms - what is negotiated with the MTA: events, replies, actions, macros */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_FRONT_TERMS_H
#define TAMIS_FRONT_TERMS_H

#include "policy.h"

#include <libmilter/mfapi.h>

/* What was agreed when the MTA connected: REUSE_BITS bits. */
enum terms {
    TERM_KNOWN = 1 << 0,
    TERM_HEADERS = 1 << 1, /* header events come */
    TERM_EARLY = 1 << 2,   /* CONNECT, HELO and MAIL are answered */
    TERM_BODY = 1 << 3,
    TERM_REJECTS = 1 << 4, /* recipients that the MTA refused are shown */
    TERM_LEADSPC = 1 << 5,
    TERM_RCPT_ARGS = 1 << 6,
    TERM_EDITS = 1 << 7, /* headers may be changed */
    TERM_SKIP = 1 << 8,  /* "no more of the body" is understood */
};

enum {
    TERMS_ACTIONS = SMFIF_ADDHDRS | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT
                    | SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
    TERMS_ALL_ACTIONS = TERMS_ACTIONS | SMFIF_CHGHDRS, /* when a rule may change a header */
};

/* enum terms: what the policy cannot do without */
unsigned terms_needed(const struct policy_needs *needs);
unsigned long terms_actions(const struct policy_needs *needs); /* SMFIF_x to ask for */
unsigned long terms_steps(const struct policy_needs *needs);   /* SMFIP_x to ask for */

/* Asks for the macros of each event, which Postfix would not all send by itself. Content-stage
 * values of connection macros are cleanup's own, so none is asked for at DATA or later. Only while
 * negotiating. */
void terms_ask_for_macros(SMFICTX *ctx);

#endif
