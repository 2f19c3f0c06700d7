/* replay_rules - the rules of a policy as a list, and what two policies do not have in common */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_rules.h"

#include "steps.h"

#include <stdlib.h>
#include <string.h>

struct entry_of_rule {
    const char *file; /* as it is compared */
    const char *text;
    struct where where;
    size_t order;
};

struct rules {
    struct arena *arena;
    const struct policy *policy;
    struct entry_of_rule *list;
    size_t count, cap;
};

/* "" is the configuration itself. */
static const char *file_name(const struct rules *r, const char *file)
{
    const char *conf = r->policy->settings->file, *slash;
    size_t len;

    if (file == NULL || (conf != NULL && strcmp(file, conf) == 0))
        return "";
    if (conf == NULL)
        return file;
    slash = strrchr(conf, '/');
    len = slash != NULL ? (size_t)(slash - conf) + 1 : 0;
    return strncmp(file, conf, len) == 0 ? file + len : file;
}

static void add(struct rules *r, struct where where, const char *text)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 256;
        r->list = xreallocarray(r->list, r->cap, sizeof(*r->list));
    }
    r->list[r->count] = (struct entry_of_rule){file_name(r, where.file), text, where, r->count};
    r->count++;
}

static void add_steps(struct rules *r, enum list_id list, const struct steps *steps)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++) {
        const struct step *s = &steps->list[i];

        add(r, s->where, arena_printf(r->arena, "%s: %s%s", list_name(list),
                                      s->warn_only ? "warn_if_reject " : "", s->text));
    }
}

static void add_row(const struct rule *rule, void *arg)
{
    struct rules *r = arg;

    add(r, rule->where, arena_printf(r->arena, "%s %s", rule->key, rule->value));
}

static void add_table(const struct table *table, void *arg)
{
    table_each(table, add_row, arg);
}

static bool is_list(const struct setting_source *s)
{
    static const char tail[] = "_restrictions";
    size_t len = strlen(s->name), end = sizeof(tail) - 1;

    return s->is_class || (len > end && strcmp(s->name + len - end, tail) == 0);
}

/* Where the log is does not change what is decided. */
static bool is_rule_like(const struct setting_source *s)
{
    static const char *const others[] = {"log_file",    "early_lookups", "authentication_results",
                                         "key_table",   "signing_table", "key_list",
                                         "signing_key", "shadow_config"};

    if (!s->given || s->row == NULL || is_list(s))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (strcmp(s->row->name, others[i]) == 0)
            return false;
    return true;
}

static int by_content(const void *a, const void *b)
{
    const struct entry_of_rule *x = a, *y = b;
    int order = strcmp(x->file, y->file);

    return order != 0 ? order : strcmp(x->text, y->text);
}

static int by_order(const void *a, const void *b)
{
    const struct entry_of_rule *x = a, *y = b;

    return (x->order > y->order) - (x->order < y->order);
}

static void collect(struct rules *r, const struct policy *p, struct arena *arena)
{
    *r = (struct rules){.arena = arena, .policy = p};
    for (size_t i = 0; i < p->settings->source_count; i++) {
        const struct setting_source *s = &p->settings->sources[i];

        if (is_rule_like(s))
            add(r, s->text.where, arena_printf(arena, "%s = %s", s->name, s->text.text));
    }
    for (int list = 0; list < LIST_COUNT; list++) {
        for (int d = 0; d < DIR_COUNT; d++)
            if (d == 0 || p->lists[d][list] != p->lists[0][list])
                add_steps(r, (enum list_id)list, p->lists[d][list]);
        for (size_t i = 0; i < p->classes->count; i++)
            add_steps(r, (enum list_id)list, p->classes->list[i].steps[list]);
    }
    tables_each(p->tables, add_table, r);
    qsort(r->list, r->count, sizeof(*r->list), by_content);
}

static bool has(const struct rules *r, const struct entry_of_rule *rule)
{
    return r->count > 0 &&
           bsearch(rule, r->list, r->count, sizeof(*r->list), by_content) != NULL;
}

/* What is in `r` and not in `other`, in the order in which it stands there. */
static void add_missing(const struct rules *r, const struct rules *other, bool added,
                        struct rule_difference ***tail)
{
    struct entry_of_rule *found = xreallocarray(NULL, r->count + 1, sizeof(*found));
    size_t count = 0;

    for (size_t i = 0; i < r->count; i++) {
        bool again = i > 0 && by_content(&r->list[i - 1], &r->list[i]) == 0;

        if (!again && !has(other, &r->list[i]))
            found[count++] = r->list[i];
    }
    qsort(found, count, sizeof(*found), by_order);
    for (size_t i = 0; i < count; i++) {
        struct rule_difference *d = arena_alloc(r->arena, sizeof(*d));

        *d = (struct rule_difference){NULL, added, found[i].where, found[i].text};
        d->where.file = arena_strdup(r->arena, found[i].where.file);
        **tail = d;
        *tail = &d->next;
    }
    free(found);
}

const struct rule_difference *rules_compare(const struct policy *a, const struct policy *b,
                                            struct arena *arena)
{
    struct rule_difference *list = NULL, **tail = &list;
    struct rules first, second;

    collect(&first, a, arena);
    collect(&second, b, arena);
    add_missing(&first, &second, false, &tail);
    add_missing(&second, &first, true, &tail);
    free(first.list);
    free(second.list);
    return list;
}
