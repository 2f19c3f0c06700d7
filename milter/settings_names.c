/* settings_names - which parameter each assignment means, and those that mean none */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings_names.h"

#include "conf_pasted.h"
#include "postfix_names.h"

#include <stdlib.h>
#include <string.h>

/* Looking for the nearest name takes some time; a file with more is none of ours. */
enum { SUGGESTIONS_MAX = 50 };

static size_t row_count(void)
{
    size_t count = 0;

    while (settings_rows[count].name != NULL)
        count++;
    return count;
}

/* The later one in the file is the doubtful one; the command line replaces the file. */
static void give(const struct setting **slot, const struct setting *setting,
                 struct problems *problems)
{
    const struct setting *old = *slot;

    if (old != NULL && (old->where.line == 0) == (setting->where.line == 0))
        problems_add(problems, SEV_ERROR, setting->where,
                     "%s is the same as %s (%s:%d): remove one of them", setting->name, old->name,
                     old->where.file, old->where.line);
    if (old == NULL || setting->where.line == 0)
        *slot = setting;
}

bool settings_may_be_class(const char *name)
{
    int direction;
    const struct param *row = settings_row(name, &direction);

    return row == NULL || !(row->flags & (PARAM_SMTPD | PARAM_DIRECTED) || postfix_knows(name) ||
                            strcmp(name, "mode") == 0);
}

/* Is the assignment the definition of a class, though a parameter has the name, too? */
static bool defines_class(const struct conf *conf, const char *name)
{
    static const char *const lists[] = {"restriction_classes", "smtpd_restriction_classes"};

    if (!settings_may_be_class(name))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct setting *names = conf_find(conf, lists[i]);
        struct slice rest = slice_of(names ? names->value : ""), word;

        while (slice_word(&rest, ", \t\r\n", &word))
            if (slice_is(word, name))
                return true;
    }
    return false;
}

struct given *settings_assign(const struct conf *conf, struct problems *problems)
{
    struct given *given = xcalloc(row_count(), sizeof(*given));

    for (size_t i = 0; i < conf_count(conf); i++) {
        const struct setting *setting = conf_get(conf, i);
        const struct param *row;
        struct given *g;
        int direction;

        row = settings_row(setting->name, &direction);
        if (row == NULL || defines_class(conf, setting->name))
            continue;
        g = &given[row - settings_rows];
        if (direction < 0)
            give(&g->plain, setting, problems);
        else if (row->flags & PARAM_DIRECTED)
            give(&g->directed[direction], setting, problems);
        else
            problems_add(problems, SEV_ERROR, setting->where,
                         "%s: %s has no direction; write %s", setting->name, row->name, row->name);
    }
    return given;
}

/* The assignments that some value refers to. */
struct references {
    const struct conf *conf;
    const struct setting **list;
    size_t count, cap;
};

static void add_reference(const char *name, void *arg)
{
    struct references *r = arg;
    const struct setting *setting = conf_find(r->conf, name);

    if (setting == NULL)
        return;
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->list = xreallocarray(r->list, r->cap, sizeof(*r->list));
    }
    r->list[r->count++] = setting;
}

static int compare(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)*(const struct setting *const *)a;
    uintptr_t y = (uintptr_t)*(const struct setting *const *)b;

    return (x > y) - (x < y);
}

static struct references references_of(const struct conf *conf)
{
    struct references r = {.conf = conf};

    conf_each_reference(conf, add_reference, &r);
    if (r.count > 0)
        qsort(r.list, r.count, sizeof(*r.list), compare);
    return r;
}

static bool is_referred_to(const struct references *r, const struct setting *setting)
{
    return r->count > 0 &&
           bsearch(&setting, r->list, r->count, sizeof(*r->list), compare) != NULL;
}

static void offer(const char *name, void *arg)
{
    nearest_offer(arg, name);
}

static void report_unknown(const struct settings *settings, const struct setting *setting,
                           bool suggest, struct problems *problems)
{
    struct nearest nearest = {.name = setting->name};
    char *line = xasprintf("%s %s", setting->name, setting->value);
    char *pasted = conf_pasted(slice_of(line));

    if (suggest) {
        for (const struct param *row = settings_rows; row->name != NULL; row++)
            nearest_offer(&nearest, row->name);
        for (size_t i = 0; i < settings->source_count; i++)
            nearest_offer(&nearest, settings->sources[i].name);
        postfix_each_name(offer, &nearest);
    }
    if (pasted != NULL)
        problems_add(problems, SEV_ERROR, setting->where,
                     "%s is a setting of OpenDKIM or dkim-filter: %s", setting->name, pasted);
    else if (nearest.best != NULL)
        problems_add(problems, SEV_ERROR, setting->where, "%s: unknown name; did you mean %s?",
                     setting->name, nearest.best);
    else
        problems_add(problems, SEV_ERROR, setting->where,
                     "%s: unknown name; correct or remove it (tamis conf lists all names)",
                     setting->name);
    free(pasted);
    free(line);
}

const struct setting **settings_report_names(const struct settings *settings,
                                             struct problems *problems)
{
    struct references references = references_of(settings->conf);
    const struct setting **others = xcalloc(conf_count(settings->conf) + 1, sizeof(*others));
    int suggestions = SUGGESTIONS_MAX;
    size_t count = 0;

    for (size_t i = 0; i < conf_count(settings->conf); i++) {
        const struct setting *setting = conf_get(settings->conf, i);
        int direction;

        if (settings_row(setting->name, &direction) != NULL ||
            settings_class(settings, setting->name) != NULL)
            continue;
        if (is_referred_to(&references, setting))
            others[count++] = setting;
        else if (postfix_knows(setting->name))
            problems_add(problems, SEV_NOTE, setting->where, "%s stays in main.cf; no effect here",
                         setting->name);
        else
            report_unknown(settings, setting, suggestions-- > 0, problems);
    }
    free(references.list);
    return others;
}
