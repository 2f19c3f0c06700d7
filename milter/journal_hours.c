/* journal_hours - counters of hours under keys, in memory, and what they add to tables */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_hours.h"

#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEYS_MAX = 5,
    NUMBERS_MAX = 3,
    SLOTS = 4096,
    OPEN_LIMIT = 500,   /* names an hour and table that are told apart */
    LOGIN_LIMIT = 5000, /* those are our own users */
    OPEN_KEPT = 50,     /* of them when the hour is over, a kind */
    TRIM_HOURS = 48,    /* that a stopped filter may have left */
    PRUNE_HOURS = 24,   /* at a time */
    KINDS_MAX = 32,
};

/* `open` is the key that strangers choose, counted from 0; -1: none. It is ranked within what is in
 * `kind`, in SQL. */
static const struct layout {
    const char *table;
    int key_count, number_count, open;
    const char *keys[KEYS_MAX], *numbers[NUMBERS_MAX];
    const char *kind;
    int limit;
} layouts[COUNT_TABLES] = {
    [COUNT_MAIL] = {"hour_mail", 5, 2, -1,
                    {"direction", "action", "enforced", "stage", "code"},
                    {"messages", "recipients"}, NULL, 0},
    [COUNT_LATENCY] = {"hour_latency", 2, 1, -1, {"what", "bucket"}, {"n"}, NULL, 0},
    [COUNT_RULE] = {"hour_rule", 2, 1, -1, {"rule", "result"}, {"n"}, NULL, 0},
    [COUNT_AUTH] = {"hour_auth", 4, 1, 2, {"direction", "method", "domain", "result"}, {"n"},
                    "direction, method", OPEN_LIMIT},
    [COUNT_LOGIN] = {"hour_login", 1, 3, 0, {"login"}, {"messages", "recipients", "refused"},
                     NULL, LOGIN_LIMIT},
    [COUNT_REJECT_BY] = {"hour_reject", 2, 1, 1, {"kind", "what"}, {"n"}, "kind", OPEN_LIMIT},
};

struct count {
    struct count *next; /* of the slot */
    struct count *after; /* of all */
    uint64_t hash;
    enum count_table table;
    int64_t hour;
    struct dict_value keys[KEYS_MAX];
    int64_t numbers[NUMBERS_MAX];
};

/* How many names one kind has in this hour. */
struct names {
    char kind[48]; /* what stands in front of the open key */
    int64_t count;
};

struct counts {
    sqlite3 *db;
    sqlite3_stmt *update[COUNT_TABLES], *insert[COUNT_TABLES], *known[COUNT_TABLES];
    sqlite3_stmt *fold[COUNT_TABLES], *drop[COUNT_TABLES], *prune[COUNT_TABLES];
    sqlite3_stmt *first;
    struct arena *arena;
    struct count *slots[SLOTS], *all;
    int64_t hour;                /* of the numbers of names that follow; -1: unknown */
    struct names names[KINDS_MAX];
    size_t kinds;
    int64_t trimmed;             /* up to this hour; -1: unknown */
};

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * 0x100000001b3ull;
    return hash;
}

static uint64_t hash_of(enum count_table table, int64_t hour, const struct dict_value *keys)
{
    uint64_t hash = (0xcbf29ce484222325ull ^ (uint64_t)hour) * 31 + (uint64_t)table;

    for (int i = 0; i < layouts[table].key_count; i++) {
        if (keys[i].type == DICT_TEXT)
            hash = hash_bytes(hash * 3, keys[i].ptr, keys[i].len);
        else
            hash = (hash ^ (uint64_t)keys[i].number) * 0x9e3779b97f4a7c15ull;
    }
    return hash ^ hash >> 29;
}

static bool same_keys(const struct count *c, const struct dict_value *keys)
{
    for (int i = 0; i < layouts[c->table].key_count; i++) {
        const struct dict_value *a = &c->keys[i], *b = &keys[i];

        if (a->type == DICT_TEXT ? a->len != b->len || memcmp(a->ptr, b->ptr, a->len) != 0
                                 : a->number != b->number)
            return false;
    }
    return true;
}

static struct count *count_new(struct counts *counts, enum count_table table, int64_t hour,
                               const struct dict_value *keys)
{
    struct count *c = arena_alloc(counts->arena, sizeof(*c));

    c->table = table;
    c->hour = hour;
    for (int i = 0; i < layouts[table].key_count; i++) {
        c->keys[i] = keys[i];
        if (keys[i].type == DICT_TEXT)
            c->keys[i].ptr = arena_strndup(counts->arena, keys[i].ptr, keys[i].len);
    }
    c->after = counts->all;
    counts->all = c;
    return c;
}

void counts_add(struct counts *counts, enum count_table table, int64_t hour,
                const struct dict_value *keys, const int64_t *numbers)
{
    uint64_t hash = hash_of(table, hour, keys);
    struct count **slot = &counts->slots[hash % SLOTS], *c = *slot;

    while (c != NULL && !(c->hash == hash && c->table == table && c->hour == hour &&
                          same_keys(c, keys)))
        c = c->next;
    if (c == NULL) {
        c = count_new(counts, table, hour, keys);
        c->hash = hash;
        c->next = *slot;
        *slot = c;
    }
    for (int i = 0; i < layouts[table].number_count; i++)
        c->numbers[i] += numbers[i];
}

static void clear(struct counts *counts)
{
    memset(counts->slots, 0, sizeof(counts->slots));
    counts->all = NULL;
    arena_reset(counts->arena);
}

void counts_forget(struct counts *counts)
{
    clear(counts);
    counts->hour = counts->trimmed = -1;
}

static sqlite3_stmt *prepare(struct counts *counts, struct buf *sql)
{
    sqlite3_stmt *stmt = NULL;

    sqlite3_prepare_v3(counts->db, buf_text(sql), -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    buf_clear(sql);
    return stmt;
}

/* ?1 is the hour, then come the keys, then the numbers. */
static void prepare_writes(struct counts *counts, const struct layout *l, int table)
{
    struct buf sql = {0};

    buf_addf(&sql, "UPDATE %s SET ", l->table);
    for (int i = 0; i < l->number_count; i++)
        buf_addf(&sql, "%s%s = %s + ?%d", i ? ", " : "", l->numbers[i], l->numbers[i],
                 2 + l->key_count + i);
    buf_adds(&sql, " WHERE hour = ?1");
    for (int i = 0; i < l->key_count; i++)
        buf_addf(&sql, " AND %s = ?%d", l->keys[i], 2 + i);
    counts->update[table] = prepare(counts, &sql);
    buf_addf(&sql, "INSERT INTO %s VALUES (?1", l->table);
    for (int i = 0; i < l->key_count + l->number_count; i++)
        buf_addf(&sql, ", ?%d", 2 + i);
    buf_adds(&sql, ")");
    counts->insert[table] = prepare(counts, &sql);
    buf_addf(&sql, "DELETE FROM %s WHERE hour < ?1", l->table);
    counts->prune[table] = prepare(counts, &sql);
    buf_free(&sql);
}

/* Those of hours between ?1 and ?2 that are not frequent enough. */
static void add_rare(struct buf *sql, const struct layout *l)
{
    const char *name = l->keys[l->open];

    buf_addf(sql,
             "(hour, %s, %s) IN (SELECT hour, %s, %s FROM (SELECT hour, %s, %s, row_number() OVER"
             " (PARTITION BY hour, %s ORDER BY sum(n) DESC) AS place FROM %s WHERE hour >= ?1 AND"
             " hour < ?2 AND %s <> '*' GROUP BY hour, %s, %s) WHERE place > %d)",
             l->kind, name, l->kind, name, l->kind, name, l->kind, l->table, name, l->kind, name,
             OPEN_KEPT);
}

static void prepare_names(struct counts *counts, const struct layout *l, int table)
{
    struct buf sql = {0};

    if (l->open < 0)
        return;
    buf_addf(&sql, "SELECT count(DISTINCT %s) FROM %s WHERE hour = ?1", l->keys[l->open], l->table);
    for (int i = 0; i < l->open; i++)
        buf_addf(&sql, " AND %s = ?%d", l->keys[i], 2 + i);
    counts->known[table] = prepare(counts, &sql);
    if (l->kind == NULL) {
        buf_free(&sql);
        return;
    }
    buf_addf(&sql, "INSERT INTO %s SELECT hour", l->table);
    for (int i = 0; i < l->key_count; i++)
        buf_addf(&sql, ", %s", i == l->open ? "'*'" : l->keys[i]);
    buf_addf(&sql, ", sum(n) FROM %s WHERE ", l->table);
    add_rare(&sql, l);
    buf_adds(&sql, " GROUP BY hour");
    for (int i = 0; i < l->key_count; i++)
        if (i != l->open)
            buf_addf(&sql, ", %s", l->keys[i]);
    buf_adds(&sql, " ON CONFLICT DO UPDATE SET n = n + excluded.n");
    counts->fold[table] = prepare(counts, &sql);
    buf_addf(&sql, "DELETE FROM %s WHERE ", l->table);
    add_rare(&sql, l);
    counts->drop[table] = prepare(counts, &sql);
    buf_free(&sql);
}

static bool is_prepared(const struct counts *c, int table)
{
    const struct layout *l = &layouts[table];

    return c->update[table] != NULL && c->insert[table] != NULL && c->prune[table] != NULL &&
           (l->open < 0 || c->known[table] != NULL) &&
           (l->kind == NULL || (c->fold[table] != NULL && c->drop[table] != NULL));
}

struct counts *counts_new(sqlite3 *db)
{
    struct counts *counts = xcalloc(1, sizeof(*counts));
    struct buf sql = {0};
    bool ready = true;

    counts->db = db;
    counts->arena = arena_new();
    counts->hour = counts->trimmed = -1;
    for (int table = 0; table < COUNT_TABLES; table++) {
        prepare_writes(counts, &layouts[table], table);
        prepare_names(counts, &layouts[table], table);
        ready = ready && is_prepared(counts, table);
    }
    buf_adds(&sql, "SELECT min(hour) FROM hour_mail");
    counts->first = prepare(counts, &sql);
    buf_free(&sql);
    if (ready && counts->first != NULL)
        return counts;
    counts_free(counts);
    return NULL;
}

void counts_free(struct counts *counts)
{
    if (counts == NULL)
        return;
    for (int i = 0; i < COUNT_TABLES; i++) {
        sqlite3_finalize(counts->update[i]);
        sqlite3_finalize(counts->insert[i]);
        sqlite3_finalize(counts->known[i]);
        sqlite3_finalize(counts->fold[i]);
        sqlite3_finalize(counts->drop[i]);
        sqlite3_finalize(counts->prune[i]);
    }
    sqlite3_finalize(counts->first);
    arena_free(counts->arena);
    free(counts);
}

static void bind_key(sqlite3_stmt *stmt, int column, const struct dict_value *key)
{
    if (key->type == DICT_TEXT)
        sqlite3_bind_text(stmt, column, key->ptr, (int)key->len, SQLITE_STATIC);
    else
        sqlite3_bind_int64(stmt, column, key->number);
}

static void bind_count(sqlite3_stmt *stmt, const struct count *c)
{
    const struct layout *l = &layouts[c->table];

    sqlite3_bind_int64(stmt, 1, c->hour);
    for (int i = 0; i < l->key_count; i++)
        bind_key(stmt, 2 + i, &c->keys[i]);
    for (int i = 0; i < l->number_count; i++)
        sqlite3_bind_int64(stmt, 2 + l->key_count + i, c->numbers[i]);
}

static int run(sqlite3_stmt *stmt)
{
    int rc;

    sqlite3_step(stmt);
    rc = sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

static void kind_of(const struct count *c, char *text, size_t size)
{
    size_t len = (size_t)snprintf(text, size, "%d", (int)c->table);

    for (int i = 0; i < layouts[c->table].open && len < size; i++) {
        const struct dict_value *v = &c->keys[i];

        if (v->type == DICT_TEXT)
            len += (size_t)snprintf(text + len, size - len, " %.*s", (int)v->len, v->ptr);
        else
            len += (size_t)snprintf(text + len, size - len, " %lld", (long long)v->number);
    }
}

static int ask_names(struct counts *counts, const struct count *c, int64_t *count)
{
    sqlite3_stmt *stmt = counts->known[c->table];
    int rc;

    sqlite3_bind_int64(stmt, 1, c->hour);
    for (int i = 0; i < layouts[c->table].open; i++)
        bind_key(stmt, 2 + i, &c->keys[i]);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *count = sqlite3_column_int64(stmt, 0);
    rc = sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

/* How many names the hour has already of this kind: asked once an hour. */
static int know_names(struct counts *counts, const struct count *c, struct names **names)
{
    char kind[sizeof((*names)->kind)];
    int rc;

    if (counts->hour != c->hour || counts->kinds == KINDS_MAX)
        counts->kinds = 0;
    counts->hour = c->hour;
    kind_of(c, kind, sizeof(kind));
    for (size_t i = 0; i < counts->kinds; i++) {
        *names = &counts->names[i];
        if (strcmp((*names)->kind, kind) == 0)
            return SQLITE_OK;
    }
    *names = &counts->names[counts->kinds];
    memcpy((*names)->kind, kind, sizeof(kind));
    rc = ask_names(counts, c, &(*names)->count);
    counts->kinds += rc == SQLITE_OK;
    return rc;
}

/* A name that this hour does not have; *again: it had to become "*", which it may have. */
static int admit_name(struct counts *counts, struct count *c, bool *again)
{
    const struct layout *l = &layouts[c->table];
    struct dict_value *name = &c->keys[l->open];
    struct names *names;
    int rc = know_names(counts, c, &names);

    if (rc != SQLITE_OK || (name->len == 1 && name->ptr[0] == '*'))
        return rc;
    *again = names->count >= l->limit;
    if (*again)
        *name = dict_text("*", 1);
    else
        names->count++;
    return rc;
}

static int write_one(struct counts *counts, struct count *c)
{
    bool again;
    int rc;

    do {
        again = false;
        bind_count(counts->update[c->table], c);
        rc = run(counts->update[c->table]);
        if (rc != SQLITE_OK || sqlite3_changes(counts->db) > 0)
            return rc;
        if (layouts[c->table].open >= 0)
            rc = admit_name(counts, c, &again);
    } while (rc == SQLITE_OK && again);
    if (rc != SQLITE_OK)
        return rc;
    bind_count(counts->insert[c->table], c);
    return run(counts->insert[c->table]);
}

/* The hours that are over. */
static int trim(struct counts *counts, int64_t hour)
{
    int64_t from = counts->trimmed >= 0 ? counts->trimmed : hour - TRIM_HOURS;
    int rc = SQLITE_OK;

    if (counts->trimmed >= hour)
        return SQLITE_OK;
    for (int i = 0; i < 2 * COUNT_TABLES && rc == SQLITE_OK; i++) {
        sqlite3_stmt *stmt = i % 2 == 0 ? counts->fold[i / 2] : counts->drop[i / 2];

        if (stmt == NULL)
            continue;
        sqlite3_bind_int64(stmt, 1, from);
        sqlite3_bind_int64(stmt, 2, hour);
        rc = run(stmt);
    }
    if (rc == SQLITE_OK)
        counts->trimmed = hour;
    return rc;
}

int counts_write(struct counts *counts)
{
    int64_t newest = -1;
    int rc = SQLITE_OK;

    for (struct count *c = counts->all; c != NULL && rc == SQLITE_OK; c = c->after) {
        newest = c->hour > newest ? c->hour : newest;
        rc = write_one(counts, c);
    }
    if (rc == SQLITE_OK && newest >= 0)
        rc = trim(counts, newest);
    clear(counts);
    return rc;
}

int counts_prune(struct counts *counts, int64_t hour, bool *more)
{
    int64_t first = hour;
    int rc;

    *more = false;
    if (sqlite3_step(counts->first) == SQLITE_ROW &&
        sqlite3_column_type(counts->first, 0) != SQLITE_NULL)
        first = sqlite3_column_int64(counts->first, 0);
    rc = sqlite3_reset(counts->first);
    if (rc != SQLITE_OK || first >= hour)
        return rc;
    *more = first + PRUNE_HOURS < hour;
    for (int i = 0; i < COUNT_TABLES && rc == SQLITE_OK; i++) {
        sqlite3_bind_int64(counts->prune[i], 1, *more ? first + PRUNE_HOURS : hour);
        rc = run(counts->prune[i]);
    }
    return rc;
}
