/* counters - what the running filter counts, for `tamis status` */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "counters.h"

#include <stdatomic.h>

static _Atomic uint64_t counts[COUNTER_COUNT];

static const char *const names[COUNTER_COUNT] = {
    [COUNT_CONNECTIONS] = "connections", [COUNT_REFUSED] = "refused_connections",
    [COUNT_ACCEPT] = "accept",           [COUNT_REJECT] = "reject",
    [COUNT_TEMPFAIL] = "tempfail",       [COUNT_DISCARD] = "discard",
    [COUNT_ABORTED] = "aborted",         [COUNT_SHADOW_SAME] = "same",
    [COUNT_SHADOW_CHANGED] = "changed",  [COUNT_SHADOW_UNKNOWN] = "unknown",
    [COUNT_SHADOW_DROPPED] = "dropped",  [COUNT_MTA_FAILURES] = "mta_failures",
    [COUNT_RELOADS] = "reloads",         [COUNT_RELOADS_REFUSED] = "refused_reloads",
};

void counter_add(enum counter counter)
{
    atomic_fetch_add_explicit(&counts[counter], 1, memory_order_relaxed);
}

uint64_t counter_read(enum counter counter)
{
    return atomic_load_explicit(&counts[counter], memory_order_relaxed);
}

const char *counter_name(enum counter counter)
{
    return names[counter];
}
