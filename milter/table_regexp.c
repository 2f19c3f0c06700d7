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

/* regcomp(3) has no limits: it descends into groups until the stack is gone, writes a repetition out
 * as often as it says, and takes time that grows with the square of what comes out. */
enum { DEPTH_MAX = 250, ATOMS_MAX = 20000 };

struct size {
    size_t atoms[DEPTH_MAX + 1]; /* of each open group so far; the outermost first */
    size_t last;                 /* of the atom that a repetition would repeat */
    int depth;
};

/* Behind a [: what stands in brackets is one atom. */
static const char *skip_brackets(const char *p)
{
    p += *p == '^';
    p += *p == ']';
    while (*p != '\0' && *p != ']') {
        const char kind = p[1];
        const char *end = NULL;

        if (*p == '[' && (kind == ':' || kind == '.' || kind == '='))
            end = strstr(p + 2, (const char[]){kind, ']', '\0'});
        p = end != NULL ? end + 2 : p + 1;
    }
    return *p == ']' ? p + 1 : p;
}

/* Behind a {: the larger bound of {m,n}, at least 1. */
static size_t largest_bound(const char *p)
{
    size_t bound = 0, largest = 1;

    for (; is_digit((unsigned char)*p) || *p == ','; p++) {
        bound = *p == ',' ? 0 : bound * 10 + (size_t)(*p - '0');
        if (bound > largest)
            largest = bound > ATOMS_MAX ? ATOMS_MAX : bound;
        if (bound > ATOMS_MAX)
            bound = ATOMS_MAX;
    }
    return largest;
}

static void add_atoms(struct size *s, size_t atoms)
{
    s->last = atoms;
    s->atoms[s->depth] += atoms;
}

static bool open_group(struct size *s)
{
    if (s->depth == DEPTH_MAX)
        return false;
    s->atoms[++s->depth] = 1;
    return true;
}

static void close_group(struct size *s)
{
    if (s->depth > 0) {
        size_t atoms = s->atoms[s->depth--];

        add_atoms(s, atoms);
    }
}

/* Whether the pattern stays within the limits, as far as it can be read; regcomp judges its
 * syntax. */
static bool is_moderate(const char *pattern, bool extended)
{
    struct size s = {.last = 1};
    bool good = true;

    for (const char *p = pattern; *p != '\0' && good && s.atoms[s.depth] <= ATOMS_MAX;) {
        bool escaped = p[0] == '\\' && p[1] != '\0';
        char c = escaped ? p[1] : p[0];
        bool special = escaped != extended;

        p += escaped ? 2 : 1;
        if (special && c == '(')
            good = open_group(&s);
        else if (special && c == ')')
            close_group(&s);
        else if (special && c == '{')
            add_atoms(&s, s.last * (largest_bound(p) - 1));
        else
            add_atoms(&s, 1);
        if (c == '[' && !escaped)
            p = skip_brackets(p);
    }
    return good && s.atoms[s.depth] <= ATOMS_MAX;
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
    if (!is_moderate(pattern, options & REG_EXTENDED)) {
        err_set(err, "bad pattern: too large: more than %d characters with its repetitions written "
                     "out, or %d groups within each other; divide it, or use pcre:",
                ATOMS_MAX, DEPTH_MAX);
        return NULL;
    }
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
