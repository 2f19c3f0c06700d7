/* header_diff - the edits of a header as a unified diff */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "header_diff.h"

#include "header_edits.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 3 };

/* All lines of both sides, each behind its mark: blank, - or +. */
struct diff_lines {
    char **list;
    size_t count, cap;
};

static void add_line(struct diff_lines *l, char mark, struct slice text)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->list = xreallocarray(l->list, l->cap, sizeof(*l->list));
    }
    l->list[l->count++] = xasprintf("%c%.*s", mark, (int)text.len, text.ptr);
}

static void add_field(struct diff_lines *l, char mark, const char *name, const char *value)
{
    char *text = xasprintf("%s:%s", name, value);
    struct slice rest = slice_of(text);

    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;

        add_line(l, mark, (struct slice){rest.ptr, len});
        len += end != NULL ? 1 : 0;
        rest = (struct slice){rest.ptr + len, rest.len - len};
    }
    free(text);
}

static void add_new(struct diff_lines *l, const struct message *m, const struct edit *e)
{
    const char *name, *value;

    if (header_field_read(e->text, m->arena, &name, &value))
        add_field(l, '+', name, value);
}

static void add_header(struct diff_lines *l, const struct message *m, const struct header *h,
                       const struct edit *e)
{
    bool prepends = e != NULL && e->act == ACT_PREPEND;
    bool replaces = e != NULL && e->act == ACT_REPLACE;

    if (prepends)
        add_new(l, m, e);
    add_field(l, e == NULL || prepends ? ' ' : '-', h->name, h->value);
    if (replaces)
        add_new(l, m, e);
}

static void add_all_at(struct diff_lines *l, const struct message *m, const struct edit *edits,
                       enum edit_place place)
{
    for (const struct edit *e = edits; e != NULL; e = e->next)
        if (e->act == ACT_PREPEND && e->header == NULL && e->place == place)
            add_new(l, m, e);
}

/* The edits of headers stand in the order of the headers, one a header. */
static const struct edit *next_of_header(const struct edit *e)
{
    while (e != NULL && e->header == NULL)
        e = e->next;
    return e;
}

static void collect(struct diff_lines *l, const struct message *m, const struct edit *edits)
{
    const struct edit *next = next_of_header(edits);

    add_all_at(l, m, edits, EDIT_TOP);
    for (const struct header *h = m->headers; h != NULL; h = h->next) {
        bool edited = next != NULL && next->header == h;

        add_header(l, m, h, edited ? next : NULL);
        if (edited)
            next = next_of_header(next->next);
    }
    add_all_at(l, m, edits, EDIT_BOTTOM);
}

static size_t count_side(const struct diff_lines *l, size_t from, size_t to, char absent)
{
    size_t count = 0;

    for (size_t i = from; i < to; i++)
        count += l->list[i][0] != absent;
    return count;
}

/* An empty side is named by the line in front of it. */
static size_t first_line(size_t before, size_t count)
{
    return before + (count > 0 ? 1 : 0);
}

static void add_hunk(const struct diff_lines *l, size_t from, size_t to, struct buf *out)
{
    size_t old_before = count_side(l, 0, from, '+'), new_before = count_side(l, 0, from, '-');
    size_t old_count = count_side(l, from, to, '+'), new_count = count_side(l, from, to, '-');

    buf_addf(out, "@@ -%zu,%zu +%zu,%zu @@\n", first_line(old_before, old_count), old_count,
             first_line(new_before, new_count), new_count);
    for (size_t i = from; i < to; i++)
        buf_addf(out, "%s\n", l->list[i]);
}

static size_t next_change(const struct diff_lines *l, size_t i)
{
    while (i < l->count && l->list[i][0] == ' ')
        i++;
    return i;
}

static void add_hunks(const struct diff_lines *l, struct buf *out)
{
    size_t change = next_change(l, 0), from, to;

    while (change < l->count) {
        from = change > CONTEXT ? change - CONTEXT : 0;
        do {
            to = change + 1;
            change = next_change(l, to);
        } while (change < l->count && change - to <= 2 * CONTEXT);
        to = to + CONTEXT < l->count ? to + CONTEXT : l->count;
        add_hunk(l, from, to, out);
    }
}

void header_diff(const struct message *m, const struct edit *edits, const char *path,
                 struct buf *out)
{
    struct diff_lines lines = {0};

    collect(&lines, m, edits);
    if (next_change(&lines, 0) < lines.count) {
        buf_addf(out, "--- %s\n+++ %s\n", path, path);
        add_hunks(&lines, out);
    }
    for (size_t i = 0; i < lines.count; i++)
        free(lines.list[i]);
    free(lines.list);
}
