/* conf_swap - a configuration file replaced by another text, and what it was kept beside it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CONF_SWAP_H
#define TAMIS_CONF_SWAP_H

#include "buf.h"

/* The whole of a file, LINES_FILE_MAX at most. */
bool conf_swap_read(const char *path, struct buf *text, struct err *err);

/* Names of this file that is there now and that it has from now on, FILE.before-YYYYMMDD-HHMMSS,
 * with owner, mode and all, in *kept (malloc'd). `word` is "before". */
bool conf_swap_keep(const char *path, const char *word, char **kept, struct err *err);

/* Puts a new file with this text in its place, at once, with the owner and mode of the one there,
 * and on the disk when it returns. */
bool conf_swap_write(const char *path, const struct buf *text, struct err *err);

/* Puts the file `from` in the place of `path`, at once. */
bool conf_swap_move(const char *from, const char *path, struct err *err);

/* The newest name that conf_swap_keep made with this word, malloc'd; NULL: there is none. */
char *conf_swap_newest(const char *path, const char *word);

#endif
