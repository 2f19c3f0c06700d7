/* pattern_index - which rules of a pattern table are worth trying on a key */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_index.h"

#include <stdlib.h>
#include <string.h>

/* Two sieves, of which each only leaves out what cannot match.
 *
 * Rules that start with the name of a header up to its colon are in the list of this name, all
 * others in the general list; a key is tried on the general list and on that of its own name,
 * merged in the order of the rules.
 *
 * Each rule has up to four grams: texts of one to three bytes that its keys must hold, hashed. The
 * grams of the key are collected once, as a set of bits; a rule of which one is missing is left
 * out. Grams that share a bit let a rule through in vain, no more. */

enum { GRAMS = 4, EMPTY_GRAM = 0, TRIED_AT_LEAST = 3, BYTES_A_RULE = 64 };

/* What a gram is, beside its bytes. */
enum gram_kind { GRAM_3, GRAM_2, GRAM_1, GRAM_START_3, GRAM_START_2, GRAM_START_1 };

#define ALWAYS (UINT32_C(1) << 31)
#define RULE (ALWAYS - 1)

struct index_entry {
    uint32_t rule; /* and ALWAYS */
    uint16_t grams[GRAMS];
};

/* A list: the rules of one header. */
struct rule_list {
    struct slice name; /* folded, with its colon; empty: the general list */
    uint32_t count, first;
};

struct pattern_index {
    struct arena *arena;
    bool has_short; /* grams of one or two bytes */
    struct rule_list *headers; /* [0]: the general list */
    uint32_t header_count, header_cap;
    uint32_t *slots; /* by the hash of the name: the number of a header, 0: free */
    uint32_t slot_mask;
    struct index_entry *entries; /* list by list; while adding: as they came */
    uint32_t *list_of;           /* while adding: the number of the header of each entry */
    size_t count, cap;
};

static uint32_t hash_name(struct slice name)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ folded((unsigned char)name.ptr[i])) * 16777619u;
    return hash ^ hash >> 15;
}

/* Whether a name, which is folded, is the start of the key. */
static bool same_name(struct slice name, const char *text, size_t len)
{
    if (name.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name.ptr[i] != folded((unsigned char)text[i]))
            return false;
    return true;
}

/* The number of the list of this name, 0 when there is none; *slot: where it is, or would be. */
static uint32_t find_header(const struct pattern_index *index, struct slice name, uint32_t *slot)
{
    for (*slot = hash_name(name) & index->slot_mask; index->slots[*slot] != 0;
         *slot = (*slot + 1) & index->slot_mask) {
        uint32_t number = index->slots[*slot];

        if (same_name(index->headers[number].name, name.ptr, name.len))
            return number;
    }
    return 0;
}

/* At most half of the slots are taken. */
static void grow_headers(struct pattern_index *index)
{
    uint32_t slot;

    index->header_cap = index->header_cap ? index->header_cap * 2 : 16;
    index->headers = xreallocarray(index->headers, index->header_cap, sizeof(*index->headers));
    free(index->slots);
    index->slots = xcalloc((size_t)index->header_cap * 2, sizeof(*index->slots));
    index->slot_mask = index->header_cap * 2 - 1;
    for (uint32_t i = 1; i < index->header_count; i++) {
        find_header(index, index->headers[i].name, &slot);
        index->slots[slot] = i;
    }
}

static uint32_t header_of(struct pattern_index *index, struct slice name)
{
    uint32_t slot, number = find_header(index, name, &slot);

    if (number != 0)
        return number;
    if (index->header_count == index->header_cap) {
        grow_headers(index);
        find_header(index, name, &slot);
    }
    number = index->header_count++;
    name.ptr = arena_strndup(index->arena, name.ptr, name.len);
    index->headers[number] = (struct rule_list){.name = name};
    index->slots[slot] = number;
    return number;
}

struct pattern_index *pattern_index_new(struct arena *arena)
{
    struct pattern_index *index = xcalloc(1, sizeof(*index));

    index->arena = arena;
    grow_headers(index);
    index->headers[0] = (struct rule_list){.count = 0};
    index->header_count = 1;
    return index;
}

void pattern_index_free(struct pattern_index *index)
{
    if (index == NULL)
        return;
    free(index->headers);
    free(index->slots);
    free(index->entries);
    free(index->list_of);
    free(index);
}

static uint16_t gram_hash(uint32_t bytes, enum gram_kind kind)
{
    return (uint16_t)((bytes | (uint32_t)kind << 24) * UINT32_C(0x9e3779b1) >> 16);
}

/* `len` bytes, at most three, as a number. */
static uint32_t gram_bytes(const char *text, size_t len)
{
    uint32_t bytes = 0;

    for (size_t i = 0; i < len; i++)
        bytes = bytes << 8 | folded((unsigned char)text[i]);
    return bytes;
}

/* The gram of up to three bytes; `kind` is the one of three. */
static uint16_t gram_of(const char *text, size_t len, enum gram_kind kind)
{
    size_t used = len < 3 ? len : 3;

    return gram_hash(gram_bytes(text, used), kind + (3 - (unsigned)used));
}

/* The grams of an entry: evenly spread over the literal, the start of the key in front of them
 * unless the list has settled it. */
static void set_grams(struct pattern_index *index, struct index_entry *entry,
                      const struct pattern_required *required, bool named)
{
    const struct literal *literal = &required->literal;
    size_t used = 0, wanted, places = literal->len < 3 ? literal->len > 0 : literal->len - 2u;

    for (size_t i = 0; i < GRAMS; i++)
        entry->grams[i] = EMPTY_GRAM;
    if (!named && required->prefix.len > 0)
        entry->grams[used++] = gram_of(required->prefix.text, required->prefix.len, GRAM_START_3);
    wanted = places < GRAMS - used ? places : GRAMS - used;
    for (size_t i = 0; i < wanted; i++) {
        size_t place = wanted > 1 ? i * (places - 1) / (wanted - 1) : 0;

        entry->grams[used++] = gram_of(literal->text + place, literal->len - place, GRAM_3);
    }
    if (literal->len == 1 || literal->len == 2)
        index->has_short = true;
}

void pattern_index_add(struct pattern_index *index, uint32_t rule,
                       const struct pattern_required *required, bool always)
{
    const struct literal *prefix = &required->prefix;
    const char *colon = memchr(prefix->text, ':', prefix->len);
    bool named = colon != NULL && !always;
    uint32_t number = 0;

    if (index->count == index->cap) {
        index->cap = index->cap ? index->cap * 2 : 16;
        index->entries = xreallocarray(index->entries, index->cap, sizeof(*index->entries));
        index->list_of = xreallocarray(index->list_of, index->cap, sizeof(*index->list_of));
    }
    if (named)
        number = header_of(index,
                           (struct slice){prefix->text, (size_t)(colon + 1 - prefix->text)});
    index->headers[number].count++;
    index->list_of[index->count] = number;
    index->entries[index->count].rule = rule | (always ? ALWAYS : 0);
    set_grams(index, &index->entries[index->count], required, named);
    index->count++;
}

void pattern_index_ready(struct pattern_index *index)
{
    struct index_entry *sorted = xreallocarray(NULL, index->count + 1, sizeof(*sorted));
    uint32_t first = 0;

    for (uint32_t i = 0; i < index->header_count; i++) {
        index->headers[i].first = first;
        first += index->headers[i].count;
        index->headers[i].count = 0;
    }
    for (size_t i = 0; i < index->count; i++) {
        struct rule_list *header = &index->headers[index->list_of[i]];

        sorted[header->first + header->count++] = index->entries[i];
    }
    free(index->entries);
    free(index->list_of);
    index->entries = sorted;
    index->list_of = NULL;
}

static struct index_list list_at(const struct pattern_index *index, uint32_t number)
{
    const struct index_entry *first = index->entries + index->headers[number].first;

    return (struct index_list){first, first + index->headers[number].count};
}

static void set_add(struct pattern_walk *walk, uint16_t gram)
{
    walk->set[(gram & walk->mask) / 64] |= UINT64_C(1) << gram % 64;
}

static bool set_has(const struct pattern_walk *walk, uint16_t gram)
{
    return walk->set[(gram & walk->mask) / 64] >> gram % 64 & 1;
}

/* A set of 32 bits a byte of the key, as far as it goes: few grams share one. */
static void clear_set(struct pattern_walk *walk, size_t len)
{
    uint32_t size = 1024;

    while (size < len * 32 && size < 1u << GRAM_BITS_MAX)
        size *= 2;
    memset(walk->set, 0, size / 8);
    walk->mask = size - 1;
}

static void collect_grams(struct pattern_walk *walk, struct slice key, bool has_short)
{
    uint32_t bytes = 0;

    clear_set(walk, key.len);
    set_add(walk, EMPTY_GRAM);
    for (size_t len = 1; len <= 3 && len <= key.len; len++)
        set_add(walk, gram_of(key.ptr, len, GRAM_START_3));
    for (size_t i = 0; i < key.len; i++) {
        bytes = (bytes << 8 | folded((unsigned char)key.ptr[i])) & 0xffffff;
        if (i >= 2)
            set_add(walk, gram_hash(bytes, GRAM_3));
        if (!has_short)
            continue;
        if (i >= 1)
            set_add(walk, gram_hash(bytes & 0xffff, GRAM_2));
        set_add(walk, gram_hash(bytes & 0xff, GRAM_1));
    }
}

/* Collecting the grams of a long key has to pay. */
static bool is_worth_it(const struct pattern_walk *walk, struct slice key)
{
    size_t rules = (size_t)(walk->general.end - walk->general.at) +
                   (size_t)(walk->named.end - walk->named.at);

    return rules >= TRIED_AT_LEAST && rules >= key.len / BYTES_A_RULE;
}

void pattern_walk_start(struct pattern_walk *walk, const struct pattern_index *index,
                        struct slice key)
{
    size_t most = key.len < LITERAL_MAX ? key.len : LITERAL_MAX;
    const char *colon = memchr(key.ptr, ':', most);
    uint32_t slot, number = 0;

    walk->general = list_at(index, 0);
    walk->named = (struct index_list){NULL, NULL};
    walk->mask = 0;
    if (colon != NULL && index->header_count > 1)
        number = find_header(index, (struct slice){key.ptr, (size_t)(colon + 1 - key.ptr)}, &slot);
    if (number != 0)
        walk->named = list_at(index, number);
    if (is_worth_it(walk, key))
        collect_grams(walk, key, index->has_short);
}

static uint32_t first_rule(const struct index_list *list)
{
    return list->at < list->end ? list->at->rule & RULE : NO_RULE;
}

/* Rules in front of `from` are left out: those of an if that does not hold. */
static void skip_to(struct index_list *list, uint32_t from)
{
    const struct index_entry *low = list->at, *high = list->end;

    while (low < high) {
        const struct index_entry *middle = low + (high - low) / 2;

        if ((middle->rule & RULE) < from)
            low = middle + 1;
        else
            high = middle;
    }
    list->at = low;
}

static bool may_match(const struct pattern_walk *walk, const struct index_entry *entry)
{
    if (walk->mask == 0)
        return true;
    for (size_t i = 0; i < GRAMS; i++)
        if (!set_has(walk, entry->grams[i]))
            return false;
    return true;
}

uint32_t pattern_walk_next(struct pattern_walk *walk, uint32_t from, bool *excluded)
{
    if (first_rule(&walk->general) < from)
        skip_to(&walk->general, from);
    if (first_rule(&walk->named) < from)
        skip_to(&walk->named, from);
    for (;;) {
        uint32_t general = first_rule(&walk->general), named = first_rule(&walk->named);
        struct index_list *list = general < named ? &walk->general : &walk->named;
        const struct index_entry *entry = list->at;

        if (general == named)
            return NO_RULE;
        list->at++;
        *excluded = !may_match(walk, entry);
        if (!*excluded || (entry->rule & ALWAYS) != 0)
            return entry->rule & RULE;
    }
}
