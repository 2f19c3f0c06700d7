/* journal_dict - what the log says again and again is stored once; ids are remembered in memory */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_dict.h"

#include "arena.h"
#include "buf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Two caches of this many entries: when the young one is full the old one is forgotten. */
enum { CACHE_ENTRIES = 16384, CACHE_SLOTS = 2 * CACHE_ENTRIES, SWEEP_IDS = 2000 };

enum { SWEPT = DICT_RULE }; /* the dictionaries before this one */

static const struct {
    const char *table;
    int count;
    const char *columns[DICT_VALUES_MAX];
} layouts[DICT_COUNT] = {
    [DICT_NAME] = {"name", 1, {"text"}},
    [DICT_ADDRESS] = {"address", 1, {"text"}},
    [DICT_CLIENT] = {"client", 2, {"addr", "name"}},
    [DICT_CIRCUMSTANCE] = {"circumstance", 15,
                           {"ptr", "resolve", "daemon_name", "daemon_addr", "daemon_port", "local",
                            "tls_version", "cipher", "cipher_bits", "cert_subject", "cert_issuer",
                            "auth_method", "smtputf8", "mta_version", "mta_host"}},
    [DICT_ASKED] = {"asked", 3, {"question", "state", "answer"}},
    [DICT_DKIM] = {"dkim", 9,
                   {"domain", "selector", "algorithm", "bits", "canonicalization", "identity",
                    "result", "reason", "signed"}},
    [DICT_EDIT] = {"edit", 4, {"op", "field", "value", "rule"}},
    [DICT_RULE] = {"rule", 3, {"file", "line", "text"}},
    [DICT_VERDICT] = {"verdict", 7, {"action", "stage", "enforced", "code", "dsn", "text", "rule"}},
    [DICT_STEP] = {"step", 5, {"restriction", "question", "answer", "result", "rule"}},
};

struct cached {
    uint64_t hash;
    int64_t id;
    int64_t used;
    size_t len;
    char key[];
};

struct cache {
    struct arena *arena;
    size_t count;
    struct cached *slots[CACHE_SLOTS];
};

struct dicts {
    sqlite3 *db;
    sqlite3_stmt *find[DICT_COUNT], *insert[DICT_COUNT], *mark[DICT_COUNT], *sweep[DICT_COUNT];
    int64_t generation;
    uint64_t seed;
    struct buf key;
    struct cache *young, *old;
};

struct dict_value dict_null(void)
{
    return (struct dict_value){.type = DICT_NULL};
}

struct dict_value dict_text(const char *text, size_t len)
{
    return (struct dict_value){.type = DICT_TEXT, .ptr = text, .len = len};
}

struct dict_value dict_number(int64_t number)
{
    return (struct dict_value){.type = DICT_NUMBER, .number = number};
}

struct dict_value dict_number_or_null(int64_t number)
{
    return number != 0 ? dict_number(number) : dict_null();
}

static struct cache *cache_new(void)
{
    struct cache *cache = xcalloc(1, sizeof(*cache));

    cache->arena = arena_new();
    return cache;
}

static void cache_free(struct cache *cache)
{
    arena_free(cache->arena);
    free(cache);
}

static void cache_clear(struct cache *cache)
{
    memset(cache->slots, 0, sizeof(cache->slots));
    cache->count = 0;
    arena_reset(cache->arena);
}

static struct cached *cache_find(const struct cache *cache, uint64_t hash, const struct buf *key)
{
    struct cached *c;

    for (size_t i = hash % CACHE_SLOTS; (c = cache->slots[i]) != NULL; i = (i + 1) % CACHE_SLOTS)
        if (c->hash == hash && c->len == key->len && memcmp(c->key, key->ptr, key->len) == 0)
            return c;
    return NULL;
}

static void cache_add(struct dicts *d, uint64_t hash, const struct buf *key, int64_t id)
{
    struct cache *cache = d->young;
    struct cached *c;
    size_t i;

    if (cache->count == CACHE_ENTRIES) {
        d->young = d->old;
        d->old = cache;
        cache = d->young;
        cache_clear(cache);
    }
    c = arena_alloc(cache->arena, sizeof(*c) + key->len);
    *c = (struct cached){.hash = hash, .id = id, .used = d->generation, .len = key->len};
    memcpy(c->key, key->ptr, key->len);
    for (i = hash % CACHE_SLOTS; cache->slots[i] != NULL; i = (i + 1) % CACHE_SLOTS)
        ;
    cache->slots[i] = c;
    cache->count++;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Seeded, because the texts are the client's: nobody shall choose what collides. */
static uint64_t hash_of(const struct dicts *d, const struct buf *key)
{
    uint64_t hash = d->seed ^ key->len, word;
    size_t i;

    for (i = 0; i + 8 <= key->len; i += 8) {
        memcpy(&word, key->ptr + i, 8);
        hash = mix(hash ^ word, 0x9e3779b97f4a7c15ull ^ d->seed);
    }
    word = 0;
    memcpy(&word, key->ptr + i, key->len - i);
    return mix(hash ^ word, 0xd6e8feb86659fd93ull);
}

static void build_key(struct buf *key, enum dict dict, const struct dict_value *values)
{
    buf_clear(key);
    buf_addc(key, (char)dict);
    for (int i = 0; i < layouts[dict].count; i++) {
        const struct dict_value *v = &values[i];
        uint64_t head =
            v->type == DICT_TEXT ? (uint64_t)v->len << 2 | DICT_TEXT : (uint64_t)v->type;

        /* Type and length first: no two lists of values have the same key. */
        buf_add(key, &head, sizeof(head));
        if (v->type == DICT_TEXT)
            buf_add(key, v->ptr, v->len);
        else
            buf_add(key, &v->number, sizeof(v->number));
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    return stmt;
}

static bool prepare_dict(struct dicts *d, enum dict dict)
{
    struct buf find = {0}, insert = {0}, sql = {0};
    const char *table = layouts[dict].table;

    buf_addf(&find, "SELECT id FROM %s WHERE 1", table);
    buf_addf(&insert, "INSERT INTO %s(used", table);
    for (int i = 0; i < layouts[dict].count; i++) {
        buf_addf(&find, " AND %s IS ?%d", layouts[dict].columns[i], i + 1);
        buf_addf(&insert, ", %s", layouts[dict].columns[i]);
    }
    buf_addf(&insert, ") VALUES (?%d", layouts[dict].count + 1);
    for (int i = 0; i < layouts[dict].count; i++)
        buf_addf(&insert, ", ?%d", i + 1);
    buf_adds(&insert, ")");
    d->find[dict] = prepare(d->db, find.ptr);
    d->insert[dict] = prepare(d->db, insert.ptr);
    buf_addf(&sql, "UPDATE %s SET used = ?1 WHERE id = ?2", table);
    d->mark[dict] = prepare(d->db, sql.ptr);
    buf_clear(&sql);
    buf_addf(&sql, "DELETE FROM %s WHERE id > ?1 AND id <= ?2 AND used <= ?3", table);
    d->sweep[dict] = prepare(d->db, sql.ptr);
    buf_free(&find);
    buf_free(&insert);
    buf_free(&sql);
    return d->find[dict] != NULL && d->insert[dict] != NULL && d->mark[dict] != NULL &&
           d->sweep[dict] != NULL;
}

struct dicts *dicts_new(sqlite3 *db)
{
    struct dicts *d = xcalloc(1, sizeof(*d));

    d->db = db;
    d->young = cache_new();
    d->old = cache_new();
    if (getrandom(&d->seed, sizeof(d->seed), GRND_NONBLOCK) != (ssize_t)sizeof(d->seed))
        d->seed = now_us() * 0x9e3779b97f4a7c15ull;
    for (int i = 0; i < DICT_COUNT; i++) {
        if (!prepare_dict(d, (enum dict)i)) {
            dicts_free(d);
            return NULL;
        }
    }
    return d;
}

void dicts_free(struct dicts *d)
{
    if (d == NULL)
        return;
    for (int i = 0; i < DICT_COUNT; i++) {
        sqlite3_finalize(d->find[i]);
        sqlite3_finalize(d->insert[i]);
        sqlite3_finalize(d->mark[i]);
        sqlite3_finalize(d->sweep[i]);
    }
    cache_free(d->young);
    cache_free(d->old);
    buf_free(&d->key);
    free(d);
}

static void bind_values(sqlite3_stmt *stmt, enum dict dict, const struct dict_value *values)
{
    for (int i = 0; i < layouts[dict].count; i++) {
        if (values[i].type == DICT_TEXT)
            sqlite3_bind_text(stmt, i + 1, values[i].ptr, (int)values[i].len, SQLITE_STATIC);
        else if (values[i].type == DICT_NUMBER)
            sqlite3_bind_int64(stmt, i + 1, values[i].number);
        else
            sqlite3_bind_null(stmt, i + 1);
    }
}

int run_stmt(sqlite3_stmt *stmt)
{
    sqlite3_step(stmt);
    return sqlite3_reset(stmt);
}

static int mark(struct dicts *d, enum dict dict, int64_t id)
{
    sqlite3_bind_int64(d->mark[dict], 1, d->generation);
    sqlite3_bind_int64(d->mark[dict], 2, id);
    return run_stmt(d->mark[dict]);
}

/* Asks the table; *id 0: it is not there. */
static int find_row(struct dicts *d, enum dict dict, const struct dict_value *values, int64_t *id)
{
    sqlite3_stmt *stmt = d->find[dict];

    *id = 0;
    bind_values(stmt, dict, values);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *id = sqlite3_column_int64(stmt, 0);
    return sqlite3_reset(stmt);
}

static int find_or_insert(struct dicts *d, enum dict dict, const struct dict_value *values,
                          int64_t *id)
{
    sqlite3_stmt *stmt = d->insert[dict];
    int rc = find_row(d, dict, values, id);

    if (rc != SQLITE_OK)
        return rc;
    if (*id != 0)
        return mark(d, dict, *id);
    bind_values(stmt, dict, values);
    sqlite3_bind_int64(stmt, layouts[dict].count + 1, d->generation);
    rc = run_stmt(stmt);
    *id = sqlite3_last_insert_rowid(d->db);
    return rc;
}

int dicts_id(struct dicts *d, enum dict dict, const struct dict_value *values, int64_t *id)
{
    struct cached *c;
    uint64_t hash;
    int rc = SQLITE_OK;

    build_key(&d->key, dict, values);
    hash = hash_of(d, &d->key);
    c = cache_find(d->young, hash, &d->key);
    if (c != NULL && c->used == d->generation) {
        *id = c->id;
        return SQLITE_OK;
    }
    if (c == NULL) {
        c = cache_find(d->old, hash, &d->key);
        if (c == NULL)
            rc = find_or_insert(d, dict, values, id);
        else
            *id = c->id;
        if (rc == SQLITE_OK)
            cache_add(d, hash, &d->key, *id);
        if (rc != SQLITE_OK || c == NULL || c->used == d->generation)
            return rc;
    } else {
        *id = c->id;
        c->used = d->generation;
    }
    return mark(d, dict, *id);
}

void dicts_forget(struct dicts *d)
{
    cache_clear(d->young);
    cache_clear(d->old);
}

void dicts_set_generation(struct dicts *d, int64_t generation)
{
    d->generation = generation;
}

/* The largest id of a table, to know where a sweep ends. */
static int64_t last_row(struct dicts *d, enum dict dict)
{
    struct buf sql = {0};
    sqlite3_stmt *stmt;
    int64_t last = 0;

    buf_addf(&sql, "SELECT max(id) FROM %s", layouts[dict].table);
    stmt = prepare(d->db, sql.ptr);
    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
        last = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    buf_free(&sql);
    return last;
}

/* The position is a row of a table and the table's number in one: row * SWEPT + dict. */
int dicts_sweep(struct dicts *d, int64_t last, int64_t *position)
{
    enum dict dict = (enum dict)(*position % SWEPT);
    int64_t from = *position / SWEPT;
    sqlite3_stmt *stmt = d->sweep[dict];
    int rc;

    if (*position == 0)
        dicts_forget(d);
    sqlite3_bind_int64(stmt, 1, from);
    sqlite3_bind_int64(stmt, 2, from + SWEEP_IDS);
    sqlite3_bind_int64(stmt, 3, last);
    rc = run_stmt(stmt);
    if (rc != SQLITE_OK)
        return rc;
    if (from + SWEEP_IDS < last_row(d, dict))
        *position = (from + SWEEP_IDS) * SWEPT + (int)dict;
    else
        *position = (int)dict + 1 < SWEPT ? (int)dict + 1 : -1;
    return rc;
}
