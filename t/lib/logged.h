/* logged - entries for the decision log, and what the sqlite3 shell reads of it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_LOGGED_H
#define TAMIS_LOGGED_H

#include "journal.h"

/* An accepted incoming message that ended at 2023-11-14 22:13:20 UTC + `number` ms, queue id
 * "Q<number>", from <s<number>@sender.example> to <r@here.example>, with two checks. */
struct entry *logged_entry(int number);

/* Offers the entries first, first + 1, … of that kind. */
void logged_offer(struct journal *journal, int first, int count);

/* What the sqlite3 shell prints, NULL as "NULL", standard error included, without the last line
 * feed; in a buffer until the next call. */
const char *logged_query(const char *file, const char *sql);

/* A journal with a queue of 10,000 and no limit. */
struct journal *logged_open(const char *path);

/* Until all that was offered is written or dropped; dies with the test's alarm. */
void logged_wait(struct journal *journal);

/* Until the status says healthy or not. */
void logged_wait_health(struct journal *journal, bool healthy);

/* What the journal says of itself. */
struct journal_status logged_status(struct journal *journal);

/* Until something has failed: the status then. */
struct journal_status logged_wait_error(struct journal *journal);

#endif
