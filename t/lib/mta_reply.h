/* mta_reply - reads what a filter answers, as Postfix reads it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_T_MTA_REPLY_H
#define TAMIS_T_MTA_REPLY_H

#include "mta.h"

/* Takes one packet that came after `event`; true when it ends the reply, false when more packets
 * belong to it (edits, requests for patience). */
bool mta_reply_take(struct mta_reply *r, char event, char command, struct slice data);

/* Ends the reply with a fault; always returns true. */
bool mta_reply_fault(struct mta_reply *r, enum mta_action action, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Frees what it holds; action is MTA_NONE then. */
void mta_reply_clear(struct mta_reply *r);

#endif
