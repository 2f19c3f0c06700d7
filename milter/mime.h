/* mime - a mail taken apart while it streams by: headers, those of its parts, lines of text */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_MIME_H
#define TAMIS_MIME_H

#include "base.h"

/* Where a header stands. */
enum mime_place {
    MIME_PRIMARY, /* the message's own */
    MIME_PART,    /* behind a boundary of a multipart */
    MIME_NESTED,  /* at the start of a message/rfc822 or message/global */
};

/* Which of header_checks(5)'s lists a header belongs to. */
enum mime_class { MIME_CLASS_HEADER, MIME_CLASS_MIME, MIME_CLASS_NESTED };

/* One logical header. Texts live during the call. */
struct mime_header {
    enum mime_place place;
    enum mime_class class;
    struct slice name;
    /* "Name:value": folded lines joined by \n with their own leading blanks, blanks in front of the
     * colon gone, all else as it came; each line ends at a NUL in it. NUL-terminated. */
    struct slice text;
};

/* Who is told. Any may be NULL. */
struct mime_events {
    void (*header)(void *arg, const struct mime_header *header);
    void (*end_of_headers)(void *arg); /* of the primary ones */
    /* A line of text without its end, or a piece of one longer than line_limit (`more`: it goes
     * on). Everything that is no header is text: the empty line behind headers, boundaries, what
     * stands in front of the first and behind the last. `offset` counts the bytes, line ends
     * included, since the text of this part began, as body_checks_size_limit does. Not
     * NUL-terminated; any byte. */
    void (*text)(void *arg, struct slice line, bool more, size_t offset);
    void *arg;
};

/* Limits, as main.cf's; 0 is Postfix's preset but for line_limit, where it is none. */
struct mime_options {
    bool primary_only;     /* no MIME: behind the primary headers all is text */
    bool keep_cr;          /* a \r in front of \n is part of the line */
    size_t line_limit;     /* line_length_limit: longer lines come in pieces */
    size_t header_limit;   /* header_size_limit: nothing is added to a header that is as long */
    size_t boundary_limit; /* mime_boundary_length_limit: what is behind it does not count */
    int nesting_limit;     /* mime_nesting_limit: deeper boundaries are not looked for */
};

/* The parser of one mail, Postfix's mime_state(3) in its results. One thread at a time; nothing
 * blocks and no input is an error. Memory: one header, one line (bounded by line_limit), the
 * boundaries of the parts that are open. */
struct mime;
struct mime *mime_new(const struct mime_options *options, const struct mime_events *events);
void mime_free(struct mime *mime); /* NULL is allowed */

/* The next bytes, any number, cut anywhere. */
void mime_feed(struct mime *mime, const char *data, size_t len);

/* No more will come: tells what is left. */
void mime_end(struct mime *mime);

/* For those who get the primary headers one by one, as a milter does: a header as it came (value:
 * what is behind the colon), then the end of the headers; after that mime_feed takes the body. */
void mime_primary_header(struct mime *mime, const char *name, const char *value);
void mime_primary_end(struct mime *mime);

/* May headers still come? False in text behind which no boundary is looked for. */
bool mime_expects_headers(const struct mime *mime);

/* The list that a header belongs to. */
enum mime_class mime_class_of(struct slice name, enum mime_place place);

/* The length of the field name at the start of a line that is a header (RFC 5322 section 2.2;
 * blanks may stand in front of the colon), *colon the colon's offset; 0: it is none. */
size_t mime_field_name(struct slice line, size_t *colon);

#endif
