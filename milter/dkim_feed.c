/* dkim_feed - a body as DKIM wants it, whatever the borders of its pieces */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_feed.h"

#include <stdlib.h>
#include <string.h>

static void pass(struct dkim_feed *body, const char *data, size_t len)
{
    if (len > 0)
        body->sink(body->ctx, data, len);
}

/* Passes on what was held, with what follows it. */
static void release(struct dkim_feed *body, const char *tail, size_t len)
{
    char small[64], *piece = small;
    size_t held = body->held;

    if (held + len > sizeof(small))
        piece = xmalloc(held + len);
    memset(piece, '\r', held);
    memcpy(piece + held, tail, len);
    pass(body, piece, held + len);
    if (piece != small)
        free(piece);
    body->held = 0;
}

/* All but bare LFs; no CR at the end of data. */
static void pass_lines(struct dkim_feed *body, const char *data, size_t len)
{
    const char *end = data + len, *start = data, *p = data;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        if (p == data || p[-1] != '\r') {
            pass(body, start, (size_t)(p - start));
            pass(body, "\r\n", 2);
            start = p + 1;
        }
        p++;
    }
    pass(body, start, (size_t)(end - start));
    body->open = end[-1] != '\n';
}

void dkim_feed_add(struct dkim_feed *body, const char *data, size_t len)
{
    size_t crs = 0;

    if (body->held > 0) {
        for (crs = 0; crs < len && data[crs] == '\r'; crs++)
            body->held++;
        if (crs == len)
            return;
        body->open = data[crs] != '\n';
        release(body, data + crs, 1);
        data += crs + 1;
        len -= crs + 1;
    }
    while (len > 0 && data[len - 1] == '\r') {
        body->held++;
        len--;
    }
    if (len > 0)
        pass_lines(body, data, len);
}

void dkim_feed_end(struct dkim_feed *body)
{
    if (body->held > 0)
        release(body, "\r\n", 2);
    else if (body->open)
        pass(body, "\r\n", 2);
    body->open = false;
}
