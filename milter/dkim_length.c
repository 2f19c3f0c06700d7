/* dkim_length - how long a body is when it is canonicalized: does l= cover all of it? */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_length.h"

static void end_line(struct dkim_length *l)
{
    l->simple_total += l->line + 2;
    l->relaxed_total += l->relaxed_line + 2;
    if (l->line > 0)
        l->simple = l->simple_total;
    if (l->relaxed_line > 0)
        l->relaxed = l->relaxed_total;
    l->line = l->relaxed_line = 0;
    l->cr = l->blank = false;
}

static void add(struct dkim_length *l, char c)
{
    l->line++;
    if (is_blank((unsigned char)c)) {
        l->blank = true;
        return;
    }
    l->relaxed_line += l->blank ? 2 : 1;
    l->blank = false;
}

void dkim_length_feed(struct dkim_length *l, const char *data, size_t len)
{
    for (const char *end = data + len; data < end; data++) {
        if (*data == '\n' && l->cr) {
            end_line(l);
            continue;
        }
        if (l->cr)
            add(l, '\r');
        l->cr = *data == '\r';
        if (!l->cr)
            add(l, *data);
    }
}

uint64_t dkim_length_of(const struct dkim_length *l, bool relaxed)
{
    if (relaxed)
        return l->relaxed;
    return l->simple > 0 ? l->simple : 2;
}
