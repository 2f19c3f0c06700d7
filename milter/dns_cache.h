/* dns_cache - answers remembered until their time is over; bounded; the least used goes first */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_CACHE_H
#define TAMIS_DNS_CACHE_H

#include "dns_reply.h"

/* In parts with a lock each; any thread. */
struct dns_cache;

/* At most `size` bytes and `entries` answers (0: as many as fit), both divided among the parts. A
 * size of 0 is a cache that remembers nothing. */
struct dns_cache *dns_cache_new(size_t size, size_t entries);
void dns_cache_free(struct dns_cache *cache); /* NULL is allowed */

/* A counted reference, with the seconds that are left (at least 1); NULL if there is none. `now` is
 * of now_us. */
struct dns_reply *dns_cache_find(struct dns_cache *cache, const struct dns_question *question,
                                 uint64_t now, uint32_t *ttl);

/* Remembers a reply, which gets a reference of the cache's, for `ttl` seconds; what was there for
 * this question goes. Nothing happens when ttl is 0 or there is no room for it at all. */
void dns_cache_add(struct dns_cache *cache, const struct dns_question *question,
                   struct dns_reply *reply, uint32_t ttl, uint64_t now);

/* What is remembered now, expired answers that nobody has asked for included. */
void dns_cache_size(struct dns_cache *cache, size_t *entries, size_t *bytes);

/* A number for a question, which nobody outside can foresee: `seed` from dns_seed. */
uint64_t dns_seed(void);
uint64_t dns_hash(const struct dns_question *question, uint64_t seed);

#endif
