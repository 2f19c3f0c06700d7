/* buf - a text that grows */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

void buf_free(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->ptr != NULL)
        b->ptr[0] = '\0';
}

static void buf_reserve(struct buf *b, size_t more)
{
    size_t need;

    if (__builtin_add_overflow(b->len, more, &need) || __builtin_add_overflow(need, 1, &need))
        die("out of memory");
    if (need <= b->cap)
        return;
    b->cap = need < 64 ? 64 : need + need / 2;
    b->ptr = xreallocarray(b->ptr, b->cap, 1);
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    buf_reserve(b, len);
    if (len > 0)
        memcpy(b->ptr + b->len, data, len);
    b->len += len;
    b->ptr[b->len] = '\0';
}

void buf_addc(struct buf *b, char c)
{
    if (b->cap - b->len < 2)
        buf_reserve(b, 1);
    b->ptr[b->len++] = c;
    b->ptr[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    int len;

    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0)
        die("vsnprintf failed");
    buf_reserve(b, (size_t)len);
    vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, again);
    va_end(again);
    b->len += (size_t)len;
}

const char *buf_text(const struct buf *b)
{
    return b->ptr != NULL ? b->ptr : "";
}

char *buf_steal(struct buf *b)
{
    char *text = b->ptr != NULL ? b->ptr : xstrdup("");

    *b = (struct buf){0};
    return text;
}

/* What stands for itself in a JSON string. */
static size_t plain_run(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len && (unsigned char)text[i] >= 0x20 && (unsigned char)text[i] < 0x7f &&
           text[i] != '"' && text[i] != '\\')
        i++;
    return i;
}

static void add_json_ascii(struct buf *b, unsigned char c)
{
    const char *short_form = c == '"'    ? "\\\""
                             : c == '\\' ? "\\\\"
                             : c == '\n' ? "\\n"
                             : c == '\r' ? "\\r"
                             : c == '\t' ? "\\t"
                                         : NULL;

    if (short_form != NULL)
        buf_adds(b, short_form);
    else
        buf_addf(b, "\\u%04x", c);
}

void buf_add_json(struct buf *b, const char *text, size_t len)
{
    buf_addc(b, '"');
    for (size_t i = 0; i < len;) {
        const uint8_t *p = (const uint8_t *)text + i;
        size_t plain = plain_run(text + i, len - i);
        int n = *p < 0x80 ? 1 : u8_mblen(p, len - i);

        if (plain > 0) {
            buf_add(b, p, plain);
            i += plain;
            continue;
        }
        if (*p < 0x80)
            add_json_ascii(b, *p);
        else if (n == 2 && *p == 0xc2 && p[1] < 0xa0)
            buf_addf(b, "\\u%04x", p[1]); /* C1, which a terminal would obey */
        else if (n > 0)
            buf_add(b, p, (size_t)n);
        else
            buf_adds(b, "\\ufffd");
        i += n > 0 ? (size_t)n : 1;
    }
    buf_addc(b, '"');
}

void buf_add_member(struct buf *b, const char *name, const char *text)
{
    if (b->len > 0 && strchr("{[,", b->ptr[b->len - 1]) == NULL)
        buf_addc(b, ',');
    buf_addf(b, "\"%s\":", name);
    if (text != NULL)
        buf_add_json(b, text, strlen(text));
    else
        buf_adds(b, "null");
}
