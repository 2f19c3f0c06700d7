/* journal_count - the log's counters by hours: gathered in memory, written with each batch */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_COUNT_H
#define TAMIS_JOURNAL_COUNT_H

#include "journal_text.h"

/* For one thread and one connection. */
struct counts;

/* NULL when a statement cannot be prepared: sqlite3_errcode(db) tells why. */
struct counts *counts_new(sqlite3 *db);
void counts_free(struct counts *counts); /* NULL is allowed */

/* What was gathered since the last counts_write is forgotten: its transaction was rolled back. */
void counts_forget(struct counts *counts);

/* Counts the entry that w->id was given to; rules get their ids. Inside the transaction that holds
 * its rows. Returns an SQLite result code. */
int count_entry(struct counts *counts, struct writing *w);

/* Writes what was gathered into the tables hour_…. Inside the same transaction. In an hour only
 * so many names that strangers can invent are told apart, and of those only the most frequent
 * stay when the next hour begins; the others are "*". Returns an SQLite result code. */
int counts_write(struct counts *counts);

/* Deletes some hours before `hour`; *more: there are others. Inside a transaction. */
int counts_prune(struct counts *counts, int64_t hour, bool *more);

/* Hours since 2020-01-01 UTC of a row's id. */
int64_t count_hour(int64_t id);

#endif
