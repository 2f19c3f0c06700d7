/* dkim_length - how long a body is when it is canonicalized: does l= cover all of it? */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_LENGTH_H
#define TAMIS_DKIM_LENGTH_H

#include "base.h"

/* Start zeroed. All numbers are bytes. */
struct dkim_length {
    uint64_t simple_total, relaxed_total; /* up to the line under way */
    uint64_t simple, relaxed;             /* up to the last line that is not empty */
    uint64_t line, relaxed_line;          /* of the line under way */
    bool cr, blank;                       /* these came last */
};

/* The next bytes of a body whose lines all end in CR LF, as dkim_feed passes them on. */
void dkim_length_feed(struct dkim_length *length, const char *data, size_t len);

/* RFC 6376, 3.4.3 and 3.4.4, at the end of the body. */
uint64_t dkim_length_of(const struct dkim_length *length, bool relaxed);

#endif
