/* mime_type - what a Content-Type field says, read as Postfix's MIME processor reads it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_MIME_TYPE_H
#define TAMIS_MIME_TYPE_H

#include "base.h"
#include "buf.h"

/* What matters of a type: whether its body holds headers. */
enum mime_type {
    MIME_TYPE_UNKNOWN, /* some other type: what was thought of the part before, stays */
    MIME_TYPE_LEAF,    /* text, message/partial and its like, or no type at all */
    MIME_TYPE_MESSAGE, /* message/rfc822, message/global: a header begins */
    MIME_TYPE_MULTIPART,
    MIME_TYPE_DIGEST, /* multipart/digest: its parts are message/rfc822 unless they say otherwise */
};

/* A reader of the value behind "Content-Type:", RFC 2045 section 5.1 with RFC 822's comments and
 * quoted strings. Nothing in the value is an error. Start with {.rest = value}. */
struct mime_type_reader {
    struct slice rest;
    struct buf text; /* of the last token kept; the caller frees it at the end */
};

enum mime_type mime_type_read(struct mime_type_reader *reader);

/* The next parameter named `boundary` (a field may hold several: each is one); false at the end. It
 * lives until the next call. */
bool mime_type_next_boundary(struct mime_type_reader *reader, struct slice *boundary);

#endif
