/* mime - a mail taken apart while it streams by: headers, those of its parts, lines of text */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "mime.h"

#include "buf.h"
#include "mime_type.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_LIMIT = 102400, BOUNDARY_LIMIT = 2048, NESTING_LIMIT = 100 };

enum state { STATE_HEADERS, STATE_TEXT };

/* A boundary that is looked for, the innermost first. */
struct boundary {
    char *text;
    size_t len;
    bool parts_are_messages; /* unless they say otherwise: multipart/digest */
    struct boundary *outer;
};

struct mime {
    struct mime_options options;
    struct mime_events events;
    enum state state;
    enum mime_place place;
    bool is_message; /* the part whose headers are being read is a message with headers */
    struct boundary *boundaries;
    int nesting;
    struct buf header; /* the logical header being read; empty: none */
    struct buf line;   /* a line whose end has not come yet */
    bool in_line;      /* its first pieces were told */
    size_t offset;
};

struct mime *mime_new(const struct mime_options *options, const struct mime_events *events)
{
    struct mime *m = xcalloc(1, sizeof(*m));

    m->options = *options;
    m->events = *events;
    if (m->options.header_limit == 0)
        m->options.header_limit = HEADER_LIMIT;
    if (m->options.boundary_limit == 0)
        m->options.boundary_limit = BOUNDARY_LIMIT;
    if (m->options.nesting_limit == 0)
        m->options.nesting_limit = NESTING_LIMIT;
    return m;
}

static void pop(struct mime *m)
{
    struct boundary *top = m->boundaries;

    m->boundaries = top->outer;
    m->nesting--;
    free(top->text);
    free(top);
}

static void push(struct mime *m, struct slice text, bool parts_are_messages)
{
    struct boundary *top;

    /* Postfix counts from -1, and compares before it counts. */
    if (m->nesting - 1 > m->options.nesting_limit)
        return;
    top = xcalloc(1, sizeof(*top));
    top->len = text.len < m->options.boundary_limit ? text.len : m->options.boundary_limit;
    top->text = xstrndup(text.ptr, top->len);
    top->parts_are_messages = parts_are_messages;
    top->outer = m->boundaries;
    m->boundaries = top;
    m->nesting++;
}

void mime_free(struct mime *m)
{
    if (m == NULL)
        return;
    while (m->boundaries != NULL)
        pop(m);
    buf_free(&m->header);
    buf_free(&m->line);
    free(m);
}

size_t mime_field_name(struct slice line, size_t *colon)
{
    size_t len = 0, i;

    while (len < line.len && line.ptr[len] > ' ' && line.ptr[len] < 0x7f && line.ptr[len] != ':')
        len++;
    for (i = len; i < line.len && is_blank((unsigned char)line.ptr[i]); i++)
        ;
    if (len == 0 || i == line.len || line.ptr[i] != ':')
        return 0;
    *colon = i;
    return len;
}

enum mime_class mime_class_of(struct slice name, enum mime_place place)
{
    static const char *const mime_fields[] = {
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
        "Content-Description", "Content-ID",
    };

    int first = name.len > 0 ? to_lower((unsigned char)name.ptr[0]) : 0;

    for (size_t i = 0; (first == 'm' || first == 'c') && i < ARRAY_LEN(mime_fields); i++)
        if (slice_is_nocase(name, mime_fields[i]))
            return MIME_CLASS_MIME;
    return place == MIME_PRIMARY ? MIME_CLASS_HEADER
           : place == MIME_PART  ? MIME_CLASS_MIME
                                 : MIME_CLASS_NESTED;
}

/* Several boundaries, of one field or of several fields, are all looked for: whichever of them the
 * sender used, the headers behind it are seen. */
static void read_content_type(struct mime *m, struct slice value)
{
    struct mime_type_reader reader = {.rest = value};
    enum mime_type type = mime_type_read(&reader);
    struct slice boundary;

    if (type != MIME_TYPE_UNKNOWN)
        m->is_message = type == MIME_TYPE_MESSAGE;
    if (type == MIME_TYPE_MULTIPART || type == MIME_TYPE_DIGEST)
        while (mime_type_next_boundary(&reader, &boundary))
            push(m, boundary, type == MIME_TYPE_DIGEST);
    buf_free(&reader.text);
}

/* The header is complete. */
static void tell_header(struct mime *m)
{
    struct mime_header header = {.place = m->place};
    const char *colon;

    if (m->header.len == 0)
        return;
    header.text = (struct slice){buf_text(&m->header), m->header.len};
    colon = memchr(header.text.ptr, ':', header.text.len);
    header.name = (struct slice){header.text.ptr, (size_t)(colon - header.text.ptr)};
    header.class = mime_class_of(header.name, m->place);
    if (!m->options.primary_only && slice_is_nocase(header.name, "Content-Type"))
        read_content_type(m, (struct slice){header.text.ptr + header.name.len + 1,
                                            header.text.len - header.name.len - 1});
    if (m->events.header != NULL)
        m->events.header(m->events.arg, &header);
    buf_clear(&m->header);
}

static void add_to_header(struct mime *m, const char *joint, struct slice piece)
{
    if (m->header.len >= m->options.header_limit)
        return;
    buf_adds(&m->header, joint);
    buf_add(&m->header, piece.ptr, strnlen(piece.ptr, piece.len));
}

/* The first piece of a line among headers: true if it is part of one. */
static bool take_header_line(struct mime *m, struct slice line)
{
    size_t len, colon;

    if (m->header.len > 0 && line.len > 0 && is_blank((unsigned char)line.ptr[0])) {
        add_to_header(m, "\n", line);
        return true;
    }
    tell_header(m);
    len = mime_field_name(line, &colon);
    if (len == 0)
        return false;
    buf_add(&m->header, line.ptr, len);
    buf_addc(&m->header, ':'); /* whatever the limit: it ends the name */
    add_to_header(m, "", (struct slice){line.ptr + colon + 1, line.len - colon - 1});
    return true;
}

static void start_headers(struct mime *m, enum mime_place place, bool is_message)
{
    m->state = STATE_HEADERS;
    m->place = place;
    m->is_message = is_message;
}

/* The line that ends a block of headers is empty, or no header; or the mail ends here. */
static void end_headers(struct mime *m, bool is_empty)
{
    m->state = STATE_TEXT;
    m->offset = 0;
    if (m->place == MIME_PRIMARY && m->events.end_of_headers != NULL)
        m->events.end_of_headers(m->events.arg);
    if (is_empty && m->is_message)
        start_headers(m, MIME_NESTED, false);
}

static void tell_text(struct mime *m, struct slice line, bool more)
{
    if (m->events.text != NULL)
        m->events.text(m->events.arg, line, more, m->offset);
    m->offset += line.len + 1;
}

/* Whatever follows a boundary on its line is ignored, but for the -- that ends the multipart. */
static void look_for_boundary(struct mime *m, struct slice line)
{
    struct boundary *b = m->boundaries;
    struct slice rest = {line.ptr + 2, line.len - 2};

    while (b != NULL && (rest.len < b->len || memcmp(rest.ptr, b->text, b->len) != 0))
        b = b->outer;
    if (b == NULL)
        return;
    while (m->boundaries != b)
        pop(m);
    if (rest.len >= b->len + 2 && memcmp(rest.ptr + b->len, "--", 2) == 0) {
        pop(m);
        m->state = STATE_TEXT;
        m->offset = 0;
    } else {
        start_headers(m, MIME_PART, b->parts_are_messages);
    }
}

/* The first line behind headers. In front of a body that begins without an empty line Postfix puts
 * one. */
static void leave_headers(struct mime *m, bool is_empty)
{
    bool add_line = !is_empty && m->place == MIME_PRIMARY;

    end_headers(m, is_empty);
    if (add_line)
        tell_text(m, slice_of(""), false);
    if (add_line)
        m->offset = 0;
}

/* One line, or a piece of one. */
static void take_piece(struct mime *m, struct slice piece, bool more)
{
    bool continues = m->in_line;

    m->in_line = more;
    if (m->state == STATE_HEADERS) {
        if (continues && m->header.len > 0) {
            add_to_header(m, "", piece);
            return;
        }
        if (take_header_line(m, piece))
            return;
        leave_headers(m, piece.len == 0);
    }
    if (!continues && piece.len > 2 && piece.ptr[0] == '-' && piece.ptr[1] == '-')
        look_for_boundary(m, piece);
    tell_text(m, piece, more);
}

/* As many whole pieces of the limit's size as leave more than `keep` bytes; returns the rest. */
static struct slice take_pieces(struct mime *m, struct slice line, size_t keep)
{
    size_t limit = m->options.line_limit;

    while (limit > 0 && line.len > limit + keep) {
        take_piece(m, (struct slice){line.ptr, limit}, true);
        line.ptr += limit;
        line.len -= limit;
    }
    return line;
}

static void take_line(struct mime *m, struct slice line)
{
    if (!m->options.keep_cr && line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    take_piece(m, take_pieces(m, line, 0), false);
}

/* Keeps the beginning of a line; what is more than the limit is told, but for one byte, because a
 * \r may belong to the line's end. */
static void keep(struct mime *m, struct slice piece)
{
    struct slice rest;

    buf_add(&m->line, piece.ptr, piece.len);
    rest = take_pieces(m, (struct slice){m->line.ptr, m->line.len}, 1);
    if (rest.len < m->line.len)
        memmove(m->line.ptr, rest.ptr, rest.len);
    m->line.len = rest.len;
}

void mime_feed(struct mime *m, const char *data, size_t len)
{
    while (len > 0) {
        const char *end = memchr(data, '\n', len);
        size_t part = end != NULL ? (size_t)(end - data) : len;

        if (end == NULL || m->line.len > 0)
            keep(m, (struct slice){data, part});
        if (end != NULL) {
            take_line(m, m->line.len > 0 ? (struct slice){m->line.ptr, m->line.len}
                                         : (struct slice){data, part});
            buf_clear(&m->line);
            part++;
        }
        data += part;
        len -= part;
    }
}

void mime_end(struct mime *m)
{
    if (m->line.len > 0)
        take_line(m, (struct slice){m->line.ptr, m->line.len});
    buf_clear(&m->line);
    if (m->state == STATE_TEXT)
        return;
    tell_header(m);
    end_headers(m, false);
}

void mime_primary_header(struct mime *m, const char *name, const char *value)
{
    buf_adds(&m->header, name);
    buf_addc(&m->header, ':');
    buf_adds(&m->header, value);
    tell_header(m);
}

bool mime_expects_headers(const struct mime *m)
{
    return m->state == STATE_HEADERS || m->boundaries != NULL;
}

void mime_primary_end(struct mime *m)
{
    take_piece(m, slice_of(""), false);
}
