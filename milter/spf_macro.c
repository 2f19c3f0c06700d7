/* spf_macro - macro strings of SPF records and explanations (RFC 7208, 7) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_macro.h"

#include "buf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EXPANSION_MAX = 8192, NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63, PARTS_MAX = 8192 };

/* "%{", letter, digits, r, delimiters, "}"; or "%%", "%_", "%-" with that as its letter. */
struct macro {
    char letter;
    unsigned keep; /* parts from the right; 0: all */
    bool reverse;
    struct slice delimiters;
};

static bool is_delimiter(char c)
{
    return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

/* rest starts behind "%{". */
static bool braces_read(struct slice *rest, struct macro *m)
{
    const char *p = rest->ptr, *end = rest->ptr + rest->len;
    bool digits = false;

    if (p == end)
        return false;
    m->letter = *p++;
    for (; p < end && is_digit((unsigned char)*p); p++, digits = true)
        m->keep = m->keep > PARTS_MAX ? m->keep : m->keep * 10 + (unsigned)(*p - '0');
    if (digits && m->keep == 0)
        return false;
    if (p < end && to_lower((unsigned char)*p) == 'r') {
        m->reverse = true;
        p++;
    }
    m->delimiters.ptr = p;
    while (p < end && is_delimiter(*p))
        p++;
    m->delimiters.len = (size_t)(p - m->delimiters.ptr);
    if (p == end || *p != '}')
        return false;
    *rest = (struct slice){p + 1, (size_t)(end - p - 1)};
    return true;
}

/* rest starts with "%". */
static bool macro_read(struct slice *rest, struct macro *m)
{
    *m = (struct macro){0};
    if (rest->len < 2)
        return false;
    m->letter = rest->ptr[1];
    *rest = (struct slice){rest->ptr + 2, rest->len - 2};
    if (m->letter == '{')
        return braces_read(rest, m);
    return m->letter == '%' || m->letter == '_' || m->letter == '-';
}

static bool letter_is_allowed(char letter, enum spf_macro_place place)
{
    const char *letters = place == SPF_IN_TERM ? "slodiphv%_-" : "slodiphvcrt%_-";

    return letter != '\0' && strchr(letters, to_lower((unsigned char)letter)) != NULL;
}

bool spf_macro_check(struct slice text, enum spf_macro_place place, size_t *tail)
{
    struct slice rest = text;
    struct macro m;

    *tail = 0;
    while (rest.len > 0) {
        if (*rest.ptr == '%') {
            if (!macro_read(&rest, &m) || !letter_is_allowed(m.letter, place))
                return false;
            *tail = text.len - rest.len;
        } else {
            if (!is_print((unsigned char)*rest.ptr) ||
                (*rest.ptr == ' ' && place != SPF_IN_EXPLANATION))
                return false;
            rest = (struct slice){rest.ptr + 1, rest.len - 1};
        }
    }
    return true;
}

/* Nibbles are written as RFC 7208's own test-suite has them: with capitals. */
static const char *dotted_address(const struct addr *client, bool reverse, struct arena *arena)
{
    static const char hex[] = "0123456789ABCDEF";
    const unsigned char *b = client->bytes;
    char text[64];

    if (client->family == AF_INET)
        return reverse ? arena_printf(arena, "%d.%d.%d.%d", b[3], b[2], b[1], b[0])
                       : arena_printf(arena, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
    for (unsigned i = 0; i < 32; i++) {
        unsigned n = reverse ? 31 - i : i;

        text[2 * i] = hex[n % 2 == 0 ? b[n / 2] >> 4 : b[n / 2] & 15];
        text[2 * i + 1] = '.';
    }
    return arena_strndup(arena, text, 63);
}

const char *spf_reverse_name(const struct addr *client, struct arena *arena)
{
    return arena_printf(arena, "%s.%s.arpa", dotted_address(client, true, arena),
                        client->family == AF_INET ? "in-addr" : "ip6");
}

static const char *macro_value(char letter, const struct spf_macros *s, struct arena *arena)
{
    char text[ADDR_TEXT_SIZE];

    switch (letter) {
    case 's': return s->sender;
    case 'l': return s->local;
    case 'o': return s->sender_domain;
    case 'd': return s->domain;
    case 'i': return dotted_address(&s->client, false, arena);
    case 'p': return s->ptr_name(s->ctx, s->domain);
    case 'v': return s->client.family == AF_INET ? "in-addr" : "ip6";
    case 'h': return s->helo;
    case 'c': return arena_strdup(arena, addr_text(&s->client, text));
    case 'r': return s->receiver;
    case 't': return arena_printf(arena, "%" PRId64, s->time);
    default: return "";
    }
}

static bool splits_at(const struct macro *m, char c)
{
    if (m->delimiters.len == 0)
        return c == '.';
    return memchr(m->delimiters.ptr, c, m->delimiters.len) != NULL;
}

/* The value in parts, as it should be put together again. */
static void value_transform(const char *value, const struct macro *m, struct buf *out)
{
    size_t len = strlen(value), count = 1, first;
    struct slice *parts;

    for (size_t i = 0; i < len; i++)
        count += splits_at(m, value[i]);
    parts = xcalloc(count, sizeof(*parts));
    count = 0;
    for (size_t i = 0, start = 0; i <= len; i++)
        if (i == len || splits_at(m, value[i])) {
            parts[count++] = (struct slice){value + start, i - start};
            start = i + 1;
        }
    first = m->keep == 0 || m->keep > count ? 0 : count - m->keep;
    for (size_t i = first; i < count; i++) {
        struct slice part = parts[m->reverse ? count - 1 - i : i];

        if (i > first)
            buf_addc(out, '.');
        if (part.len > 0)
            buf_add(out, part.ptr, part.len);
    }
    free(parts);
}

static void add_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (is_alnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
            buf_addc(out, *text);
        else
            buf_addf(out, "%%%02X", (unsigned char)*text);
}

static void macro_add(const struct macro *m, const struct spf_macros *s, struct buf *out,
                      struct arena *arena)
{
    char letter = (char)to_lower((unsigned char)m->letter);
    struct buf value = {0};

    if (m->letter == '%' || m->letter == '_') {
        buf_addc(out, m->letter == '%' ? '%' : ' ');
    } else if (m->letter == '-') {
        buf_adds(out, "%20");
    } else {
        value_transform(macro_value(letter, s, arena), m, &value);
        if (letter != m->letter)
            add_escaped(out, buf_text(&value));
        else
            buf_adds(out, buf_text(&value));
    }
    buf_free(&value);
}

const char *spf_macro_expand(struct slice text, const struct spf_macros *macros,
                             struct arena *arena)
{
    const char *result = NULL;
    struct slice rest = text;
    struct buf out = {0};
    struct macro m;

    while (rest.len > 0 && out.len <= EXPANSION_MAX) {
        if (*rest.ptr != '%') {
            buf_addc(&out, *rest.ptr);
            rest = (struct slice){rest.ptr + 1, rest.len - 1};
        } else if (macro_read(&rest, &m)) {
            macro_add(&m, macros, &out, arena);
        } else {
            break;
        }
    }
    if (rest.len == 0 && out.len <= EXPANSION_MAX && strlen(buf_text(&out)) == out.len)
        result = arena_strndup(arena, buf_text(&out), out.len);
    buf_free(&out);
    return result;
}

bool spf_name_is_usable(const char *name)
{
    size_t label = 0, len = strlen(name);

    for (size_t i = 0; i <= len; i++) {
        if (i < len && name[i] != '.') {
            label++;
            continue;
        }
        if (label == 0 || label > LABEL_MAX_BYTES)
            return false;
        label = 0;
    }
    return len <= NAME_MAX_BYTES;
}

const char *spf_macro_domain(struct slice text, const struct spf_macros *macros,
                             struct arena *arena)
{
    const char *name = spf_macro_expand(text, macros, arena);
    size_t len;

    if (name == NULL)
        return NULL;
    len = strlen(name);
    if (len > 0 && name[len - 1] == '.')
        name = arena_strndup(arena, name, --len);
    while (len > NAME_MAX_BYTES) {
        const char *dot = strchr(name, '.');

        if (dot == NULL)
            return NULL;
        len -= (size_t)(dot + 1 - name);
        name = dot + 1;
    }
    return spf_name_is_usable(name) ? name : NULL;
}
