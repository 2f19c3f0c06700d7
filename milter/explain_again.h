/* explain_again - the transaction judged again: as it was, without the rule, by other rules */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_EXPLAIN_AGAIN_H
#define TAMIS_EXPLAIN_AGAIN_H

#include "explain.h"
#include "replay.h"

/* The transaction's facts, and the policies that it can be judged under. */
struct explain_again;
struct world;

/* `source` is the configuration of today, or the candidate that is asked about; it may be unusable
 * (with problems). NULL with err when the transaction cannot be read back. Nothing else may load
 * policies until explain_again_close. */
struct explain_again *explain_again_open(struct logdb *log, struct explanation *e,
                                         const struct policy_source *source, struct err *err);
/* From then on what was not recorded is asked of this world, and told to be; it must live
 * longer. */
void explain_again_ask_now(struct explain_again *again, struct world *world);
void explain_again_close(struct explain_again *again); /* NULL is allowed */

/* Adds to e->again what becomes of it without the rule that decided, exact by construction; and,
 * where `now`, or where it differs, what becomes of it under today's policy. Notes in e->unused
 * which answers nobody needed. */
void explain_again_tell(struct explain_again *again, bool now);

/* The explanation that it was opened with. */
const struct explanation *explain_again_told(const struct explain_again *again);

/* What the log knew of the transaction. */
const struct replay_facts *explain_again_facts(const struct explain_again *again);

/* Adds the transaction as a script for `tamis test --session` and policy_tests, with the reply that
 * the recipient in focus got. */
void explain_add_script(struct buf *b, const struct explain_again *again);

/* The policy of that time, else today's; NULL: neither can be had. It lives until close. */
const struct policy *explain_again_policy(const struct explain_again *again);

/* "accepted", "rejected by FILE:LINE: 554 5.7.1 TEXT", "unknown: …": what becomes of the
 * recipient in focus when a file reads otherwise; NULL when that cannot be told. In the arena. */
const char *explain_again_try(struct explain_again *again, const char *path, const char *text,
                              bool *accepted);

/* The text of a file of that policy; NULL when it cannot be had. In the arena, or the log's. */
const char *explain_again_file(struct explain_again *again, const char *path, size_t *len);

#endif
