/* table_type - what a type of table is to table.c, and what the types that read files share */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_TABLE_TYPE_H
#define TAMIS_TABLE_TYPE_H

#include "lines.h"
#include "table.h"

/* What a table is made from. */
struct source {
    const char *name;    /* what stands behind TYPE: */
    struct where at;     /* where the specification stands; at.file lives as long as the table */
    struct lines *lines; /* of the file; belongs to the table once it is open; NULL: no file */
    const struct table_limits *limits;
    struct problems *problems;
    enum severity dropped; /* of a line that is not used */
};

/* One type of table. `open` reports what is wrong in source->problems, and returns NULL only when
 * the table as a whole is unusable; it leaves source->lines to the caller then. The others as in
 * table.h; `hit` is zeroed before `lookup`, which may find an empty value. */
struct table_type {
    const char *name;
    bool has_file, has_patterns, folds;
    void *(*open)(struct source *source);
    enum table_result (*lookup)(const void *table, struct slice key, struct arena *arena,
                                struct hit *hit);
    void (*each)(const void *table, void (*visit)(const struct rule *rule, void *arg), void *arg);
    size_t (*count)(const void *table);
    void (*free)(void *table);
};

/* The rows, for those who take the functions over from another type. */
extern const struct table_type type_hash, type_cidr, type_pcre, type_regexp, type_static,
    type_inline;

/* Statements of rule files (cidr, pcre, regexp). */
enum statement { STATEMENT_RULE, STATEMENT_IF, STATEMENT_ENDIF };

/* What this logical line is; the keyword and the blanks behind it are taken off *text. */
enum statement statement_of(struct slice *text);

/* Takes one `!` after the other off *text, with the blanks behind each; true for an odd number. */
bool take_negations(struct slice *text);

struct slice skip_spaces(struct slice text); /* those in front */

/* Reports characters that are not what they look like (no-break spaces, typographic quotes …), and
 * bytes that are no UTF-8. `head` is the part of the rule in front of the value. */
void check_characters(struct source *source, struct where at, struct slice text, size_t head);

/* Reports a broken `if`, whose rules are then applied to every key, as in Postfix. */
void report_broken_if(struct source *source, struct where at, const char *why);

#endif
