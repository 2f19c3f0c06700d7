/* rbl_filter - which answers of a block list count */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rbl_filter.h"

#include <string.h>

struct reader {
    struct slice all;  /* the filter, for messages */
    struct slice rest;
    struct err *err;
};

static bool fail(const struct reader *r, const char *what)
{
    int read = (int)(r->rest.ptr - r->all.ptr);

    return err_set(r->err, "%s at \"%.*s>>>%.*s\"", what, read, r->all.ptr, (int)r->rest.len,
                   r->rest.ptr);
}

static bool take(struct reader *r, const char *token)
{
    size_t len = strlen(token);

    if (r->rest.len < len || memcmp(r->rest.ptr, token, len) != 0)
        return false;
    r->rest = (struct slice){r->rest.ptr + len, r->rest.len - len};
    return true;
}

/* Leading zeros are allowed, and mean nothing. */
static bool take_number(struct reader *r, unsigned *number)
{
    size_t digits = 0;

    *number = 0;
    while (digits < r->rest.len && is_digit((unsigned char)r->rest.ptr[digits])) {
        *number = *number * 10 + (unsigned)(r->rest.ptr[digits++] - '0');
        if (*number > 255)
            return false;
    }
    r->rest = (struct slice){r->rest.ptr + digits, r->rest.len - digits};
    return digits > 0;
}

static void allow(uint32_t octet[8], unsigned from, unsigned to)
{
    for (unsigned n = from; n <= to; n++)
        octet[n / 32] |= (uint32_t)1 << n % 32;
}

/* n or n..m */
static bool read_range(struct reader *r, uint32_t octet[8])
{
    unsigned from, to;

    if (!take_number(r, &from))
        return fail(r, "a number from 0 to 255 is expected");
    to = from;
    if (take(r, "..")) {
        if (!take_number(r, &to))
            return fail(r, "a number from 0 to 255 is expected");
        if (to < from)
            return fail(r, "the end of a range is less than its beginning");
    }
    allow(octet, from, to);
    return true;
}

static bool read_field(struct reader *r, uint32_t octet[8])
{
    unsigned number;

    if (take(r, "[")) {
        do {
            if (!read_range(r, octet))
                return false;
        } while (take(r, ";"));
        return take(r, "]") || fail(r, "\";\", \"..\" or \"]\" is expected");
    }
    if (!take_number(r, &number))
        return fail(r, "a number from 0 to 255, or [, is expected");
    allow(octet, number, number);
    return true;
}

/* The partner of the [ that the text begins with; its length if there is none. */
static size_t find_partner(struct slice text)
{
    size_t level = 0;

    for (size_t i = 0; i < text.len; i++) {
        level += text.ptr[i] == '[';
        if (text.ptr[i] == ']' && --level == 0)
            return i;
    }
    return text.len;
}

static bool strip_brackets(struct reader *r)
{
    size_t partner;

    if (r->rest.len == 0 || r->rest.ptr[0] != '[')
        return true;
    partner = find_partner(r->rest);
    if (partner == r->rest.len)
        return fail(r, "the ] is missing");
    if (partner == r->rest.len - 1)
        r->rest = (struct slice){r->rest.ptr + 1, r->rest.len - 2};
    return true;
}

bool rbl_filter_parse(struct slice text, struct rbl_filter *filter, struct err *err)
{
    struct reader r = {text, text, err};

    memset(filter, 0, sizeof(*filter));
    if (!strip_brackets(&r))
        return false;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !take(&r, "."))
            return fail(&r, "a \".\" is expected");
        if (!read_field(&r, filter->octets[i]))
            return false;
    }
    return r.rest.len == 0 || fail(&r, "four fields are enough");
}

bool rbl_filter_matches(const struct rbl_filter *filter, const struct addr *addr)
{
    if (addr->family != AF_INET)
        return false;
    for (int i = 0; i < 4; i++)
        if (!(filter->octets[i][addr->bytes[i] / 32] >> addr->bytes[i] % 32 & 1))
            return false;
    return true;
}
