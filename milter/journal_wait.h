/* journal_wait - somebody who waits until a row of the log is on the disk */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_WAIT_H
#define TAMIS_JOURNAL_WAIT_H

#include "base.h"

/* Shared by the one who waits and the writer, and held by each until released. */
struct waiter;

struct waiter *waiter_new(void); /* held twice */
void waiter_release(struct waiter *waiter); /* by either; the second frees it; NULL is allowed */

/* Blocks until the writer has told, at most `limit_us`. True: the row is on the disk. False: it is
 * lost, or nobody knows; then the one who waited has given up, for good. */
bool waiter_wait(struct waiter *waiter, uint64_t limit_us);

/* The writer's: has the other one given up already? If not: what became of the row. */
bool waiter_has_given_up(struct waiter *waiter);
bool waiter_tell(struct waiter *waiter, bool written); /* false: has given up */

#endif
