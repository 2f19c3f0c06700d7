/* replay_evidence - what the log keeps for replays alone: raw arguments, fields of the header */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_EVIDENCE_H
#define TAMIS_REPLAY_EVIDENCE_H

#include "replay_read.h"

/* Puts what a row of the view evidence says (tamis-log(5)) onto the message: arguments of its
 * sender and recipients, headers. What cannot be read is left out. */
void evidence_read(struct message *message, const char *text);

/* Which fields policies had recorded. */
struct recorded;

/* NULL with err when the log's tables are not as expected; the log must be open as long. */
struct recorded *recorded_new(struct logdb *log, struct err *err);
void recorded_free(struct recorded *recorded); /* NULL is allowed */

/* Sets arguments_unknown; drops message->dkim if that policy verified no signatures; and sets
 * recorded_headers (the names that evidence_headers had, if the policy of that time saw
 * headers; none for a transaction whose evidence is gone). The names live as
 * long as `recorded`. */
void recorded_set(struct recorded *recorded, struct message *message, struct replay_facts *facts);

#endif
