/* 2-reuse - what was agreed on with the MTA is known for each of many connections */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "front_reuse.h"
#include "tap.h"

enum { MANY = 20000, SOME = 1000 };

/* Addresses as a heap that is in use for long gives out: of 16 bytes, in no order. */
static const void *context_of(unsigned i)
{
    uint64_t x = (i + 1) * 0x2545f4914f6cdd1dULL;

    x ^= x >> 29;
    return (const void *)(uintptr_t)((0x100000000000ULL | ((x & 0xffffffffffULL) << 4)));
}

static unsigned count_known(unsigned count, unsigned more)
{
    unsigned known = 0;

    for (unsigned i = 0; i < count; i++)
        known += reuse_terms(context_of(i)) == (i + more) % 511 + 1;
    return known;
}

static void note(unsigned count, unsigned more)
{
    for (unsigned i = 0; i < count; i++)
        reuse_note(context_of(i), (i + more) % 511 + 1);
}

int main(void)
{
    tap_start(60);
    tap_is_int(reuse_terms(context_of(0)), 0, "nothing is known of what never connected");
    note(SOME, 0);
    tap_is_int(count_known(SOME, 0), SOME, "a thousand connections");
    tap_is_int(reuse_terms(context_of(SOME)), 0, "and no other");
    note(SOME, 7);
    tap_is_int(count_known(SOME, 7), SOME, "each of them agreed on anew");
    note(MANY, 7);
    tap_is_int(count_known(MANY, 7), MANY, "twenty thousand");
    return tap_done();
}
