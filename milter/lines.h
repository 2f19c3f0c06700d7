/* lines - the logical lines of a text file, each with its place */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_LINES_H
#define TAMIS_LINES_H

#include "base.h"
#include "problems.h"

/* A whole file in memory. One thread at a time; the texts handed out may be read by any. */
struct lines;

enum { LINES_FILE_MAX = 256 * 1024 * 1024 };

/* Reads a regular file (never a directory, FIFO or device: opening cannot hang), at most `max`
 * bytes. NULL with err set when it cannot be read; err says "PATH: why" and the mend. */
struct lines *lines_read(const char *path, size_t max, struct err *err);

/* The same over a text in memory, which is copied; `name` stands for the file in messages. */
struct lines *lines_of_text(const char *name, const char *text, size_t len);
void lines_free(struct lines *lines); /* NULL is allowed */

/* How a dropped line is reported: SEV_WARNING unless set, SEV_ERROR for strict reading. */
void lines_report_as(struct lines *lines, enum severity severity);

/* Takes out the logical line that begins with this physical one, as if it were a comment. Before
 * anything is read. */
void lines_blank(struct lines *lines, int line);

/* The next logical line as Postfix's readllines: comments and empty lines are skipped even inside a
 * continued line; a line starting with white space continues; trailing white space is trimmed;
 * newlines are taken out, leading blanks of continuations are kept (and so is a carriage return in
 * the midst of a continued line, which is warned of). A continuation without predecessor is
 * reported and dropped, with what continues it; text after a NUL is reported and dropped. Returns
 * false at the end. *text is NUL-terminated, never empty, and lives as long as `lines`, as does
 * at->file; at->line is the first line. */
bool lines_next(struct lines *lines, struct slice *text, struct where *at,
                struct problems *problems);

/* The next physical line as it stands, without its newline, for files that are no lists of logical
 * lines: *text is not NUL-terminated, may be empty, and lives as long as `lines`. Not to be mixed
 * with lines_next. */
bool lines_next_physical(struct lines *lines, struct slice *text, struct where *at);

#endif
