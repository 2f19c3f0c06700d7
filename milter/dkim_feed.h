/* dkim_feed - a body as DKIM wants it, whatever the borders of its pieces */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_FEED_H
#define TAMIS_DKIM_FEED_H

#include "base.h"

/* Passed on: the body with each bare LF made CR LF, ending in CR LF unless it is empty, in pieces
 * between which no CR stands at the end. A bare CR stays. Start with all but sink and ctx zero. */
struct dkim_feed {
    void (*sink)(void *ctx, const char *data, size_t len);
    void *ctx;
    size_t held; /* CRs not passed on yet */
    bool open;   /* the last line has no end yet */
};

/* The next bytes, any number. Blocks only in the sink. */
void dkim_feed_add(struct dkim_feed *body, const char *data, size_t len);
void dkim_feed_end(struct dkim_feed *body);

#endif
