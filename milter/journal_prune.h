/* journal_prune - the log kept within its size: old rows, unused entries, a grown WAL */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_PRUNE_H
#define TAMIS_JOURNAL_PRUNE_H

#include "journal.h"
#include "journal_db.h"

/* One short step, a transaction of its own, if there is anything to do at `time_us` since 1970.
 * *more: there is more to do. */
enum db_result journal_prune(struct journal_db *db, const struct journal_limits *limits,
                             int64_t time_us, bool *more, struct err *err);

/* Empties a WAL that has grown to `wal_bytes`; DB_BUSY: a reader holds a transaction. */
enum db_result journal_shrink_wal(struct journal_db *db, uint64_t wal_bytes, struct err *err);

/* Bytes of the file PATHSUFFIX; 0: there is none. */
uint64_t journal_size(const char *path, const char *suffix);

#endif
