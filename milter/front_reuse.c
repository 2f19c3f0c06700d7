/* front_reuse - what was agreed on a milter connection, for the next client on the same one */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "front_reuse.h"

#include <stdatomic.h>
#include <stdint.h>

/* Each entry holds a context's address and, in its low bits, its terms. */
enum { SLOTS = 4096 };
static _Atomic uint64_t entries[SLOTS];

static _Atomic uint64_t *slot_of(const void *context)
{
    return &entries[((uintptr_t)context >> 6) * 0x9e3779b97f4a7c15ULL >> 52];
}

void reuse_note(const void *context, unsigned terms)
{
    atomic_store(slot_of(context), (uint64_t)(uintptr_t)context << REUSE_BITS | terms);
}

unsigned reuse_terms(const void *context)
{
    uint64_t entry = atomic_load(slot_of(context));

    return entry >> REUSE_BITS == (uint64_t)(uintptr_t)context ? entry & ((1U << REUSE_BITS) - 1)
                                                               : 0;
}
