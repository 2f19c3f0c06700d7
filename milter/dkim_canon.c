/* dkim_canon - header fields and bodies in the form that DKIM signs (RFC 6376, section 3.4) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_canon.h"

#include <string.h>

const char *dkim_canon_name(enum dkim_canon how)
{
    return how == DKIM_SIMPLE ? "simple" : "relaxed";
}

static bool parse_one(struct slice text, enum dkim_canon *how)
{
    *how = slice_is_nocase(text, "relaxed") ? DKIM_RELAXED : DKIM_SIMPLE;
    return *how == DKIM_RELAXED || slice_is_nocase(text, "simple");
}

bool dkim_canon_parse(struct slice text, enum dkim_canon *header, enum dkim_canon *body)
{
    const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
    struct slice first = text, second = slice_of("simple");
    enum dkim_canon of_header, of_body;

    if (slash != NULL) {
        first.len = (size_t)(slash - text.ptr);
        second = (struct slice){slash + 1, text.len - first.len - 1};
    }
    if (!parse_one(first, &of_header) || !parse_one(second, &of_body))
        return false;
    *header = of_header;
    *body = of_body;
    return true;
}

/* LF becomes CRLF, whether or not a CR stands there already. */
static void simple_value(struct buf *out, const char *value)
{
    const char *end;

    for (; (end = strchr(value, '\n')) != NULL; value = end + 1) {
        size_t len = (size_t)(end - value);

        if (len > 0 && value[len - 1] == '\r')
            len--;
        buf_add(out, value, len);
        buf_add(out, "\r\n", 2);
    }
    buf_adds(out, value);
}

static size_t line_end(const char *at)
{
    return at[0] == '\n' ? 1 : at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

/* Unfolded, each run of blanks one space, none at either end. */
static void relaxed_value(struct buf *out, const char *value)
{
    bool blank = false, any = false;

    while (*value != '\0') {
        size_t len = line_end(value);
        const char *start = value;

        if (len > 0 || is_blank(*value)) {
            blank = blank || is_blank(*value);
            value += len > 0 ? len : 1;
            continue;
        }
        while ((unsigned char)*value > ' ' ||
               (*value != '\0' && !is_blank(*value) && line_end(value) == 0))
            value++;
        if (blank && any)
            buf_addc(out, ' ');
        buf_add(out, start, (size_t)(value - start));
        blank = false;
        any = true;
    }
}

void dkim_canon_field(struct buf *out, enum dkim_canon how, const char *name, const char *value)
{
    size_t len = strlen(name);

    if (how == DKIM_SIMPLE) {
        buf_add(out, name, len);
        buf_addc(out, ':');
        simple_value(out, value);
        return;
    }
    while (len > 0 && is_blank(name[len - 1]))
        len--;
    buf_add(out, name, len);
    for (char *at = out->ptr + out->len - len; len > 0; at++, len--)
        *at = (char)to_lower((unsigned char)*at);
    buf_addc(out, ':');
    relaxed_value(out, value);
}

void dkim_body_start(struct dkim_body *body, enum dkim_canon how, dkim_emit *emit, void *sink)
{
    body->how = how;
    body->emit = emit;
    body->sink = sink;
    body->blank_lines = body->filled = 0;
    body->cr = body->blank = body->in_line = body->any = false;
}

static void flush(struct dkim_body *body)
{
    if (body->filled > 0)
        body->emit(body->sink, body->staged, body->filled);
    body->filled = 0;
}

static void put(struct dkim_body *body, const char *data, size_t len)
{
    if (len > sizeof(body->staged) - body->filled)
        flush(body);
    if (len >= sizeof(body->staged)) {
        body->emit(body->sink, data, len);
        return;
    }
    memcpy(body->staged + body->filled, data, len);
    body->filled += len;
}

/* Something that is not nothing is coming: what was held back is part of the body after all. */
static void take(struct dkim_body *body, const char *data, size_t len)
{
    for (; body->blank_lines > 0; body->blank_lines--)
        put(body, "\r\n", 2);
    if (body->blank)
        put(body, " ", 1);
    put(body, data, len);
    body->blank = false;
    body->in_line = body->any = true;
}

#define EACH_BYTE(b) (0x0101010101010101u * (uint64_t)(b))

/* The top bit of each byte that is b; no carry passes from one byte to another. */
static uint64_t bytes_that_are(uint64_t word, unsigned char b)
{
    uint64_t low = EACH_BYTE(0x7f), other = word ^ EACH_BYTE(b);

    return ~(((other & low) + low) | other | low);
}

/* Eight bytes without a tab, and without a space in front of a space or tab. A body is read faster
 * than it is hashed only if this is. */
static bool is_plain(const char *text)
{
    uint64_t word, next;

    memcpy(&word, text, sizeof(word));
    memcpy(&next, text + 1, sizeof(next));
    return (bytes_that_are(word, '\t') |
            (bytes_that_are(word, ' ') &
             (bytes_that_are(next, ' ') | bytes_that_are(next, '\t')))) == 0;
}

/* The length of what can be taken as it is: up to a run of blanks that is not one space between two
 * words. */
static size_t plain_len(const char *text, size_t len)
{
    size_t i = 0;

    while (i + sizeof(uint64_t) < len && is_plain(text + i))
        i += sizeof(uint64_t);
    for (; i < len; i++)
        if (text[i] == '\t' ||
            (text[i] == ' ' && (i + 1 == len || is_blank((unsigned char)text[i + 1]))))
            break;
    return i;
}

static void text_of_line(struct dkim_body *body, const char *text, size_t len)
{
    if (body->how == DKIM_SIMPLE) {
        if (len > 0)
            take(body, text, len);
        return;
    }
    while (len > 0) {
        size_t plain = 0;

        while (len > 0 && is_blank((unsigned char)*text)) {
            body->blank = true;
            text++;
            len--;
        }
        plain = plain_len(text, len);
        if (plain > 0)
            take(body, text, plain);
        text += plain;
        len -= plain;
    }
}

static void end_of_line(struct dkim_body *body)
{
    body->blank = false;
    if (body->in_line)
        put(body, "\r\n", 2);
    else
        body->blank_lines++;
    body->in_line = false;
}

void dkim_body_add(struct dkim_body *body, const void *data, size_t len)
{
    const char *at = data, *end = at + len, *lf;

    if (len == 0)
        return;
    if (body->cr && *at != '\n')
        text_of_line(body, "\r", 1);
    body->cr = false;
    for (; at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL; at = lf + 1) {
        text_of_line(body, at, (size_t)(lf - at) - (lf > at && lf[-1] == '\r'));
        end_of_line(body);
    }
    if (at < end && end[-1] == '\r') {
        body->cr = true;
        end--;
    }
    text_of_line(body, at, (size_t)(end - at));
}

void dkim_body_end(struct dkim_body *body)
{
    if (body->cr)
        text_of_line(body, "\r", 1);
    body->cr = false;
    if (body->in_line || (!body->any && body->how == DKIM_SIMPLE)) {
        body->in_line = true;
        end_of_line(body);
    }
    flush(body);
}
