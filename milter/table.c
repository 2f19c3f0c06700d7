/* table - TYPE:NAME as Postfix's lookup tables: opened at load, immutable, asked by many threads */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "table.h"

#include "overlay.h"
#include "table_type.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct table_limits table_limits_preset = {
    .pcre_match = 1000000,
    .pcre_depth = 250000,
    .pcre_heap_kb = 32768,
    .regexp_text = 8192,
};

/* All names of Postfix's table types; row NULL: not read by tamis. The hash-like ones differ in
 * what postmap makes of the text, which is the same for all. */
static const struct {
    const char *name;
    const struct table_type *type;
} types[] = {
    {"texthash", &type_hash}, {"hash", &type_hash},     {"btree", &type_hash},
    {"lmdb", &type_hash},     {"cdb", &type_hash},      {"dbm", &type_hash},
    {"cidr", &type_cidr},     {"pcre", &type_pcre},     {"regexp", &type_regexp},
    {"static", &type_static}, {"inline", &type_inline}, {"debug", NULL},
    {"environ", NULL},        {"fail", NULL},           {"internal", NULL},
    {"ldap", NULL},           {"memcache", NULL},       {"mongodb", NULL},
    {"mysql", NULL},          {"netinfo", NULL},        {"nis", NULL},
    {"nisplus", NULL},        {"pgsql", NULL},          {"pipemap", NULL},
    {"proxy", NULL},          {"randmap", NULL},        {"sdbm", NULL},
    {"socketmap", NULL},      {"sqlite", NULL},         {"tcp", NULL},
    {"unionmap", NULL},       {"unix", NULL},
};

struct table {
    const struct table_type *type;
    const char *type_name;
    char *spec;
    char *file;     /* NULL: none */
    char *at_file;  /* holds at.file of the source */
    void *data;
};

static bool type_row(struct slice name, size_t *row)
{
    for (*row = 0; *row < ARRAY_LEN(types); (*row)++)
        if (slice_is(name, types[*row].name))
            return true;
    return false;
}

bool table_type_is_ours(struct slice type)
{
    size_t row;

    return slice_is(type, "proxy") || (type_row(type, &row) && types[row].type != NULL);
}

bool table_type_is_postfix(struct slice type)
{
    size_t row;

    return type_row(type, &row);
}

/* Divides TYPE:NAME; `proxy:` in front is taken off. */
static bool split_spec(struct slice spec, struct slice *type, struct slice *name)
{
    const char *colon;

    spec = slice_trim(spec);
    do {
        colon = spec.len > 0 ? memchr(spec.ptr, ':', spec.len) : NULL;
        if (colon == NULL)
            return false;
        *type = (struct slice){spec.ptr, (size_t)(colon - spec.ptr)};
        *name = spec = (struct slice){colon + 1, spec.len - type->len - 1};
    } while (slice_is(*type, "proxy"));
    return true;
}

bool table_is_spec(struct slice word)
{
    struct slice type, name;

    return split_spec(word, &type, &name) && table_type_is_postfix(type);
}

/* Which row a specification asks for; false, and reported, when it asks for none of ours. */
static bool find_type(const char *spec, struct where at, struct problems *problems, size_t *row,
                      struct slice *name)
{
    struct slice type;

    if (!split_spec(slice_of(spec), &type, name))
        return problems_add(problems, SEV_ERROR, at,
                            "\"%s\" is no table; write TYPE:NAME, such as texthash:%s", spec,
                            spec[0] ? spec : "/path/of/file");
    if (!type_row(type, row))
        return problems_add(problems, SEV_ERROR, at,
                            "%s: unknown table type \"%.*s\"; tamis reads texthash, hash, btree, "
                            "lmdb, cdb, dbm, cidr, pcre, regexp, inline, static",
                            spec, (int)type.len, type.ptr);
    if (types[*row].type == NULL)
        return problems_add(problems, SEV_ERROR, at,
                            "%s: tamis does not read tables of type %.*s; leave this rule to "
                            "Postfix, or write the entries to a texthash: file",
                            spec, (int)type.len, type.ptr);
    if (name->len == 0)
        return problems_add(problems, SEV_ERROR, at, "%s: nothing behind %.*s:", spec,
                            (int)type.len, type.ptr);
    if (types[*row].type->has_file && name->ptr[0] == '{')
        return problems_add(problems, SEV_ERROR, at,
                            "%s: tamis reads no rules out of { }: write each on a line of a file, "
                            "and %.*s:FILE here",
                            spec, (int)type.len, type.ptr);
    return true;
}

static char *path_of(struct slice name, const char *dir)
{
    if (name.ptr[0] == '/' || dir == NULL || dir[0] == '\0' || strcmp(dir, ".") == 0)
        return xstrndup(name.ptr, name.len);
    return xasprintf("%s/%.*s", dir, (int)name.len, name.ptr);
}

static const char *const compiled[] = {".db", ".lmdb", ".cdb", ".dir", ".pag"};

/* What postmap has made was found in place of the text, or instead of it. */
static bool report_compiled(const char *path, struct where at, struct problems *problems)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < ARRAY_LEN(compiled); i++) {
        size_t tail = strlen(compiled[i]);
        char *made = xasprintf("%s%s", path, compiled[i]);
        bool is_there = access(path, F_OK) != 0 && access(made, F_OK) == 0;

        if (is_there)
            problems_add(problems, SEV_ERROR, at,
                         "%s: no such file, only %s: tamis reads the text that postmap makes it "
                         "from; put that text at %s, or name the place where it is",
                         path, made, path);
        free(made);
        if (is_there)
            return true;
        if (len > tail && strcmp(path + len - tail, compiled[i]) == 0) {
            problems_add(problems, SEV_ERROR, at,
                         "%s: this is what postmap makes; name the text that it is made from "
                         "(%.*s ?)",
                         path, (int)(len - tail), path);
            return true;
        }
    }
    return false;
}

static struct lines *read_file(const struct table_type *type, const char *path, struct where at,
                               struct problems *problems)
{
    struct lines *lines;
    struct err err;
    size_t len;

    if (type == &type_hash && overlay_find(path, &len) == NULL &&
        report_compiled(path, at, problems))
        return NULL;
    lines = lines_read(path, LINES_FILE_MAX, &err);
    if (lines == NULL)
        problems_add(problems, SEV_ERROR, at, "%s", err.text);
    return lines;
}

/* A table without content; `data` is still to come. */
static struct table *table_new(size_t row, struct slice name, const char *dir, struct where at)
{
    struct table *table = xcalloc(1, sizeof(*table));

    table->type = types[row].type;
    table->type_name = types[row].name;
    table->at_file = at.file != NULL ? xstrdup(at.file) : NULL;
    if (table->type->has_file) {
        table->file = path_of(name, dir);
        table->spec = xasprintf("%s:%s", table->type_name, table->file);
    } else {
        table->spec = xasprintf("%s:%.*s", table->type_name, (int)name.len, name.ptr);
    }
    return table;
}

/* True when the table can be used. */
static bool table_fill(struct table *table, int line, const struct table_limits *limits,
                       struct problems *problems)
{
    struct source source = {
        .name = table->spec + strlen(table->type_name) + 1,
        .at = {table->at_file, line},
        .limits = limits != NULL ? limits : &table_limits_preset,
        .problems = problems,
    };
    int hidden;

    source.dropped = source.limits->strict ? SEV_ERROR : SEV_WARNING;
    if (table->type->has_file) {
        source.lines = read_file(table->type, table->file, source.at, problems);
        if (source.lines == NULL)
            return false;
        lines_report_as(source.lines, source.dropped);
        hidden = overlay_hidden_line(table->file);
        if (hidden > 0)
            lines_blank(source.lines, hidden);
    }
    table->data = table->type->open(&source);
    if (table->data == NULL)
        lines_free(source.lines);
    return table->data != NULL;
}

struct table *table_open(const char *spec, const char *dir, struct where at,
                         const struct table_limits *limits, struct problems *problems)
{
    struct table *table;
    struct slice name;
    size_t row;

    if (!find_type(spec, at, problems, &row, &name))
        return NULL;
    table = table_new(row, name, dir, at);
    if (!table_fill(table, at.line, limits, problems)) {
        table_free(table);
        return NULL;
    }
    return table;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    if (table->data != NULL)
        table->type->free(table->data);
    free(table->spec);
    free(table->file);
    free(table->at_file);
    free(table);
}

enum table_result table_lookup(const struct table *table, struct slice key, struct arena *arena,
                               struct hit *hit)
{
    enum table_result result;

    *hit = (struct hit){0};
    result = table->type->lookup(table->data, key, arena, hit);
    if (result != TABLE_FOUND || hit->value[0] != '\0')
        return result;
    hit->why = "the rule that matches has an empty result";
    return TABLE_ERROR;
}

bool table_has_patterns(const struct table *table)
{
    return table->type->has_patterns;
}

bool table_folds(const struct table *table)
{
    return table->type->folds;
}

const char *table_spec(const struct table *table)
{
    return table->spec;
}

const char *table_type(const struct table *table)
{
    return table->type_name;
}

const char *table_file(const struct table *table)
{
    return table->file;
}

void table_each(const struct table *table, void (*visit)(const struct rule *rule, void *arg),
                void *arg)
{
    table->type->each(table->data, visit, arg);
}

size_t table_count(const struct table *table)
{
    return table->type->count(table->data);
}

const struct pattern_table *table_patterns(const struct table *table)
{
    return table->type == &type_pcre || table->type == &type_regexp ? table->data : NULL;
}

struct tables {
    struct table_limits limits;
    struct table **list;
    size_t count, cap;
    char **missing; /* files of tables that could not be opened */
    size_t missing_count;
};

struct tables *tables_new(const struct table_limits *limits)
{
    struct tables *tables = xcalloc(1, sizeof(*tables));

    tables->limits = limits != NULL ? *limits : table_limits_preset;
    return tables;
}

void tables_free(struct tables *tables)
{
    if (tables == NULL)
        return;
    for (size_t i = 0; i < tables->count; i++)
        table_free(tables->list[i]);
    for (size_t i = 0; i < tables->missing_count; i++)
        free(tables->missing[i]);
    free(tables->list);
    free(tables->missing);
    free(tables);
}

static const struct table *find_open(const struct tables *tables, const struct table *like)
{
    for (size_t i = 0; i < tables->count; i++)
        if (strcmp(tables->list[i]->spec, like->spec) == 0)
            return tables->list[i];
    return NULL;
}

static void remember_missing(struct tables *tables, const char *file)
{
    for (size_t i = 0; i < tables->missing_count; i++)
        if (strcmp(tables->missing[i], file) == 0)
            return;
    tables->missing = xreallocarray(tables->missing, tables->missing_count + 1,
                                    sizeof(*tables->missing));
    tables->missing[tables->missing_count++] = xstrdup(file);
}

const struct table *tables_find(struct tables *tables, const char *spec, const char *dir,
                                struct where at, struct problems *problems)
{
    const struct table *known;
    struct table *table;
    struct slice name;
    size_t row;

    if (!find_type(spec, at, problems, &row, &name))
        return NULL;
    table = table_new(row, name, dir, at);
    known = find_open(tables, table);
    if (known == NULL && table_fill(table, at.line, &tables->limits, problems)) {
        if (tables->count == tables->cap) {
            tables->cap = tables->cap ? tables->cap * 2 : 16;
            tables->list = xreallocarray(tables->list, tables->cap, sizeof(*tables->list));
        }
        return tables->list[tables->count++] = table;
    }
    if (known == NULL && table->file != NULL)
        remember_missing(tables, table->file);
    table_free(table);
    return known;
}

void tables_each(const struct tables *tables,
                 void (*visit)(const struct table *table, void *arg), void *arg)
{
    for (size_t i = 0; i < tables->count; i++)
        visit(tables->list[i], arg);
}

void tables_each_file(const struct tables *tables, void (*visit)(const char *path, void *arg),
                      void *arg)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->list[i]->file != NULL)
            visit(tables->list[i]->file, arg);
    for (size_t i = 0; i < tables->missing_count; i++)
        visit(tables->missing[i], arg);
}
