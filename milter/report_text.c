/* report_text - a report for a terminal: columns, and bars behind a number */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include "fold.h"

#include <stdlib.h>
#include <string.h>

enum { BAR_WIDTH = 20 };

double report_bar_value(const struct report_table *table, size_t row)
{
    const struct report_cell *cell = &table->cells[row * table->columns + (size_t)table->bar];
    double value = cell->text != NULL && cell->number ? strtod(cell->text, NULL) : 0;

    return value > 0 ? value : 0;
}

double report_bar_scale(const struct report_table *table)
{
    double most = 0;

    for (size_t row = 0; table->bar >= 0 && row < table->rows; row++)
        if (report_bar_value(table, row) > most)
            most = report_bar_value(table, row);
    return most;
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static const char *cell_text(const struct report_cell *cell)
{
    return cell->text != NULL ? cell->text : "-";
}

static const struct report_cell *cell_at(const struct report_table *t, size_t row, size_t column)
{
    return &t->cells[row * t->columns + column];
}

static size_t column_width(const struct report_table *t, size_t column)
{
    size_t widest = width_of(t->names[column]);

    for (size_t row = 0; row < t->rows; row++) {
        size_t width = width_of(cell_text(cell_at(t, row, column)));

        if (width > widest)
            widest = width;
    }
    return widest;
}

/* Numbers stand on the right. */
static bool is_numeric(const struct report_table *t, size_t column)
{
    bool some = false;

    for (size_t row = 0; row < t->rows; row++) {
        const struct report_cell *cell = cell_at(t, row, column);

        if (cell->text != NULL && !cell->number)
            return false;
        some = some || cell->text != NULL;
    }
    return some;
}

static void pad(struct buf *b, size_t count)
{
    while (count-- > 0)
        buf_addc(b, ' ');
}

/* Controls would let a sender write on the reader's terminal. */
void report_add_printable(struct buf *b, const char *text)
{
    size_t from = b->len;

    buf_adds(b, text);
    if (b->len > from)
        fold_printable(b->ptr + from, '?');
}

static void add_field(struct buf *b, const char *text, size_t width, bool right)
{
    size_t own = width_of(text), gap = own < width ? width - own : 0;

    if (right)
        pad(b, gap);
    report_add_printable(b, text);
    if (!right)
        pad(b, gap);
}

static void add_bar(struct buf *b, double value, double scale)
{
    int length = scale > 0 ? (int)(value / scale * BAR_WIDTH + 0.5) : 0;

    buf_addc(b, ' ');
    for (int i = 0; i < BAR_WIDTH; i++)
        buf_addc(b, i < length || (i == 0 && value > 0) ? '#' : ' ');
}

static void end_line(struct buf *b)
{
    while (b->len > 0 && b->ptr[b->len - 1] == ' ')
        b->ptr[--b->len] = '\0';
    buf_addc(b, '\n');
}

static void add_names(struct buf *b, const struct report_table *t, const size_t *widths,
                      const bool *right)
{
    for (size_t i = 0; i < t->columns; i++) {
        buf_adds(b, i > 0 ? "  " : "");
        add_field(b, t->names[i], widths[i], right[i]);
        if ((int)i == t->bar)
            pad(b, BAR_WIDTH + 1);
    }
    end_line(b);
}

static void add_row(struct buf *b, const struct report_table *t, size_t row, const size_t *widths,
                    const bool *right)
{
    for (size_t i = 0; i < t->columns; i++) {
        buf_adds(b, i > 0 ? "  " : "");
        add_field(b, cell_text(cell_at(t, row, i)), widths[i], right[i]);
        if ((int)i == t->bar)
            add_bar(b, report_bar_value(t, row), report_bar_scale(t));
    }
    end_line(b);
}

static void add_table(struct buf *b, const struct report_table *t)
{
    size_t *widths = xcalloc(t->columns + 1, sizeof(*widths));
    bool *right = xcalloc(t->columns + 1, sizeof(*right));

    for (size_t i = 0; i < t->columns; i++) {
        widths[i] = column_width(t, i);
        right[i] = is_numeric(t, i);
    }
    add_names(b, t, widths, right);
    for (size_t row = 0; row < t->rows; row++)
        add_row(b, t, row, widths, right);
    free(widths);
    free(right);
}

void report_add_text(struct buf *b, const struct report *r)
{
    for (const struct report_table *t = r->tables; t != NULL; t = t->next) {
        if (t != r->tables)
            buf_addc(b, '\n');
        if (t->rows > 0)
            add_table(b, t);
        else
            buf_addf(b, "%s: none\n", t->columns > 0 ? t->names[0] : r->name);
    }
}
