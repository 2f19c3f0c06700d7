/* sign_names - the lists dkim_sign_headers and dkim_oversign_headers, read */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign_names.h"

#include <string.h>
#include <strings.h>

/* h= of a signature should stay within reason (sign_fields.h: SIGN_MENTIONS_MAX). */
enum { NAMES_MAX = 100 };

struct names {
    const char *list[NAMES_MAX + 1];
    size_t count;
};

static size_t place_of(const struct names *names, const char *name)
{
    size_t i = 0;

    while (i < names->count && strcasecmp(names->list[i], name) != 0)
        i++;
    return i;
}

static bool add(struct names *names, const char *name)
{
    if (place_of(names, name) < names->count)
        return true;
    if (names->count == NAMES_MAX)
        return false;
    names->list[names->count++] = name;
    return true;
}

static void drop(struct names *names, const char *name)
{
    size_t i = place_of(names, name);

    if (i == names->count)
        return;
    names->count--;
    memmove(names->list + i, names->list + i + 1, (names->count - i) * sizeof(names->list[0]));
}

static void add_all(struct names *names, const char *const *preset)
{
    for (; *preset != NULL; preset++)
        add(names, *preset);
}

static void read_word(struct names *names, struct slice word, const char *const *preset,
                      const struct param_text *value, struct arena *arena,
                      struct problems *problems)
{
    char sign = word.ptr[0];
    const char *name;

    if (slice_is(word, "*")) {
        add_all(names, preset);
        return;
    }
    if (sign == '+' || sign == '-')
        word = (struct slice){word.ptr + 1, word.len - 1};
    name = arena_strndup(arena, word.ptr, word.len);
    if (!sign_fields_is_name(word))
        problems_add(problems, SEV_ERROR, value->where,
                     "\"%s\" is no name of a header field: separate names by commas", name);
    else if (sign == '-' && strcasecmp(name, "From") == 0)
        problems_add(problems, SEV_WARNING, value->where,
                     "From is always signed (RFC 6376, 5.4): remove -From");
    else if (sign == '-')
        drop(names, name);
    else if (strcasecmp(name, "Return-Path") == 0 || strcasecmp(name, "Received") == 0 ||
             strcasecmp(name, "DKIM-Signature") == 0)
        problems_add(problems, SEV_WARNING, value->where,
                     "%s changes on the way, and is left out: remove it (RFC 6376, 5.4)", name);
    else if (!add(names, name))
        problems_add(problems, SEV_ERROR, value->where, "more than %d names", NAMES_MAX);
}

static void read_list(struct names *names, const struct param_text *value,
                      const char *const *preset, struct arena *arena, struct problems *problems)
{
    struct slice rest = slice_of(value->text), word;
    bool first = true;

    while (slice_word(&rest, ", \t\r\n:", &word)) {
        if (first && (word.ptr[0] == '+' || word.ptr[0] == '-'))
            add_all(names, preset);
        first = false;
        read_word(names, word, preset, value, arena, problems);
    }
}

static const char *const *copy(const struct names *names, struct arena *arena)
{
    const char **list = arena_alloc(arena, (names->count + 1) * sizeof(*list));

    memcpy(list, names->list, names->count * sizeof(*list));
    return list;
}

struct sign_fields *sign_names_read(const struct settings *settings, struct arena *arena,
                                    struct problems *problems)
{
    struct sign_fields *fields = arena_alloc(arena, sizeof(*fields));
    struct names sign = {.count = 0}, oversign = {.count = 0};

    add(&sign, "From");
    read_list(&sign, &settings->dkim_sign_headers, sign_fields_default.sign, arena, problems);
    read_list(&oversign, &settings->dkim_oversign_headers, sign_fields_default.oversign, arena,
              problems);
    for (size_t i = 0; i < oversign.count; i++)
        add(&sign, oversign.list[i]);
    fields->sign = copy(&sign, arena);
    fields->oversign = copy(&oversign, arena);
    return fields;
}
