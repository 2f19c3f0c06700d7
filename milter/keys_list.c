/* keys_list - dkim-filter's KeyList, and signing_key for those with one domain */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys_parts.h"

#include "fold.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { FIELDS_MAX = 5 };

/* Fields between colons, the last one with what is left; returns how many. */
static size_t split(struct slice text, struct slice *fields)
{
    size_t count = 0;

    while (count < FIELDS_MAX) {
        const char *colon = memchr(text.ptr, ':', text.len);
        size_t len = colon != NULL ? (size_t)(colon - text.ptr) : text.len;

        fields[count++] = slice_trim((struct slice){text.ptr, len});
        if (colon == NULL)
            break;
        text = (struct slice){colon + 1, text.len - len - 1};
    }
    return count;
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? S_ISREG(st.st_mode) : errno == EACCES;
}

/* As dkim-filter looks for it. */
static const char *find_file(struct keys *keys, const char *path)
{
    static const char *const endings[] = {"", ".pem", ".private"};

    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        const char *name = arena_printf(keys->arena, "%s%s", path, endings[i]);

        if (is_file(name))
            return name;
    }
    return NULL;
}

static bool has_ending(const char *text, const char *ending)
{
    size_t len = strlen(text), end_len = strlen(ending);

    return len > end_len && strcmp(text + len - end_len, ending) == 0;
}

/* dkim-filter takes the selector from the path, as it is written. */
static const char *selector_of(struct keys *keys, const char *path, struct where at)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;

    if (has_ending(name, ".private") || has_ending(name, ".pem"))
        problems_add(keys->problems, SEV_WARNING, at,
                     "the selector is \"%s\", as dkim-filter would have it: leave the ending of "
                     "the path out if the record is at another name", name);
    return name;
}

static void set_row(struct keys *keys, struct key_row *row, struct slice domain,
                    const char *selector)
{
    row->domain = fold_domain_ascii(arena_strndup(keys->arena, domain.ptr, domain.len),
                                    keys->arena);
    row->selector = selector;
    if (!keys_is_domain(row->domain))
        problems_add(keys->problems, SEV_ERROR, row->where, "\"%.*s\" is no domain",
                     (int)domain.len, domain.ptr);
    if (!keys_is_selector(selector))
        problems_add(keys->problems, SEV_ERROR, row->where,
                     "\"%s\" is no selector: write letters, digits, hyphens, and dots between them",
                     selector);
}

static struct key_rule *rule_for(struct keys *keys, struct key_rules *rules,
                                 const struct key_row *row, const char *pattern)
{
    struct key_rule *rule = keys_add_rule(rules, row->where);

    rule->rows = arena_alloc(keys->arena, sizeof(struct key_row *));
    rule->rows[0] = row;
    rule->row_count = 1;
    rule->pattern = pattern;
    return rule;
}

static void on_row(struct keys *keys, const struct key_data *data, void *arg)
{
    const char *const *dir = arg;
    const char *path, *found, *selector;
    struct slice fields[FIELDS_MAX], last;
    size_t count = split(data->text, fields);
    struct key_row *row;

    if (count < 3 || count > 4 || fields[0].len == 0 || fields[1].len == 0 ||
        fields[count - 1].len == 0) {
        problems_add(keys->problems, SEV_ERROR, data->where,
                     "write PATTERN:DOMAIN:PATH, or PATTERN:DOMAIN:SELECTOR:PATH, as in "
                     "dkim-filter's KeyList");
        return;
    }
    last = fields[count - 1];
    path = conf_path(*dir, arena_strndup(keys->arena, last.ptr, last.len), keys->arena);
    selector = count == 4 ? arena_strndup(keys->arena, fields[2].ptr, fields[2].len)
                          : selector_of(keys, path, data->where);
    row = keys_add_row(keys, data->where);
    keys_read_times(keys, data, row);
    set_row(keys, row, fields[1], selector);
    rule_for(keys, &keys->lists, row, keys_fold(keys, fields[0]));
    found = find_file(keys, path);
    if (found == NULL)
        problems_add(keys->problems, SEV_ERROR, data->where,
                     "there is no %s, nor %s.pem, nor %s.private: correct the path, or make the "
                     "key with tamis dkim genkey", path, path, path);
    else
        keys_hold(keys, row, slice_of(found), ".");
}

void keys_load_list(struct keys *keys)
{
    const struct param_text *value = &keys->settings->key_list;
    enum key_data_form form;
    const char *dir;

    if (value->text[0] != '\0')
        keys_read(keys, value, "key_list", &form, &dir, on_row, &dir);
    keys_check_globs(keys, &keys->lists);
}

/* DOMAIN:SELECTOR:PATH. */
static struct key_row *read_plain(struct keys *keys, struct slice word, const char *dir)
{
    struct where at = keys->settings->signing_key.where;
    struct slice fields[FIELDS_MAX];
    struct key_row *row;

    if (split(word, fields) != 3 || fields[0].len == 0 || fields[1].len == 0 ||
        fields[2].len == 0) {
        problems_add(keys->problems, SEV_ERROR, at,
                     "signing_key: \"%.*s\": write DOMAIN:SELECTOR:PATH", (int)word.len, word.ptr);
        return NULL;
    }
    row = keys_add_row(keys, at);
    set_row(keys, row, fields[0], arena_strndup(keys->arena, fields[1].ptr, fields[1].len));
    rule_for(keys, &keys->plain, row, arena_printf(keys->arena, "*@%s", row->domain));
    keys_hold(keys, row, fields[2], dir);
    return row;
}

void keys_load_plain(struct keys *keys)
{
    const struct param_text *value = &keys->settings->signing_key;
    struct slice rest = slice_of(value->text), word;
    const char *dir = arena_strdup(keys->arena, conf_dir(value->where, keys->arena));
    struct key_row *row = NULL;

    while (slice_word(&rest, ", \t\r\n", &word)) {
        struct key_data data = {.comment = word, .where = value->where};

        if (memchr(word.ptr, '=', word.len) == NULL)
            row = read_plain(keys, word, dir);
        else if (row == NULL || strncmp(word.ptr, "not-", 4) != 0)
            problems_add(keys->problems, SEV_ERROR, value->where,
                         "signing_key: \"%.*s\": write DOMAIN:SELECTOR:PATH, then not-before=DAY "
                         "or not-after=DAY if need be", (int)word.len, word.ptr);
        else
            keys_read_times(keys, &data, row);
    }
}
