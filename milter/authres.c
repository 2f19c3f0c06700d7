/* authres - the Authentication-Results field: built, and recognised as bearing our name */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "authres.h"

#include "buf.h"
#include "fold.h"

#include <string.h>
#include <strings.h>

enum {
    LINE_MAX_BYTES = 900, /* RFC 5322, 2.1.1, allows 998 */
    ID_BYTES = 1024,      /* 253 characters of UTF-8 at most, and a dot */
    ID_MAX = 253,
};

static bool has_only(const char *text, size_t len, const char *others)
{
    for (size_t i = 0; i < len; i++)
        if (!is_alnum((unsigned char)text[i]) && strchr(others, text[i]) == NULL)
            return false;
    return true;
}

/* A word that needs no quotes whoever reads it; with an @, both sides of it. */
static bool is_plain(const char *text)
{
    const char *at = strchr(text, '@');
    size_t len = at != NULL ? (size_t)(at - text) : 0;

    if (at == NULL)
        return text[0] != '\0' && has_only(text, strlen(text), "._-+");
    if (len > 0 && (text[0] == '.' || at[-1] == '.' || strstr(text, "..") != NULL))
        return false;
    return has_only(text, len, "._-+") && at[1] != '\0' && has_only(at + 1, strlen(at + 1), "._-");
}

/* In quotes even a sloppy reader finds nothing else in it: no blank, quote, backslash, parenthesis,
 * semicolon or equals sign. */
static bool is_harmless(const char *text)
{
    return text[0] != '\0' && has_only(text, strlen(text), "!#$%&'*+-/?^_`{|}~.@:,[]");
}

/* A text for people. */
static const char *tame(const char *text, struct arena *arena)
{
    char *copy = arena_strndup(arena, text, strnlen(text, AUTHRES_REASON_MAX));

    for (char *p = copy; *p != '\0'; p++)
        if (!has_only(p, 1, " .,:_-+/@'"))
            *p = '?';
    return copy;
}

struct writer {
    struct buf b;
    size_t line; /* where it begins */
    struct arena *arena;
};

/* What belongs to the clause stands in its line, unless that becomes longer than a line may be. */
static void add_item(struct writer *w, const char *item)
{
    bool folds = w->b.len - w->line + 1 + strlen(item) > LINE_MAX_BYTES;

    buf_adds(&w->b, folds ? "\n\t" : " ");
    if (folds)
        w->line = w->b.len - 1;
    buf_adds(&w->b, item);
}

static void add_remark(struct writer *w, const char *remark)
{
    if (remark != NULL && remark[0] != '\0')
        add_item(w, arena_printf(w->arena, "(%s)", tame(remark, w->arena)));
}

static void add_property(struct writer *w, const struct authres_property *p)
{
    bool fits = p->value != NULL && strnlen(p->value, AUTHRES_VALUE_MAX + 1) <= AUTHRES_VALUE_MAX;
    const char *quote = "";

    if (!fits || (!is_plain(p->value) && !is_harmless(p->value)))
        return;
    if (!is_plain(p->value))
        quote = "\"";
    add_item(w, arena_printf(w->arena, "%s.%s=%s%s%s", p->ptype, p->property, quote, p->value,
                             quote));
    add_remark(w, p->remark);
}

static const char *clause_text(const struct authres_clause *c, struct arena *arena)
{
    struct writer w = {.arena = arena};
    const char *text;

    buf_addf(&w.b, "\t%s=%s", c->method, c->result);
    if (c->reason != NULL && c->reason[0] != '\0')
        add_item(&w, arena_printf(arena, "reason=\"%s\"", tame(c->reason, arena)));
    add_remark(&w, c->remark);
    for (size_t i = 0; i < c->property_count; i++)
        add_property(&w, &c->properties[i]);
    text = arena_strdup(arena, buf_text(&w.b));
    buf_free(&w.b);
    return text;
}

const char *authres_build(const char *id, const struct authres_clause *clauses, size_t count,
                          struct arena *arena)
{
    struct buf b = {0};
    const char *text;

    buf_addf(&b, " %s", id);
    for (size_t i = 0; i < count; i++) {
        const char *clause = clause_text(&clauses[i], arena);

        if (b.len + 2 + strlen(clause) <= AUTHRES_FIELD_MAX)
            buf_addf(&b, ";\n%s", clause);
    }
    if (count == 0)
        buf_adds(&b, "; none");
    text = arena_strdup(arena, buf_text(&b));
    buf_free(&b);
    return text;
}

bool authres_is_field(const char *name)
{
    static const char field[] = "Authentication-Results";
    size_t len = sizeof(field) - 1;

    return strncasecmp(name, field, len) == 0 && name[len + strspn(name + len, " \t")] == '\0';
}

bool authres_is_id(const char *id)
{
    struct slice rest = slice_of(id), label;
    int labels = 0;

    if (rest.len > ID_MAX || id[0] == '.' || id[0] == '\0' || id[rest.len - 1] == '.' ||
        strstr(id, "..") != NULL)
        return false;
    while (slice_word(&rest, ".", &label)) {
        if (label.len > 63 || !has_only(label.ptr, label.len, "-") || label.ptr[0] == '-' ||
            label.ptr[label.len - 1] == '-')
            return false;
        labels++;
    }
    return labels > 1;
}

/* The beginning of a value on its way to be compared with an id. */
struct reader {
    const char *at;
    const char *id;
    size_t id_len;
    bool wide; /* bytes beyond ASCII are blanks */
    bool open; /* a comment or quotes did not end */
    char text[ID_BYTES]; /* the id so far */
    size_t len;          /* may be more than fits: then it is none */
};

static bool is_gap(const struct reader *r, char c)
{
    unsigned char u = (unsigned char)c;

    return (u > 0 && u <= 0x20) || u == 0x7f || (r->wide && u >= 0x80);
}

static bool is_separator(char c)
{
    return c != '\0' && strchr("<>@,;:/[]?=)", c) != NULL;
}

static bool is_word(const struct reader *r, char c)
{
    return c != '\0' && !is_gap(r, c) && !is_separator(c) && c != '(' && c != '"';
}

static void keep(struct reader *r, char c)
{
    if (r->len < sizeof(r->text))
        r->text[r->len] = c;
    r->len++;
}

/* RFC 5322, section 3.2.2. */
static void skip_comment(struct reader *r)
{
    size_t depth = 0;

    for (; *r->at != '\0'; r->at++) {
        if (*r->at == '\\' && r->at[1] != '\0') {
            r->at++;
        } else if (*r->at == '(') {
            depth++;
        } else if (*r->at == ')' && --depth == 0) {
            r->at++;
            return;
        }
    }
    r->open = true;
}

/* Blanks and comments; in front of the id also what would separate it from something. */
static void skip_gap(struct reader *r, bool in_front)
{
    while (*r->at != '\0') {
        if (*r->at == '(')
            skip_comment(r);
        else if (is_gap(r, *r->at) || (in_front && is_separator(*r->at)))
            r->at++;
        else
            return;
    }
}

/* Whatever a reader makes of blanks and folds in it. */
static void take_quoted(struct reader *r)
{
    for (r->at++; *r->at != '\0'; r->at++) {
        if (*r->at == '"') {
            r->at++;
            return;
        }
        if (*r->at == '\\' && r->at[1] != '\0')
            r->at++;
        if (!is_gap(r, *r->at))
            keep(r, *r->at);
    }
    r->open = true;
}

/* A backslash is no part of a word; whoever lets it quote the next character is read as well. */
static void take_word(struct reader *r)
{
    bool wide = (unsigned char)*r->at >= 0x80;

    for (; is_word(r, *r->at) && ((unsigned char)*r->at >= 0x80) == wide; r->at++)
        if (*r->at != '\\')
            keep(r, *r->at);
}

static bool is_id(const struct reader *r)
{
    size_t len = r->len;

    if (len > 1 && len < ID_BYTES && r->text[len - 1] == '.')
        len--;
    return len == r->id_len && strncasecmp(r->text, r->id, len) == 0;
}

/* As U-labels (RFC 8601, section 2.5), or with characters that mean ASCII ones. */
static bool is_id_decoded(const struct reader *r)
{
    struct arena *arena;
    const char *text;
    size_t len;
    bool same, wide = false;

    for (size_t i = 0; i < r->len && r->len < ID_BYTES; i++)
        wide = wide || (unsigned char)r->text[i] >= 0x80;
    if (!wide)
        return false;
    arena = arena_new();
    text = fold_domain_ascii(arena_strndup(arena, r->text, r->len), arena);
    len = strlen(text);
    if (len > 1 && text[len - 1] == '.')
        len--;
    same = len == r->id_len && strncasecmp(text, r->id, len) == 0;
    arena_free(arena);
    return same;
}

static bool joins(const struct reader *r)
{
    if (r->len == 0 || *r->at == '.')
        return true;
    return r->len <= ID_BYTES && r->text[r->len - 1] == '.';
}

static bool holds_id(const struct reader *r, const char *value)
{
    return (r->len > r->id_len && strncasecmp(r->text, r->id, r->id_len) == 0) ||
           strcasestr(value, r->id) != NULL;
}

/* Word by word, so that it is found by whoever ends it early, at a blank or quote, and by whoever
 * joins `a . (x) "example"`. */
static bool reads_id(const char *value, const char *id, bool wide)
{
    struct reader r = {.at = value, .id = id, .id_len = strlen(id), .wide = wide};

    skip_gap(&r, true);
    while (*r.at != '\0' && !is_separator(*r.at)) {
        bool gap = is_gap(&r, *r.at) || *r.at == '(';

        if (gap) {
            skip_gap(&r, false);
            if (!joins(&r)) {
                r.open = false;
                break;
            }
        } else if (*r.at == '"') {
            take_quoted(&r);
        } else {
            take_word(&r);
        }
        if (is_id(&r))
            return true;
    }
    if (r.open && holds_id(&r, value))
        return true;
    return is_id_decoded(&r);
}

bool authres_is_ours(const char *value, const char *id)
{
    bool wide = false;

    for (const char *p = value; *p != '\0' && !wide; p++)
        wide = (unsigned char)*p >= 0x80;
    return reads_id(value, id, false) || (wide && reads_id(value, id, true));
}
