/* journal_ruleset - policies in the log: their texts, when they were loaded, their rules */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_RULESET_H
#define TAMIS_JOURNAL_RULESET_H

#include "journal.h"
#include "journal_db.h"

/* The id of the policy with this hash; NULL: 0. One that the file does not know gets a row without
 * texts. Inside a transaction; returns an SQLite result code. */
int ruleset_find(struct journal_db *db, const char *hash, int64_t *id);

/* Notes that it was loaded, with texts and rules if they are new. Policies that no row can name any
 * more go. Inside a transaction. */
enum db_result ruleset_write(struct journal_db *db, const struct ruleset *ruleset,
                             struct err *err);

#endif
