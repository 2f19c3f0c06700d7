/* dns_master - the entries of a master file, word by word, and what their data says */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_master.h"

#include <stdlib.h>
#include <string.h>

void dns_entry_free(struct dns_entry *entry)
{
    free(entry->words);
}

static int peek(const struct dns_master *m)
{
    return m->text.len == 0 ? -1 : (unsigned char)m->text.ptr[0];
}

static void skip(struct dns_master *m)
{
    m->line += m->text.ptr[0] == '\n';
    m->text.ptr++;
    m->text.len--;
}

static void add_word(struct dns_entry *entry, const char *from, const char *to, bool quoted)
{
    if (entry->count == entry->cap) {
        entry->cap = entry->cap == 0 ? 16 : entry->cap * 2;
        entry->words = xreallocarray(entry->words, entry->cap, sizeof(*entry->words));
    }
    entry->words[entry->count++] =
        (struct dns_word){{from, (size_t)(to - from)}, quoted};
}

/* Behind the opening quote; false when there is no other in the line. */
static bool read_quoted(struct dns_master *m, struct dns_entry *entry)
{
    const char *from = m->text.ptr;

    for (int c; (c = peek(m)) != '"'; skip(m)) {
        if (c == '\\')
            skip(m);
        if (peek(m) < 0 || peek(m) == '\n')
            return false;
    }
    add_word(entry, from, m->text.ptr, true);
    skip(m);
    return true;
}

static void read_plain(struct dns_master *m, struct dns_entry *entry)
{
    const char *from = m->text.ptr;

    for (int c; (c = peek(m)) >= 0 && !is_space(c) && strchr("()\";", c == 0 ? 1 : c) == NULL;
         skip(m))
        if (c == '\\' && m->text.len > 1 && m->text.ptr[1] != '\n')
            skip(m);
    add_word(entry, from, m->text.ptr, false);
}

static void skip_line(struct dns_master *m)
{
    while (peek(m) >= 0 && peek(m) != '\n')
        skip(m);
}

/* Up to the end of the entry; NULL, or what is wrong with it. */
static const char *read_entry(struct dns_master *m, struct dns_entry *entry)
{
    int depth = 0;

    for (int c; (c = peek(m)) >= 0 && (c != '\n' || depth > 0);) {
        if (c == ';') {
            skip_line(m);
        } else if (c == '(' || c == ')') {
            depth += c == '(' ? 1 : -1;
            skip(m);
            if (depth < 0)
                return "`)' without `('";
        } else if (is_space(c)) {
            skip(m);
        } else if (c != '"') {
            read_plain(m, entry);
        } else {
            skip(m);
            if (!read_quoted(m, entry))
                return "a quote is not closed";
        }
    }
    return depth > 0 ? "`(' without `)'" : NULL;
}

bool dns_master_next(struct dns_master *m, struct dns_entry *entry, struct problems *problems)
{
    while (m->text.len > 0) {
        const char *wrong;

        entry->count = 0;
        entry->at = (struct where){m->name, m->line};
        entry->indented = is_blank(peek(m));
        wrong = read_entry(m, entry);
        if (wrong != NULL) {
            problems_add(problems, SEV_ERROR, entry->at, "%s", wrong);
            skip_line(m);
            entry->count = 0;
        }
        if (m->text.len > 0)
            skip(m);
        if (entry->count > 0)
            return true;
    }
    return false;
}

static unsigned unit_seconds(char unit)
{
    switch (to_lower((unsigned char)unit)) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 60 * 60;
    case 'd':
        return 24 * 60 * 60;
    case 'w':
        return 7 * 24 * 60 * 60;
    }
    return 0;
}

bool dns_ttl_read(struct slice text, uint32_t *ttl)
{
    uint64_t sum = 0, number = 0;
    bool digits = false;

    for (size_t i = 0; i < text.len; i++) {
        if (is_digit((unsigned char)text.ptr[i])) {
            number = number * 10 + (uint64_t)(text.ptr[i] - '0');
            digits = true;
        } else if (!digits || unit_seconds(text.ptr[i]) == 0) {
            return false;
        } else {
            sum += number * unit_seconds(text.ptr[i]);
            number = 0;
            digits = false;
        }
        if (number > INT32_MAX || sum > INT32_MAX)
            return false;
    }
    if (text.len == 0 || sum + number > INT32_MAX)
        return false;
    *ttl = (uint32_t)(sum + number);
    return true;
}

static bool read_address(enum dns_type type, struct slice word, struct buf *rdata, struct err *err)
{
    unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};
    struct addr addr;

    if (!addr_parse(word, &addr) || (type == DNS_A && addr.family != AF_INET) ||
        (type == DNS_AAAA && memchr(word.ptr, ':', word.len) == NULL))
        return err_set(err, "%.*s is no %s address", (int)word.len, word.ptr,
                       type == DNS_A ? "IPv4" : "IPv6");
    if (type == DNS_AAAA && addr.family == AF_INET) {
        memcpy(mapped + 12, addr.bytes, 4);
        memcpy(addr.bytes, mapped, sizeof(mapped));
    }
    buf_add(rdata, addr.bytes, type == DNS_A ? 4 : 16);
    return true;
}

static bool read_name(struct slice word, const struct dns_name *origin, struct buf *rdata,
                      struct err *err)
{
    struct dns_name name;

    if (!dns_name_read(word, origin, &name))
        return err_set(err, "%.*s is no name in the DNS", (int)word.len, word.ptr);
    buf_add(rdata, name.wire, name.len);
    return true;
}

/* A string in place: its length, then its octets. */
static bool read_string(struct slice word, struct buf *rdata, struct err *err)
{
    char octets[256];
    size_t len = 0;

    for (size_t i = 0; i < word.len && len < sizeof(octets); len++) {
        unsigned value;

        octets[len] = word.ptr[i++];
        if (octets[len] != '\\' || i == word.len)
            continue;
        octets[len] = word.ptr[i++];
        if (!is_digit((unsigned char)octets[len]) || word.len - i < 2 ||
            !is_digit((unsigned char)word.ptr[i]) || !is_digit((unsigned char)word.ptr[i + 1]))
            continue;
        value = (unsigned)(octets[len] - '0') * 100 + (unsigned)(word.ptr[i] - '0') * 10 +
                (unsigned)(word.ptr[i + 1] - '0');
        if (value > 255)
            return err_set(err, "\\%u is no octet", value);
        octets[len] = (char)value;
        i += 2;
    }
    if (len > 255)
        return err_set(err, "a string of more than 255 octets; write two");
    buf_addc(rdata, (char)len);
    buf_add(rdata, octets, len);
    return true;
}

static bool read_strings(const struct dns_word *words, size_t count, struct buf *rdata,
                         struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!read_string(words[i].text, rdata, err))
            return false;
    return true;
}

static bool read_number(struct slice word, long max, size_t octets, struct buf *rdata,
                        struct err *err)
{
    long value;

    if (!parse_long(word, 0, max, &value))
        return err_set(err, "%.*s is no number up to %ld", (int)word.len, word.ptr, max);
    while (octets-- > 0)
        buf_addc(rdata, (char)(value >> 8 * octets & 0xff));
    return true;
}

static bool read_soa(const struct dns_word *words, const struct dns_name *origin, struct buf *rdata,
                     struct err *err)
{
    if (!read_name(words[0].text, origin, rdata, err) ||
        !read_name(words[1].text, origin, rdata, err) ||
        !read_number(words[2].text, UINT32_MAX, 4, rdata, err))
        return false;
    for (size_t i = 3; i < 7; i++) {
        uint32_t seconds;

        if (!dns_ttl_read(words[i].text, &seconds))
            return err_set(err, "%.*s is no time", (int)words[i].text.len, words[i].text.ptr);
        for (int shift = 24; shift >= 0; shift -= 8)
            buf_addc(rdata, (char)(seconds >> shift & 0xff));
    }
    return true;
}

bool dns_rdata_read(enum dns_type type, const struct dns_word *words, size_t count,
                    const struct dns_name *origin, struct buf *rdata, struct err *err)
{
    bool strings = type == DNS_TXT || type == DNS_SPF;
    size_t want = type == DNS_SOA ? 7 : type == DNS_MX ? 2 : 1;

    if (strings ? count == 0 : count != want)
        return err_set(err, "%s wants %zu %s", dns_type_name(type), want,
                       strings ? "string or more" : want == 1 ? "word" : "words");
    if (strings)
        return read_strings(words, count, rdata, err);
    if (type == DNS_A || type == DNS_AAAA)
        return read_address(type, words[0].text, rdata, err);
    if (type == DNS_SOA)
        return read_soa(words, origin, rdata, err);
    if (type == DNS_MX)
        return read_number(words[0].text, UINT16_MAX, 2, rdata, err) &&
               read_name(words[1].text, origin, rdata, err);
    return read_name(words[0].text, origin, rdata, err);
}
