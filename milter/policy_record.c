/* policy_record - a policy's texts and rules as the log keeps them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_record.h"

#include "buf.h"
#include "config.h"
#include "dkim_hash.h"
#include "lines.h"
#include "restriction.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 256 * 1024, ALL_MAX = 4 * 1024 * 1024, RULES_MAX = 20000 };

struct record {
    struct arena *arena;
    struct ruleset *ruleset;
    struct ruleset_file **files_tail;
    struct ruleset_rule **rules_tail;
    size_t bytes; /* of the texts that are kept */
    int rules;
    struct buf all; /* paths and hashes, of which the policy's own is made */
};

static const char *hash_of(const void *data, size_t len, struct arena *arena)
{
    unsigned char digest[DKIM_DIGEST_SIZE];
    char *text = arena_alloc(arena, 2 * sizeof(digest) + 1);
    struct err err;

    if (!dkim_sha256(data, len, digest, &err))
        die("SHA-256: %s", err.text);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

/* Never a key, whichever file it stands in. */
static bool may_keep(const struct record *r, const struct buf *text)
{
    return text->len <= TEXT_MAX && r->bytes + text->len <= ALL_MAX &&
           memchr(buf_text(text), '\0', text->len) == NULL &&
           strstr(buf_text(text), "PRIVATE KEY") == NULL;
}

static void add_text(struct record *r, const char *path, const struct buf *text)
{
    struct ruleset_file *file = arena_alloc(r->arena, sizeof(*file));

    file->path = arena_strdup(r->arena, path);
    file->hash = hash_of(buf_text(text), text->len, r->arena);
    file->size = (int64_t)text->len;
    if (may_keep(r, text)) {
        file->text = arena_strdup(r->arena, buf_text(text));
        r->bytes += text->len;
    }
    buf_addf(&r->all, "%s %s\n", file->hash, path);
    *r->files_tail = file;
    r->files_tail = &file->next;
}

static bool is_known(const struct record *r, const char *path)
{
    for (const struct ruleset_file *f = r->ruleset->files; f != NULL; f = f->next)
        if (strcmp(f->path, path) == 0)
            return true;
    return false;
}

static void read_file(const char *path, struct buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char chunk[65536];
    struct stat st;
    ssize_t len;

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        while (text->len < LINES_FILE_MAX && (len = read(fd, chunk, sizeof(chunk))) > 0)
            buf_add(text, chunk, (size_t)len);
    close(fd);
}

static void add_file(const char *path, void *arg)
{
    struct record *r = arg;
    struct buf text = {0};

    if (is_known(r, path))
        return;
    read_file(path, &text);
    add_text(r, path, &text);
    buf_free(&text);
}

static void add_options(struct record *r, const struct policy_source *source)
{
    struct buf text = {0};

    for (size_t i = 0; i < source->override_count; i++)
        buf_addf(&text, "%s\n", source->overrides[i]);
    if (text.len > 0)
        add_text(r, "-o", &text);
    buf_free(&text);
}

static void add_rule(struct record *r, const char *file, int line, const char *text)
{
    struct ruleset_rule *rule;

    if (r->rules++ >= RULES_MAX)
        return;
    rule = arena_alloc(r->arena, sizeof(*rule));
    rule->file = arena_strdup(r->arena, file);
    rule->line = line;
    rule->text = arena_strdup(r->arena, text);
    *r->rules_tail = rule;
    r->rules_tail = &rule->next;
}

/* A restriction that asks a table never fires by itself: the table's rules do. */
static void add_steps(struct record *r, const struct steps *steps)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++) {
        const struct step *step = &steps->list[i];

        if (step->where.file != NULL && step->table == NULL)
            add_rule(r, step->where.file, step->where.line, step->text);
    }
}

static bool shared_list(const struct policy *p, int list)
{
    return p->lists[DIR_INCOMING][list] == p->lists[DIR_OUTGOING][list];
}

static void add_lists(struct record *r, const struct policy *p)
{
    for (int list = 0; list < LIST_COUNT; list++) {
        add_steps(r, p->lists[DIR_INCOMING][list]);
        if (!shared_list(p, list))
            add_steps(r, p->lists[DIR_OUTGOING][list]);
    }
}

/* The lines of a table's rules, in the order of the file. */
struct rule_lines {
    int *list;
    size_t count, size, next;
};

static void note_line(const struct rule *rule, void *arg)
{
    struct rule_lines *l = arg;

    if (l->count == l->size) {
        l->size = l->size * 2 + 64;
        l->list = xreallocarray(l->list, l->size, sizeof(*l->list));
    }
    l->list[l->count++] = rule->where.line;
}

static int compare_lines(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return x < y ? -1 : x > y;
}

static bool has_line(const struct rule_lines *l, int line)
{
    return l->count > 0 && bsearch(&line, l->list, l->count, sizeof(line), compare_lines) != NULL;
}

static void add_table(const struct table *table, void *arg)
{
    struct rule_lines rules = {0};
    struct record *r = arg;
    struct lines *lines;
    struct slice text;
    struct where at;
    struct err err;
    struct problems ignored = {0};

    if (table_file(table) == NULL || (lines = lines_read(table_file(table), LINES_FILE_MAX, &err))
                                         == NULL)
        return;
    table_each(table, note_line, &rules);
    if (rules.count > 0)
        qsort(rules.list, rules.count, sizeof(*rules.list), compare_lines);
    while (r->rules < RULES_MAX && lines_next(lines, &text, &at, &ignored))
        if (has_line(&rules, at.line))
            add_rule(r, at.file, at.line, text.ptr);
    problems_free(&ignored);
    lines_free(lines);
    free(rules.list);
}

struct entry *policy_record(struct policy *p, const struct policy_source *source,
                            const char *loaded_by)
{
    struct message *m = message_new(0);
    struct entry *entry = entry_new(m);
    struct record r = {.arena = m->arena};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    r.ruleset = arena_alloc(r.arena, sizeof(*r.ruleset));
    r.files_tail = &r.ruleset->files;
    r.rules_tail = &r.ruleset->rules;
    r.ruleset->version = PACKAGE_VERSION;
    r.ruleset->loaded_by = arena_strdup(r.arena, loaded_by);
    r.ruleset->loaded_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    buf_addf(&r.all, "%s\n", PACKAGE_VERSION);
    if (p->settings->file != NULL)
        add_file(p->settings->file, &r);
    add_options(&r, source);
    if (p->settings->main_cf != NULL)
        add_file(p->settings->main_cf, &r);
    site_each_file(p->site, add_file, &r);
    tables_each_file(p->tables, add_file, &r);
    add_lists(&r, p);
    tables_each(p->tables, add_table, &r);
    r.ruleset->hash = hash_of(buf_text(&r.all), r.all.len, r.arena);
    p->hash = arena_strdup(p->arena, r.ruleset->hash);
    buf_free(&r.all);
    entry->ruleset = r.ruleset;
    return entry;
}
