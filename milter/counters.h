/* counters - what the running filter counts, for `tamis status` */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_COUNTERS_H
#define TAMIS_COUNTERS_H

#include "base.h"

enum counter {
    COUNT_CONNECTIONS, /* milter connections (reused ones: clients) since the start */
    COUNT_REFUSED,     /* connections refused while draining */
    COUNT_ACCEPT,      /* transactions by how they ended, as in the log's view `decision` */
    COUNT_REJECT,
    COUNT_TEMPFAIL,
    COUNT_DISCARD,
    COUNT_ABORTED,
    COUNT_SHADOW_SAME, /* recipients as the shadow judged them; as enum shadow_change */
    COUNT_SHADOW_CHANGED,
    COUNT_SHADOW_UNKNOWN,
    COUNT_SHADOW_DROPPED, /* messages that it did not judge, though it was there */
    COUNT_MTA_FAILURES,   /* libmilter calls that failed */
    COUNT_RELOADS,
    COUNT_RELOADS_REFUSED,
};
enum { COUNTER_COUNT = COUNT_RELOADS_REFUSED + 1 };

/* Relaxed atomics: any thread, never blocks; numbers read together need not fit together. */
void counter_add(enum counter counter);
uint64_t counter_read(enum counter counter);
const char *counter_name(enum counter counter); /* "connections", "accept" … */

#endif
