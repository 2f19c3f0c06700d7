/* header_diff - the edits of a header as a unified diff */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_HEADER_DIFF_H
#define TAMIS_HEADER_DIFF_H

#include "buf.h"
#include "message.h"

/* Adds what the edits do to the message's headers, in the format of diff -u (three lines of
 * context), with `path` as the name of both files; nothing when they change no header. A line of
 * the header is a line of the file; without headers kept on the message only the new fields are
 * seen. */
void header_diff(const struct message *message, const struct edit *edits, const char *path,
                 struct buf *out);

#endif
