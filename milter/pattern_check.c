/* pattern_check - reads patterns for what they surely do not mean, and proves it by running them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_check.h"

#include "pattern_trial.h"

#include <string.h>

enum { CHECK_TIME = 10 * 1000 * 1000 };

static bool has_literal(const struct atoms *atoms)
{
    for (uint32_t i = 0; i < atoms->count; i++)
        if (atoms->list[i].kind == ATOM_LITERAL)
            return true;
    return false;
}

/* What must not be there: "(?!" and "(?<!". */
static bool forbids(struct slice pattern)
{
    return memmem(pattern.ptr, pattern.len, "(?!", 3) != NULL ||
           memmem(pattern.ptr, pattern.len, "(?<!", 4) != NULL;
}

/* Of `*` and the like nobody expects that: who wrote letters meant them to be there. */
static void check_everything(struct trial *trial, const struct trial_rule *rule)
{
    if (rule->line.negated || rule->line.has_second || !rule->is_understood ||
        !has_literal(&rule->atoms) || forbids(rule->line.pattern))
        return;
    if (trial_run(trial, rule->code, slice_of("")) == PATTERN_MATCHES &&
        trial_run(trial, rule->code, slice_of("\001")) == PATTERN_MATCHES &&
        trial_run(trial, rule->code, slice_of("X-Qzv: \002")) == PATTERN_MATCHES &&
        trial_run(trial, rule->code, slice_of("!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~")) ==
            PATTERN_MATCHES)
        problems_add(trial->problems, SEV_WARNING, rule->line.where,
                     "the pattern matches every text, because all of it can be left out (a * "
                     "repeats what stands in front of it, or not even once; nothing between two | "
                     "is always there)");
}

static bool is_removal(const char *value)
{
    struct slice rest = slice_of(value), word;

    return slice_word(&rest, " \t", &word) &&
           (slice_is_nocase(word, "IGNORE") || slice_is_nocase(word, "STRIP"));
}

static void check_mime_version(struct trial *trial, const struct trial_rule *rule)
{
    if (rule->line.negated || rule->line.is_if || !is_removal(rule->line.value))
        return;
    if (trial_run(trial, rule->code, slice_of("Mime-Version: 1.0")) == PATTERN_MATCHES &&
        trial_run(trial, rule->code, slice_of("X-Qzv: \002")) == PATTERN_DIFFERS)
        problems_add(trial->problems, SEV_NOTE, rule->line.where,
                     "this removes Mime-Version: content filters elsewhere give spam points to "
                     "mail in MIME format without it; better leave it");
}

static void check_rule(struct trial *trial, size_t index)
{
    struct trial_rule rule = {.line = pattern_line(trial->table, index)};

    rule.code = trial_compile(trial, &rule.line, rule.line.pattern);
    if (rule.code == NULL)
        return;
    rule.is_understood = trial_scan(trial, &rule.line, rule.line.pattern, &rule.atoms);
    check_everything(trial, &rule);
    check_mime_version(trial, &rule);
    if (rule.is_understood && !rule.line.negated && !rule.line.has_second)
        trial_backslashes(trial, &rule);
    trial_runs(trial, &rule);
    trial_drop(trial, rule.code);
    arena_reset(trial->arena);
}

static void check_rules(struct trial *trial)
{
    for (size_t i = 0; i < pattern_lines(trial->table); i++) {
        if (now_us() > trial->deadline) {
            problems_add(trial->problems, SEV_NOTE, pattern_line(trial->table, i).where,
                         "from here on the patterns of this table are not examined: it took too "
                         "long");
            return;
        }
        check_rule(trial, i);
    }
}

static void check_table(const struct table *table, void *arg)
{
    struct trial *trial = arg;

    if (table_patterns(table) == NULL)
        return;
    trial_begin(trial, table_patterns(table));
    trial_shadows(trial);
    check_rules(trial);
    trial_end(trial);
}

void pattern_check_tables(const struct tables *tables, struct problems *problems)
{
    struct trial trial = {.problems = problems, .deadline = now_us() + CHECK_TIME};

    trial.arena = arena_new();
    tables_each(tables, check_table, &trial);
    arena_free(trial.arena);
}
