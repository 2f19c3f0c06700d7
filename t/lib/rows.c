/* rows - tests of table files written as rows: rules, key, answer, problem */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rows.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct table *open_rules(const char *type, const char *rules, bool strict,
                                struct problems *problems)
{
    struct table_limits limits = table_limits_preset;
    char *spec = xasprintf("%s:rules", type);
    struct table *table;

    limits.strict = strict;
    tap_file("rules", rules);
    table = table_open(spec, tap_dir(), (struct where){"milter.conf", 7}, &limits, problems);
    free(spec);
    return table;
}

/* "LINE:SEVERITY: TEXT" holds what is wanted. */
static bool is_problem(const struct problem *problem, const char *want)
{
    char *place = xasprintf("%d:%s: ", problem->line, severity_name(problem->severity));
    size_t len = strlen(place);
    bool same = strncmp(want, place, len) == 0 && strstr(problem->text, want + len) != NULL;

    free(place);
    return same;
}

static void check_problems(const struct row *row, const struct problems *problems)
{
    bool found = row->problem == NULL ? problems->count == 0 : strcmp(row->problem, "*") == 0;

    for (size_t i = 0; i < problems->count && row->problem != NULL && !found; i++)
        found = is_problem(&problems->list[i], row->problem);
    tap_ok(found, "%s: %s", row->name, row->problem != NULL ? row->problem : "no problem");
    for (size_t i = 0; i < problems->count && !found; i++) {
        char *text = problem_text(&problems->list[i]);

        tap_diag("%s", text);
        free(text);
    }
}

static void check_answer(const struct row *row, const struct table *table)
{
    struct arena *arena = arena_new();
    struct hit hit;
    enum table_result result = table_lookup(table, slice_of(row->key), arena, &hit);

    tap_is(result == TABLE_FOUND ? hit.value : result == TABLE_ERROR ? ERROR : NONE, row->want,
           "%s", row->name);
    if (row->line != 0)
        tap_is_int(hit.rule.line, row->line, "%s: line", row->name);
    arena_free(arena);
}

void check_rows(const char *type, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct problems problems = {0};
        struct table *table = open_rules(type, rows[i].rules, false, &problems);

        if (table != NULL)
            check_answer(&rows[i], table);
        else
            tap_is(UNUSABLE, rows[i].want, "%s", rows[i].name);
        check_problems(&rows[i], &problems);
        table_free(table);
        problems_free(&problems);
    }
}

struct problems open_strictly(const char *type, const char *rules)
{
    struct problems problems = {0};

    table_free(open_rules(type, rules, true, &problems));
    return problems;
}
