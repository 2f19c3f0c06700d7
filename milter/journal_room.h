/* journal_room - the queue in front of the log: how many entries, and how much memory, may wait */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_ROOM_H
#define TAMIS_JOURNAL_ROOM_H

#include "journal.h"
#include "queue.h"

#include <stdatomic.h>

struct journal_room {
    struct queue *queue;
    unsigned count_limit;
    uint64_t bytes_limit;
    atomic_uint_fast64_t bytes; /* of those that wait, or are being written */
    atomic_uint_fast64_t details_dropped; /* steps that entries lost to fit in */
};

/* Limits of 0 mean 1 entry, and 64 MB. room_close only frees. */
void room_init(struct journal_room *room, unsigned count_limit, uint64_t bytes_limit);
void room_close(struct journal_room *room);

/* Puts it into the queue. False: there is no room, the entry stays the caller's. A mail that does
 * not fit into the first half of the memory is made small (*entry is another one then, entry_shed):
 * so the size of mails does not keep others out of the log, nor themselves. Promises
 * (entry_is_promise) may take as much room again. Any thread. */
bool room_take(struct journal_room *room, struct entry **entry);

/* Is there room for promises? Do so many wait that details are dropped? Any thread. */
bool room_has_promise(const struct journal_room *room);
bool room_is_half_full(const struct journal_room *room);

/* The entry left the queue, and is about to go. */
void room_give_back(struct journal_room *room, const struct entry *entry);

#endif
