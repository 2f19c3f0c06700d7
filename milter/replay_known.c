/* replay_known - the correspondents of a log: to whom mail went out */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_known.h"

#include <stdlib.h>

/* Hashes alone: 64 bits of some millions of addresses do not meet. */
struct correspondents {
    uint64_t *slots; /* 0: free */
    size_t size, count;
};

static uint64_t hash_of(const char *address)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (const char *p = address; *p != '\0'; p++)
        h = (h ^ (unsigned char)to_lower((unsigned char)*p)) * 0x100000001b3u;
    h ^= h >> 29;
    return h != 0 ? h : 1;
}

static uint64_t *slot_of(const struct correspondents *c, uint64_t hash)
{
    size_t i = (size_t)hash & (c->size - 1);

    while (c->slots[i] != 0 && c->slots[i] != hash)
        i = (i + 1) & (c->size - 1);
    return &c->slots[i];
}

static void grow(struct correspondents *c)
{
    uint64_t *old = c->slots;
    size_t size = c->size;

    c->size *= 2;
    c->slots = xcalloc(c->size, sizeof(*c->slots));
    for (size_t i = 0; i < size; i++)
        if (old[i] != 0)
            *slot_of(c, old[i]) = old[i];
    free(old);
}

static void add(struct correspondents *c, const char *address)
{
    uint64_t hash = hash_of(address), *slot = slot_of(c, hash);

    if (*slot != 0)
        return;
    *slot = hash;
    if (++c->count * 2 > c->size)
        grow(c);
}

struct correspondents *correspondents_read(struct logdb *log)
{
    struct correspondents *c = xcalloc(1, sizeof(*c));
    sqlite3_stmt *stmt = logdb_prepare(
        log, "SELECT text FROM address WHERE id IN (SELECT r.address FROM mail AS m "
             "CROSS JOIN mail_recipient AS r ON r.id = m.id JOIN verdict AS v ON v.id = r.verdict "
             "WHERE m.direction = 1 AND v.action = 'accept')", NULL);

    c->size = 1024;
    c->slots = xcalloc(c->size, sizeof(*c->slots));
    while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
        add(c, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return c;
}

void correspondents_free(struct correspondents *c)
{
    if (c == NULL)
        return;
    free(c->slots);
    free(c);
}

bool correspondents_has(const struct correspondents *c, const char *address)
{
    return *slot_of(c, hash_of(address)) != 0;
}
