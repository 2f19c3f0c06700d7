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

struct shared {
    size_t text_max;
};

static void *regexp_share(const struct table_limits *limits)
{
    struct shared *shared = xcalloc(1, sizeof(*shared));

    shared->text_max = limits->regexp_text;
    return shared;
}

static void regexp_unshare(void *shared)
{
    free(shared);
}

/* glibc's regcomp(3) writes a repetition out, copy by copy, and has no limit for what comes of it:
 * `.++++++++++++++++` is 65,536 dots; and each part that may be left out costs memory for all those
 * behind it, more so inside a loop. Groups are a recursion. So all are counted beforehand; what is
 * refused would take a second or a hundred megabytes, or end the process. */
enum { ITEMS_MAX = 50000, OPTIONAL_MAX = 3000, DEPTH_MAX = 250, TURNS_MAX = 32767 };

struct size {
    uint64_t items;    /* when all is written out */
    uint64_t optional; /* those of them that may be left out; four times inside a loop */
};

struct sizer {
    const char *p;
    bool extended;
    struct size last; /* the item in front, which a repetition is about */
    struct size levels[DEPTH_MAX + 1];
    unsigned depth;
};

static void skip_class(struct sizer *s)
{
    if (*s->p == '^')
        s->p++;
    if (*s->p == ']')
        s->p++;
    while (*s->p != '\0' && *s->p != ']') {
        char kind = s->p[0] == '[' ? s->p[1] : '\0';

        s->p++;
        if (kind != ':' && kind != '.' && kind != '=')
            continue;
        for (s->p++; *s->p != '\0' && (s->p[0] != kind || s->p[1] != ']'); s->p++)
            ;
        s->p += *s->p != '\0' ? 2 : 0;
    }
    s->p += *s->p != '\0';
}

static unsigned take_count(const char **p)
{
    unsigned count = 0;

    for (; is_digit((unsigned char)**p); ++*p)
        count = count < TURNS_MAX ? count * 10 + (unsigned)(**p - '0') : count;
    return count;
}

/* {n}, {n,}, {n,m}, {,m} behind the brace; false when it is none. */
static bool take_braces(struct sizer *s, unsigned *min, unsigned *max, bool *endless)
{
    const char *p = s->p;

    *min = *max = take_count(&p);
    if (*p == ',') {
        p++;
        *endless = !is_digit((unsigned char)*p);
        *max = take_count(&p);
    }
    if (!s->extended && *p == '\\')
        p++;
    if (*p != '}')
        return false;
    s->p = p + 1;
    return true;
}

static void add_item(struct sizer *s, struct size size)
{
    s->last = size;
    s->levels[s->depth].items += size.items;
    s->levels[s->depth].optional += size.optional;
}

static void repeat_item(struct sizer *s, unsigned min, unsigned max, bool endless)
{
    struct size size = s->last, *level = &s->levels[s->depth];
    uint64_t copies = endless ? min + 1u : max > 1 ? max : 1;

    level->items -= size.items;
    level->optional -= size.optional;
    s->last.items = size.items * copies + 1;
    s->last.optional = size.optional * copies;
    if (endless)
        s->last.optional += size.optional * 3 + 1;
    else if (max > min)
        s->last.optional += max - min;
    add_item(s, s->last);
}

/* `special`: an operator, which in basic expressions has a backslash. */
static void size_operator(struct sizer *s, char c, bool special)
{
    unsigned min, max;
    bool endless = false;

    if (special && c == '(') {
        s->levels[++s->depth] = (struct size){0};
        s->last = (struct size){0};
    } else if (special && c == ')' && s->depth > 0) {
        s->depth--;
        add_item(s, (struct size){s->levels[s->depth + 1].items + 1,
                                  s->levels[s->depth + 1].optional});
    } else if (special && c == '+') {
        repeat_item(s, 1, 0, true);
    } else if (special && c == '?') {
        repeat_item(s, 0, 1, false);
    } else if (special && c == '{' && take_braces(s, &min, &max, &endless)) {
        repeat_item(s, min, max, endless);
    } else {
        add_item(s, (struct size){1, 0});
    }
}

/* Of all groups that are open: regcomp(3) builds them before it misses their ends. */
static bool is_too_large(const struct sizer *s)
{
    uint64_t items = 0, optional = 0;

    for (unsigned i = 0; i <= s->depth; i++) {
        items += s->levels[i].items;
        optional += s->levels[i].optional;
    }
    return items > ITEMS_MAX || optional > OPTIONAL_MAX;
}

/* Whether regcomp(3) may have it. */
static bool has_sane_size(const char *pattern, bool extended, struct err *err)
{
    struct sizer s = {.p = pattern, .extended = extended};

    while (*s.p != '\0') {
        char c = *s.p++;
        bool escaped = c == '\\' && *s.p != '\0';

        if (escaped)
            c = *s.p++;
        if (c == '(' && s.depth == DEPTH_MAX)
            return err_set(err, "groups are nested deeper than %d", DEPTH_MAX);
        if (c == '[' && !escaped) {
            skip_class(&s);
            add_item(&s, (struct size){1, 0});
        } else if (c == '*' && !escaped) {
            repeat_item(&s, 0, 0, true);
        } else {
            size_operator(&s, c, escaped != extended);
        }
        if (is_too_large(&s))
            return err_set(err,
                           "the pattern is too large when its repetitions are written out (more "
                           "than %d parts, or %d that may be left out); write smaller counts, and "
                           "do not repeat a repetition",
                           ITEMS_MAX, OPTIONAL_MAX);
    }
    return true;
}

struct regexp {
    regex_t regex;
    size_t pairs; /* offsets that are asked for; 0: none */
};

static void *regexp_compile(void *shared, const char *pattern, unsigned options, bool wants_groups,
                            size_t *groups, struct err *err)
{
    struct regexp *code;
    int why;

    (void)shared;
    if (!has_sane_size(pattern, (options & REG_EXTENDED) != 0, err))
        return NULL;
    code = xcalloc(1, sizeof(*code));
    why = regcomp(&code->regex, pattern, (int)options | (wants_groups ? 0 : REG_NOSUB));
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
 * same for what stands in front of regexec(3), such as a sanitizer's checks: a copy a lookup. The
 * time regexec(3) takes may grow with the square of the text, and it has no limit of its own. */
static enum pattern_result regexp_match(struct matching *m, const void *data, struct slice key)
{
    const struct shared *shared = m->shared;
    const struct regexp *code = data;
    regmatch_t whole, *pairs = &whole;
    char why[128];
    int result;

    if (key.len > shared->text_max)
        key.len = shared->text_max;
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
