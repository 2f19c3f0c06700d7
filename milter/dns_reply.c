/* dns_reply - an answer as it is shared and remembered: counted, never changed, checked */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_reply.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_SIZE_MAX = 65535, WHY_MAX = 200 };

struct dns_reply {
    atomic_uint references;
    enum dns_state state;
    enum dns_type type;
    uint32_t ttl;
    bool secure;
    size_t count, size;         /* size: of all that was allocated */
    const char *why;            /* behind the struct; NULL: no temperror */
    struct dns_rdata records[]; /* their data behind them */
};

static bool is_name(struct dns_rdata rdata)
{
    struct dns_name name;

    return rdata.len > 0 && dns_name_of_wire(rdata.data, rdata.len, &name) == rdata.len;
}

/* One string or more, each with its length in front, to the last byte. */
static size_t count_strings(struct dns_rdata rdata)
{
    size_t count = 0;

    for (size_t at = 0; at < rdata.len; at += 1 + (size_t)rdata.data[at], count++)
        if (rdata.data[at] > rdata.len - at - 1)
            return 0;
    return count;
}

static struct dns_rdata behind(struct dns_rdata rdata, size_t len)
{
    return (struct dns_rdata){rdata.data + len, rdata.len - len};
}

static bool is_soa(struct dns_rdata rdata)
{
    struct dns_name name;
    size_t mname = dns_name_of_wire(rdata.data, rdata.len, &name);
    size_t rname = mname == 0 ? 0 : dns_name_of_wire(rdata.data + mname, rdata.len - mname, &name);

    return rname > 0 && rdata.len - mname - rname == 20;
}

bool dns_rdata_ok(enum dns_type type, struct dns_rdata rdata)
{
    switch (type) {
    case DNS_A:
        return rdata.len == 4;
    case DNS_AAAA:
        return rdata.len == 16;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
        return is_name(rdata);
    case DNS_MX:
        return rdata.len > 2 && is_name(behind(rdata, 2));
    case DNS_TXT:
    case DNS_SPF:
        return count_strings(rdata) > 0;
    case DNS_SOA:
        return is_soa(rdata);
    }
    return false;
}

static struct dns_reply *reply_new(enum dns_state state, size_t count, size_t extra)
{
    size_t size = sizeof(struct dns_reply) + count * sizeof(struct dns_rdata) + extra;
    struct dns_reply *reply = xmalloc(size);

    memset(reply, 0, sizeof(*reply));
    atomic_init(&reply->references, 1);
    reply->state = state;
    reply->count = count;
    reply->size = size;
    return reply;
}

struct dns_reply *dns_reply_none(enum dns_state state, uint32_t ttl, bool secure)
{
    struct dns_reply *reply = reply_new(state, 0, 0);

    reply->ttl = ttl;
    reply->secure = secure;
    return reply;
}

struct dns_reply *dns_reply_temperror(const char *why)
{
    size_t len = strnlen(why, WHY_MAX);
    struct dns_reply *reply = reply_new(DNS_TEMPERROR, 0, len + 1);
    char *text = (char *)&reply->records[0];

    for (size_t i = 0; i < len; i++)
        text[i] = (char)(is_print((unsigned char)why[i]) ? why[i] : '?');
    text[len] = '\0';
    reply->why = text;
    return reply;
}

static int compare(const void *a, const void *b)
{
    const struct dns_rdata *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Bytes of all the records; 0 when there is one that cannot be used. */
static size_t check_all(enum dns_type type, const struct dns_rdata *records, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (!dns_rdata_ok(type, records[i]) || records[i].len > RECORDS_SIZE_MAX - sum)
            return 0;
        sum += records[i].len;
    }
    return sum;
}

struct dns_reply *dns_reply_found(enum dns_type type, const struct dns_rdata *records, size_t count,
                                  uint32_t ttl, bool secure)
{
    size_t size;
    struct dns_reply *reply;
    unsigned char *data;

    if (count == 0)
        return dns_reply_none(DNS_NODATA, ttl, secure);
    size = check_all(type, records, count);
    if (size == 0)
        return dns_reply_temperror("malformed record");
    reply = reply_new(DNS_FOUND, count, size);
    reply->type = type;
    reply->ttl = ttl;
    reply->secure = secure;
    data = (unsigned char *)&reply->records[count];
    for (size_t i = 0; i < count; i++) {
        memcpy(data, records[i].data, records[i].len);
        reply->records[i] = (struct dns_rdata){data, records[i].len};
        data += records[i].len;
    }
    qsort(reply->records, count, sizeof(reply->records[0]), compare);
    return reply;
}

struct dns_reply *dns_reply_acquire(struct dns_reply *reply)
{
    atomic_fetch_add_explicit(&reply->references, 1, memory_order_relaxed);
    return reply;
}

void dns_reply_release(struct dns_reply *reply)
{
    if (atomic_fetch_sub_explicit(&reply->references, 1, memory_order_acq_rel) == 1)
        free(reply);
}

enum dns_state dns_reply_state(const struct dns_reply *reply)
{
    return reply->state;
}

uint32_t dns_reply_ttl(const struct dns_reply *reply)
{
    return reply->ttl;
}

size_t dns_reply_size(const struct dns_reply *reply)
{
    return reply->size;
}

/* What was checked when the reply was made is not checked again. */
static const char *decode_name(struct dns_rdata *rdata, struct arena *arena)
{
    struct dns_name name;

    *rdata = behind(*rdata, dns_name_of_wire(rdata->data, rdata->len, &name));
    return dns_name_text(&name, arena);
}

static uint32_t decode_number(struct dns_rdata *rdata)
{
    const unsigned char *d = rdata->data;

    *rdata = behind(*rdata, 4);
    return (uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3];
}

static void decode_addr(struct dns_rdata rdata, struct addr *addr)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    memset(addr, 0, sizeof(*addr));
    if (rdata.len == 4) {
        addr->family = AF_INET;
        memcpy(addr->bytes, rdata.data, 4);
        return;
    }
    memcpy(&in6.sin6_addr, rdata.data, 16);
    addr_of_sockaddr((const struct sockaddr *)&in6, addr);
}

static void decode_txt(struct dns_rdata rdata, struct arena *arena, struct dns_record *record)
{
    size_t count = count_strings(rdata), at = 0;
    struct slice *strings = arena_alloc(arena, count * sizeof(*strings));
    char *text = arena_alloc(arena, rdata.len - count + 1);

    record->txt.joined = (struct slice){text, rdata.len - count};
    record->txt.strings = strings;
    record->txt.count = count;
    for (size_t i = 0; i < count; i++) {
        size_t len = rdata.data[at++];

        memcpy(text, rdata.data + at, len);
        strings[i] = (struct slice){text, len};
        text += len;
        at += len;
    }
}

static void decode_soa(struct dns_rdata rdata, struct arena *arena, struct dns_record *record)
{
    record->soa.mname = decode_name(&rdata, arena);
    record->soa.rname = decode_name(&rdata, arena);
    record->soa.serial = decode_number(&rdata);
    record->soa.refresh = decode_number(&rdata);
    record->soa.retry = decode_number(&rdata);
    record->soa.expire = decode_number(&rdata);
    record->soa.minimum = decode_number(&rdata);
}

static void decode(enum dns_type type, struct dns_rdata rdata, struct arena *arena,
                   struct dns_record *record)
{
    record->type = type;
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        decode_addr(rdata, &record->addr);
        break;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
        record->name = decode_name(&rdata, arena);
        break;
    case DNS_MX:
        record->mx.preference = (unsigned)rdata.data[0] << 8 | rdata.data[1];
        rdata = behind(rdata, 2);
        record->mx.host = decode_name(&rdata, arena);
        break;
    case DNS_TXT:
    case DNS_SPF:
        decode_txt(rdata, arena, record);
        break;
    case DNS_SOA:
        decode_soa(rdata, arena, record);
        break;
    }
}

void dns_reply_decode(const struct dns_reply *reply, uint32_t ttl, struct arena *arena,
                      struct dns_answer *answer)
{
    struct dns_record *records = NULL;

    if (reply->count > 0)
        records = arena_alloc(arena, reply->count * sizeof(*records));
    for (size_t i = 0; i < reply->count; i++)
        decode(reply->type, reply->records[i], arena, &records[i]);
    *answer = (struct dns_answer){.state = reply->state, .secure = reply->secure,
                                  .records = records, .count = reply->count};
    if (reply->state == DNS_TEMPERROR)
        answer->why = arena_strdup(arena, reply->why);
    else
        answer->ttl = ttl;
}
