/* dns_cache - answers remembered until their time is over; bounded; the least used goes first */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { PARTS = 16, TYPICAL_SIZE = 320, SECOND = 1000000 };

struct cached {
    struct cached *next;          /* in the bucket */
    struct cached *newer, *older; /* by use */
    struct dns_reply *reply;
    uint64_t hash, expires;
    size_t size;
    enum dns_type type;
    char name[];
};

struct part {
    pthread_mutex_t lock;
    struct cached **buckets;
    struct cached *newest, *oldest;
    size_t entries, bytes;
};

struct dns_cache {
    uint64_t seed;
    size_t size_max, entries_max; /* of one part */
    size_t mask;                  /* of its buckets */
    struct part parts[PARTS];
};

uint64_t dns_seed(void)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
        seed = now_us() ^ (uint64_t)(uintptr_t)&seed ^ (uint64_t)time(NULL) << 32;
    return seed;
}

/* Strangers choose names: the seed enters with each step, so that collisions cannot be prepared. */
uint64_t dns_hash(const struct dns_question *question, uint64_t seed)
{
    const uint64_t factor = 0x9e3779b97f4a7c15ULL;
    size_t len = strlen(question->name);
    uint64_t h = (seed ^ len) * factor ^ (uint64_t)question->type, word;

    for (const char *at = question->name; len > 0; at += 8, len -= len < 8 ? len : 8) {
        word = 0;
        memcpy(&word, at, len < 8 ? len : 8);
        h = (h ^ word) * factor;
        h = (h ^ h >> 29 ^ seed) * 0xbf58476d1ce4e5b9ULL;
        h ^= h >> 32;
    }
    return h;
}

struct dns_cache *dns_cache_new(size_t size, size_t entries)
{
    struct dns_cache *cache = xcalloc(1, sizeof(*cache));
    size_t buckets = 16;

    cache->seed = dns_seed();
    cache->size_max = size / PARTS;
    cache->entries_max = entries == 0 ? size / PARTS / sizeof(struct cached)
                                      : (entries + PARTS - 1) / PARTS;
    while (buckets < size / PARTS / TYPICAL_SIZE && buckets < cache->entries_max)
        buckets *= 2;
    cache->mask = buckets - 1;
    for (size_t i = 0; i < PARTS; i++) {
        pthread_mutex_init(&cache->parts[i].lock, NULL);
        cache->parts[i].buckets = xcalloc(buckets, sizeof(struct cached *));
    }
    return cache;
}

static void unlink_use(struct part *part, struct cached *entry)
{
    *(entry->newer == NULL ? &part->newest : &entry->newer->older) = entry->older;
    *(entry->older == NULL ? &part->oldest : &entry->older->newer) = entry->newer;
}

static void link_newest(struct part *part, struct cached *entry)
{
    entry->newer = NULL;
    entry->older = part->newest;
    *(part->newest == NULL ? &part->oldest : &part->newest->newer) = entry;
    part->newest = entry;
}

static struct cached **bucket_of(const struct dns_cache *cache, struct part *part, uint64_t hash)
{
    return &part->buckets[(hash / PARTS) & cache->mask];
}

static void remove_entry(const struct dns_cache *cache, struct part *part, struct cached *entry)
{
    struct cached **at = bucket_of(cache, part, entry->hash);

    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    unlink_use(part, entry);
    part->entries--;
    part->bytes -= entry->size;
    dns_reply_release(entry->reply);
    free(entry);
}

void dns_cache_free(struct dns_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < PARTS; i++) {
        while (cache->parts[i].oldest != NULL)
            remove_entry(cache, &cache->parts[i], cache->parts[i].oldest);
        free(cache->parts[i].buckets);
        pthread_mutex_destroy(&cache->parts[i].lock);
    }
    free(cache);
}

static struct cached *find_entry(const struct dns_cache *cache, struct part *part, uint64_t hash,
                                 const struct dns_question *question)
{
    for (struct cached *e = *bucket_of(cache, part, hash); e != NULL; e = e->next)
        if (e->hash == hash && e->type == question->type && strcmp(e->name, question->name) == 0)
            return e;
    return NULL;
}

struct dns_reply *dns_cache_find(struct dns_cache *cache, const struct dns_question *question,
                                 uint64_t now, uint32_t *ttl)
{
    uint64_t hash = dns_hash(question, cache->seed);
    struct part *part = &cache->parts[hash % PARTS];
    struct dns_reply *reply = NULL;
    struct cached *entry;

    pthread_mutex_lock(&part->lock);
    entry = find_entry(cache, part, hash, question);
    if (entry != NULL && entry->expires <= now) {
        remove_entry(cache, part, entry);
    } else if (entry != NULL) {
        unlink_use(part, entry);
        link_newest(part, entry);
        reply = dns_reply_acquire(entry->reply);
        *ttl = (uint32_t)((entry->expires - now + SECOND - 1) / SECOND);
    }
    pthread_mutex_unlock(&part->lock);
    return reply;
}

static struct cached *entry_new(const struct dns_question *question, struct dns_reply *reply)
{
    size_t len = strlen(question->name) + 1, size = sizeof(struct cached) + len;
    struct cached *entry = xmalloc(size);

    entry->reply = reply;
    entry->type = question->type;
    entry->size = size + dns_reply_size(reply);
    memcpy(entry->name, question->name, len);
    return entry;
}

static void insert(struct dns_cache *cache, struct part *part, struct cached *entry)
{
    struct cached **bucket = bucket_of(cache, part, entry->hash);

    while (part->entries >= cache->entries_max || part->bytes + entry->size > cache->size_max)
        remove_entry(cache, part, part->oldest);
    entry->next = *bucket;
    *bucket = entry;
    link_newest(part, entry);
    part->entries++;
    part->bytes += entry->size;
}

void dns_cache_add(struct dns_cache *cache, const struct dns_question *question,
                   struct dns_reply *reply, uint32_t ttl, uint64_t now)
{
    struct cached *entry, *before;
    struct part *part;

    if (ttl == 0 || cache->entries_max == 0)
        return;
    entry = entry_new(question, reply);
    if (entry->size > cache->size_max) {
        free(entry);
        return;
    }
    dns_reply_acquire(reply);
    entry->hash = dns_hash(question, cache->seed);
    entry->expires = now + (uint64_t)ttl * SECOND;
    part = &cache->parts[entry->hash % PARTS];
    pthread_mutex_lock(&part->lock);
    before = find_entry(cache, part, entry->hash, question);
    if (before != NULL)
        remove_entry(cache, part, before);
    insert(cache, part, entry);
    pthread_mutex_unlock(&part->lock);
}

void dns_cache_size(struct dns_cache *cache, size_t *entries, size_t *bytes)
{
    *entries = *bytes = 0;
    for (size_t i = 0; i < PARTS; i++) {
        struct part *part = &cache->parts[i];

        pthread_mutex_lock(&part->lock);
        *entries += part->entries;
        *bytes += part->bytes;
        pthread_mutex_unlock(&part->lock);
    }
}
