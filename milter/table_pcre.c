/* table_pcre - Perl-compatible regular expressions: PCRE2, as machine code where it can be */
/* SPDX-License-Identifier: BSD-2-Clause */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* Machine code pays where patterns are few and asked often; making it takes ten times as long as
 * compiling the pattern, so a file of a hundred thousand would take seconds to load. */
enum { JIT_PATTERNS_MAX = 5000 };

struct shared {
    pcre2_match_context *limits;
    uint32_t match_limit;
    uint32_t groups_max; /* pairs, the whole match included */
    unsigned compiled;
};

static enum pattern_option pcre_option(char letter, unsigned *options)
{
    static const struct {
        char letter;
        uint32_t flag;
    } flags[] = {
        {'i', PCRE2_CASELESS}, {'m', PCRE2_MULTILINE}, {'s', PCRE2_DOTALL},
        {'x', PCRE2_EXTENDED}, {'A', PCRE2_ANCHORED},  {'E', PCRE2_DOLLAR_ENDONLY},
        {'U', PCRE2_UNGREEDY},
    };

    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (flags[i].letter == letter) {
            *options ^= flags[i].flag;
            return OPTION_KNOWN;
        }
    return letter == 'X' ? OPTION_OBSOLETE : OPTION_UNKNOWN;
}

static uint32_t limit_of(unsigned long limit)
{
    return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
}

static void *pcre_share(const struct table_limits *limits)
{
    struct shared *shared = xcalloc(1, sizeof(*shared));

    shared->limits = pcre2_match_context_create(NULL);
    if (shared->limits == NULL)
        die("out of memory");
    shared->match_limit = limit_of(limits->pcre_match);
    pcre2_set_match_limit(shared->limits, shared->match_limit);
    pcre2_set_depth_limit(shared->limits, limit_of(limits->pcre_depth));
    pcre2_set_heap_limit(shared->limits, limit_of(limits->pcre_heap_kb));
    shared->groups_max = 1;
    return shared;
}

static void pcre_unshare(void *data)
{
    struct shared *shared = data;

    pcre2_match_context_free(shared->limits);
    free(shared);
}

/* Would a match that begins further on find the same? Not with \G, and not with a verb that ends
 * the whole search. */
static bool may_be_resumed(const char *pattern)
{
    return strstr(pattern, "\\G") == NULL && strstr(pattern, "(*") == NULL;
}

static void *pcre_compile(void *data, const char *pattern, unsigned options, bool wants_groups,
                          size_t *groups, struct err *err)
{
    struct shared *shared = data;
    PCRE2_UCHAR why[256];
    PCRE2_SIZE offset;
    uint32_t count = 0;
    int number;
    pcre2_code *code;

    (void)wants_groups;
    if (may_be_resumed(pattern))
        options |= PCRE2_USE_OFFSET_LIMIT;
    code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &number, &offset,
                         NULL);
    if (code == NULL) {
        pcre2_get_error_message(number, why, sizeof(why));
        err_set(err, "bad pattern at offset %zu: %s", (size_t)offset, (char *)why);
        return NULL;
    }
    /* Where machine code is refused (by SELinux, say), the interpreter does it. */
    if (shared->compiled++ < JIT_PATTERNS_MAX)
        (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &count);
    if (count + 1 > shared->groups_max)
        shared->groups_max = count + 1;
    *groups = count;
    return code;
}

static void set_byte(struct literal *literal, uint32_t byte)
{
    literal->len = 1;
    literal->text[0] = (char)folded((unsigned char)byte);
}

/* Read off the pattern's text; where that says nothing, PCRE2 may know of a byte that each match
 * holds, or starts with (pcre2_pattern_info(3)). Unicode has case rules of its own. */
static void pcre_require(const void *code, const char *pattern, unsigned options,
                         struct pattern_required *required)
{
    struct pattern_syntax syntax = {.perl = true,
                                    .anchored = (options & PCRE2_ANCHORED) != 0,
                                    .multiline = (options & PCRE2_MULTILINE) != 0};
    uint32_t all = PCRE2_UTF, kind = 0, byte = 0;

    required->prefix.len = required->literal.len = 0;
    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &all);
    if ((all & (PCRE2_UTF | PCRE2_UCP)) != 0)
        return;
    if ((options & PCRE2_EXTENDED) == 0)
        pattern_required_find(pattern, syntax, required);
    if (required->prefix.len > 0 || required->literal.len > 0)
        return;
    if (pcre2_pattern_info(code, PCRE2_INFO_LASTCODETYPE, &kind) == 0 && kind == 1 &&
        pcre2_pattern_info(code, PCRE2_INFO_LASTCODEUNIT, &byte) == 0)
        set_byte(&required->literal, byte);
    else if (pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODETYPE, &kind) == 0 && kind == 1 &&
             pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODEUNIT, &byte) == 0)
        set_byte(&required->literal, byte);
}

static void pcre_drop(void *code)
{
    pcre2_code_free(code);
}

/* PCRE2's memory of one lookup: small pieces are the arena's, what the interpreter may need for
 * backtracking comes from malloc and goes with the lookup. A word in front tells them apart. */
enum { SMALL = 2048, HEADER = 16 };

static void *memory_get(size_t size, void *arena)
{
    bool small = size <= SMALL;
    char *p;

    if (size > SIZE_MAX - HEADER)
        return NULL;
    p = small ? arena_alloc(arena, size + HEADER) : malloc(size + HEADER);
    if (p == NULL)
        return NULL;
    *(bool *)p = small;
    return p + HEADER;
}

static void memory_put(void *ptr, void *arena)
{
    char *p = ptr;

    (void)arena;
    if (p != NULL && !*(bool *)(p - HEADER))
        free(p - HEADER);
}

static pcre2_match_data *match_data(struct matching *m)
{
    const struct shared *shared = m->shared;
    pcre2_general_context *memory;

    if (m->scratch != NULL)
        return m->scratch;
    memory = pcre2_general_context_create(memory_get, memory_put, m->arena);
    if (memory != NULL)
        m->scratch = pcre2_match_data_create(shared->groups_max, memory);
    if (m->scratch == NULL)
        die("out of memory");
    return m->scratch;
}

static int match_from(const pcre2_code *code, struct slice key, size_t start,
                      pcre2_match_data *data, pcre2_match_context *limits)
{
    int result = pcre2_match(code, (PCRE2_SPTR)key.ptr, key.len, start, 0, data, limits);

    /* The stack of machine code is small (32 kB); the interpreter has the heap up to its limit. */
    if (result == PCRE2_ERROR_JIT_STACKLIMIT)
        result = pcre2_match(code, (PCRE2_SPTR)key.ptr, key.len, start, PCRE2_NO_JIT, data, limits);
    return result;
}

/* PCRE2 counts anew for each byte that a match may begin at, and of these a header has 60,000. Here
 * they get few steps at first, SPAN of them at a time; those that need more get them one by one, as
 * long as all of it stays below COSTLY times the limit. */
enum {
    SHORT_MAX = 1024, SPAN = 256, SPAN_PART = 16, FEW_STEPS = 250, MORE_STEPS = 4000, COSTLY = 25,
};

struct search {
    const pcre2_code *code;
    struct slice key;
    pcre2_match_data *data;
    pcre2_match_context *limits; /* of this search alone */
    uint32_t limit;
    uint64_t spent;
};

static int search_span(const struct search *s, size_t start, size_t span, uint32_t steps)
{
    pcre2_set_offset_limit(s->limits, start + span - 1);
    pcre2_set_match_limit(s->limits, steps < s->limit ? steps : s->limit);
    return match_from(s->code, s->key, start, s->data, s->limits);
}

/* A match that begins at `start`, which takes more than a few steps. */
static int search_costly(struct search *s, size_t start)
{
    const uint32_t tries[] = {MORE_STEPS, s->limit};
    int result = PCRE2_ERROR_MATCHLIMIT;

    for (size_t i = 0; i < ARRAY_LEN(tries) && result == PCRE2_ERROR_MATCHLIMIT; i++) {
        s->spent += tries[i];
        if (s->spent > (uint64_t)COSTLY * s->limit)
            break;
        result = search_span(s, start, 1, tries[i]);
    }
    return result;
}

static int search_long(struct search *s)
{
    int result = PCRE2_ERROR_NOMATCH;
    size_t start = 0, span = SPAN;

    while (start <= s->key.len && result == PCRE2_ERROR_NOMATCH) {
        result = search_span(s, start, span, FEW_STEPS);
        if (result == PCRE2_ERROR_MATCHLIMIT && span > 1) {
            span /= SPAN_PART;
            result = PCRE2_ERROR_NOMATCH;
            continue;
        }
        if (result == PCRE2_ERROR_MATCHLIMIT)
            result = search_costly(s, start);
        start += span;
        span = start % SPAN == 0 ? SPAN : start % SPAN_PART == 0 ? SPAN_PART : 1;
    }
    return result;
}

static int match_long(const struct shared *shared, const pcre2_code *code, struct slice key,
                      pcre2_match_data *data)
{
    struct search s = {.code = code, .key = key, .data = data, .limit = shared->match_limit,
                       .limits = pcre2_match_context_copy(shared->limits)};
    int result;

    if (s.limits == NULL)
        die("out of memory");
    result = search_long(&s);
    pcre2_match_context_free(s.limits);
    return result;
}

static bool is_long_search(const pcre2_code *code, struct slice key)
{
    uint32_t all = 0;

    if (key.len <= SHORT_MAX)
        return false;
    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &all);
    return (all & PCRE2_ANCHORED) == 0 && (all & PCRE2_USE_OFFSET_LIMIT) != 0;
}

static enum pattern_result pcre_match(struct matching *m, const void *code, struct slice key)
{
    const struct shared *shared = m->shared;
    pcre2_match_data *data = match_data(m);
    PCRE2_UCHAR why[256];
    int result = is_long_search(code, key) ? match_long(shared, code, key, data)
                                           : match_from(code, key, 0, data, shared->limits);

    if (result == PCRE2_ERROR_NOMATCH)
        return PATTERN_DIFFERS;
    if (result > 0) {
        m->offsets = pcre2_get_ovector_pointer(data);
        m->groups = (size_t)result;
        return PATTERN_MATCHES;
    }
    pcre2_get_error_message(result, why, sizeof(why));
    m->why = arena_strdup(m->arena, (char *)why);
    return PATTERN_FAILED;
}

static void pcre_finish(struct matching *m)
{
    pcre2_match_data_free(m->scratch);
}

static const struct pattern_engine engine = {
    .preset = PCRE2_CASELESS | PCRE2_DOTALL,
    .is_perl = true,
    .option = pcre_option,
    .share = pcre_share,
    .unshare = pcre_unshare,
    .compile = pcre_compile,
    .drop = pcre_drop,
    .require = pcre_require,
    .match = pcre_match,
    .finish = pcre_finish,
};

static void *pcre_open(struct source *source)
{
    return pattern_open(source, &engine);
}

const struct table_type type_pcre = {
    .name = "pcre",
    .has_file = true,
    .has_patterns = true,
    .open = pcre_open,
    .lookup = pattern_lookup,
    .each = pattern_each,
    .count = pattern_count,
    .free = pattern_free,
};
