/* world - the real clock */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <time.h>

int64_t world_clock(struct world *world)
{
    struct timespec ts;

    (void)world;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
