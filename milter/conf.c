/* conf - the assignments of main.cf and milter.conf, found by name in constant time */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf.h"

#include "conf_pasted.h"
#include "fold.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>

static const char COMMAND_LINE[] = "-o";

struct conf {
    struct arena *arena; /* names, values, file names */
    struct setting **list;
    size_t count, cap;
    struct setting **slots; /* open addressing; NULL is free; never more than half full */
    size_t slot_count;      /* a power of two */
    const char **replaced;  /* values that others took the place of */
    size_t replaced_count, replaced_cap;
};

struct conf *conf_new(void)
{
    struct conf *conf = xcalloc(1, sizeof(*conf));

    conf->arena = arena_new();
    conf->slot_count = 256;
    conf->slots = xcalloc(conf->slot_count, sizeof(*conf->slots));
    return conf;
}

void conf_free(struct conf *conf)
{
    if (conf == NULL)
        return;
    arena_free(conf->arena);
    free(conf->list);
    free(conf->slots);
    free(conf->replaced);
    free(conf);
}

static uint64_t hash(const char *name)
{
    uint64_t h = 14695981039346656037ull;

    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211ull;
    return h ^ h >> 29;
}

/* Where the name is, or where it would go. */
static struct setting **slot_of(const struct conf *conf, const char *name)
{
    size_t i = hash(name) & (conf->slot_count - 1);

    while (conf->slots[i] != NULL && strcmp(conf->slots[i]->name, name) != 0)
        i = (i + 1) & (conf->slot_count - 1);
    return &conf->slots[i];
}

static void grow(struct conf *conf)
{
    if (conf->count == conf->cap) {
        conf->cap = conf->cap ? conf->cap * 2 : 64;
        conf->list = xreallocarray(conf->list, conf->cap, sizeof(struct setting *));
    }
    if (conf->count * 2 < conf->slot_count)
        return;
    free(conf->slots);
    conf->slot_count *= 2;
    conf->slots = xcalloc(conf->slot_count, sizeof(*conf->slots));
    for (size_t i = 0; i < conf->count; i++)
        *slot_of(conf, conf->list[i]->name) = conf->list[i];
}

static void keep_replaced(struct conf *conf, const char *value)
{
    if (conf->replaced_count == conf->replaced_cap) {
        conf->replaced_cap = conf->replaced_cap ? conf->replaced_cap * 2 : 16;
        conf->replaced =
            xreallocarray(conf->replaced, conf->replaced_cap, sizeof(*conf->replaced));
    }
    conf->replaced[conf->replaced_count++] = value;
}

static void overwrite(struct conf *conf, struct setting *old, const char *value,
                      struct where where, struct problems *problems)
{
    if (where.file != COMMAND_LINE && old->where.file == where.file)
        problems_add(problems, SEV_WARNING, where,
                     "%s was already set in line %d; this value replaces it: remove one of them",
                     old->name, old->where.line);
    keep_replaced(conf, old->value);
    old->value = value;
    old->where = where;
    old->replaces = true;
}

/* The value and where.file live as long as conf. */
static void add(struct conf *conf, struct slice name, const char *value, struct where where,
                struct problems *problems)
{
    const char *copy = arena_strndup(conf->arena, name.ptr, name.len);
    struct setting **slot;

    grow(conf);
    slot = slot_of(conf, copy);
    if (*slot != NULL) {
        overwrite(conf, *slot, value, where, problems);
        return;
    }
    *slot = arena_alloc(conf->arena, sizeof(**slot));
    **slot = (struct setting){copy, value, where, false};
    conf->list[conf->count++] = *slot;
}

/* "KeyList FILE" and the like; false: it is nothing of the kind. */
static bool report_pasted(struct slice line, struct where where, struct problems *problems)
{
    struct slice rest = line, name;
    char *mend = conf_pasted(line);

    if (mend == NULL)
        return false;
    slice_word(&rest, " \t", &name);
    problems_add(problems, SEV_ERROR, where, "%.*s is a setting of OpenDKIM or dkim-filter: %s",
                 (int)name.len, name.ptr, mend);
    free(mend);
    return true;
}

static bool add_line(struct conf *conf, struct slice line, struct where where,
                     struct problems *problems)
{
    const char *equals = memchr(line.ptr, '=', line.len);
    struct slice name = {line.ptr, equals != NULL ? (size_t)(equals - line.ptr) : line.len}, value;

    name = slice_trim(name); /* CR and LF may end it, too, as in Postfix */
    if (equals == NULL && report_pasted(line, where, problems))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (is_space((unsigned char)name.ptr[i]))
            return problems_add(problems, SEV_ERROR, where,
                                "\"%.*s\" is not a name: write name = value%s",
                                (int)(name.len > 60 ? 60 : name.len), name.ptr,
                                equals ? "" : ", or a blank in front if this continues the line "
                                              "before");
    if (equals == NULL)
        return problems_add(problems, SEV_ERROR, where,
                            "no \"=\" after \"%.*s\": write name = value",
                            (int)(name.len > 60 ? 60 : name.len), name.ptr);
    if (name.len == 0)
        return problems_add(problems, SEV_ERROR, where, "no name before \"=\": write name = value");
    value = slice_trim((struct slice){equals + 1, line.len - (size_t)(equals + 1 - line.ptr)});
    if (!is_utf8(line))
        problems_add(problems, SEV_WARNING, where,
                     "not in UTF-8: convert the file with iconv -f ISO-8859-1 -t UTF-8");
    add(conf, name, arena_strndup(conf->arena, value.ptr, value.len), where, problems);
    return true;
}

static bool read_lines(struct conf *conf, struct lines *lines, const char *name,
                       struct problems *problems)
{
    const char *file = arena_strdup(conf->arena, name);
    struct slice text;
    struct where at;
    bool good = true;

    while (lines_next(lines, &text, &at, problems))
        good = add_line(conf, text, (struct where){file, at.line}, problems) && good;
    lines_free(lines);
    return good;
}

bool conf_read(struct conf *conf, const char *path, struct problems *problems)
{
    struct err err = {""};
    struct lines *lines = lines_read(path, LINES_FILE_MAX, &err);

    if (lines == NULL)
        return problems_add(problems, SEV_ERROR, (struct where){0}, "%s", err.text);
    return read_lines(conf, lines, path, problems);
}

bool conf_read_text(struct conf *conf, const char *name, const char *text, size_t len,
                    struct problems *problems)
{
    return read_lines(conf, lines_of_text(name, text, len), name, problems);
}

bool conf_set(struct conf *conf, const char *assignment, struct problems *problems)
{
    return add_line(conf, slice_of(assignment), (struct where){COMMAND_LINE, 0}, problems);
}

const struct setting *conf_find(const struct conf *conf, const char *name)
{
    return *slot_of(conf, name);
}

size_t conf_count(const struct conf *conf)
{
    return conf->count;
}

const struct setting *conf_get(const struct conf *conf, size_t index)
{
    return conf->list[index];
}

void conf_each_reference(const struct conf *conf, void (*visit)(const char *name, void *arg),
                         void *arg)
{
    for (size_t i = 0; i < conf->count; i++)
        conf_references(conf->list[i]->value, visit, arg);
    for (size_t i = 0; i < conf->replaced_count; i++)
        conf_references(conf->replaced[i], visit, arg);
}

const char *conf_dir(struct where where, struct arena *arena)
{
    const char *slash = where.file != NULL ? strrchr(where.file, '/') : NULL;

    if (slash == NULL || where.line == 0)
        return ".";
    return arena_strndup(arena, where.file, slash == where.file ? 1 : (size_t)(slash - where.file));
}

const char *conf_path(const char *dir, const char *path, struct arena *arena)
{
    if (path[0] == '\0' || path[0] == '/' || strcmp(dir, ".") == 0)
        return path;
    return arena_printf(arena, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", path);
}
