/* table_static - static: one value for every key; inline: a table written where it is named */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "overlay.h"
#include "table_hash.h"

#include <stdlib.h>

/* The text inside one pair of braces around the whole of `text`, trimmed. False, with *why, when
 * they do not match or text follows. */
static bool inside_braces(struct slice text, struct slice *inside, const char **why)
{
    size_t depth = 0;

    for (size_t i = 0; i < text.len; i++) {
        depth += text.ptr[i] == '{';
        depth -= text.ptr[i] == '}' && depth > 0;
        if (depth == 0) {
            *why = "text behind the closing }";
            *inside = slice_trim((struct slice){text.ptr + 1, i > 0 ? i - 1 : 0});
            return i + 1 == text.len;
        }
    }
    *why = "the closing } is missing";
    return false;
}

struct constant {
    struct where at;
    char *value;
    bool hidden;
};

static void *static_open(struct source *source)
{
    struct slice value = slice_of(source->name);
    struct constant *constant;
    const char *why = "";

    if (value.len > 0 && value.ptr[0] == '{' && !inside_braces(value, &value, &why)) {
        problems_add(source->problems, SEV_ERROR, source->at, "static:%s: %s", source->name, why);
        return NULL;
    }
    constant = xcalloc(1, sizeof(*constant));
    constant->at = source->at;
    constant->value = xstrndup(value.len ? value.ptr : "", value.len);
    constant->hidden = overlay_hides(source->at, value);
    return constant;
}

static enum table_result static_lookup(const void *table, struct slice key, struct arena *arena,
                                       struct hit *hit)
{
    const struct constant *constant = table;

    (void)key, (void)arena;
    if (constant->hidden)
        return TABLE_NOT_FOUND;
    hit->value = hit->text = constant->value;
    hit->rule = constant->at;
    return TABLE_FOUND;
}

static void static_each(const void *table, void (*visit)(const struct rule *rule, void *arg),
                        void *arg)
{
    const struct constant *constant = table;

    visit(&(struct rule){"", constant->value, constant->at, false}, arg);
}

static size_t static_count(const void *table)
{
    (void)table;
    return 1;
}

static void static_free(void *table)
{
    struct constant *constant = table;

    free(constant->value);
    free(constant);
}

const struct table_type type_static = {
    .name = "static",
    .has_patterns = true,
    .open = static_open,
    .lookup = static_lookup,
    .each = static_each,
    .count = static_count,
    .free = static_free,
};

/* The next of the pieces separated by commas and white space outside { }. */
static bool next_piece(struct slice *rest, struct slice *piece)
{
    size_t start = 0, end, depth = 0;

    while (start < rest->len &&
           (rest->ptr[start] == ',' || is_space((unsigned char)rest->ptr[start])))
        start++;
    for (end = start; end < rest->len; end++) {
        unsigned char c = (unsigned char)rest->ptr[end];

        if (depth == 0 && (c == ',' || is_space(c)))
            break;
        depth += c == '{';
        depth -= c == '}' && depth > 0;
    }
    *piece = (struct slice){rest->ptr + start, end - start};
    *rest = (struct slice){rest->ptr + end, rest->len - end};
    return piece->len > 0;
}

/* Divides KEY = VALUE at the first = outside "…"; the key holds no blank outside quotes. */
static bool split_pair(struct slice pair, struct slice *key, struct slice *value, const char **why)
{
    bool quoted = false;
    size_t i = 0;

    for (; i < pair.len; i++) {
        unsigned char c = (unsigned char)pair.ptr[i];

        if (c == '\\' && i + 1 < pair.len)
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '=' || is_space(c)))
            break;
    }
    *why = quoted ? "unbalanced \"" : "= missing behind the key";
    *key = (struct slice){pair.ptr, i};
    *value = skip_spaces((struct slice){pair.ptr + i, pair.len - i});
    if (quoted || value->len == 0 || value->ptr[0] != '=')
        return false;
    *value = slice_trim((struct slice){value->ptr + 1, value->len - 1});
    return true;
}

static bool add_pair(struct hash *hash, struct source *source, struct slice pair, bool *hidden,
                     const char **why)
{
    struct slice key, value;
    const char *text;

    if (pair.ptr[0] == '{' && !inside_braces(pair, &pair, why))
        return false;
    if (!split_pair(pair, &key, &value, why))
        return false;
    text = arena_printf(hash_arena(hash), "%.*s=%.*s", (int)key.len, key.ptr, (int)value.len,
                        value.ptr);
    if (overlay_hides(source->at, slice_of(text))) {
        *hidden = true;
        return true;
    }
    if (hash_add(hash, text, key.len, key.len + 1, source->at.line, true) != 0)
        problems_add(source->problems, SEV_WARNING, source->at,
                     "inline: duplicate key \"%.*s\": the last one counts", (int)key.len, key.ptr);
    return true;
}

static void *inline_open(struct source *source)
{
    struct slice rest = slice_of(source->name), piece;
    const char *why = "the { is missing";
    struct hash *hash = hash_new(source->at.file);
    bool hidden = false;
    bool good = rest.ptr[0] == '{' && inside_braces(rest, &rest, &why);

    while (good && next_piece(&rest, &piece))
        good = add_pair(hash, source, piece, &hidden, &why);
    if (good && hash_count(hash) == 0 && !hidden) {
        why = "an empty table";
        good = false;
    }
    if (good)
        return hash;
    problems_add(source->problems, SEV_ERROR, source->at,
                 "inline:%s: %s; write inline:{key=value, {key = value with blanks}}",
                 source->name, why);
    hash_free(hash);
    return NULL;
}

const struct table_type type_inline = {
    .name = "inline",
    .folds = true,
    .open = inline_open,
    .lookup = hash_lookup,
    .each = hash_each,
    .count = hash_count,
    .free = hash_free,
};
