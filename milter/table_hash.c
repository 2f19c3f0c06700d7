/* table_hash - keys and values found by hashing: texthash, hash, btree, lmdb and their like */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "table_hash.h"

#include "buf.h"
#include "fold.h"
#include "table_rules.h"

#include <stdlib.h>
#include <string.h>

/* Open addressing, linear probing, at most four fifths full: tags, a byte each, and numbers stay in
 * the cache even when the table is large. A key that is not there is mostly recognised by the tags;
 * one that is there costs the reading of its rule, from wherever that is. */
struct hash {
    const char *file;
    struct arena *arena, *scratch;
    struct table_rules rules;
    unsigned char *tags; /* 0: free */
    uint32_t *numbers;
    size_t mask;
};

enum { SLOTS_MIN = 16 };

static void make_slots(struct hash *hash, size_t slots)
{
    hash->mask = slots - 1;
    hash->numbers = xalloc_large(slots * (sizeof(*hash->numbers) + 1));
    hash->tags = (unsigned char *)(hash->numbers + slots);
    memset(hash->tags, 0, slots);
}

struct hash *hash_new(const char *file)
{
    struct hash *hash = xcalloc(1, sizeof(*hash));

    hash->arena = arena_new();
    hash->scratch = arena_new();
    hash->file = arena_strdup(hash->arena, file);
    make_slots(hash, SLOTS_MIN);
    return hash;
}

void hash_free(void *table)
{
    struct hash *hash = table;

    table_rules_free(&hash->rules);
    arena_free(hash->arena);
    arena_free(hash->scratch);
    free(hash->numbers);
    free(hash);
}

struct arena *hash_arena(struct hash *hash)
{
    return hash->arena;
}

/* Eight bytes a step; the keys are the administrator's, so collisions cannot be forced from
 * outside, and a lookup compares at most one key of equal hash in practice. */
static uint64_t hash_of(struct slice key)
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
    return h ^ h >> 29;
}

/* The bits that say nothing of the slot. */
static unsigned char tag_of(uint64_t h)
{
    return (unsigned char)(h >> 56 | 1);
}

static struct slice key_of(const struct table_rule *rule)
{
    return (struct slice){rule->text + rule->key, rule->key_len};
}

/* The slot of this key, or the free one where it belongs. */
static size_t slot_of(const struct hash *hash, struct slice key, uint64_t h)
{
    unsigned char tag = tag_of(h);
    size_t i;

    for (i = h & hash->mask; hash->tags[i] != 0; i = (i + 1) & hash->mask) {
        struct slice other;

        if (hash->tags[i] != tag)
            continue;
        other = key_of(table_rules_at(&hash->rules, hash->numbers[i]));
        if (other.len == key.len && memcmp(other.ptr, key.ptr, key.len) == 0)
            break;
    }
    return i;
}

static void grow_slots(struct hash *hash)
{
    size_t slots = hash->mask + 1;
    unsigned char *old_tags = hash->tags;
    uint32_t *old = hash->numbers;

    make_slots(hash, slots * 2);
    for (size_t i = 0; i < slots; i++) {
        uint64_t h;
        size_t k;

        if (old_tags[i] == 0)
            continue;
        h = hash_of(key_of(table_rules_at(&hash->rules, old[i])));
        for (k = h & hash->mask; hash->tags[k] != 0; k = (k + 1) & hash->mask)
            ;
        hash->tags[k] = old_tags[i];
        hash->numbers[k] = old[i];
    }
    free(old);
}

/* The later one takes the earlier one's place in the order, too. */
static void replace_rule(struct hash *hash, uint32_t old, uint32_t number)
{
    struct table_rules *rules = &hash->rules;

    rules->count--;
    for (size_t i = 0; i < rules->count; i++)
        if (rules->numbers[i] == old)
            rules->numbers[i] = number;
}

int hash_add(struct hash *hash, const char *text, size_t key_len, size_t value, int line,
             bool replace)
{
    struct slice key = fold_case((struct slice){text, key_len}, hash->scratch);
    struct table_rule rule = {0, (uint32_t)key.len, (uint32_t)key_len, (uint32_t)value, line};
    uint64_t h = hash_of(key);
    size_t slot = slot_of(hash, key, h);
    uint32_t old = hash->tags[slot] != 0 ? hash->numbers[slot] : 0;
    int other = old != 0 ? table_rules_at(&hash->rules, old)->line : 0;

    if (old == 0 || replace) {
        hash->numbers[slot] =
            table_rules_add(&hash->rules, &rule, text, key.ptr != text ? key.ptr : NULL);
        hash->tags[slot] = tag_of(h);
        if (old != 0)
            replace_rule(hash, old, hash->numbers[slot]);
        else if (hash->rules.count * 5 > hash->mask * 4)
            grow_slots(hash);
    }
    arena_reset(hash->scratch);
    return other;
}

enum table_result hash_lookup(const void *table, struct slice key, struct arena *arena,
                              struct hit *hit)
{
    const struct hash *hash = table;
    struct slice folded = fold_case(key.len ? key : slice_of(""), arena);
    size_t slot = slot_of(hash, folded, hash_of(folded));
    const struct table_rule *rule;

    if (hash->tags[slot] == 0)
        return TABLE_NOT_FOUND;
    rule = table_rules_at(&hash->rules, hash->numbers[slot]);
    hit->value = rule->text + rule->value;
    hit->text = rule->text;
    hit->rule = (struct where){hash->file, rule->line};
    return TABLE_FOUND;
}

void hash_each(const void *table, void (*visit)(const struct rule *rule, void *arg), void *arg)
{
    const struct hash *hash = table;
    struct buf key = {0};

    for (size_t i = 0; i < hash->rules.count; i++) {
        const struct table_rule *rule = table_rules_at(&hash->rules, hash->rules.numbers[i]);

        buf_clear(&key);
        buf_add(&key, rule->text, rule->head_len);
        visit(&(struct rule){buf_text(&key), rule->text + rule->value,
                             {hash->file, rule->line}, false},
              arg);
    }
    buf_free(&key);
}

size_t hash_count(const void *table)
{
    return ((const struct hash *)table)->rules.count;
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
    struct hash *hash = hash_new(NULL);
    struct slice text;
    struct where at;

    while (lines_next(source->lines, &text, &at, source->problems))
        read_line(hash, source, text, at);
    hash->file = arena_strdup(hash->arena, at.file);
    table_rules_finish(&hash->rules);
    lines_free(source->lines);
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
