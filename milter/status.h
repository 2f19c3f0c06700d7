/* status - how the running filter is, for `tamis status` */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_STATUS_H
#define TAMIS_STATUS_H

#include "buf.h"
#include "journal.h"
#include "world.h"

struct status_source {
    struct journal *journal; /* may be NULL */
    struct world *world;     /* of world_dns; NULL: none */
    const char *socket;      /* where it listens */
    int64_t started_at;      /* seconds since 1970 */
};

enum { STATUS_FINE = 0, STATUS_DEGRADED = 1, STATUS_DOWN = 2 };

/* Adds the status, as text for people or one line of JSON. STATUS_DEGRADED when the last reload was
 * refused, the log cannot be written, entries were dropped, or the record of a DKIM key that should
 * sign is seen to be wrong; the text names the reasons first. */
int status_render(const struct status_source *source, bool json, struct buf *out);

#endif
