/* dkim_from - the one domain that a From field names */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_from.h"

#include <string.h>

#include "dkim_field.h"
#include "fold.h"

enum { ADDRESS_MAX = 512 };

struct scan {
    int depth;    /* of comments */
    bool quoted;  /* within "…" */
    bool angle;   /* within <…> */
    bool closed;  /* behind <…> */
    bool bad;
    char text[ADDRESS_MAX]; /* the address: comments gone, what was quoted a "q" */
    size_t len;
};

static void add(struct scan *s, char c)
{
    if (s->closed) {
        s->bad = s->bad || !is_space((unsigned char)c);
        return;
    }
    if (s->len < sizeof(s->text) - 1)
        s->text[s->len++] = c;
    else if (s->angle)
        s->bad = true;
}

static void open_angle(struct scan *s)
{
    s->bad = s->bad || s->angle || s->closed;
    s->angle = true;
    s->len = 0;
}

static void close_angle(struct scan *s)
{
    s->bad = s->bad || !s->angle;
    s->angle = false;
    s->closed = true;
}

/* Lists, groups, and what else stands between addresses. */
static void separator(struct scan *s, char c)
{
    if (s->angle)
        add(s, c);
    else
        s->bad = true;
}

/* Returns how many bytes were read. */
static size_t step(struct scan *s, const char *p)
{
    if ((s->depth > 0 || s->quoted) && *p == '\\' && p[1] != '\0')
        return 2;
    if (s->depth > 0)
        s->depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
    else if (s->quoted)
        s->quoted = *p != '"';
    else if (*p == '(')
        s->depth = 1;
    else if (*p == '"') {
        s->quoted = true;
        add(s, 'q');
    } else if (*p == '<')
        open_angle(s);
    else if (*p == '>')
        close_angle(s);
    else if (strchr(",;:", *p) != NULL)
        separator(s, *p);
    else
        add(s, *p);
    return 1;
}

const char *dkim_from_domain(const char *value, struct arena *arena)
{
    struct scan s = {0};
    const char *at, *domain;
    struct slice name;

    while (*value != '\0' && !s.bad)
        value += step(&s, value);
    if (s.bad || s.depth > 0 || s.quoted || s.angle || s.len == sizeof(s.text) - 1)
        return NULL;
    s.text[s.len] = '\0';
    at = strrchr(s.text, '@');
    if (at == NULL || strchr(s.text, '@') != at)
        return NULL;
    name = slice_of(at + 1);
    while (name.len > 0 && is_space((unsigned char)name.ptr[0])) {
        name.ptr++;
        name.len--;
    }
    while (name.len > 0 && is_space((unsigned char)name.ptr[name.len - 1]))
        name.len--;
    domain = fold_domain_ascii(arena_strndup(arena, name.ptr, name.len), arena);
    return dkim_is_domain(slice_of(domain), 1) ? domain : NULL;
}
