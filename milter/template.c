/* template - results with $1 and the like, cut into pieces at load */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern.h"

#include <string.h>

/* A text, and the group behind it (0: none). */
struct piece {
    const char *text;
    size_t len;
    size_t group;
    struct piece *next;
};

struct template {
    struct piece *first;
};

/* The name behind a `$` at *p, which is left behind it; false when there is none. */
static bool take_name(const char **p, struct slice *name, struct err *err)
{
    const char *start = *p + 1, *end;

    if (*start == '{' || *start == '(') {
        end = strchr(start, *start == '{' ? '}' : ')');
        if (end == NULL)
            return err_set(err, "\"%s\" is not closed", *p);
        *name = (struct slice){start + 1, (size_t)(end - start - 1)};
        *p = end + 1;
    } else {
        for (end = start; is_alnum((unsigned char)*end) || *end == '_';)
            end++;
        *name = (struct slice){start, (size_t)(end - start)};
        *p = end;
    }
    if (name->len == 0)
        return err_set(err, "a $ without group number (a $ itself is written $$)");
    return true;
}

/* A group number; on its way to an error where digits run into text: $1abc. */
static bool take_group(const char **p, size_t *group, struct err *err)
{
    struct slice name;
    size_t digits = 0;
    long n;

    if (!take_name(p, &name, err))
        return false;
    while (digits < name.len && is_digit((unsigned char)name.ptr[digits]))
        digits++;
    if (digits < name.len && digits > 0 && name.ptr[-1] == '$')
        return err_set(err, "\"$%.*s\" is no group number; write ${%.*s}%.*s", (int)name.len,
                       name.ptr, (int)digits, name.ptr, (int)(name.len - digits),
                       name.ptr + digits);
    if (digits < name.len)
        return err_set(err, "\"$%.*s\" is no group number", (int)name.len, name.ptr);
    if (!parse_long(name, 1, 65535, &n))
        return err_set(err, "there is no group %.*s", (int)name.len, name.ptr);
    *group = (size_t)n;
    return true;
}

/* The next piece of the text at *p, which is left behind it. */
static bool take_piece(const char **p, struct piece *piece, struct err *err)
{
    const char *dollar = *p + strcspn(*p, "$");

    *piece = (struct piece){*p, (size_t)(dollar - *p), 0, NULL};
    *p = dollar;
    if (*dollar == '\0')
        return true;
    if (dollar[1] != '$')
        return take_group(p, &piece->group, err);
    piece->len++;
    *p += 2;
    return true;
}

struct template *template_new(const char *text, struct arena *arena, size_t *group,
                              struct err *err)
{
    struct template *t = arena_alloc(arena, sizeof(*t));
    struct piece **tail = &t->first;

    *group = 0;
    do {
        struct piece piece;

        if (!take_piece(&text, &piece, err))
            return NULL;
        if (piece.group > *group)
            *group = piece.group;
        *tail = arena_alloc(arena, sizeof(piece));
        **tail = piece;
        tail = &(*tail)->next;
    } while (*text != '\0');
    return t;
}

/* The text of a group; empty when it took no part in the match. */
static struct slice group_text(const struct matching *m, size_t group, struct slice key)
{
    size_t start, end;

    if (group == 0 || group >= m->groups)
        return (struct slice){"", 0};
    start = m->offsets[group * 2];
    end = m->offsets[group * 2 + 1];
    if (start >= end || end > key.len)
        return (struct slice){"", 0};
    return (struct slice){key.ptr + start, end - start};
}

const char *template_fill(const struct template *t, const struct matching *m, struct slice key,
                          struct arena *arena)
{
    const struct piece *piece;
    size_t len = 0;
    char *text, *end;

    if (t->first->next == NULL && t->first->group == 0 && t->first->text[t->first->len] == '\0')
        return t->first->text;
    for (piece = t->first; piece != NULL; piece = piece->next)
        len += piece->len + group_text(m, piece->group, key).len;
    text = end = arena_alloc(arena, len + 1);
    for (piece = t->first; piece != NULL; piece = piece->next) {
        struct slice group = group_text(m, piece->group, key);

        end = mempcpy(end, piece->text, piece->len);
        end = mempcpy(end, group.ptr, group.len);
    }
    return text;
}
