/* session_end - how a transaction ended, as the log says it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_END_H
#define TAMIS_SESSION_END_H

#include "journal.h"

/* How the transaction as a whole ended, `finished` or broken off. A recipient that was accepted
 * outweighs those refused, and only a message that came to its end is discarded: broken off before,
 * it is aborted. */
enum entry_action transaction_action(const struct message *message, bool finished);

#endif
