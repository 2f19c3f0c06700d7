/* world - everything outside a decision: the clock, and whoever answers questions */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_WORLD_H
#define TAMIS_WORLD_H

#include "message.h"

/* Live, canned (tests, `tamis test`) and recorded (replay) worlds fill in the functions; all may be
 * called from many threads at once. */
struct world {
    /* Microseconds since 1970. */
    int64_t (*now)(struct world *world);

    /* Answers finding->question into the finding: state and answer (in `arena`). May block, at
     * most until `deadline_us` of the monotonic clock; what is not known by then is
     * FINDING_TEMPERROR. */
    void (*ask)(struct world *world, struct finding *finding, uint64_t deadline_us,
                struct arena *arena);
};

/* The real clock, and nobody to ask: every question is answered with FINDING_TEMPERROR. */
extern struct world world_bare;

#endif
