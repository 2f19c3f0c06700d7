/* table_regexp - POSIX regular expressions: regcomp(3), in the C locale that tamis never leaves */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

static enum pattern_option regexp_option(char letter, unsigned *options)
{
    static const struct {
        char letter;
        int flag;
    } flags[] = {{'i', REG_ICASE}, {'m', REG_NEWLINE}, {'x', REG_EXTENDED}};

    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (flags[i].letter == letter) {
            *options ^= (unsigned)flags[i].flag;
            return OPTION_KNOWN;
        }
    return OPTION_UNKNOWN;
}

static void *regexp_share(const struct table_limits *limits)
{
    (void)limits;
    return NULL;
}

static void regexp_unshare(void *shared)
{
    (void)shared;
}

struct regexp {
    regex_t regex;
    size_t pairs; /* offsets that are asked for; 0: none */
};

static void *regexp_compile(void *shared, const char *pattern, unsigned options, bool wants_groups,
                            size_t *groups, struct err *err)
{
    struct regexp *code = xcalloc(1, sizeof(*code));
    int why = regcomp(&code->regex, pattern, (int)options | (wants_groups ? 0 : REG_NOSUB));

    (void)shared;
    if (why == 0) {
        *groups = code->regex.re_nsub;
        code->pairs = wants_groups ? *groups + 1 : 0;
        return code;
    }
    err_set(err, "bad pattern: ");
    regerror(why, &code->regex, err->text + strlen(err->text),
             sizeof(err->text) - strlen(err->text));
    free(code);
    return NULL;
}

/* Basic regular expressions are read by nobody but regcomp(3). */
static void regexp_require(const void *code, const char *pattern, unsigned options,
                           struct pattern_required *required)
{
    struct pattern_syntax syntax = {.multiline = (options & REG_NEWLINE) != 0};

    (void)code;
    required->prefix.len = required->literal.len = 0;
    if ((options & REG_EXTENDED) != 0)
        pattern_required_find(pattern, syntax, required);
}

static void regexp_drop(void *data)
{
    struct regexp *code = data;

    regfree(&code->regex);
    free(code);
}

/* The offsets as numbers of our kind. */
static void copy_offsets(struct matching *m, const regmatch_t *pairs, size_t count)
{
    size_t *offsets = arena_alloc(m->arena, count * 2 * sizeof(*offsets));

    for (size_t i = 0; i < count; i++) {
        offsets[i * 2] = (size_t)pairs[i].rm_so;
        offsets[i * 2 + 1] = pairs[i].rm_so < 0 ? (size_t)-1 : (size_t)pairs[i].rm_eo;
    }
    m->offsets = offsets;
    m->groups = count;
}

/* REG_STARTEND takes the key with its length, NULs included. Behind it there must be a NUL all the
 * same for what stands in front of regexec(3), such as a sanitizer's checks: a copy a lookup. */
static enum pattern_result regexp_match(struct matching *m, const void *data, struct slice key)
{
    const struct regexp *code = data;
    regmatch_t whole, *pairs = &whole;
    char why[128];
    int result;

    if (m->scratch == NULL)
        m->scratch = arena_strndup(m->arena, key.ptr, key.len);
    if (code->pairs > 1)
        pairs = arena_alloc(m->arena, code->pairs * sizeof(*pairs));
    pairs[0] = (regmatch_t){0, (regoff_t)key.len};
    result = regexec(&code->regex, m->scratch, code->pairs, pairs, REG_STARTEND);
    if (result == REG_NOMATCH)
        return PATTERN_DIFFERS;
    if (result == 0) {
        copy_offsets(m, pairs, code->pairs);
        return PATTERN_MATCHES;
    }
    regerror(result, &code->regex, why, sizeof(why));
    m->why = arena_strdup(m->arena, why);
    return PATTERN_FAILED;
}

static const struct pattern_engine engine = {
    .preset = REG_EXTENDED | REG_ICASE,
    .has_and_not = true,
    .option = regexp_option,
    .share = regexp_share,
    .unshare = regexp_unshare,
    .compile = regexp_compile,
    .drop = regexp_drop,
    .require = regexp_require,
    .match = regexp_match,
};

static void *regexp_open(struct source *source)
{
    return pattern_open(source, &engine);
}

const struct table_type type_regexp = {
    .name = "regexp",
    .has_file = true,
    .has_patterns = true,
    .open = regexp_open,
    .lookup = pattern_lookup,
    .each = pattern_each,
    .count = pattern_count,
    .free = pattern_free,
};
