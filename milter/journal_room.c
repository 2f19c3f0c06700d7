/* journal_room - the queue in front of the log: how many entries, and how much memory, may wait */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_room.h"

enum { QUEUE_BYTES = 64 << 20 };

void room_init(struct journal_room *room, unsigned count_limit, uint64_t bytes_limit)
{
    room->count_limit = count_limit > 0 ? count_limit : 1;
    room->bytes_limit = bytes_limit > 0 ? bytes_limit : QUEUE_BYTES;
    room->queue = queue_new((size_t)room->count_limit * 2);
}

void room_close(struct journal_room *room)
{
    queue_free(room->queue);
}

static bool take(struct journal_room *room, struct entry *entry, uint64_t limit)
{
    uint64_t bytes = entry->bytes = arena_size(entry->message->arena);

    if (atomic_fetch_add(&room->bytes, bytes) + bytes <= limit && queue_offer(room->queue, entry))
        return true;
    room->bytes -= bytes;
    return false;
}

bool room_take(struct journal_room *room, struct entry **entry)
{
    unsigned share = entry_is_promise(*entry) ? 2 : 1;
    uint64_t checks;

    if (queue_length(room->queue) >= (size_t)room->count_limit * share)
        return false;
    if (entry_is_mail(*entry)) {
        if (take(room, *entry, room->bytes_limit / 2))
            return true;
        *entry = entry_shed(*entry, &checks);
        room->details_dropped += checks;
    }
    return take(room, *entry, room->bytes_limit * share);
}

bool room_has_promise(const struct journal_room *room)
{
    return queue_length(room->queue) < (size_t)room->count_limit * 2 - room->count_limit / 2 &&
           room->bytes < room->bytes_limit * 2 - room->bytes_limit / 2;
}

bool room_is_half_full(const struct journal_room *room)
{
    return queue_length(room->queue) > room->count_limit / 2;
}

void room_give_back(struct journal_room *room, const struct entry *entry)
{
    room->bytes -= entry->bytes;
}
