/* table - TYPE:NAME as Postfix's lookup tables: opened at load, immutable, asked by many threads */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_TABLE_H
#define TAMIS_TABLE_H

#include "arena.h"
#include "base.h"
#include "problems.h"

enum table_result {
    TABLE_FOUND,
    TABLE_NOT_FOUND,
    TABLE_ERROR, /* the answer cannot be known: Postfix answers 451; hit.why says why */
};

/* What a lookup found. */
struct hit {
    const char *value; /* after $1 substitution; in the arena, or living as long as the table */
    struct where rule; /* file and first line of the rule; lives as long as the table */
    const char *text;  /* the rule as written, one logical line; lives as long as the table */
    const char *why;   /* only with TABLE_ERROR */

    /* The last rule that could not be tried to its end, whatever the result: a pattern that hit a
     * limit (or another error of matching) counts as not matched, with `!` too. file NULL: none.
     * Whoever looks up should log it, rate-limited. */
    struct where undecided;
    const char *undecided_why;
};

/* Limits of regular expressions; presets in table_limits_preset. */
struct table_limits {
    unsigned long pcre_match, pcre_depth; /* pcre2_set_match_limit, pcre2_set_depth_limit */
    unsigned long pcre_heap_kb;           /* pcre2_set_heap_limit */
    unsigned long regexp_text;            /* bytes of a text that regexp: tables look at */
    bool strict; /* strict_tables: a line that Postfix would skip with a warning is an error */
};

extern const struct table_limits table_limits_preset;

struct table;

/* Opens "TYPE:NAME" ("proxy:" in front is dropped; hash, btree, lmdb, cdb, dbm and texthash are
 * read from the text file NAME; static:VALUE and inline:{ … } have no file). A relative NAME is
 * relative to `dir` (NULL: to the working directory). limits may be NULL: the preset. Every
 * skipped or doubtful line is added to `problems` with its place. NULL when the table is unusable
 * (unknown type, file missing, a directory, a FIFO, unreadable …): then `problems`, too, holds the
 * error, placed at `at` (where the specification stands). The caller frees the table. Reads the
 * file, so it may block. */
struct table *table_open(const char *spec, const char *dir, struct where at,
                         const struct table_limits *limits, struct problems *problems);
void table_free(struct table *table); /* NULL is allowed */

/* One question, no parents or partial keys: the table's own key folding is applied (hash-like
 * tables compare casefolded keys; cidr knows addresses only; pcre and regexp match the bytes as
 * they are). Any number of threads at once; never waits for anything outside. Allocates from
 * `arena` only (but for what regexec(3) takes for itself; glibc's holds a lock for each pattern,
 * too). The key may hold any byte, NUL too. *hit is overwritten. An empty value is TABLE_ERROR, as
 * in Postfix; then hit.value is "", and rule and text are those of the rule (postmap -q prints the
 * empty value). The value of a pcre, regexp or cidr rule may be no UTF-8: where Postfix asks for
 * UTF-8 (access maps), that is a lookup error, too. */
enum table_result table_lookup(const struct table *table, struct slice key, struct arena *arena,
                               struct hit *hit);

/* Postfix's DICT_FLAG_FIXED, inverted: true for tables that match patterns (cidr, pcre, regexp) and
 * so are asked for full keys only, never for parents or partial addresses. */
bool table_has_patterns(const struct table *table);

/* True when the keys are compared with case folded (hash-like). */
bool table_folds(const struct table *table);

/* These live as long as the table. */
const char *table_spec(const struct table *table); /* "texthash:/etc/tamis/rules/client" */
const char *table_type(const struct table *table); /* "texthash" */
const char *table_file(const struct table *table); /* the file's path, or NULL */

/* Calls `visit` once a rule in the order of the file, with the key or pattern as written, the value
 * as written and the place; if/endif lines are not rules. For `tamis check`. */
struct rule {
    const char *key;
    const char *value;
    struct where where;
    bool substitutes; /* the value holds $1 and the like */
};
void table_each(const struct table *table, void (*visit)(const struct rule *rule, void *arg),
                void *arg);
size_t table_count(const struct table *table); /* rules */

/* The rules of a pcre: or regexp: table for pattern.h; NULL for another type. */
struct pattern_table;
const struct pattern_table *table_patterns(const struct table *table);

/* Is this the name of a table type that tamis reads ("texthash", also "proxy"), or that Postfix
 * knows ("mysql", "ldap" …; all of ours, too)? */
bool table_type_is_ours(struct slice type);
bool table_type_is_postfix(struct slice type);

/* Does this word look like TYPE:NAME with a type that Postfix knows? */
bool table_is_spec(struct slice word);

/* The tables of one policy, each opened once however often it is named. */
struct tables;
struct tables *tables_new(const struct table_limits *limits);
void tables_free(struct tables *tables);

/* As table_open, shared: the result belongs to `tables`. An unusable table is tried again, and so
 * reported, at each place that names it. */
const struct table *tables_find(struct tables *tables, const char *spec, const char *dir,
                                struct where at, struct problems *problems);

/* Each of them once, in the order in which they were first named. */
void tables_each(const struct tables *tables,
                 void (*visit)(const struct table *table, void *arg), void *arg);

/* The files that the tables were read from, those that could not be read, too: to watch them. */
void tables_each_file(const struct tables *tables, void (*visit)(const char *path, void *arg),
                      void *arg);

#endif
