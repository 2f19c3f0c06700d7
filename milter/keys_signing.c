/* keys_signing - OpenDKIM's SigningTable: PATTERN NAME[,NAME…] [IDENTITY] */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys_parts.h"

#include <stdlib.h>
#include <string.h>

struct key_rule *keys_add_rule(struct key_rules *rules, struct where where)
{
    if (rules->count == rules->cap) {
        rules->cap = rules->cap ? rules->cap * 2 : 16;
        rules->list = xreallocarray(rules->list, rules->cap, sizeof(*rules->list));
    }
    rules->list[rules->count] = (struct key_rule){.where = where};
    return &rules->list[rules->count++];
}

static struct slice behind_blanks(struct slice s)
{
    while (s.len > 0 && is_blank((unsigned char)s.ptr[0]))
        s.ptr++, s.len--;
    return s;
}

/* One name of a list; `rest` goes on behind the comma, or `more` is false. */
static struct slice next_name(struct slice *rest, bool *more)
{
    size_t len = 0;
    struct slice name;

    *rest = behind_blanks(*rest);
    while (len < rest->len && strchr(", \t:", rest->ptr[len]) == NULL)
        len++;
    name = (struct slice){rest->ptr, len};
    *rest = behind_blanks((struct slice){rest->ptr + len, rest->len - len});
    *more = rest->len > 0 && rest->ptr[0] == ',';
    if (*more)
        *rest = (struct slice){rest->ptr + 1, rest->len - 1};
    return name;
}

/* The rows that the names mean; what is left is the identity. */
static void find_rows(struct keys *keys, struct key_rule *rule, struct slice *rest)
{
    bool more = true;

    rule->rows = arena_alloc(keys->arena, (rest->len + 1) * sizeof(struct key_row *));
    while (more) {
        struct slice name = next_name(rest, &more);
        const struct key_row *row;

        if (name.len == 0)
            continue;
        if (slice_is(name, "%")) {
            rule->rows[rule->row_count++] = NULL;
            continue;
        }
        row = keys_find_row(keys, keys_fold(keys, name));
        if (row != NULL)
            rule->rows[rule->row_count++] = row;
        else
            problems_add(keys->problems, SEV_ERROR, rule->where,
                         "key_table has no key \"%.*s\": add it there, or correct the name here",
                         (int)name.len, name.ptr);
    }
}

/* Within d=, if that is known now. */
static void check_identity(struct keys *keys, const struct key_rule *rule)
{
    const char *at = strrchr(rule->identity, '@');

    if (at == NULL || strchr(rule->identity, ' ') != NULL) {
        problems_add(keys->problems, SEV_ERROR, rule->where,
                     "\"%s\" is no identity (i=): write user@domain or @domain", rule->identity);
        return;
    }
    for (size_t i = 0; i < rule->row_count && strchr(at, '%') == NULL; i++) {
        const char *domain = rule->rows[i] != NULL ? rule->rows[i]->domain : "%";
        size_t len = strlen(domain), tail = strlen(at + 1);

        if (strcmp(domain, "%") != 0 &&
            (tail < len || strcmp(at + 1 + tail - len, domain) != 0 ||
             (tail > len && at[tail - len] != '.')))
            problems_add(keys->problems, SEV_WARNING, rule->where,
                         "the identity (i=) %s is not within %s, and is left out: correct or "
                         "remove it", rule->identity, domain);
    }
}

static void on_row(struct keys *keys, const struct key_data *data, void *arg)
{
    struct slice rest = data->text, pattern;
    struct key_rule *rule;

    (void)arg;
    if (!slice_word(&rest, " \t", &pattern) || (rest = slice_trim(rest)).len == 0) {
        problems_add(keys->problems, SEV_ERROR, data->where,
                     "write PATTERN KEY, with a KEY of key_table, as in OpenDKIM's SigningTable");
        return;
    }
    rule = keys_add_rule(&keys->signing, data->where);
    rule->pattern = keys_fold(keys, pattern);
    find_rows(keys, rule, &rest);
    rest = behind_blanks(rest);
    if (rest.len > 0 && rest.ptr[0] == ':')
        rest = (struct slice){rest.ptr + 1, rest.len - 1};
    rest = slice_trim(rest);
    if (rest.len > 0) {
        rule->identity = keys_fold(keys, rest);
        check_identity(keys, rule);
    }
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct key_rules *rules = arg;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = strcmp(rules->list[x].pattern, rules->list[y].pattern);

    return order != 0 ? order : (x > y) - (x < y);
}

/* A file without patterns is asked for whole keys. Its wildcards would never match. */
static void check_patterns(struct keys *keys)
{
    for (size_t i = 0; i < keys->signing.count; i++) {
        const struct key_rule *rule = &keys->signing.list[i];
        size_t len = strlen(rule->pattern);

        if (strchr(rule->pattern, '*') != NULL && strcmp(rule->pattern, "*") != 0 &&
            (len < 2 || strcmp(rule->pattern + len - 2, "@*") != 0 ||
             strcspn(rule->pattern, "*") != len - 1))
            problems_add(keys->problems, SEV_WARNING, rule->where,
                         "%s never matches in a file: write signing_table = refile:FILE, or the "
                         "domain alone", rule->pattern);
    }
}

/* With globs the whole address is looked at. */
void keys_check_globs(struct keys *keys, const struct key_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        if (strpbrk(rules->list[i].pattern, "*@") == NULL)
            problems_add(keys->problems, SEV_WARNING, rules->list[i].where,
                         "%s never matches an address: write *@%s", rules->list[i].pattern,
                         rules->list[i].pattern);
}

void keys_load_signing(struct keys *keys)
{
    const struct param_text *value = &keys->settings->signing_table;
    struct key_rules *rules = &keys->signing;
    enum key_data_form form;
    const char *dir;

    if (value->text[0] == '\0')
        return;
    if (keys->settings->key_table.text[0] == '\0')
        problems_add(keys->problems, SEV_ERROR, value->where,
                     "signing_table needs key_table, which holds the keys that it names");
    keys_read(keys, value, "signing_table", &form, &dir, on_row, NULL);
    if (form == KEY_DATA_REFILE) {
        keys_check_globs(keys, rules);
        return;
    }
    check_patterns(keys);
    rules->sorted = arena_alloc(keys->arena, (rules->count + 1) * sizeof(*rules->sorted));
    for (size_t i = 0; i < rules->count; i++)
        rules->sorted[i] = i;
    qsort_r(rules->sorted, rules->count, sizeof(*rules->sorted), compare, rules);
}
