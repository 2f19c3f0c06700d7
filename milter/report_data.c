/* report_data - a report for programs, JSON and CSV, and for a browser */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <string.h>

static void add_json_cell(struct buf *b, const struct report_cell *cell)
{
    if (cell->text == NULL)
        buf_adds(b, "null");
    else if (cell->number && strspn(cell->text, "0123456789.eE+-") == cell->len)
        buf_add(b, cell->text, cell->len);
    else
        buf_add_json(b, cell->text, cell->len);
}

void report_add_json_row(struct buf *b, const struct report_table *t, size_t row)
{
    buf_addc(b, '{');
    for (size_t i = 0; i < t->columns; i++) {
        buf_adds(b, i > 0 ? "," : "");
        buf_add_json(b, t->names[i], strlen(t->names[i]));
        buf_addc(b, ':');
        add_json_cell(b, &t->cells[row * t->columns + i]);
    }
    buf_addc(b, '}');
}

void report_add_json(struct buf *b, const struct report *r)
{
    buf_adds(b, "{\"report\":");
    buf_add_json(b, r->name, strlen(r->name));
    buf_adds(b, ",\"tables\":[");
    for (const struct report_table *t = r->tables; t != NULL; t = t->next) {
        buf_adds(b, t != r->tables ? ",[" : "[");
        for (size_t row = 0; row < t->rows; row++) {
            buf_adds(b, row > 0 ? ",\n" : "");
            report_add_json_row(b, t, row);
        }
        buf_addc(b, ']');
    }
    buf_adds(b, "]}\n");
}

/* RFC 4180, with line feeds. A cell that a spreadsheet would take for a formula gets an
 * apostrophe in front: what stands in it comes from strangers. */
static void add_csv_text(struct buf *b, const char *text, bool number)
{
    bool formula = !number && text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;

    buf_adds(b, quoted ? "\"" : "");
    buf_adds(b, formula ? "'" : "");
    for (; *text != '\0'; text++) {
        buf_adds(b, *text == '"' ? "\"" : "");
        buf_addc(b, *text);
    }
    buf_adds(b, quoted ? "\"" : "");
}

void report_add_csv(struct buf *b, const struct report *r)
{
    for (const struct report_table *t = r->tables; t != NULL; t = t->next) {
        buf_adds(b, t != r->tables ? "\n" : "");
        for (size_t i = 0; i < t->columns; i++) {
            buf_adds(b, i > 0 ? "," : "");
            add_csv_text(b, t->names[i], false);
        }
        buf_addc(b, '\n');
        for (size_t i = 0; i < t->rows * t->columns; i++) {
            const struct report_cell *cell = &t->cells[i];

            add_csv_text(b, cell->text != NULL ? cell->text : "", cell->number);
            buf_addc(b, (i + 1) % t->columns == 0 ? '\n' : ',');
        }
    }
}

static void add_html_text(struct buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '&')
            buf_adds(b, "&amp;");
        else if (c == '<')
            buf_adds(b, "&lt;");
        else if (c == '>')
            buf_adds(b, "&gt;");
        else if (c == '"')
            buf_adds(b, "&quot;");
        else
            buf_addc(b, c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
}

static void add_html_cell(struct buf *b, const struct report_table *t, size_t row, size_t column)
{
    const struct report_cell *cell = &t->cells[row * t->columns + column];
    double scale = (int)column == t->bar ? report_bar_scale(t) : 0;

    buf_adds(b, cell->number ? "<td class=\"n\">" : "<td>");
    add_html_text(b, cell->text != NULL ? cell->text : "");
    if (scale > 0)
        buf_addf(b, "<div class=\"bar\" style=\"width:%.1fem\"></div>",
                 10 * report_bar_value(t, row) / scale);
    buf_adds(b, "</td>");
}

static void add_html_table(struct buf *b, const struct report_table *t)
{
    buf_adds(b, "<table>\n<tr>");
    for (size_t i = 0; i < t->columns; i++) {
        buf_adds(b, "<th>");
        add_html_text(b, t->names[i]);
        buf_adds(b, "</th>");
    }
    buf_adds(b, "</tr>\n");
    for (size_t row = 0; row < t->rows; row++) {
        buf_adds(b, "<tr>");
        for (size_t i = 0; i < t->columns; i++)
            add_html_cell(b, t, row, i);
        buf_adds(b, "</tr>\n");
    }
    buf_adds(b, "</table>\n");
}

void report_add_html(struct buf *b, const struct report *r)
{
    buf_adds(b,
             "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>tamis: ");
    add_html_text(b, r->name);
    buf_adds(
        b,
        "</title>\n<style>\nbody { font: 14px sans-serif; margin: 2em }\n"
        "table { border-collapse: collapse; margin-bottom: 2em }\n"
        "th, td { text-align: left; padding: 2px 12px 2px 0; vertical-align: top }\n"
        "th { border-bottom: 1px solid #888 }\n.n { text-align: right }\n"
        ".bar { background: #47a; height: 4px; margin-left: auto }\n</style></head><body>\n<h1>");
    add_html_text(b, r->name);
    buf_adds(b, "</h1>\n<p>");
    add_html_text(b, r->about);
    buf_adds(b, "</p>\n");
    for (const struct report_table *t = r->tables; t != NULL; t = t->next)
        add_html_table(b, t);
    buf_adds(b, "</body></html>\n");
}
