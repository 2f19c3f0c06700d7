/* pattern_sample - a text that a pattern probably matches; only running the rule proves it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PATTERN_SAMPLE_H
#define TAMIS_PATTERN_SAMPLE_H

#include "buf.h"
#include "pattern_scan.h"

#define SAMPLE_NONE UINT32_MAX

enum { SAMPLE_MAX = 2000 };

/* What to write, where there is a choice. Start with SAMPLE_PRESET. */
struct sample {
    uint32_t stop;       /* the atom to stop at, or SAMPLE_NONE */
    uint32_t through;    /* the branches and groups that hold this atom are taken */
    uint32_t shown;      /* this atom is written once at least, by `text` if that is not NULL … */
    const char *text;
    const char *stem;    /* … and what repeats in front of it is written as this */
};

#define SAMPLE_PRESET ((struct sample){SAMPLE_NONE, SAMPLE_NONE, SAMPLE_NONE, NULL, NULL})

/* Adds the text to `out`, at most SAMPLE_MAX bytes and a few: what can be left out is left out, of
 * a class the plainest byte is taken. Where a header's name ends in `.*`, it is completed. */
void pattern_sample(const struct atoms *atoms, const struct sample *sample, struct buf *out);

#endif
