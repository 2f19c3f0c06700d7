/* keys_data - OpenDKIM's data sets: rows of a file, or of the value itself */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys_parts.h"

#include "fold.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DATA_FILE_MAX = 64 * 1024 * 1024, DAY_SECONDS = 24 * 60 * 60 };

struct reading {
    struct keys *keys;
    void (*row)(struct keys *keys, const struct key_data *data, void *arg);
    void *arg;
};

/* What stands behind a # is a comment, wherever it is: so OpenDKIM reads it, and so the words that
 * are ours alone can stand there. */
static void read_row(const struct reading *r, struct slice text, struct where at)
{
    const char *hash = memchr(text.ptr, '#', text.len);
    struct key_data data = {.comment = slice_of(""), .where = at};

    if (memchr(text.ptr, '\0', text.len) != NULL) {
        problems_add(r->keys->problems, SEV_ERROR, at, "a NUL byte: this is no text");
        return;
    }
    if (hash != NULL) {
        size_t len = (size_t)(hash - text.ptr);

        data.comment = (struct slice){hash + 1, text.len - len - 1};
        text.len = len;
    }
    while (text.len > 0 && is_space((unsigned char)text.ptr[0]))
        text.ptr++, text.len--;
    while (text.len > 0 && is_space((unsigned char)text.ptr[text.len - 1]))
        text.len--;
    data.text = text;
    if (text.len > 0)
        r->row(r->keys, &data, r->arg);
}

static bool read_file(const struct reading *r, const char *path, struct where at)
{
    struct err err = {""};
    struct lines *lines = lines_read(path, DATA_FILE_MAX, &err);
    const char *file = arena_strdup(r->keys->arena, path);
    struct slice text;
    struct where line;

    keys_watch_file(r->keys, path);
    if (lines == NULL)
        return problems_add(r->keys->problems, SEV_ERROR, at, "%s", err.text);
    while (lines_next_physical(lines, &text, &line)) {
        text.ptr = arena_strndup(r->keys->arena, text.ptr != NULL ? text.ptr : "", text.len);
        read_row(r, text, (struct where){file, line.line});
    }
    lines_free(lines);
    return true;
}

/* key=value,key=value: the first = is the blank of a file's row. */
static void read_list(const struct reading *r, const char *text, struct where at)
{
    struct slice rest = slice_of(text), word;

    while (slice_word(&rest, ",", &word)) {
        char *row = arena_strndup(r->keys->arena, word.ptr, word.len);
        char *equals = strchr(row, '=');

        if (equals != NULL)
            *equals = ' ';
        read_row(r, slice_of(row), at);
    }
}

static bool take_prefix(const char **text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(*text, prefix, len) != 0)
        return false;
    *text += len;
    return true;
}

bool keys_read(struct keys *keys, const struct param_text *value, const char *name,
               enum key_data_form *form, const char **dir,
               void (*row)(struct keys *keys, const struct key_data *data, void *arg), void *arg)
{
    struct reading r = {keys, row, arg};
    const char *text = value->text, *path;
    size_t type = strcspn(text, ":/");

    *dir = arena_strdup(keys->arena, conf_dir(value->where, keys->arena));
    *form = take_prefix(&text, "refile:") ? KEY_DATA_REFILE
            : take_prefix(&text, "csl:")  ? KEY_DATA_CSL
                                          : KEY_DATA_FILE;
    if (*form == KEY_DATA_CSL) {
        read_list(&r, text, value->where);
        return true;
    }
    if (*form == KEY_DATA_FILE && !take_prefix(&text, "file:") && text[type] == ':')
        return problems_add(keys->problems, SEV_ERROR, value->where,
                            "%s: %.*s: is no kind of list that tamis reads: write file:PATH, "
                            "refile:PATH or csl:ROW,ROW", name, (int)type, text);
    path = conf_path(*dir, text, keys->arena);
    *dir = conf_dir((struct where){path, 1}, keys->arena);
    return read_file(&r, path, value->where);
}

/* "2026-10-01" or "2026-10-01T12:30:00", UTC; *is_day if there is no time. */
static bool read_time(struct slice text, int64_t *seconds, bool *is_day)
{
    struct tm tm = {0};
    char copy[32], *end;

    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    end = strptime(copy, "%Y-%m-%d", &tm);
    *is_day = end != NULL && *end == '\0';
    if (end != NULL && *end == 'T')
        end = strptime(end + 1, "%H:%M:%S", &tm);
    if (end != NULL && *end == 'Z')
        end++;
    *seconds = timegm(&tm);
    return end != NULL && *end == '\0' && *seconds > 0;
}

static bool is_setting(struct slice word, const char *name, struct slice *value)
{
    size_t len = strlen(name);

    if (word.len < len || strncmp(word.ptr, name, len) != 0)
        return false;
    *value = (struct slice){word.ptr + len, word.len - len};
    return true;
}

bool keys_read_times(struct keys *keys, const struct key_data *data, struct key_row *row)
{
    struct slice rest = data->comment, word, value;

    while (slice_word(&rest, " \t\r\n,;", &word)) {
        bool before = is_setting(word, "not-before=", &value), is_day;
        int64_t seconds;

        if (!before && !is_setting(word, "not-after=", &value))
            continue;
        if (!read_time(value, &seconds, &is_day))
            return problems_add(keys->problems, SEV_ERROR, data->where,
                                "%.*s: write a day or a time in UTC, as 2026-10-01 or "
                                "2026-10-01T12:30:00Z", (int)word.len, word.ptr);
        if (before)
            row->not_before = seconds;
        else
            row->not_after = is_day ? seconds + DAY_SECONDS - 1 : seconds;
    }
    if (row->not_after != 0 && row->not_after < row->not_before)
        return problems_add(keys->problems, SEV_ERROR, data->where,
                            "not-after is before not-before: this key never signs");
    return true;
}

/* Label by label, so that wildcards beside U-labels do no harm. */
static const char *fold_labels(struct keys *keys, const char *domain)
{
    const char *out = "";

    for (;;) {
        size_t len = strcspn(domain, ".");
        const char *label = arena_strndup(keys->arena, domain, len);

        out = arena_printf(keys->arena, "%s%s", out,
                           len == 0 ? "" : fold_domain_ascii(label, keys->arena));
        if (domain[len] == '\0')
            return out;
        out = arena_printf(keys->arena, "%s.", out);
        domain += len + 1;
    }
}

const char *keys_fold(struct keys *keys, struct slice text)
{
    struct slice folded = fold_case(text, keys->arena);
    const char *copy = arena_strndup(keys->arena, folded.ptr, folded.len);
    const char *at = strrchr(copy, '@');

    if (at == NULL)
        return fold_labels(keys, copy);
    return arena_printf(keys->arena, "%.*s@%s", (int)(at - copy), copy,
                        fold_labels(keys, at + 1));
}

static bool is_name(const char *text)
{
    size_t len = strlen(text), label = 0;

    if (len == 0 || len > 253)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.' ? label == 0
                           : !is_alnum((unsigned char)text[i]) && strchr("-_", text[i]) == NULL)
            return false;
        label = text[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

bool keys_is_selector(const char *text)
{
    return is_name(text);
}

bool keys_is_domain(const char *text)
{
    return is_name(text);
}
