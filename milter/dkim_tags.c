/* dkim_tags - DKIM's lists of tags: `v=1; a=rsa-sha256; …` */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_tags.h"

#include <string.h>

#include "dkim_base64.h"

enum { QUOTE_MAX = 40 };

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_alnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
            return false;
    return name.len > 0 && name.ptr[0] != '_' && !is_digit((unsigned char)name.ptr[0]);
}

static const struct dkim_tag *find(const struct dkim_tags *tags, struct slice name)
{
    for (size_t i = 0; i < tags->count; i++)
        if (tags->tag[i].name.len == name.len &&
            memcmp(tags->tag[i].name.ptr, name.ptr, name.len) == 0)
            return &tags->tag[i];
    return NULL;
}

static bool value_is_clean(struct dkim_tag *tag, struct err *err)
{
    for (size_t i = 0; i < tag->value.len; i++) {
        unsigned char c = (unsigned char)tag->value.ptr[i];

        if (c > 0x7f)
            tag->eight_bit = true;
        else if (!is_print(c) && c != '\t' && c != '\r' && c != '\n')
            return err_set(err, "a control character in the tag %.*s=", (int)tag->name.len,
                           tag->name.ptr);
    }
    return true;
}

static bool parse_tag(struct slice text, struct dkim_tags *tags, struct err *err)
{
    const char *equals = memchr(text.ptr, '=', text.len);
    struct dkim_tag tag = {0};
    struct slice raw;

    if (equals == NULL)
        return err_set(err, text.len == 0 ? "an empty tag" : "a tag without =");
    raw = (struct slice){text.ptr, (size_t)(equals - text.ptr)};
    tag.name = slice_trim(raw);
    tag.spaced = raw.len > 0 && is_space((unsigned char)raw.ptr[raw.len - 1]);
    tag.value = slice_trim((struct slice){equals + 1, text.len - raw.len - 1});
    if (!is_name(tag.name) || tag.name.len > QUOTE_MAX)
        return err_set(err, "a tag whose name is none");
    if (find(tags, tag.name) != NULL)
        return err_set(err, "the tag %.*s= stands there twice", (int)tag.name.len, tag.name.ptr);
    if (tags->count == DKIM_TAGS_MAX)
        return err_set(err, "more than %d tags", DKIM_TAGS_MAX);
    if (!value_is_clean(&tag, err))
        return false;
    tags->tag[tags->count++] = tag;
    return true;
}

bool dkim_tags_parse(struct slice text, struct dkim_tags *tags, struct err *err)
{
    tags->count = 0;
    text = slice_trim(text);
    if (text.len == 0)
        return err_set(err, "no tags at all");
    while (text.len > 0) {
        const char *end = memchr(text.ptr, ';', text.len);
        size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;

        if (!parse_tag(slice_trim((struct slice){text.ptr, len}), tags, err))
            return false;
        text.ptr += len + (end != NULL);
        text.len -= len + (end != NULL);
        text = slice_trim(text);
    }
    return true;
}

const struct dkim_tag *dkim_tags_find(const struct dkim_tags *tags, const char *name)
{
    return find(tags, slice_of(name));
}

const char *dkim_squeeze(struct slice value, struct arena *arena)
{
    char *text = arena_alloc(arena, value.len + 1), *out = text;

    for (size_t i = 0; i < value.len; i++)
        if (!is_space((unsigned char)value.ptr[i]))
            *out++ = value.ptr[i];
    *out = '\0';
    return text;
}

bool dkim_list_next(struct slice *rest, struct slice *item)
{
    const char *colon;
    size_t len;

    if (rest->ptr == NULL)
        return false;
    colon = memchr(rest->ptr, ':', rest->len);
    len = colon != NULL ? (size_t)(colon - rest->ptr) : rest->len;
    *item = slice_trim((struct slice){rest->ptr, len});
    if (colon != NULL)
        *rest = (struct slice){colon + 1, rest->len - len - 1};
    else
        *rest = (struct slice){0};
    return true;
}

bool dkim_list_has(struct slice list, const char *word)
{
    struct slice item;

    while (dkim_list_next(&list, &item))
        if (slice_is_nocase(item, word))
            return true;
    return false;
}

const char *dkim_quote(struct slice text, struct arena *arena)
{
    size_t len = text.len > QUOTE_MAX ? QUOTE_MAX : text.len;
    char *copy = arena_strndup(arena, text.ptr, len);

    for (size_t i = 0; i < len; i++)
        if (!is_print((unsigned char)copy[i]) || strchr("\"\\", copy[i]) != NULL)
            copy[i] = '?';
    return copy;
}

bool dkim_from_base64(struct slice text, struct arena *arena, struct slice *bytes)
{
    char *copy = arena_alloc(arena, text.len + 4);
    char *out = arena_alloc(arena, BASE64_BYTES(text.len + 4));
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++)
        if (!is_space((unsigned char)text.ptr[i]))
            copy[len++] = text.ptr[i];
    if (memchr(copy, '=', len) == NULL && len % 4 > 1)
        for (size_t missing = 4 - len % 4; missing > 0; missing--)
            copy[len++] = '=';
    *bytes = (struct slice){out, 0};
    return base64_decode(out, &bytes->len, (struct slice){copy, len}) && bytes->len > 0;
}

const char *dkim_to_base64(struct slice bytes, struct arena *arena)
{
    char *text = arena_alloc(arena, BASE64_SIZE(bytes.len) + 1);

    base64_encode(text, bytes.ptr, bytes.len);
    return text;
}
