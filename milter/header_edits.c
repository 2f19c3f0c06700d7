/* header_edits - what rules want done to a header, as the single changes that the MTA is told of */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "header_edits.h"

#include "mime.h"
#include "received.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIELD_MAX = 60000 };

/* Where Postfix would have to begin a line without a blank, it puts a tab in front. */
static char *clean_value(const char *text, size_t len, struct arena *arena)
{
    char *copy = arena_alloc(arena, 2 * len + 1), *to = copy;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r')
            continue;
        if (to > copy && to[-1] == '\n' && !is_blank((unsigned char)text[i]))
            *to++ = '\t';
        *to++ = text[i];
    }
    if (to > copy && to[-1] == '\n')
        *to = '\t';
    return copy;
}

bool header_field_read(const char *text, struct arena *arena, const char **name,
                       const char **value)
{
    size_t len = strnlen(text, FIELD_MAX), colon;

    if (mime_field_name((struct slice){text, len}, &colon) == 0)
        return false;
    *name = arena_strndup(arena, text, colon);
    *value = clean_value(text + colon + 1, len - colon - 1, arena);
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct header *a = *(const struct header *const *)left;
    const struct header *b = *(const struct header *const *)right;
    int order = strcasecmp(a->name, b->name);

    return order != 0 ? order : a->index - b->index;
}

/* By index: the how-manieth of its name each header is. */
static const int *number_headers(const struct message *m)
{
    size_t count = (size_t)m->header_count, n = 0;
    const struct header **sorted = arena_alloc(m->arena, (count + 1) * sizeof(*sorted));
    int *numbers = arena_alloc(m->arena, (count + 1) * sizeof(*numbers));

    for (const struct header *h = m->headers; h != NULL; h = h->next)
        sorted[n++] = h;
    qsort(sorted, n, sizeof(const struct header *), by_name);
    for (size_t i = 0; i < n; i++) {
        bool repeated = i > 0 && strcasecmp(sorted[i]->name, sorted[i - 1]->name) == 0;

        numbers[sorted[i]->index] = repeated ? numbers[sorted[i - 1]->index] + 1 : 1;
    }
    return numbers;
}

static void add(struct header_changes *c, enum header_op op, int index, const char *name,
                const char *value)
{
    c->list[c->count++] = (struct header_change){op, index, name, value};
}

/* A field without text cannot be had by a change: the MTA would delete it. */
static void replace(struct header_changes *c, const struct edit *e, int number, const char *name,
                    const char *value)
{
    if (strcasecmp(name, e->header->name) == 0 && slice_trim(slice_of(value)).len > 0) {
        add(c, HEADER_CHANGE, number, name, value);
        return;
    }
    add(c, HEADER_DELETE, number, e->header->name, NULL);
    add(c, HEADER_INSERT, e->header->index + 1, name, value);
}

static void plan_header(struct header_changes *c, const struct message *m, const struct edit *e,
                        int number)
{
    const char *name, *value;

    if (e->act == ACT_IGNORE || e->act == ACT_STRIP)
        add(c, HEADER_DELETE, number, e->header->name, NULL);
    else if (!header_field_read(e->text, m->arena, &name, &value))
        return;
    else if (e->act == ACT_REPLACE)
        replace(c, e, number, name, value);
    else
        add(c, HEADER_INSERT, e->header->index + 1, name, value);
}

static void plan_new(struct header_changes *c, const struct message *m, const struct edit *e,
                     enum header_op op)
{
    const char *name, *value;

    if (header_field_read(e->text, m->arena, &name, &value))
        add(c, op, 0, name, value);
}

/* With a second Received on top that begins as its own, Postfix takes the upper one for its own,
 * and lets the other be deleted. */
static void plan_own(struct header_changes *c, const struct message *m, const struct edit *e)
{
    const char *name, *value;

    if (e->place != EDIT_OWN || !header_field_read(e->text, m->arena, &name, &value))
        return;
    add(c, HEADER_INSERT, 0, "Received", received_decoy(value, m->arena));
    add(c, HEADER_DELETE, 1, "Received", NULL);
}

static bool adds_at(const struct edit *e, enum edit_place place)
{
    return e->act == ACT_PREPEND && e->header == NULL && e->place == place;
}

struct header_changes header_changes_plan(const struct message *m, const struct edit *edits)
{
    struct header_changes c = {0};
    const struct edit **list;
    const int *numbers = NULL;
    size_t count = 0;

    for (const struct edit *e = edits; e != NULL; e = e->next)
        count++;
    list = arena_alloc(m->arena, (count + 1) * sizeof(*list));
    c.list = arena_alloc(m->arena, (2 * count + 1) * sizeof(*c.list));
    count = 0;
    for (const struct edit *e = edits; e != NULL; e = e->next) {
        list[count++] = e;
        if (e->header != NULL && numbers == NULL)
            numbers = number_headers(m);
    }
    for (size_t i = count; i-- > 0;)
        if (list[i]->header != NULL)
            plan_header(&c, m, list[i], numbers[list[i]->header->index]);
    for (size_t i = 0; i < count; i++)
        if (adds_at(list[i], EDIT_BOTTOM))
            plan_new(&c, m, list[i], HEADER_APPEND);
    for (size_t i = 0; i < count; i++)
        plan_own(&c, m, list[i]);
    for (size_t i = count; i-- > 0;)
        if (adds_at(list[i], EDIT_TOP))
            plan_new(&c, m, list[i], HEADER_INSERT);
    return c;
}

/* --- the result ------------------------------------------------------------------------------- */

struct fields {
    struct header_field *list;
    size_t count;
    struct arena *arena;
};

static void add_text(struct fields *f, const char *text)
{
    struct header_field *field = &f->list[f->count];

    f->count += header_field_read(text, f->arena, &field->name, &field->value);
}

static void add_all_at(struct fields *f, const struct edit *edits, enum edit_place place)
{
    for (const struct edit *e = edits; e != NULL; e = e->next)
        if (adds_at(e, place))
            add_text(f, e->text);
}

static void add_edited(struct fields *f, const struct header *h, const struct edit *e)
{
    bool stays = e == NULL || e->act == ACT_PREPEND;

    if (e != NULL && (e->act == ACT_PREPEND || e->act == ACT_REPLACE))
        add_text(f, e->text);
    if (stays)
        f->list[f->count++] = (struct header_field){h->name, h->value};
}

/* The edits of headers stand in the order of the headers, one a header. */
static const struct edit *next_of_header(const struct edit *e)
{
    while (e != NULL && e->header == NULL)
        e = e->next;
    return e;
}

size_t header_fields_after(const struct message *m, const struct edit *edits,
                           const struct header_field **list)
{
    struct fields f = {.arena = m->arena};
    const struct edit *e = next_of_header(edits);
    size_t most = (size_t)m->header_count;

    for (const struct edit *each = edits; each != NULL; each = each->next)
        most++;
    f.list = arena_alloc(m->arena, (most + 1) * sizeof(*f.list));
    add_all_at(&f, edits, EDIT_TOP);
    for (const struct header *h = m->headers; h != NULL; h = h->next) {
        bool meant = e != NULL && e->header == h;

        add_edited(&f, h, meant ? e : NULL);
        if (meant)
            e = next_of_header(e->next);
    }
    add_all_at(&f, edits, EDIT_BOTTOM);
    *list = f.list;
    return f.count;
}
