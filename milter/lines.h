/* lines - the logical lines of a text file, each with its place */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_LINES_H
#define TAMIS_LINES_H

#include "base.h"
#include "problems.h"

/* A whole file in memory. */
struct lines;

/* Reads a regular file (never a directory, FIFO or device: opening cannot hang), at most `max`
 * bytes. NULL with err set when it cannot be read; the text of err names the mend. */
struct lines *lines_read(const char *path, size_t max, struct err *err);

/* The same over a text in memory, which is copied; `name` is what stands for the file in messages. */
struct lines *lines_of_text(const char *name, const char *text, size_t len);
void lines_free(struct lines *lines);

enum { LINES_FILE_MAX = 256 * 1024 * 1024 };

/* The next logical line as Postfix's readllines: comments and empty lines are skipped even inside a
 * continued line; a line starting with a blank continues; trailing white space is trimmed; newlines
 * are taken out, leading blanks of continuations are kept. A continuation without predecessor is
 * warned of and dropped; text after a NUL is warned of and dropped. Returns false at the end.
 * *text is NUL-terminated and valid until the next call; at->line is the first line, at->file lives
 * as long as `lines`. */
bool lines_next(struct lines *lines, struct slice *text, struct where *at, struct problems *problems);

#endif
