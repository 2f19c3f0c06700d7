/* report - what the statements of a report gave, and the shapes in which it is printed */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPORT_H
#define TAMIS_REPORT_H

#include "arena.h"
#include "buf.h"
#include "logdb.h"

/* A value of a cell; text NULL: SQL's NULL. */
struct report_cell {
    const char *text;
    size_t len;
    bool number;
};

/* What one statement gave. */
struct report_table {
    struct report_table *next;
    const char **names;
    size_t columns, rows;
    int bar;                         /* the column whose numbers are drawn as bars, too; -1: none */
    const struct report_cell *cells; /* rows * columns */
};

/* A file of sql/: its name without directory and .sql, and what it says. The first line is
 * `-- NAME - what it shows`. A line `-- bar: COLUMN` names the column that gets bars. A file may
 * hold several statements; each gives a table. */
struct report {
    const char *name, *sql;
    const char *about; /* what it shows */
    struct report_table *tables;
};

/* A report as the program carries it: milter/report_files.c is made from sql/ at build time. */
struct report_file {
    const char *name, *sql;
};
extern const struct report_file report_files[];

/* The bounds of a run; the statements know them as :first, :since and :now. */
struct report_span {
    const char *text; /* as it was asked for, or NULL: the report's own */
    int64_t first;    /* id */
    int64_t now_ms;
};

/* Runs all statements. What they gave, in their order, is in the arena. False with err. */
bool report_run(struct report *r, struct logdb *log, const struct report_span *span,
                struct arena *arena, struct err *err);

/* All rows of a prepared statement, in the arena; whether it ended well sqlite3_finalize says. */
struct report_table *report_read(sqlite3_stmt *stmt, struct arena *arena);

/* A cell by the name of its column: its text, or NULL. An absent row or column is NULL, too. */
const char *report_get(const struct report_table *table, size_t row, const char *name);
int64_t report_number(const struct report_table *table, size_t row, const char *name); /* NULL: 0 */

/* {"column":value,...} */
void report_add_json_row(struct buf *b, const struct report_table *table, size_t row);

/* Adds the text with its control characters, and bytes that are no UTF-8, as `?`. */
void report_add_printable(struct buf *b, const char *text);

/* Each adds the whole report in one shape. Text of strangers is made harmless for where it goes:
 * control characters for a terminal, markup for HTML. */
void report_add_text(struct buf *b, const struct report *r);
void report_add_json(struct buf *b, const struct report *r);
void report_add_csv(struct buf *b, const struct report *r);
void report_add_html(struct buf *b, const struct report *r);

/* The longest bar of a table is that of this number; 0: there is none. */
double report_bar_scale(const struct report_table *table);
double report_bar_value(const struct report_table *table, size_t row);

#endif
