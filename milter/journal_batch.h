/* journal_batch - entries that go into the log in one transaction, and what became of them */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_BATCH_H
#define TAMIS_JOURNAL_BATCH_H

#include "journal.h"
#include "journal_db.h"

/* Writes the entries (struct entry *, those that are NULL or bad left out), their counters, and,
 * if the file does not know it yet, `ruleset` (or NULL): all or nothing. An entry that cannot be
 * stored becomes bad, so that it does not keep back the others. After a failure the caller rolls
 * back. */
enum db_result batch_write(struct journal_db *db, const struct ruleset *ruleset,
                           struct entry *const *entries, size_t count, struct err *err);

/* After the commit, for whoever waits: told that it is written. Who gave up just before was told
 * otherwise than the row says: then the row is mended, in a transaction of its own; DB_BROKEN if
 * the log has been closed since. */
enum db_result batch_tell(struct journal_db *db, struct entry *entry, struct err *err);

#endif
