/* replay_edits - what was done to a mail beside its verdict, and what would be done now */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_EDITS_H
#define TAMIS_REPLAY_EDITS_H

#include "replay.h"

/* What one side does and the other does not; the texts are the messages'. With `content` false what
 * rules for the content did is left aside, and so is always what tamis adds of its own accord:
 * signatures, Authentication-Results, Received-SPF, Received. */
struct replay_edit *replay_edits_compare(const struct message *was, const struct message *now,
                                         bool content, struct arena *arena);

/* "held", "no longer redirected", … of the first one by which the mail goes another way; NULL:
 * there is none such. */
const char *replay_edits_fate(const struct replay_edit *edits);

#endif
