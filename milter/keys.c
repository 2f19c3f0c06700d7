/* keys - the private keys of a policy, and which of them sign for whom */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys.h"

#include "keys_parts.h"

#include <stdlib.h>
#include <string.h>

struct keys *keys_load(const struct settings *settings, struct problems *problems)
{
    struct keys *keys = xcalloc(1, sizeof(*keys));

    keys->arena = arena_new();
    keys->settings = settings;
    keys->problems = problems;
    keys_load_table(keys);
    keys_load_signing(keys);
    keys_load_list(keys);
    keys_load_plain(keys);
    if (settings->key_table.text[0] != '\0' && settings->signing_table.text[0] == '\0')
        problems_add(problems, SEV_ERROR, settings->key_table.where,
                     "key_table needs signing_table, which says whose mail its keys sign");
    keys->problems = NULL;
    return keys;
}

void keys_free(struct keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < keys->file_count; i++)
        dkim_key_free(keys->files[i]->key);
    free(keys->files);
    free(keys->watched);
    free(keys->rows);
    free(keys->signing.list);
    free(keys->lists.list);
    free(keys->plain.list);
    arena_free(keys->arena);
    free(keys);
}

bool keys_are_empty(const struct keys *keys)
{
    return keys->row_count == 0;
}

/* One search. */
struct search {
    const struct keys *keys;
    const char *address, *domain; /* of the author */
    struct arena *arena;
    struct key_choice *list;
    size_t count, cap;
};

/* Only * has a meaning. Backs up to the last * alone, which is enough. */
static bool glob_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern == *text) {
            pattern++, text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static const struct key_file *file_for(const struct key_row *row, const char *domain)
{
    size_t low = 0, high = row->held_count;

    if (row->held_count > 0 && row->held[0].domain == NULL)
        return row->held[0].file;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(row->held[middle].domain, domain) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < row->held_count && strcmp(row->held[low].domain, domain) == 0
               ? row->held[low].file : NULL;
}

/* i= with the author's domain in it; NULL unless it is within d= (RFC 6376, 3.5). */
static const char *identity_of(const struct search *s, const char *identity, const char *domain)
{
    const char *percent, *at;
    size_t len, tail;

    if (identity == NULL)
        return NULL;
    while ((percent = strchr(identity, '%')) != NULL)
        identity = arena_printf(s->arena, "%.*s%s%s", (int)(percent - identity), identity,
                                s->domain, percent + 1);
    at = strrchr(identity, '@');
    if (at == NULL)
        return NULL;
    len = strlen(domain);
    tail = strlen(at + 1);
    if (tail < len || strcmp(at + 1 + tail - len, domain) != 0 ||
        (tail > len && at[tail - len] != '.'))
        return NULL;
    return identity;
}

static void fill(struct key_choice *choice, const struct key_row *row, const struct key_file *file)
{
    *choice = (struct key_choice){
        .domain = row->domain,
        .selector = row->selector,
        .key = file->key,
        .path = file->path,
        .not_before = row->not_before,
        .not_after = row->not_after,
        .made = file->made,
        .where = row->where,
    };
}

static bool is_chosen(const struct search *s, const struct key_choice *choice)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].key == choice->key && strcmp(s->list[i].domain, choice->domain) == 0 &&
            strcmp(s->list[i].selector, choice->selector) == 0)
            return true;
    return false;
}

static void choose(struct search *s, const struct key_rule *rule, const struct key_row *row)
{
    const struct key_file *file = row != NULL ? file_for(row, s->domain) : NULL;
    struct key_choice choice;

    if (file == NULL || file->key == NULL)
        return;
    fill(&choice, row, file);
    if (strcmp(choice.domain, "%") == 0)
        choice.domain = s->domain;
    choice.identity = identity_of(s, rule->identity, choice.domain);
    choice.rule = rule->where;
    if (is_chosen(s, &choice))
        return;
    if (s->count == s->cap) {
        struct key_choice *old = s->list;

        s->cap = s->cap ? s->cap * 2 : 4;
        s->list = arena_alloc(s->arena, s->cap * sizeof(*s->list));
        if (old != NULL)
            memcpy(s->list, old, s->count * sizeof(*old));
    }
    s->list[s->count++] = choice;
}

static void choose_all(struct search *s, const struct key_rule *rule)
{
    for (size_t i = 0; i < rule->row_count; i++)
        choose(s, rule, rule->rows[i] != NULL ? rule->rows[i] : keys_find_row(s->keys, s->domain));
}

/* The rules in their order; behind the first that matches only those with the same pattern, unless
 * all are wanted. */
static void search_globs(struct search *s, const struct key_rules *rules)
{
    const char *first = NULL;

    for (size_t i = 0; i < rules->count; i++) {
        const struct key_rule *rule = &rules->list[i];

        if (first != NULL && !s->keys->settings->multiple_signatures
                ? strcmp(rule->pattern, first) != 0
                : !glob_matches(rule->pattern, s->address))
            continue;
        if (first == NULL)
            first = rule->pattern;
        choose_all(s, rule);
    }
}

/* All rules with just this pattern; false: none. */
static bool search_exactly(struct search *s, const struct key_rules *rules, const char *pattern)
{
    size_t low = 0, high = rules->count;
    bool found = false;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(rules->list[rules->sorted[middle]].pattern, pattern) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < rules->count; low++) {
        const struct key_rule *rule = &rules->list[rules->sorted[low]];

        if (strcmp(rule->pattern, pattern) != 0)
            break;
        choose_all(s, rule);
        found = true;
    }
    return found;
}

/* Asks for one key; true: enough was found. */
static bool try(struct search *s, const char *pattern)
{
    return search_exactly(s, &s->keys->signing, pattern) && !s->keys->settings->multiple_signatures;
}

/* user@host, host, user@.super …, .super …, user@*, *: opendkim.conf(5), SigningTable. */
static void search_file(struct search *s)
{
    int user_len = (int)(s->domain - s->address);
    const char *dot;

    if (s->keys->signing.count == 0 || try(s, s->address) || try(s, s->domain))
        return;
    for (dot = strchr(s->domain, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        if (try(s, arena_printf(s->arena, "%.*s%s", user_len, s->address, dot)))
            return;
    for (dot = strchr(s->domain, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        if (try(s, dot))
            return;
    if (!try(s, arena_printf(s->arena, "%.*s*", user_len, s->address)))
        try(s, "*");
}

/* Here a pattern is "*@DOMAIN", whole. */
static void search_plain(struct search *s)
{
    for (size_t i = 0; i < s->keys->plain.count; i++) {
        const struct key_rule *rule = &s->keys->plain.list[i];

        if (strcmp(rule->rows[0]->domain, s->domain) == 0)
            choose_all(s, rule);
    }
}

size_t keys_select(const struct keys *keys, const char *address, struct arena *arena,
                   const struct key_choice **list)
{
    struct search s = {.keys = keys, .address = address, .arena = arena};
    const char *at = strrchr(address, '@');

    *list = NULL;
    if (at == NULL || !keys_is_domain(at + 1))
        return 0;
    s.domain = at + 1;
    if (keys->signing.sorted != NULL)
        search_file(&s);
    else
        search_globs(&s, &keys->signing);
    if (s.count == 0)
        search_globs(&s, &keys->lists);
    if (s.count == 0)
        search_plain(&s);
    *list = s.list;
    return s.count;
}

/* A key that signs for any domain stays one. */
void keys_each(const struct keys *keys,
               void (*visit)(const struct key_choice *choice, void *arg), void *arg)
{
    for (size_t i = 0; i < keys->row_count; i++) {
        const struct key_row *row = keys->rows[i];

        for (size_t j = 0; j < row->held_count; j++) {
            struct key_choice choice;

            if (row->held[j].file->key == NULL)
                continue;
            fill(&choice, row, row->held[j].file);
            if (strcmp(row->domain, "%") == 0 && row->held[j].domain != NULL)
                choice.domain = row->held[j].domain;
            visit(&choice, arg);
        }
    }
}

void keys_each_file(const struct keys *keys, void (*visit)(const char *path, void *arg), void *arg)
{
    for (size_t i = 0; i < keys->watched_count; i++)
        visit(keys->watched[i], arg);
    for (size_t i = 0; i < keys->file_count; i++)
        if (!keys->files[i]->is_inline)
            visit(keys->files[i]->path, arg);
}
