/* match - Postfix's match lists: mynetworks, mydestination and their like */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "match.h"

#include "fold.h"
#include "lines.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES_WITHIN = 10, MAX_FILES = 1000, PATTERNS_MAX = 10 * 1000 * 1000 };

enum kind { KIND_NET, KIND_BAD_NET, KIND_NAME, KIND_TABLE, KIND_UNUSABLE };

struct pattern {
    enum kind kind;
    bool negated;
    bool v6;                   /* KIND_BAD_NET: meant for IPv6 */
    struct slice name;         /* KIND_NAME, folded */
    const struct table *table; /* KIND_TABLE */
};

struct match_list {
    unsigned flags;
    struct arena *arena;
    struct pattern *patterns;
    size_t count, cap;
    unsigned *others; /* the indices of all that are no networks */
    size_t other_count;
    struct net_tree *nets; /* numbers are indices */
    const char **files;
    size_t file_count;
};

/* What reading one list needs beside the list. */
struct reader {
    struct match_list *list;
    const char *dir;
    struct tables *tables;
    struct problems *problems;
    int depth; /* of files within files */
};

static void read_text(struct reader *r, struct slice text, bool negated, struct where at);

bool match_word(struct slice *rest, struct slice *word)
{
    static const char separators[] = ", \t\r\n";
    size_t start = 0, end, level = 0;

    while (start < rest->len &&
           memchr(separators, rest->ptr[start], sizeof(separators) - 1) != NULL)
        start++;
    for (end = start; end < rest->len; end++) {
        char c = rest->ptr[end];

        if (level == 0 && memchr(separators, c, sizeof(separators) - 1) != NULL)
            break;
        if (c == '{')
            level++;
        else if (c == '}' && level > 0)
            level--;
    }
    *word = (struct slice){rest->ptr + start, end - start};
    *rest = (struct slice){rest->ptr + end, rest->len - end};
    return word->len > 0;
}

static void add(struct match_list *list, const struct pattern *pattern)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->patterns = xreallocarray(list->patterns, list->cap, sizeof(*list->patterns));
        list->others = xreallocarray(list->others, list->cap, sizeof(*list->others));
    }
    if (pattern->kind != KIND_NET)
        list->others[list->other_count++] = (unsigned)list->count;
    list->patterns[list->count++] = *pattern;
}

static int shown(struct slice s)
{
    return (int)(s.len > 100 ? 100 : s.len);
}

static struct slice table_type_of(struct slice word)
{
    const char *colon = memchr(word.ptr, ':', word.len);

    if (colon != NULL && slice_is((struct slice){word.ptr, (size_t)(colon - word.ptr)}, "proxy"))
        return table_type_of((struct slice){colon + 1, word.len - 6});
    return (struct slice){word.ptr, colon != NULL ? (size_t)(colon - word.ptr) : 0};
}

static void add_table(struct reader *r, struct slice word, bool negated, struct where at)
{
    struct slice type = table_type_of(word);
    struct pattern pattern = {.kind = KIND_UNUSABLE, .negated = negated};
    struct net net;

    if (net_parse(word, &net, NULL)) {
        problems_add(r->problems, SEV_ERROR, at,
                     "\"%.*s\": an IPv6 address stands in brackets: write [ADDRESS]/BITS",
                     shown(word), word.ptr);
    } else if (table_type_is_ours(type)) {
        const char *spec = arena_strndup(r->list->arena, word.ptr, word.len);

        pattern.table = tables_find(r->tables, spec, r->dir, at, r->problems);
        if (pattern.table != NULL)
            pattern.kind = KIND_TABLE;
    } else if (table_type_is_postfix(type)) {
        problems_add(r->problems, SEV_WARNING, at,
                     "\"%.*s\": tamis does not read %.*s tables; what no pattern before it "
                     "matches is answered with 451", shown(word), word.ptr, (int)type.len,
                     type.ptr);
    } else {
        problems_add(r->problems, SEV_ERROR, at, "\"%.*s\": \"%.*s\" is no table type",
                     shown(word), word.ptr, shown(type), type.ptr);
    }
    add(r->list, &pattern);
}

static bool is_all(struct slice s, const char *characters)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr(characters, s.ptr[i]) == NULL || s.ptr[i] == '\0')
            return false;
    return s.len > 0;
}

/* Names have neither a slash nor brackets, and do not consist of digits alone. */
static bool looks_like_net(struct slice word)
{
    return word.ptr[0] == '[' || memchr(word.ptr, '/', word.len) != NULL ||
           is_all(word, "0123456789.");
}

static void add_name(struct reader *r, struct slice word, bool negated)
{
    struct pattern pattern = {.kind = KIND_NAME, .negated = negated};
    struct slice folded = fold_case(word, r->list->arena);

    pattern.name =
        (struct slice){arena_strndup(r->list->arena, folded.ptr, folded.len), folded.len};
    add(r->list, &pattern);
}

/* What Postfix takes for a name that nobody has: it has neither a colon nor a slash, or other
 * characters than networks have. */
static bool passes_for_name(struct slice word)
{
    return !is_all(word, "0123456789.abcdefABCDEF:[]/") ||
           (memchr(word.ptr, ':', word.len) == NULL && memchr(word.ptr, '/', word.len) == NULL);
}

static void add_net(struct reader *r, struct slice word, bool negated, struct where at)
{
    struct pattern pattern = {.kind = KIND_NET, .negated = negated};
    struct err why = {""};
    struct net net;

    if (net_parse_apart(word, &net, &why)) {
        net_tree_add(r->list->nets, &net, (unsigned)r->list->count, NULL);
        add(r->list, &pattern);
        return;
    }
    problems_add(r->problems, SEV_ERROR, at, "\"%.*s\": %s", shown(word), word.ptr, why.text);
    if (passes_for_name(word)) {
        add_name(r, word, negated);
        return;
    }
    pattern.kind = KIND_BAD_NET;
    pattern.v6 = memchr(word.ptr, ':', word.len) != NULL;
    add(r->list, &pattern);
}

static void remember_file(struct match_list *list, const char *path)
{
    list->files = xreallocarray(list->files, list->file_count + 1, sizeof(*list->files));
    list->files[list->file_count++] = path;
}

static void read_file(struct reader *r, struct slice word, bool negated, struct where at)
{
    const char *path = arena_strndup(r->list->arena, word.ptr, word.len);
    struct pattern unusable = {.kind = KIND_UNUSABLE, .negated = negated};
    struct lines *lines = NULL;
    struct err err = {""};
    struct slice text;

    if (r->depth == MAX_FILES_WITHIN)
        err_set(&err, "%s: more than %d files within each other", path, MAX_FILES_WITHIN);
    else if (r->list->file_count == MAX_FILES)
        err_set(&err, "%s: more than %d files in one list", path, MAX_FILES);
    else
        lines = lines_read(path, LINES_FILE_MAX, &err);
    if (r->list->file_count < MAX_FILES)
        remember_file(r->list, path);
    if (lines == NULL) {
        problems_add(r->problems, SEV_ERROR, at, "%s", err.text);
        add(r->list, &unusable);
        return;
    }
    r->depth++;
    for (struct where line; lines_next_physical(lines, &text, &line);)
        if (text.len > 0 && text.ptr[0] != '#')
            read_text(r, text, negated, (struct where){path, line.line});
    r->depth--;
    lines_free(lines);
}

static void read_word(struct reader *r, struct slice word, bool negated, struct where at)
{
    for (; word.len > 0 && word.ptr[0] == '!'; word.ptr++, word.len--)
        negated = !negated;
    if (word.len == 0) {
        problems_add(r->problems, SEV_ERROR, at, "a \"!\" with no pattern behind it");
    } else if (r->list->count >= PATTERNS_MAX) {
        problems_add(r->problems, SEV_ERROR, at, "more than %d patterns", PATTERNS_MAX);
    } else if (word.ptr[0] == '/') {
        read_file(r, word, negated, at);
    } else if (word.ptr[0] != '[' && memchr(word.ptr, ':', word.len) != NULL) {
        add_table(r, word, negated, at);
    } else if (r->list->flags & MATCH_NETWORKS && looks_like_net(word)) {
        add_net(r, word, negated, at);
    } else {
        add_name(r, word, negated);
    }
}

static void read_text(struct reader *r, struct slice text, bool negated, struct where at)
{
    struct slice word;

    while (match_word(&text, &word)) {
        if (word.ptr[0] == '#') {
            problems_add(r->problems, SEV_WARNING, at,
                         "a comment behind patterns: the # and what follows are left out; write "
                         "comments in lines of their own");
            return;
        }
        read_word(r, word, negated, at);
    }
}

struct match_list *match_list_new(const char *text, unsigned flags, const char *dir,
                                  struct where at, struct tables *tables, struct problems *problems)
{
    struct match_list *list = xcalloc(1, sizeof(*list));
    struct reader r = {list, dir, tables, problems, 0};

    list->flags = flags;
    list->arena = arena_new();
    list->nets = net_tree_new();
    read_text(&r, slice_of(text), false, at);
    return list;
}

void match_list_free(struct match_list *list)
{
    if (list == NULL)
        return;
    net_tree_free(list->nets);
    arena_free(list->arena);
    free(list->patterns);
    free(list->others);
    free(list->files);
    free(list);
}

void match_list_each_file(const struct match_list *list, void (*visit)(const char *path, void *arg),
                          void *arg)
{
    for (size_t i = 0; i < list->file_count; i++)
        visit(list->files[i], arg);
}

static bool same(struct slice a, struct slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* `name` is folded. */
static bool name_matches(const struct match_list *list, struct slice pattern, struct slice name)
{
    struct slice end;

    if (same(name, pattern))
        return true;
    if (list->flags & MATCH_EXACT || name.len <= pattern.len)
        return false;
    end = (struct slice){name.ptr + name.len - pattern.len, pattern.len};
    if (list->flags & MATCH_PARENT)
        return end.ptr[-1] == '.' && same(end, pattern);
    return pattern.ptr[0] == '.' && same(end, pattern);
}

/* Any value will do, an empty one, too. */
static enum match_result ask(const struct table *table, struct slice key, struct arena *arena)
{
    struct hit hit = {0};

    switch (table_lookup(table, key, arena, &hit)) {
    case TABLE_FOUND:
        return MATCH_YES;
    case TABLE_ERROR:
        return hit.value != NULL ? MATCH_YES : MATCH_ERROR;
    default:
        return MATCH_NO;
    }
}

/* Parents are asked for as `dom` or as `.dom`, never of tables with patterns. */
static enum match_result table_matches_name(const struct match_list *list,
                                            const struct table *table, struct slice name,
                                            struct arena *arena)
{
    enum match_result result = ask(table, name, arena);
    bool bare = list->flags & MATCH_PARENT;

    if (list->flags & MATCH_EXACT || table_has_patterns(table))
        return result;
    while (result == MATCH_NO && name.len > 1) {
        const char *dot = memchr(name.ptr + 1, '.', name.len - 1);
        size_t before;

        if (dot == NULL)
            break;
        before = (size_t)(dot - name.ptr) + bare;
        name = (struct slice){name.ptr + before, name.len - before};
        result = name.len > 0 ? ask(table, name, arena) : MATCH_NO;
    }
    return result;
}

static enum match_result pattern_matches(const struct match_list *list, const struct pattern *p,
                                         struct slice name, struct slice addr, struct arena *arena)
{
    enum match_result result = MATCH_NO;

    if (p->kind == KIND_UNUSABLE)
        return MATCH_ERROR;
    if (p->kind == KIND_BAD_NET)
        return addr.len > 0 && (memchr(addr.ptr, ':', addr.len) != NULL) == p->v6 ? MATCH_ERROR
                                                                                  : MATCH_NO;
    if (p->kind == KIND_NAME)
        return name.len > 0 && name_matches(list, p->name, name) ? MATCH_YES : MATCH_NO;
    if (name.len > 0)
        result = table_matches_name(list, p->table, name, arena);
    if (result == MATCH_NO && addr.len > 0)
        result = ask(p->table, addr, arena);
    return result;
}

/* `limit`: the index of a network that matches; only what stands before it can change that. */
static enum match_result match(const struct match_list *list, unsigned limit, struct slice name,
                               struct slice addr, struct arena *arena)
{
    struct slice folded = list->other_count > 0 ? fold_case(name, arena) : name;

    for (size_t i = 0; i < list->other_count && list->others[i] < limit; i++) {
        const struct pattern *p = &list->patterns[list->others[i]];
        enum match_result result = pattern_matches(list, p, folded, addr, arena);

        if (result == MATCH_ERROR)
            return MATCH_ERROR;
        if (result == MATCH_YES)
            return p->negated ? MATCH_NO : MATCH_YES;
    }
    if (limit == UINT_MAX)
        return MATCH_NO;
    return list->patterns[limit].negated ? MATCH_NO : MATCH_YES;
}

enum match_result match_domain(const struct match_list *list, struct slice name,
                               struct arena *arena)
{
    return match(list, UINT_MAX, name, (struct slice){"", 0}, arena);
}

enum match_result match_client(const struct match_list *list, struct slice name,
                               const struct addr *addr, struct arena *arena)
{
    char text[ADDR_TEXT_SIZE];
    unsigned limit = UINT_MAX;
    struct slice key = {"", 0};

    if (addr->family != AF_UNSPEC)
        net_tree_find(list->nets, addr, &limit);
    if (addr->family != AF_UNSPEC && list->other_count > 0)
        key = slice_of(addr_text(addr, text));
    return match(list, limit, name, key, arena);
}
