/* front_reuse - what was agreed on a milter connection, for the next client on the same one */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "front_reuse.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Each entry holds a context's address and, in its low bits, its terms. Nobody says which contexts
 * are gone, but their addresses come again, so that there are not many more than there were
 * connections at a time. */
enum { SLOTS = 1 << 16, TRIES = 64 };
static _Atomic uint64_t entries[SLOTS];

static _Atomic uint64_t *slot_of(const void *context, unsigned try)
{
    return &entries[((((uintptr_t)context >> 4) * 0x9e3779b97f4a7c15ULL >> 48) + try) % SLOTS];
}

static bool is_of(uint64_t entry, const void *context)
{
    return entry >> REUSE_BITS == (uint64_t)(uintptr_t)context;
}

void reuse_note(const void *context, unsigned terms)
{
    uint64_t entry = (uint64_t)(uintptr_t)context << REUSE_BITS | terms;

    for (unsigned try = 0; try < TRIES; try++) {
        _Atomic uint64_t *slot = slot_of(context, try);
        uint64_t found = atomic_load(slot);

        if (found == 0 && atomic_compare_exchange_strong(slot, &found, entry))
            return;
        if (is_of(found, context)) {
            atomic_store(slot, entry);
            return;
        }
    }
    atomic_store(slot_of(context, 0), entry);
}

unsigned reuse_terms(const void *context)
{
    for (unsigned try = 0; try < TRIES; try++) {
        uint64_t entry = atomic_load(slot_of(context, try));

        if (is_of(entry, context))
            return entry & ((1U << REUSE_BITS) - 1);
        if (entry == 0)
            return 0;
    }
    return 0;
}
