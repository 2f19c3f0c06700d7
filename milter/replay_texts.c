/* replay_texts - the files of logged policies, and policies made of them again */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_read.h"

#include <stdlib.h>
#include <string.h>

struct file {
    const char *path, *text; /* text NULL: not kept */
    size_t len;
};

struct replay_texts {
    struct arena *arena;
    struct file *files;
    size_t count;
    const char **options; /* of the command line, "name=value"; ended by NULL */
    size_t option_count;
};

static void add_file(struct replay_texts *t, sqlite3_stmt *stmt)
{
    struct file *f;

    t->files = xreallocarray(t->files, t->count + 1, sizeof(*t->files));
    f = &t->files[t->count++];
    f->path = arena_strdup(t->arena, (const char *)sqlite3_column_text(stmt, 0));
    f->text = arena_strdup(t->arena, (const char *)sqlite3_column_text(stmt, 1));
    f->len = f->text != NULL ? strlen(f->text) : 0;
}

static struct file *find_file(const struct replay_texts *t, const char *path)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->files[i].path != NULL && strcmp(t->files[i].path, path) == 0)
            return &t->files[i];
    return NULL;
}

/* The pseudo file -o has one assignment a line. */
static void read_options(struct replay_texts *t)
{
    const struct file *f = find_file(t, "-o");
    struct slice rest = slice_of(f != NULL && f->text != NULL ? f->text : ""), line;

    t->options = arena_alloc(t->arena, (rest.len / 2 + 2) * sizeof(*t->options));
    while (slice_word(&rest, "\n", &line))
        t->options[t->option_count++] = arena_strndup(t->arena, line.ptr, line.len);
}

struct replay_texts *replay_texts_read(struct logdb *log, int64_t policy, struct err *err)
{
    sqlite3_stmt *stmt = logdb_prepare(log, "SELECT path, text FROM policy_file WHERE policy = ?1 "
                                            "ORDER BY n", err);
    struct replay_texts *t;

    if (stmt == NULL)
        return NULL;
    t = xcalloc(1, sizeof(*t));
    t->arena = arena_new();
    sqlite3_bind_int64(stmt, 1, policy);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        add_file(t, stmt);
    sqlite3_finalize(stmt);
    if (t->count == 0) {
        err_set(err, "the log does not hold the policy that was in force then");
        replay_texts_free(t);
        return NULL;
    }
    read_options(t);
    return t;
}

void replay_texts_free(struct replay_texts *t)
{
    if (t == NULL)
        return;
    arena_free(t->arena);
    free(t->files);
    free(t);
}

/* It is the first file, if there was one: options come next, then Postfix's main.cf. */
const char *replay_texts_conf(const struct replay_texts *t)
{
    const char *path = t->files[0].path, *slash = strrchr(path, '/');

    if (strcmp(path, "-o") == 0 || strcmp(slash != NULL ? slash + 1 : path, "main.cf") == 0)
        return NULL;
    return path;
}

const char *replay_texts_find(const struct replay_texts *t, const char *path, size_t *len)
{
    const struct file *f = find_file(t, path);

    if (f == NULL)
        return NULL;
    *len = f->len;
    return f->text;
}

static const char *find_text(void *arg, const char *path, size_t *len)
{
    return replay_texts_find(arg, path, len);
}

static struct policy_source source_of(const struct replay_texts *t)
{
    return (struct policy_source){.path = replay_texts_conf(t),
                                  .overrides = t->options,
                                  .override_count = t->option_count};
}

struct policy *replay_texts_load(const struct replay_texts *t, const struct rule_ref *without,
                                 struct problems *problems)
{
    struct policy_source source = source_of(t);
    struct overlay overlay = {.find = find_text, .arg = (void *)(uintptr_t)t};

    if (without != NULL) {
        overlay.without = without->where;
        overlay.without_text = without->text;
    }
    return replay_load(&source, &overlay, problems);
}

struct policy *replay_texts_load_whole(const struct replay_texts *t, struct problems *problems)
{
    struct policy_source source = source_of(t);
    struct overlay overlay = {.find = find_text, .arg = (void *)(uintptr_t)t};

    return replay_load_whole(&source, &overlay, problems);
}

char *replay_texts_setting(const struct replay_texts *t, const char *name)
{
    struct policy_source source = source_of(t);
    struct overlay overlay = {.find = find_text, .arg = (void *)(uintptr_t)t};
    struct problems problems = {0};
    struct settings *settings;
    char *text = NULL;

    overlay_set(&overlay);
    settings = settings_load(source.path, source.overrides, source.override_count, &problems);
    overlay_set(NULL);
    for (size_t i = 0; i < settings->source_count && text == NULL; i++)
        if (strcmp(settings->sources[i].name, name) == 0)
            text = xstrdup(settings->sources[i].text.text);
    settings_free(settings);
    problems_free(&problems);
    return text;
}
