/* pattern_trial - the rules of one table, each tried by itself under the limits of a check */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PATTERN_TRIAL_H
#define TAMIS_PATTERN_TRIAL_H

#include "pattern.h"
#include "pattern_scan.h"

/* Steps that PCRE2 may take for a text in a check. */
enum { TRIAL_MATCH_LIMIT = 100000 };

/* One table under examination. */
struct trial {
    const struct pattern_table *table;
    const struct pattern_engine *engine;
    struct problems *problems;
    struct arena *arena; /* as long as the rule under examination */
    uint64_t deadline;   /* of now_us: the examination of all tables ends */
    void *shared;        /* the engine's; these three are the trial's own */
    struct arena *run_arena;
    const char *why;     /* of the last run that failed; until the next run */
};

/* The one rule under examination. */
struct trial_rule {
    struct pattern_line line;
    void *code;         /* its first pattern */
    struct atoms atoms; /* it, if is_understood */
    bool is_understood;
};

/* Sets up what the trials of one table share; trial_end frees it. */
void trial_begin(struct trial *trial, const struct pattern_table *table);
void trial_end(struct trial *trial);

/* Compiles a pattern with the options of a line; NULL when it cannot be. */
void *trial_compile(const struct trial *trial, const struct pattern_line *line,
                    struct slice pattern);
void trial_drop(const struct trial *trial, void *code); /* NULL is allowed */

enum pattern_result trial_run(struct trial *trial, const void *code, struct slice text);

/* Cuts a pattern as its line's options tell; false when it is not understood. */
bool trial_scan(const struct trial *trial, const struct pattern_line *line, struct slice pattern,
                struct atoms *atoms);

/* The text for a message: control characters shown as ?, cut if long. In trial->arena. */
const char *trial_shown(const struct trial *trial, struct slice text);

/* Each adds what it finds wrong with this rule. */
void trial_runs(struct trial *trial, const struct trial_rule *rule);
void trial_backslashes(struct trial *trial, const struct trial_rule *rule);

/* Adds the rules that never get their turn, because an earlier one always matches. For the whole
 * table; the time grows with the square of the rules, up to a limit. */
void trial_shadows(const struct trial *trial);

#endif
