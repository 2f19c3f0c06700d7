/* dns_name - names of the DNS: as text, as it is written in zone files, as it travels */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_name.h"

#include "buf.h"

#include <string.h>

static bool add_label(struct dns_name *name, const unsigned char *label, size_t len)
{
    if (len == 0 || len > DNS_LABEL_MAX || name->len + 1 + len + 1 > DNS_WIRE_MAX)
        return false;
    name->wire[name->len++] = (unsigned char)len;
    memcpy(name->wire + name->len, label, len);
    name->len += len;
    return true;
}

static bool fail(struct dns_name *name)
{
    name->len = 0;
    return false;
}

bool dns_name_of_text(struct slice text, struct dns_name *name)
{
    const char *at = text.ptr, *end = text.ptr + text.len;

    name->len = 0;
    if (text.len == 0)
        return false;
    if (end[-1] == '.')
        end--;
    while (at < end) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        size_t len = (size_t)((dot == NULL ? end : dot) - at);

        if (!add_label(name, (const unsigned char *)at, len))
            return fail(name);
        at += len + 1;
        if (dot != NULL && at == end)
            return fail(name);
    }
    name->wire[name->len++] = 0;
    return true;
}

/* One octet of a label, which an escape may stand for; -1 if the escape is broken. */
static int read_octet(struct slice text, size_t *i)
{
    unsigned char c = (unsigned char)text.ptr[(*i)++];
    int value;

    if (c != '\\')
        return c;
    if (*i == text.len)
        return -1;
    if (!is_digit((unsigned char)text.ptr[*i]))
        return (unsigned char)text.ptr[(*i)++];
    if (text.len - *i < 3 || !is_digit((unsigned char)text.ptr[*i + 1]) ||
        !is_digit((unsigned char)text.ptr[*i + 2]))
        return -1;
    value = (text.ptr[*i] - '0') * 100 + (text.ptr[*i + 1] - '0') * 10 + text.ptr[*i + 2] - '0';
    *i += 3;
    return value <= 255 ? value : -1;
}

/* The labels of a text; *absolute: it ends in a dot. */
static bool read_labels(struct slice text, struct dns_name *name, bool *absolute)
{
    unsigned char label[DNS_LABEL_MAX];
    size_t len = 0;

    *absolute = false;
    for (size_t i = 0; i < text.len;) {
        bool dot = text.ptr[i] == '.';
        int octet = read_octet(text, &i);

        if (octet < 0 || (!dot && len == sizeof(label)))
            return false;
        if (!dot)
            label[len++] = (unsigned char)octet;
        else if (!add_label(name, label, len))
            return false;
        else
            len = 0;
        *absolute = dot;
    }
    return *absolute || add_label(name, label, len);
}

bool dns_name_read(struct slice text, const struct dns_name *origin, struct dns_name *name)
{
    struct dns_name below = {{0}, 1}, read = {.len = 0};
    bool absolute;

    if (origin != NULL)
        below = *origin;
    if (slice_is(text, ".") || slice_is(text, "@")) {
        *name = text.ptr[0] == '@' ? below : (struct dns_name){{0}, 1};
        return true;
    }
    if (!read_labels(text, &read, &absolute))
        return fail(name);
    if (absolute)
        below = (struct dns_name){{0}, 1};
    if (read.len + below.len > DNS_WIRE_MAX)
        return fail(name);
    memcpy(read.wire + read.len, below.wire, below.len);
    read.len += below.len;
    *name = read;
    return true;
}

size_t dns_name_of_wire(const unsigned char *data, size_t len, struct dns_name *name)
{
    size_t at = 0;

    name->len = 0;
    while (at < len && data[at] != 0) {
        if (data[at] > DNS_LABEL_MAX || at + 1 + data[at] >= len)
            return 0;
        at += 1 + (size_t)data[at];
        if (at >= DNS_WIRE_MAX)
            return 0;
    }
    if (at >= len)
        return 0;
    name->len = at + 1;
    memcpy(name->wire, data, name->len);
    return name->len;
}

char *dns_name_text(const struct dns_name *name, struct arena *arena)
{
    char text[4 * DNS_WIRE_MAX + 1];
    size_t len = 0;

    if (name->len <= 1)
        return arena_strdup(arena, name->len == 1 ? "." : "");
    for (size_t at = 0; name->wire[at] != 0;) {
        size_t end = at + 1 + name->wire[at];

        if (at++ > 0)
            text[len++] = '.';
        for (; at < end; at++) {
            unsigned char c = name->wire[at];

            if (c <= ' ' || c > '~') {
                text[len++] = '\\';
                text[len++] = (char)('0' + c / 100);
                text[len++] = (char)('0' + c / 10 % 10);
                text[len++] = (char)('0' + c % 10);
                continue;
            }
            if (c == '.' || c == '\\')
                text[len++] = '\\';
            text[len++] = (char)c;
        }
    }
    return arena_strndup(arena, text, len);
}

/* Lengths are below 'A', so that they can be taken for octets of labels. */
void dns_name_lower(struct dns_name *name)
{
    for (size_t i = 0; i < name->len; i++)
        name->wire[i] = (unsigned char)to_lower(name->wire[i]);
}

const char *dns_name_parent(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '.')
            return text[1] == '\0' ? NULL : text + 1;
        if (*text == '\\' && text[1] != '\0')
            text++;
    }
    return NULL;
}

const char *dns_reverse_name(const struct addr *addr, const char *zone, struct arena *arena)
{
    const unsigned char *b = addr->bytes;
    struct buf name = {0};
    char *text;

    if (addr->family == AF_INET)
        return arena_printf(arena, "%d.%d.%d.%d.%s", b[3], b[2], b[1], b[0],
                            zone == NULL ? "in-addr.arpa" : zone);
    if (addr->family != AF_INET6)
        return NULL;
    for (int i = 15; i >= 0; i--)
        buf_addf(&name, "%x.%x.", b[i] & 15, b[i] >> 4);
    buf_adds(&name, zone == NULL ? "ip6.arpa" : zone);
    text = arena_strndup(arena, name.ptr, name.len);
    buf_free(&name);
    return text;
}
