/* replay_dict - the log's dictionaries, read when they are needed and remembered */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_dict.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 1024, MEMORY_MAX = 256 * 1024 * 1024 };

struct slot {
    int64_t id; /* 0: free */
    struct replay_entry entry;
    bool missing;
};

struct cache {
    sqlite3_stmt *stmt;
    struct slot *slots;
    size_t size, count; /* a power of two */
};

struct replay_dicts {
    struct arena *arena;
    struct cache caches[RDICT_COUNT];
};

static const char *const queries[RDICT_COUNT] = {
    [RDICT_NAME] = "SELECT text FROM name WHERE id = ?1",
    [RDICT_ADDRESS] = "SELECT text FROM address WHERE id = ?1",
    [RDICT_CLIENT] = "SELECT addr, name FROM client WHERE id = ?1",
    [RDICT_CIRCUMSTANCE] = ("SELECT ptr, resolve, daemon_name, daemon_addr, daemon_port, local, "
                            "tls_version, cipher, cipher_bits, cert_subject, cert_issuer, "
                            "auth_method, smtputf8, mta_version, mta_host "
                            "FROM circumstance WHERE id = ?1"),
    [RDICT_RULE] = "SELECT file, line, text FROM rule WHERE id = ?1",
    [RDICT_VERDICT] = ("SELECT action, stage, enforced, code, dsn, text, rule FROM verdict "
                       "WHERE id = ?1"),
    [RDICT_STEP] = "SELECT restriction, question, answer, result, rule FROM step WHERE id = ?1",
    [RDICT_DKIM] = "SELECT domain, selector, algorithm, result, signed FROM dkim WHERE id = ?1",
    [RDICT_EDIT] = "SELECT op, field, value, rule FROM edit WHERE id = ?1",
    [RDICT_ASKED] = "SELECT question, state, answer FROM asked WHERE id = ?1",
};

struct replay_dicts *replay_dicts_new(struct logdb *log, struct err *err)
{
    struct replay_dicts *d = xcalloc(1, sizeof(*d));

    d->arena = arena_new();
    for (int i = 0; i < RDICT_COUNT; i++) {
        struct cache *c = &d->caches[i];

        c->size = SLOTS_MIN;
        c->slots = xcalloc(c->size, sizeof(*c->slots));
        c->stmt = logdb_prepare(log, queries[i], err);
        if (c->stmt == NULL) {
            replay_dicts_free(d);
            return NULL;
        }
    }
    return d;
}

void replay_dicts_free(struct replay_dicts *d)
{
    if (d == NULL)
        return;
    for (int i = 0; i < RDICT_COUNT; i++) {
        sqlite3_finalize(d->caches[i].stmt);
        free(d->caches[i].slots);
    }
    arena_free(d->arena);
    free(d);
}

static struct slot *slot_of(const struct cache *c, int64_t id)
{
    size_t i = (size_t)((uint64_t)id * 0x9e3779b97f4a7c15u >> 20) & (c->size - 1);

    while (c->slots[i].id != 0 && c->slots[i].id != id)
        i = (i + 1) & (c->size - 1);
    return &c->slots[i];
}

static void grow(struct cache *c)
{
    struct slot *old = c->slots;
    size_t size = c->size;

    c->size *= 2;
    c->slots = xcalloc(c->size, sizeof(*c->slots));
    for (size_t i = 0; i < size; i++)
        if (old[i].id != 0)
            *slot_of(c, old[i].id) = old[i];
    free(old);
}

static void read_entry(struct arena *arena, sqlite3_stmt *stmt, struct replay_entry *entry)
{
    int count = sqlite3_column_count(stmt);
    const char **text = arena_alloc(arena, (size_t)count * sizeof(*text));
    int64_t *number = arena_alloc(arena, (size_t)count * sizeof(*number));

    for (int i = 0; i < count; i++) {
        number[i] = sqlite3_column_int64(stmt, i);
        text[i] = arena_strdup(arena, (const char *)sqlite3_column_text(stmt, i));
    }
    *entry = (struct replay_entry){text, number};
}

const struct replay_entry *replay_dict_find(struct replay_dicts *d, enum replay_dict dict,
                                            int64_t id)
{
    struct cache *c = &d->caches[dict];
    struct slot *slot;

    if (id == 0)
        return NULL;
    slot = slot_of(c, id);
    if (slot->id == 0) {
        if (++c->count * 2 > c->size) {
            grow(c);
            slot = slot_of(c, id);
        }
        slot->id = id;
        sqlite3_bind_int64(c->stmt, 1, id);
        slot->missing = sqlite3_step(c->stmt) != SQLITE_ROW;
        if (!slot->missing)
            read_entry(d->arena, c->stmt, &slot->entry);
        sqlite3_reset(c->stmt);
    }
    return slot->missing ? NULL : &slot->entry;
}

void replay_dicts_tidy(struct replay_dicts *d)
{
    if (arena_size(d->arena) < MEMORY_MAX)
        return;
    arena_reset(d->arena);
    for (int i = 0; i < RDICT_COUNT; i++) {
        memset(d->caches[i].slots, 0, d->caches[i].size * sizeof(*d->caches[i].slots));
        d->caches[i].count = 0;
    }
}
