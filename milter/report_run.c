/* report_run - the statements of a report, run on the log */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <stdlib.h>
#include <string.h>

enum { CELLS_FIRST = 64 };

/* Cells while their number is not known. */
struct growing {
    struct report_cell *cells;
    size_t count, cap;
};

static void add_cell(struct growing *g, struct report_cell cell)
{
    if (g->count == g->cap) {
        g->cap = g->cap ? 2 * g->cap : CELLS_FIRST;
        g->cells = xreallocarray(g->cells, g->cap, sizeof(*g->cells));
    }
    g->cells[g->count++] = cell;
}

static struct report_cell read_cell(sqlite3_stmt *stmt, int column, struct arena *arena)
{
    int type = sqlite3_column_type(stmt, column);
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    struct report_cell cell = {.number = type == SQLITE_INTEGER || type == SQLITE_FLOAT};

    if (text != NULL) {
        cell.len = (size_t)sqlite3_column_bytes(stmt, column);
        cell.text = arena_strndup(arena, text, cell.len);
    }
    return cell;
}

static void bind(sqlite3_stmt *stmt, const struct report_span *span)
{
    int first = sqlite3_bind_parameter_index(stmt, ":first");
    int now = sqlite3_bind_parameter_index(stmt, ":now");

    if (first > 0 && span->text != NULL)
        sqlite3_bind_int64(stmt, first, span->first);
    if (now > 0)
        sqlite3_bind_int64(stmt, now, span->now_ms);
}

/* The column that a line `-- bar: NAME` names. */
static int find_bar(const char *sql, const char *const *names, size_t count)
{
    static const char mark[] = "\n-- bar: ";

    for (const char *at = strstr(sql, mark); at != NULL; at = strstr(at + 1, mark)) {
        struct slice name = {at + sizeof(mark) - 1, strcspn(at + sizeof(mark) - 1, "\n")};

        for (size_t i = 0; i < count; i++)
            if (slice_is(slice_trim(name), names[i]))
                return (int)i;
    }
    return -1;
}

struct report_table *report_read(sqlite3_stmt *stmt, struct arena *arena)
{
    struct report_table *table = arena_alloc(arena, sizeof(*table));
    int columns = sqlite3_column_count(stmt);
    struct growing g = {0};
    struct report_cell *cells;

    *table = (struct report_table){.columns = (size_t)columns, .bar = -1};
    table->names = arena_alloc(arena, (size_t)columns * sizeof(*table->names));
    for (int i = 0; i < columns; i++)
        table->names[i] = arena_strdup(arena, sqlite3_column_name(stmt, i));
    for (; sqlite3_step(stmt) == SQLITE_ROW; table->rows++)
        for (int i = 0; i < columns; i++)
            add_cell(&g, read_cell(stmt, i, arena));
    if (g.count > 0) {
        cells = arena_alloc(arena, g.count * sizeof(*cells));
        memcpy(cells, g.cells, g.count * sizeof(*cells));
        table->cells = cells;
    }
    free(g.cells);
    return table;
}

const char *report_get(const struct report_table *table, size_t row, const char *name)
{
    for (size_t i = 0; row < table->rows && i < table->columns; i++)
        if (strcmp(table->names[i], name) == 0)
            return table->cells[row * table->columns + i].text;
    return NULL;
}

int64_t report_number(const struct report_table *table, size_t row, const char *name)
{
    const char *text = report_get(table, row, name);

    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static void find_about(struct report *r, struct arena *arena)
{
    size_t len = strcspn(r->sql, "\n");
    const char *dash = strstr(r->sql, " - ");

    if (dash != NULL && dash < r->sql + len)
        r->about = arena_strndup(arena, dash + 3, (size_t)(r->sql + len - dash - 3));
    else
        r->about = "";
}

bool report_run(struct report *r, struct logdb *log, const struct report_span *span,
                struct arena *arena, struct err *err)
{
    struct report_table **end = &r->tables;
    const char *rest = r->sql;

    find_about(r, arena);
    while (*rest != '\0') {
        sqlite3_stmt *stmt = NULL;
        struct report_table *table;

        if (sqlite3_prepare_v2(log->db, rest, -1, &stmt, &rest) != SQLITE_OK)
            return err_set(err, "report %s: %s", r->name, sqlite3_errmsg(log->db));
        if (stmt == NULL)
            continue;
        bind(stmt, span);
        table = report_read(stmt, arena);
        table->bar = find_bar(r->sql, table->names, table->columns);
        if (sqlite3_finalize(stmt) != SQLITE_OK)
            return err_set(err, "report %s: %s", r->name, sqlite3_errmsg(log->db));
        if (table->columns == 0)
            continue;
        *end = table;
        end = &table->next;
    }
    return true;
}
