/* replay_names - what the log's words stand for */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_NAMES_H
#define TAMIS_REPLAY_NAMES_H

#include "dkim_result.h"
#include "journal.h"

/* NULL, and what is no such word, is the first of the enum; of actions ENTRY_ABORTED, of states
 * FINDING_TEMPERROR, of edits ACT_DUNNO. */
enum stage replay_stage(const char *name);
enum entry_action replay_action(const char *name);
enum finding_state replay_state(const char *name);
enum dkim_result replay_result(const char *name);
enum act replay_act(const char *name); /* of what is done to a mail besides: HOLD, PREPEND … */

#endif
