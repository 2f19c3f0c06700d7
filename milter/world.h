/* world - everything outside a decision: the clock, and whoever answers questions */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_WORLD_H
#define TAMIS_WORLD_H

#include "message.h"

struct key_watch;
struct inquiry; /* what one transaction has asked a world, and what is on its way */

/* Live, canned (tests, `tamis test`) and recorded (replay) worlds fill in the functions; all may be
 * called from many threads at once, about one inquiry by one at a time. */
struct world {
    /* Microseconds since 1970. */
    int64_t (*now)(struct world *world);

    /* The beginning and the end of a transaction's questions. Neither waits; NULL is an inquiry for
     * worlds that need none. */
    struct inquiry *(*begin)(struct world *world);
    void (*end)(struct inquiry *inquiry); /* NULL is allowed */

    /* Answers finding->question into the finding, state and answer (in `arena`), if that takes no
     * waiting. Else sets out to learn what is missing, and returns false; called again it goes on
     * from there. `late`: what is not known is FINDING_TEMPERROR, and the result is true.
     * finding->idle is told to whoever keeps books of what is missing. */
    bool (*learn)(struct world *world, struct inquiry *inquiry, struct finding *finding, bool late,
                  struct arena *arena);

    /* Waits until something has come that the last learn was missing, at most until `until_us` of
     * the monotonic clock (now_us). */
    void (*wait)(struct world *world, struct inquiry *inquiry, uint64_t until_us);

    /* Which DKIM keys sign now (key_watch.h); NULL: nobody has asked for their records. */
    struct key_watch *keys;
};

/* The real clock. */
int64_t world_clock(struct world *world);

#endif
