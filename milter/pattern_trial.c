/* pattern_trial - the rules of one table, each tried by itself under the limits of a check */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_trial.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 160 };

void trial_begin(struct trial *trial, const struct pattern_table *table)
{
    struct table_limits limits = table_limits_preset;

    limits.pcre_match = TRIAL_MATCH_LIMIT;
    trial->table = table;
    trial->engine = pattern_engine_of(table);
    trial->shared = trial->engine->share(&limits);
    trial->run_arena = arena_new();
}

void trial_end(struct trial *trial)
{
    trial->engine->unshare(trial->shared);
    arena_free(trial->run_arena);
}

void *trial_compile(const struct trial *trial, const struct pattern_line *line,
                    struct slice pattern)
{
    char *text = xstrndup(pattern.ptr, pattern.len);
    bool wants_groups = line->value != NULL && strchr(line->value, '$') != NULL;
    size_t groups;
    struct err err;
    void *code = trial->engine->compile(trial->shared, text, line->options, wants_groups, &groups,
                                        &err);

    free(text);
    return code;
}

void trial_drop(const struct trial *trial, void *code)
{
    if (code != NULL)
        trial->engine->drop(code);
}

enum pattern_result trial_run(struct trial *trial, const void *code, struct slice text)
{
    struct matching m = {.shared = trial->shared, .arena = trial->run_arena};
    enum pattern_result result;

    arena_reset(trial->run_arena);
    result = trial->engine->match(&m, code, text);
    trial->why = m.why;
    if (m.scratch != NULL && trial->engine->finish != NULL)
        trial->engine->finish(&m);
    return result;
}

/* The letter x: Perl's extended syntax has comments, POSIX's is the one understood here. */
bool trial_scan(const struct trial *trial, const struct pattern_line *line, struct slice pattern,
                struct atoms *atoms)
{
    bool is_perl = trial->engine->is_perl;

    return pattern_has_option(trial->engine, line->options, 'x') != is_perl &&
           pattern_scan(pattern, is_perl, trial->arena, atoms);
}

const char *trial_shown(const struct trial *trial, struct slice text)
{
    size_t len = text.len < SHOWN_MAX ? text.len : SHOWN_MAX;
    char *shown = arena_strndup(trial->arena, text.ptr, len);

    for (size_t i = 0; i < len; i++)
        if (!is_print((unsigned char)shown[i]))
            shown[i] = '?';
    return len < text.len ? arena_printf(trial->arena, "%s…", shown) : shown;
}
