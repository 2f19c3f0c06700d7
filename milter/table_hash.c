/* table_hash - keys and values found by hashing: texthash, hash, btree, lmdb and their like */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "table_hash.h"

#include "buf.h"
#include "fold.h"

#include <stdlib.h>
#include <string.h>

/* Texts stay in the memory of the file; only a key that folding changes is kept apart. */
struct entry {
    const char *text; /* the rule; the key as written comes first */
    const char *key;  /* folded */
    uint32_t key_len, written_len, value; /* value: offset in text */
    int line;
};

/* Open addressing, linear probing, at most half full; index 0 is free. */
struct slot {
    uint32_t hash;
    uint32_t index;
};

struct hash {
    const char *file;
    struct lines *lines;
    struct arena *arena;
    struct entry *entries; /* [0] is not used */
    size_t count, cap;     /* with [0] */
    struct slot *slots;
    size_t mask;
};

struct hash *hash_new(const char *file)
{
    struct hash *hash = xcalloc(1, sizeof(*hash));

    hash->file = file;
    hash->arena = arena_new();
    hash->count = 1;
    hash->mask = 15;
    hash->slots = xcalloc(hash->mask + 1, sizeof(*hash->slots));
    return hash;
}

void hash_free(void *table)
{
    struct hash *hash = table;

    lines_free(hash->lines);
    arena_free(hash->arena);
    free(hash->entries);
    free(hash->slots);
    free(hash);
}

struct arena *hash_arena(struct hash *hash)
{
    return hash->arena;
}

/* Eight bytes a step; the keys are the administrator's, so collisions cannot be forced from
 * outside, and a lookup compares at most one key of equal hash in practice. */
static uint32_t hash_of(struct slice key)
{
    const uint64_t factor = 0x9e3779b97f4a7c15ULL;
    uint64_t h = key.len * factor, word;
    size_t i;

    for (i = 0; i + 8 <= key.len; i += 8) {
        memcpy(&word, key.ptr + i, 8);
        h = (h ^ word) * factor;
        h ^= h >> 32;
    }
    if (i < key.len) {
        word = 0;
        memcpy(&word, key.ptr + i, key.len - i);
        h = (h ^ word) * factor;
        h ^= h >> 32;
    }
    return (uint32_t)(h ^ h >> 29);
}

/* The slot of this key, or the free one where it belongs. */
static struct slot *slot_of(const struct hash *hash, struct slice key, uint32_t h)
{
    for (size_t i = h & hash->mask;; i = (i + 1) & hash->mask) {
        struct slot *slot = &hash->slots[i];
        const struct entry *entry;

        if (slot->index == 0)
            return slot;
        if (slot->hash != h)
            continue;
        entry = &hash->entries[slot->index];
        if (entry->key_len == key.len && memcmp(entry->key, key.ptr, key.len) == 0)
            return slot;
    }
}

static void grow_slots(struct hash *hash)
{
    size_t old_count = hash->mask + 1;
    struct slot *old = hash->slots;

    hash->mask = old_count * 2 - 1;
    hash->slots = xcalloc(hash->mask + 1, sizeof(*hash->slots));
    for (size_t i = 0; i < old_count; i++) {
        size_t k = old[i].hash & hash->mask;

        if (old[i].index == 0)
            continue;
        while (hash->slots[k].index != 0)
            k = (k + 1) & hash->mask;
        hash->slots[k] = old[i];
    }
    free(old);
}

static uint32_t add_entry(struct hash *hash, const struct entry *entry)
{
    if (hash->count >= hash->cap) {
        hash->cap = hash->cap ? hash->cap * 2 : 16;
        hash->entries = xreallocarray(hash->entries, hash->cap, sizeof(*hash->entries));
    }
    hash->entries[hash->count] = *entry;
    return (uint32_t)hash->count++;
}

int hash_add(struct hash *hash, const char *text, size_t key_len, size_t value, int line,
             bool replace)
{
    struct slice key = fold_case((struct slice){text, key_len}, hash->arena);
    struct entry entry = {text, key.ptr, (uint32_t)key.len, (uint32_t)key_len, (uint32_t)value,
                          line};
    uint32_t h = hash_of(key);
    struct slot *slot = slot_of(hash, key, h);
    int other = slot->index ? hash->entries[slot->index].line : 0;

    if (slot->index != 0) {
        if (replace)
            hash->entries[slot->index] = entry;
        return other;
    }
    *slot = (struct slot){h, add_entry(hash, &entry)};
    if (hash->count * 2 > hash->mask)
        grow_slots(hash);
    return 0;
}

enum table_result hash_lookup(const void *table, struct slice key, struct arena *arena,
                              struct hit *hit)
{
    const struct hash *hash = table;
    struct slice folded = fold_case(key.len ? key : slice_of(""), arena);
    const struct slot *slot = slot_of(hash, folded, hash_of(folded));
    const struct entry *entry;

    if (slot->index == 0)
        return TABLE_NOT_FOUND;
    entry = &hash->entries[slot->index];
    hit->value = entry->text + entry->value;
    hit->text = entry->text;
    hit->rule = (struct where){hash->file, entry->line};
    return TABLE_FOUND;
}

void hash_each(const void *table, void (*visit)(const struct rule *rule, void *arg), void *arg)
{
    const struct hash *hash = table;
    struct buf key = {0};

    for (size_t i = 1; i < hash->count; i++) {
        const struct entry *entry = &hash->entries[i];

        buf_clear(&key);
        buf_add(&key, entry->text, entry->written_len);
        visit(&(struct rule){buf_text(&key), entry->text + entry->value,
                             {hash->file, entry->line}, false},
              arg);
    }
    buf_free(&key);
}

size_t hash_count(const void *table)
{
    return ((const struct hash *)table)->count - 1;
}

/* Where the key ends: at the first white space outside "…", a backslash protecting the character
 * behind it. False when a quote is not closed. */
static bool end_of_key(struct slice text, size_t *end)
{
    bool quoted = false;
    size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == '\\')
            i++;
        else if (is_space(c) && !quoted)
            break;
        else if (c == '"')
            quoted = !quoted;
    }
    *end = i < text.len ? i : text.len;
    return !quoted;
}

static void read_line(struct hash *hash, struct source *source, struct slice text, struct where at)
{
    size_t end, value;
    int first;
    bool closed = end_of_key(text, &end);

    value = (size_t)(skip_spaces((struct slice){text.ptr + end, text.len - end}).ptr - text.ptr);
    if (!is_utf8(text)) {
        problems_add(source->problems, source->dropped, at,
                     "not UTF-8: line skipped; if the file is in Latin-1: iconv -f LATIN1 -t "
                     "UTF-8 %s",
                     at.file);
        return;
    }
    check_characters(source, at, text, end);
    if (!closed) {
        problems_add(source->problems, source->dropped, at,
                     "unbalanced \" in the key: line skipped; close the quote or write \\\"");
        return;
    }
    if (value == text.len) {
        problems_add(source->problems, source->dropped, at,
                     "\"%s\" has no value: line skipped; write: key, white space, value", text.ptr);
        return;
    }
    if (text.ptr[end - 1] == ':')
        problems_add(source->problems, SEV_WARNING, at,
                     "the key ends in \":\", as in an alias file; here it is part of the key");
    first = hash_add(hash, text.ptr, end, value, at.line, false);
    if (first != 0)
        problems_add(source->problems, SEV_WARNING, at,
                     "duplicate key \"%.*s\": line %d counts, this one is never used", (int)end,
                     text.ptr, first);
}

static void *hash_open(struct source *source)
{
    struct hash *hash = NULL;
    struct slice text;
    struct where at;

    hash = hash_new(NULL);
    hash->lines = source->lines;
    while (lines_next(source->lines, &text, &at, source->problems))
        read_line(hash, source, text, at);
    hash->file = at.file;
    return hash;
}

const struct table_type type_hash = {
    .name = "texthash",
    .has_file = true,
    .folds = true,
    .open = hash_open,
    .lookup = hash_lookup,
    .each = hash_each,
    .count = hash_count,
    .free = hash_free,
};
