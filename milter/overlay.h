/* overlay - policy files as they were or would be: texts in place of files, a rule left out */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_OVERLAY_H
#define TAMIS_OVERLAY_H

#include "base.h"

/* What is read instead of the file system. */
struct overlay {
    /* The text of the file; NULL: as it is on disk. `path` as the reader was given it. */
    const char *(*find)(void *arg, const char *path, size_t *len);
    void *arg;

    /* A rule that is left out: the row of a table at this place, or the restriction with this text
     * in a list at this place, or the pair of an inline: table. file NULL: none. */
    struct where without;
    const char *without_text;
    unsigned *left_out; /* counts what was left out; NULL: nobody wants to know */
};

/* In force for what this thread reads, until it sets NULL; the overlay must live so long. A load is
 * one call on one thread: another thread that loads meanwhile reads the files as they are. One
 * overlay does not stand upon another: setting a second dies. */
void overlay_set(const struct overlay *overlay);

/* The text that stands for the file, or NULL. */
const char *overlay_find(const char *path, size_t *len);

/* Is that the restriction or pair to be left out? Then it is counted. */
bool overlay_hides(struct where at, struct slice text);

/* The line of this file's row that is to be left out; 0: none. */
int overlay_hidden_line(const char *path);

#endif
