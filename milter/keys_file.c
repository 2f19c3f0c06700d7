/* keys_file - key files: found, read once, and given to the rows that name them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys_parts.h"

#include "fold.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest key that we read has some 6,400 bytes of PEM. A bare Base64 seed has 44 characters,
 * padding included. */
enum { KEY_FILE_MAX = 64 * 1024, INLINE_MIN = 43 };

void keys_watch_file(struct keys *keys, const char *path)
{
    if (keys->watched_count == keys->watched_cap) {
        keys->watched_cap = keys->watched_cap ? keys->watched_cap * 2 : 16;
        keys->watched = xreallocarray(keys->watched, keys->watched_cap, sizeof(*keys->watched));
    }
    keys->watched[keys->watched_count++] = arena_strdup(keys->arena, path);
}

size_t keys_slot(const struct keys *keys, size_t count, const char *name,
                 const char *(*name_at)(const struct keys *keys, size_t index))
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(name_at(keys, middle), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const char *path_at(const struct keys *keys, size_t index)
{
    return keys->files[index]->path;
}

/* Where the file is in the sorted list, or where it belongs. */
static size_t slot_of(const struct keys *keys, const char *path)
{
    return keys_slot(keys, keys->file_count, path, path_at);
}

static struct key_file *insert(struct keys *keys, size_t slot, const char *path)
{
    struct key_file *file = arena_alloc(keys->arena, sizeof(*file));

    if (keys->file_count == keys->file_cap) {
        keys->file_cap = keys->file_cap ? keys->file_cap * 2 : 16;
        keys->files = xreallocarray(keys->files, keys->file_cap, sizeof(*keys->files));
    }
    memmove(keys->files + slot + 1, keys->files + slot,
            (keys->file_count - slot) * sizeof(*keys->files));
    keys->file_count++;
    keys->files[slot] = file;
    file->path = arena_strdup(keys->arena, path);
    return file;
}

/* The whole file; -1 with errno. */
static ssize_t read_all(const char *path, char *text, size_t size, int64_t *made)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = -1, len = 0;
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *made = st.st_mtime;
        while ((n = read(fd, text + len, size - (size_t)len)) > 0)
            len += n;
    }
    close(fd);
    return n < 0 ? -1 : len;
}

static void parse(struct keys *keys, struct key_file *file, const char *text, size_t len,
                  struct where at)
{
    struct err err = {""};

    file->key = dkim_key_parse(text, len, &err);
    if (file->key == NULL)
        problems_add(keys->problems, SEV_ERROR, at, "%s: %s", file->path, err.text);
    else if (dkim_key_algorithm(file->key) == DKIM_RSA_SHA256 &&
             dkim_key_bits(file->key) < DKIM_RSA_USUAL)
        problems_add(keys->problems, SEV_WARNING, at,
                     "%s: a key of %u bits is weak: make one of %d with tamis dkim genkey",
                     file->path, dkim_key_bits(file->key), DKIM_RSA_USUAL);
}

/* The file, read and judged at most once; its key is NULL after an error at `at`. */
static const struct key_file *file_at(struct keys *keys, const char *path, struct where at)
{
    size_t slot = slot_of(keys, path);
    struct key_file *file;
    ssize_t len;
    char *text;

    if (slot < keys->file_count && strcmp(keys->files[slot]->path, path) == 0)
        return keys->files[slot];
    file = insert(keys, slot, path);
    if (!keys_judge_file(keys, path, at))
        return file;
    text = xcalloc(1, KEY_FILE_MAX + 1);
    len = read_all(path, text, KEY_FILE_MAX + 1, &file->made);
    if (len < 0)
        problems_add(keys->problems, SEV_ERROR, at, "%s: %s", path, strerror(errno));
    else if (len > KEY_FILE_MAX)
        problems_add(keys->problems, SEV_ERROR, at, "%s is too large to be a key", path);
    else
        parse(keys, file, text, (size_t)len, at);
    explicit_bzero(text, KEY_FILE_MAX + 1);
    free(text);
    return file;
}

/* The same for a key that stands in a table. */
static const struct key_file *file_inline(struct keys *keys, struct slice text, struct where at)
{
    const char *path =
        arena_printf(keys->arena, "%s:%d", at.file != NULL ? at.file : "-o", at.line);
    size_t slot = slot_of(keys, path);
    struct key_file *file;
    struct stat st;

    if (slot < keys->file_count && strcmp(keys->files[slot]->path, path) == 0)
        return keys->files[slot];
    file = insert(keys, slot, path);
    file->is_inline = true;
    if (at.file != NULL && stat(at.file, &st) == 0) {
        file->made = st.st_mtime;
        if (!keys_judge_file(keys, at.file, at))
            return file;
    }
    parse(keys, file, text.ptr, text.len, at);
    return file;
}

/* A key, not the path of one. */
static bool is_inline_key(struct slice source)
{
    static const char pem[] = "-----BEGIN";

    if (source.len >= sizeof(pem) - 1 && memcmp(source.ptr, pem, sizeof(pem) - 1) == 0)
        return true;
    for (size_t i = 0; i < source.len; i++)
        if (!is_alnum((unsigned char)source.ptr[i]) && strchr("+/= \t", source.ptr[i]) == NULL)
            return false;
    return source.len >= INLINE_MIN && source.ptr[0] != '/';
}

/* `path` with each % replaced by `with`; what glob(7) would take for a pattern gets a backslash if
 * `quote`. */
static const char *filled(struct keys *keys, const char *path, const char *with, bool quote)
{
    size_t len = strlen(path), with_len = strlen(with), n = 0;
    char *out = arena_alloc(keys->arena, len * (with_len + 2) + 1);

    for (size_t i = 0; i < len; i++) {
        if (path[i] == '%') {
            memcpy(out + n, with, with_len);
            n += with_len;
            continue;
        }
        if (quote && strchr("*?[]\\", path[i]) != NULL)
            out[n++] = '\\';
        out[n++] = path[i];
    }
    return out;
}

static int compare_held(const void *a, const void *b)
{
    return strcmp(((const struct key_held *)a)->domain, ((const struct key_held *)b)->domain);
}

/* What stands for the first % if the found path is `path` filled in; NULL: no domain. The domain of
 * a message never becomes part of a path: it is looked for among these. */
static const char *domain_of(struct keys *keys, const char *path, const char *found)
{
    size_t front = strcspn(path, "%"), rest = strcspn(path + front + 1, "%/");
    const char *tail = path + front + 1, *domain, *end;
    size_t len = strlen(found);

    if (len <= front)
        return NULL;
    end = found + front + strcspn(found + front, "/");
    while (end > found + front) {
        domain = arena_strndup(keys->arena, found + front, (size_t)(end - (found + front)));
        if (strncmp(end, tail, rest) == 0 && keys_is_domain(domain) &&
            strcmp(filled(keys, path, domain, false), found) == 0)
            return fold_domain_ascii(domain, keys->arena);
        end--;
    }
    return NULL;
}

/* The directory in which names with % are looked for: a new file there is a new key. */
static void watch_directory(struct keys *keys, const char *path)
{
    size_t len = strcspn(path, "%");

    while (len > 1 && path[len - 1] != '/')
        len--;
    keys_watch_file(keys, len <= 1 ? "." : arena_strndup(keys->arena, path, len - 1));
}

static void hold_each(struct keys *keys, struct key_row *row, const char *path)
{
    const char *pattern = filled(keys, path, "*", true);
    glob_t found = {0};

    watch_directory(keys, path);
    if (glob(pattern, 0, NULL, &found) == 0) {
        row->held = arena_alloc(keys->arena, found.gl_pathc * sizeof(*row->held));
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *domain = domain_of(keys, path, found.gl_pathv[i]);

            if (domain != NULL)
                row->held[row->held_count++] =
                    (struct key_held){domain, file_at(keys, found.gl_pathv[i], row->where)};
        }
    }
    globfree(&found);
    if (row->held_count > 1)
        qsort(row->held, row->held_count, sizeof(*row->held), compare_held);
    if (row->held_count == 0)
        problems_add(keys->problems, SEV_WARNING, row->where,
                     "no file is named like %s with a domain in place of %%: nothing is signed "
                     "with this row", path);
}

void keys_hold(struct keys *keys, struct key_row *row, struct slice source, const char *dir)
{
    bool is_inline = is_inline_key(source);
    const char *path = is_inline ? NULL
                                 : conf_path(dir, arena_strndup(keys->arena, source.ptr,
                                                                source.len), keys->arena);

    if (path != NULL && strchr(path, '%') != NULL) {
        hold_each(keys, row, path);
        return;
    }
    row->held = arena_alloc(keys->arena, sizeof(*row->held));
    row->held[0].file = is_inline ? file_inline(keys, source, row->where)
                                  : file_at(keys, path, row->where);
    row->held_count = 1;
}
