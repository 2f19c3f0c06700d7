/* pattern - rule files of regular expressions: what pcre and regexp tables have in common */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PATTERN_H
#define TAMIS_PATTERN_H

#include "pattern_literal.h"
#include "table_type.h"

/* One lookup under way: the memory that an engine needs for it, and what matched last. */
struct matching {
    const void *shared; /* of the table */
    struct arena *arena;
    void *scratch;         /* the engine's own; NULL at first */
    const size_t *offsets; /* start, end of the whole match, of group 1, 2 …; (size_t)-1: unset */
    size_t groups;         /* pairs in offsets */
    const char *why;       /* after PATTERN_FAILED; in the arena or constant */
};

enum pattern_result { PATTERN_MATCHES, PATTERN_DIFFERS, PATTERN_FAILED };
enum pattern_option { OPTION_KNOWN, OPTION_OBSOLETE, OPTION_UNKNOWN };

/* A library of regular expressions. */
struct pattern_engine {
    unsigned preset;   /* options of a pattern without flags */
    bool is_perl;      /* Perl's syntax; else POSIX's */
    bool has_and_not;  /* /a/!/b/: a and not b */
    enum pattern_option (*option)(char letter, unsigned *options); /* toggles one */

    void *(*share)(const struct table_limits *limits); /* once a table */
    void (*unshare)(void *shared);

    /* NULL, with err, for a bad pattern. *groups: how many it has; wants_groups: whether their
     * offsets will be asked for. */
    void *(*compile)(void *shared, const char *pattern, unsigned options, bool wants_groups,
                     size_t *groups, struct err *err);
    void (*drop)(void *code);

    /* What each key must hold that the pattern, compiled to `code`, matches. */
    void (*require)(const void *code, const char *pattern, unsigned options,
                    struct pattern_required *required);

    /* Sets m->offsets on a match. Any number of threads at once. */
    enum pattern_result (*match)(struct matching *m, const void *code, struct slice key);
    void (*finish)(struct matching *m); /* once a lookup, when m->scratch is not NULL; or NULL */
};

/* The functions of a table_type, the engine being given. */
void *pattern_open(struct source *source, const struct pattern_engine *engine);
enum table_result pattern_lookup(const void *table, struct slice key, struct arena *arena,
                                 struct hit *hit);
void pattern_each(const void *table, void (*visit)(const struct rule *rule, void *arg), void *arg);
size_t pattern_count(const void *table);
void pattern_free(void *table);

/* One rule or if as it was understood, for those who read patterns critically. The texts live as
 * long as the table. */
struct pattern_line {
    struct where where;
    struct slice key;     /* the patterns with their flags; empty: an if */
    struct slice pattern; /* the first one, between its delimiters */
    const char *value;    /* as written; NULL: an if */
    unsigned options;     /* of the engine */
    bool negated, is_if;
    bool has_second;      /* /a/!/b/ */
    size_t after;         /* of an if: the first line behind its endif */
};
size_t pattern_lines(const struct pattern_table *table);
struct pattern_line pattern_line(const struct pattern_table *table, size_t index);
const struct pattern_engine *pattern_engine_of(const struct pattern_table *table);

/* Is the option of this flag letter on, whether by the flag or by preset? */
bool pattern_has_option(const struct pattern_engine *engine, unsigned options, char letter);

/* A result with $1 and the like, cut into pieces at load. */
struct template;

/* Cuts `text` (NUL-terminated; lives as long as the template) by the rules of pcre_table(5): $n,
 * ${n}, $(n), $$. NULL with err set when it is malformed. *group is the largest one named. In the
 * arena. */
struct template *template_new(const char *text, struct arena *arena, size_t *group,
                              struct err *err);

/* The result for these groups; `key` is what was matched. In the arena, or living as long as the
 * template. */
const char *template_fill(const struct template *t, const struct matching *m, struct slice key,
                          struct arena *arena);

#endif
