/* dns_zone - answers from zone files, for tests: RFC 1035, with failures to order */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_zone.h"

#include "dns_cache.h"
#include "dns_master.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>

enum { TTL_PRESET = 300, TTL_NONE = 60, CHAIN_MAX = 16, FILE_MAX = 64 * 1024 * 1024 };

enum fault_kind { FAULT_TIMEOUT, FAULT_SERVFAIL, FAULT_BOGUS };

struct fault {
    struct fault *next;
    enum fault_kind kind;
    int type; /* 0: any */
};

struct datum {
    struct datum *next;
    enum dns_type type;
    uint32_t ttl;
    struct dns_rdata rdata;
};

struct node {
    struct node *next; /* in the bucket */
    const char *name;  /* canonical */
    uint64_t hash;
    struct datum *data;
    struct fault *faults;
};

struct dns_zone {
    struct arena *arena;
    struct node **buckets;
    size_t mask, count;
    uint64_t seed, delay_us;
};

/* How far the reading of one file is. */
struct reading {
    struct dns_zone *zone;
    struct dns_name origin, owner;
    uint32_t ttl;
    struct problems *problems;
};

struct dns_zone *dns_zone_new(void)
{
    struct dns_zone *zone = xcalloc(1, sizeof(*zone));

    zone->arena = arena_new();
    zone->seed = dns_seed();
    zone->mask = 255;
    zone->buckets = xcalloc(zone->mask + 1, sizeof(struct node *));
    return zone;
}

void dns_zone_free(struct dns_zone *zone)
{
    if (zone == NULL)
        return;
    arena_free(zone->arena);
    free(zone->buckets);
    free(zone);
}

static uint64_t hash_of(const struct dns_zone *zone, const char *name)
{
    return dns_hash(&(struct dns_question){name, DNS_A}, zone->seed);
}

static struct node *node_find(const struct dns_zone *zone, const char *name)
{
    uint64_t hash = hash_of(zone, name);

    for (struct node *n = zone->buckets[hash & zone->mask]; n != NULL; n = n->next)
        if (n->hash == hash && strcmp(n->name, name) == 0)
            return n;
    return NULL;
}

static void link_node(struct dns_zone *zone, struct node *node)
{
    struct node **bucket = &zone->buckets[node->hash & zone->mask];

    node->next = *bucket;
    *bucket = node;
}

static void grow(struct dns_zone *zone)
{
    struct node **old = zone->buckets, *next;
    size_t size = zone->mask + 1;

    zone->mask = size * 4 - 1;
    zone->buckets = xcalloc(size * 4, sizeof(struct node *));
    for (size_t i = 0; i < size; i++)
        for (struct node *n = old[i]; n != NULL; n = next) {
            next = n->next;
            link_node(zone, n);
        }
    free(old);
}

/* The node, made if need be with those above it. `name` lives as long as the zone. */
static struct node *node_make(struct dns_zone *zone, const char *name)
{
    struct node *first = NULL;

    for (; name != NULL; name = dns_name_parent(name)) {
        struct node *node = node_find(zone, name);

        if (node != NULL)
            return first == NULL ? node : first;
        node = arena_alloc(zone->arena, sizeof(*node));
        node->name = name;
        node->hash = hash_of(zone, name);
        if (zone->count++ > zone->mask)
            grow(zone);
        link_node(zone, node);
        if (first == NULL)
            first = node;
    }
    return first;
}

static struct node *node_of(struct dns_zone *zone, const struct dns_name *name)
{
    struct dns_name lower = *name;

    dns_name_lower(&lower);
    return node_make(zone, dns_name_text(&lower, zone->arena));
}

static bool wrong(const struct reading *r, const struct dns_entry *entry, const char *what,
                  struct slice word)
{
    return problems_add(r->problems, SEV_ERROR, entry->at, "%.*s %s", (int)word.len, word.ptr,
                        what);
}

/* `expected`: how the whole entry is written. */
static bool wrong_type(const struct reading *r, const struct dns_entry *entry, struct slice word,
                       const char *expected)
{
    struct buf names = {0};

    dns_type_list(&names);
    problems_add(r->problems, SEV_ERROR, entry->at,
                 "%.*s is no type that is known here: write %s, TYPE being one of %s",
                 (int)word.len, word.ptr, expected, buf_text(&names));
    buf_free(&names);
    return false;
}

static bool control_fault(struct reading *r, const struct dns_entry *entry, enum fault_kind kind)
{
    struct fault *fault;
    struct dns_name name;
    struct node *node;
    enum dns_type type = 0;

    if (entry->count < 2 || entry->count > 3)
        return wrong(r, entry, "wants NAME or NAME TYPE", entry->words[0].text);
    if (!dns_name_read(entry->words[1].text, &r->origin, &name))
        return wrong(r, entry, "is no name in the DNS", entry->words[1].text);
    if (entry->count == 3 && !dns_type_find(entry->words[2].text, &type))
        return wrong_type(r, entry, entry->words[2].text, "NAME or NAME TYPE");
    node = node_of(r->zone, &name);
    fault = arena_alloc(r->zone->arena, sizeof(*fault));
    *fault = (struct fault){node->faults, kind, (int)type};
    node->faults = fault;
    return true;
}

static bool control_value(struct reading *r, const struct dns_entry *entry)
{
    struct slice word = entry->words[0].text, value;
    struct dns_name name;
    long ms;

    if (entry->count != 2)
        return wrong(r, entry, "wants one value", word);
    value = entry->words[1].text;
    if (slice_is_nocase(word, "$TTL"))
        return dns_ttl_read(value, &r->ttl) || wrong(r, entry, "is no time", value);
    if (slice_is_nocase(word, "$DELAY")) {
        if (!parse_long(value, 0, 600000, &ms))
            return wrong(r, entry, "is no number of milliseconds up to 600000", value);
        r->zone->delay_us = (uint64_t)ms * 1000;
        return true;
    }
    if (!dns_name_read(value, &r->origin, &name))
        return wrong(r, entry, "is no name in the DNS", value);
    r->origin = name;
    return true;
}

static bool control(struct reading *r, const struct dns_entry *entry)
{
    struct slice word = entry->words[0].text;

    if (slice_is_nocase(word, "$TIMEOUT"))
        return control_fault(r, entry, FAULT_TIMEOUT);
    if (slice_is_nocase(word, "$SERVFAIL"))
        return control_fault(r, entry, FAULT_SERVFAIL);
    if (slice_is_nocase(word, "$BOGUS"))
        return control_fault(r, entry, FAULT_BOGUS);
    if (slice_is_nocase(word, "$ORIGIN") || slice_is_nocase(word, "$TTL") ||
        slice_is_nocase(word, "$DELAY"))
        return control_value(r, entry);
    return wrong(r, entry,
                 "is not known here; there are $ORIGIN, $TTL, $TIMEOUT, $SERVFAIL, $BOGUS, $DELAY",
                 word);
}

/* A record that is there already is not there twice (RFC 2181, 5). */
static void add_datum(struct dns_zone *zone, struct node *node, enum dns_type type, uint32_t ttl,
                      const struct buf *rdata)
{
    struct datum **at = &node->data, *datum;

    for (; *at != NULL; at = &(*at)->next)
        if ((*at)->type == type && (*at)->rdata.len == rdata->len &&
            memcmp((*at)->rdata.data, rdata->ptr, rdata->len) == 0)
            return;
    datum = arena_alloc(zone->arena, sizeof(*datum));
    datum->type = type;
    datum->ttl = ttl;
    datum->rdata.data = (unsigned char *)arena_strndup(zone->arena, rdata->ptr, rdata->len);
    datum->rdata.len = rdata->len;
    *at = datum;
}

/* [TTL] [class] or [class] [TTL] in front of the type. False for another class. */
static bool read_front(struct reading *r, const struct dns_entry *entry, size_t *i, uint32_t *ttl)
{
    for (*ttl = r->ttl; *i < entry->count; ++*i) {
        struct slice word = entry->words[*i].text;

        if (slice_is_nocase(word, "CH") || slice_is_nocase(word, "HS"))
            return wrong(r, entry, "is not the class IN", word);
        if (!slice_is_nocase(word, "IN") && !dns_ttl_read(word, ttl))
            break;
    }
    return true;
}

static bool record(struct reading *r, const struct dns_entry *entry)
{
    size_t i = entry->indented ? 0 : 1;
    struct buf rdata = {0};
    struct err err = {0};
    enum dns_type type;
    uint32_t ttl;

    if (i == 1 && !dns_name_read(entry->words[0].text, &r->origin, &r->owner))
        return wrong(r, entry, "is no name in the DNS", entry->words[0].text);
    if (r->owner.len == 0)
        return problems_add(r->problems, SEV_ERROR, entry->at, "a record without a name");
    if (!read_front(r, entry, &i, &ttl))
        return false;
    if (i == entry->count)
        return problems_add(r->problems, SEV_ERROR, entry->at, "a record without a type");
    if (!dns_type_find(entry->words[i].text, &type))
        return wrong_type(r, entry, entry->words[i].text, "NAME [TTL] [IN] TYPE DATA");
    i++;
    if (dns_rdata_read(type, entry->words + i, entry->count - i, &r->origin, &rdata, &err))
        add_datum(r->zone, node_of(r->zone, &r->owner), type, ttl, &rdata);
    else
        problems_add(r->problems, SEV_ERROR, entry->at, "%s", err.text);
    buf_free(&rdata);
    return true;
}

void dns_zone_read(struct dns_zone *zone, const char *name, struct slice text,
                   struct problems *problems)
{
    struct dns_master master = {.name = name, .text = text, .line = 1};
    struct reading r = {.zone = zone, .origin = {{0}, 1}, .ttl = TTL_PRESET, .problems = problems};
    struct dns_entry entry = {0};

    while (dns_master_next(&master, &entry, problems)) {
        const struct dns_word *first = &entry.words[0];

        if (!entry.indented && !first->quoted && first->text.len > 0 && first->text.ptr[0] == '$')
            control(&r, &entry);
        else
            record(&r, &entry);
    }
    dns_entry_free(&entry);
}

void dns_zone_load(struct dns_zone *zone, const char *path, struct problems *problems)
{
    struct err err = {0};
    struct lines *lines = lines_read(path, FILE_MAX, &err);
    struct buf text = {0};
    struct slice line;
    struct where at;

    if (lines == NULL) {
        problems_add(problems, SEV_ERROR, (struct where){0}, "%s", err.text);
        return;
    }
    while (lines_next_physical(lines, &line, &at)) {
        buf_add(&text, line.ptr, line.len);
        buf_addc(&text, '\n');
    }
    dns_zone_read(zone, path, (struct slice){buf_text(&text), text.len}, problems);
    buf_free(&text);
    lines_free(lines);
}

/* As RFC 4592, 3.3.1: `*` below the nearest name that exists. */
static const struct node *find_wildcard(const struct dns_zone *zone, const char *name,
                                        struct arena *arena)
{
    for (name = dns_name_parent(name); name != NULL; name = dns_name_parent(name))
        if (node_find(zone, name) != NULL)
            return node_find(zone, arena_printf(arena, "*.%s", name));
    return node_find(zone, "*");
}

static const struct fault *find_fault(const struct node *node, enum dns_type type)
{
    for (const struct fault *f = node->faults; f != NULL; f = f->next)
        if (f->type == 0 || f->type == (int)type)
            return f;
    return NULL;
}

static struct dns_reply *answer_fault(const struct fault *fault, uint64_t *at_us)
{
    switch (fault->kind) {
    case FAULT_TIMEOUT:
        *at_us = DNS_NEVER;
        return dns_reply_temperror("timeout");
    case FAULT_SERVFAIL:
        return dns_reply_temperror("SERVFAIL");
    case FAULT_BOGUS:
        break;
    }
    return dns_reply_temperror("bogus: the zone file says so");
}

/* The records of one type; NULL when there are none. The TTL is the smallest. */
static struct dns_reply *answer_data(const struct node *node, enum dns_type type, uint32_t ttl)
{
    struct dns_rdata *records;
    struct dns_reply *reply;
    size_t count = 0;

    for (const struct datum *d = node->data; d != NULL; d = d->next)
        count += d->type == type;
    if (count == 0)
        return NULL;
    records = xcalloc(count, sizeof(*records));
    count = 0;
    for (const struct datum *d = node->data; d != NULL; d = d->next)
        if (d->type == type) {
            records[count++] = d->rdata;
            ttl = d->ttl < ttl ? d->ttl : ttl;
        }
    reply = dns_reply_found(type, records, count, ttl, false);
    free(records);
    return reply;
}

static const struct datum *find_alias(const struct node *node)
{
    for (const struct datum *d = node->data; d != NULL; d = d->next)
        if (d->type == DNS_CNAME)
            return d;
    return NULL;
}

static struct dns_reply *answer(const struct dns_zone *zone, const struct dns_question *question,
                                struct arena *arena, uint64_t *at_us)
{
    const char *name = question->name;
    uint32_t ttl = INT32_MAX;

    for (int i = 0; i < CHAIN_MAX; i++) {
        const struct node *node = node_find(zone, name);
        const struct datum *alias;
        const struct fault *fault;
        struct dns_reply *reply;
        struct dns_name target;

        if (node == NULL && (node = find_wildcard(zone, name, arena)) == NULL)
            return dns_reply_none(DNS_NXDOMAIN, TTL_NONE, false);
        if ((fault = find_fault(node, question->type)) != NULL)
            return answer_fault(fault, at_us);
        if ((reply = answer_data(node, question->type, ttl)) != NULL)
            return reply;
        if ((alias = find_alias(node)) == NULL)
            return dns_reply_none(DNS_NODATA, TTL_NONE, false);
        dns_name_of_wire(alias->rdata.data, alias->rdata.len, &target);
        dns_name_lower(&target);
        name = dns_name_text(&target, arena);
        ttl = alias->ttl < ttl ? alias->ttl : ttl;
    }
    return dns_reply_temperror("a loop of aliases");
}

static void start(void *arg, struct dns_job *job)
{
    const struct dns_zone *zone = arg;
    struct arena *arena = arena_new();
    uint64_t at_us = zone->delay_us == 0 ? 0 : now_us() + zone->delay_us;
    struct dns_reply *reply = answer(zone, dns_job_question(job), arena, &at_us);

    dns_job_done(job, reply, at_us);
    arena_free(arena);
}

static void stop(void *arg)
{
    (void)arg;
}

static void zone_free(void *arg)
{
    dns_zone_free(arg);
}

struct dns_source dns_zone_source(struct dns_zone *zone)
{
    return (struct dns_source){zone, start, stop, zone_free};
}
