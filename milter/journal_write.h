/* journal_write - one transaction as rows of the log */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_WRITE_H
#define TAMIS_JOURNAL_WRITE_H

#include "journal.h"
#include "journal_db.h"

/* Inserts the entry's rows, under the id *id; the caller has begun a transaction, and rolls it back
 * on failure. */
enum db_result journal_write(struct journal_db *db, const struct entry *entry, int64_t *id,
                             struct err *err);

/* The row entry->row says what the entry says now: its verdict and its recipients', and the token
 * of entry->late besides those that it has. Inside a transaction, as above. */
enum db_result journal_amend(struct journal_db *db, const struct entry *entry, struct err *err);

/* The shadow's judgements of entry->row. Inside a transaction, as above. */
enum db_result journal_write_shadow(struct journal_db *db, const struct entry *entry,
                                    struct err *err);

/* The dictionary entry of a verdict. Returns an SQLite result code. */
struct writing;
int journal_verdict_id(struct writing *w, const char *action, const struct verdict *v, int64_t *id);

/* The id of a row (see sql/schema.sql) of the node that ended at `time_us` since 1970, larger
 * than `last`; how many milliseconds the id's own time is off in *clock_ms. */
int64_t journal_id(int64_t time_us, int64_t last, unsigned node, int64_t *clock_ms);

#endif
