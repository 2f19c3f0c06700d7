/* 2-pattern-index - tables of random patterns answer random keys as a plain loop does */
/* SPDX-License-Identifier: BSD-2-Clause */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "buf.h"
#include "pattern_literal.h"
#include "table.h"
#include "tap.h"

#include <pcre2.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 20240607;

static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 20) % n);
}

#define ANY(list) (list)[below(ARRAY_LEN(list))]

static const char *const names[] = {"Subject:", "subject:", "From:", "To:", "X-KS:", "Received:"};
static const char *const texts[] = {"a", "b", "A",    "B",    "k",  "S",    ":",    " ",
                                    "-", "1", "\xe9", "\xc9", "ab", "viag", "spam", "toto"};

/* A piece of a pattern and a text that it is likely to match. */
struct piece {
    const char *pattern, *text;
};

static const struct piece perl_pieces[] = {
    {"\\.", "."}, {"\\-", "-"}, {"\\x61", "a"}, {"\\x3a", ":"}, {"\\t", "\t"}, {"\\n", "\n"},
    {"\\d", "1"}, {"\\w", "b"}, {"\\s", " "}, {"\\S", "a"}, {"\\W", ":"}, {"\\D", "a"},
    {"\\h", " "}, {"\\R", "\r\n"}, {"\\b", ""}, {"\\B", ""}, {"\\A", ""}, {"\\Z", ""},
    {"\\z", ""}, {"$", ""}, {"^", ""}, {"\\1", ""}, {"\\2", ""}, {"\\Qa.\\E", "a."},
    {"\\Q*\\E", "*"}, {"[ab]", "b"}, {"[^ab]", "k"}, {"[a-c]", "c"}, {"[[:alpha:]]", "k"},
    {"[.]", "."}, {"[\\]a]", "]"}, {"[]a]", "]"}, {"[^]a]", "b"}, {"[[a]", "["},
    {"[\\x41-\\x43]", "B"}, {"[\\d_]", "1"}, {"[k]", "K"}, {".", "\xe9"}, {".", "\n"},
    {".*", "ab"}, {"(?i)", ""}, {"(?-i)", ""}, {"(?m)", ""}, {"(?s)", ""}, {"(?-s)", ""},
    {"(?=a)", ""}, {"(?!b)", ""}, {"(?<=a)", ""}, {"(?<!b)", ""}, {"(?=.*b)", ""}, {"(?x)", ""},
    {"(?#c)", ""}, {"\\K", ""}, {"(?U)", ""}, {"#", "#"}, {"\\x{61}", "a"}, {"\\141", "a"},
    {"\\N", "a"}, {"\\e", "\033"}, {"(?x: a )", "a"}, {"]", "]"}, {"}", "}"}, {"{", "{"},
    {"(?|(a)|(b))", "a"}, {"(?(?=a)a|b)", "a"}, {"[\\Q]\\E]", "]"}, {"\\ca", "\001"},
    {"(?^)", ""}, {"(?<n>a)", "a"}, {"(*ACCEPT)", ""}, {"(*COMMIT)", ""}, {"(?:a(*F)|b)", "b"},
    {"(*SKIP)", ""},
};

static const struct piece posix_pieces[] = {
    {"\\.", "."}, {"\\-", "-"}, {"\\w", "b"}, {"\\s", " "}, {"\\W", ":"}, {"\\b", ""},
    {"\\<", ""}, {"$", ""}, {"^", ""}, {"[ab]", "b"}, {"[^ab]", "k"}, {"[a-c]", "c"},
    {"[[:alpha:]]", "k"}, {"[.]", "."}, {"[\\]", "\\"}, {"[]a]", "]"}, {"[^]a]", "b"},
    {"[[a]", "["}, {"[[.a.]]", "a"}, {"[[=b=]]", "b"}, {".", "\xe9"}, {".", "\n"}, {".*", "ab"},
    {"\\d", "d"}, {"\\n", "n"}, {"]", "]"}, {"}", "}"}, {"()", ""}, {"(|a)", ""}, {"\\`", ""},
};

static const char *const repeats[] = {"*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}", "{0}", "{1}"};

struct made {
    bool perl;
    struct buf pattern, text;
};

static void add(struct made *m, const char *pattern, const char *text)
{
    buf_adds(&m->pattern, pattern);
    buf_adds(&m->text, text);
}

static void make_items(struct made *m, unsigned depth);

static void make_group(struct made *m, unsigned depth)
{
    static const char *const openings[] = {"(", "(", "(?:", "(?>", "(?i:", "(?m:", "(?=", "(?s-i:"};

    add(m, m->perl ? ANY(openings) : "(", "");
    make_items(m, depth + 1);
    while (below(4) == 0) {
        struct buf text = m->text;

        m->text = (struct buf){0};
        add(m, "|", "");
        make_items(m, depth + 1);
        buf_free(&m->text);
        m->text = text;
    }
    add(m, ")", "");
}

static void make_item(struct made *m, unsigned depth)
{
    unsigned which = below(20);
    const struct piece *piece = m->perl ? &ANY(perl_pieces) : &ANY(posix_pieces);
    const char *text = ANY(texts);

    if (which < 11)
        add(m, text, text);
    else if (which < 17 || depth > 2)
        add(m, piece->pattern, piece->text);
    else
        make_group(m, depth);
    if (below(4) == 0)
        add(m, ANY(repeats), "");
    if (below(20) == 0)
        add(m, ANY(repeats), "");
}

static void make_items(struct made *m, unsigned depth)
{
    for (unsigned count = 1 + below(depth == 0 ? 6 : 3); count > 0; count--)
        make_item(m, depth);
}

static void make_pattern(struct made *m)
{
    static const char *const verbs[] = {"(*UTF)", "(*UCP)", "(*NO_START_OPT)", "(*ANYCRLF)"};
    const char *name = ANY(names);

    buf_clear(&m->pattern);
    buf_clear(&m->text);
    if (m->perl && below(20) == 0)
        add(m, ANY(verbs), "");
    if (below(8) != 0)
        add(m, "^", "");
    if (below(20) != 0)
        add(m, name, name);
    else
        add(m, "spam", "spam");
    make_items(m, 0);
    if (below(12) == 0) {
        add(m, "|", "");
        add(m, name, "");
        make_items(m, 0);
    }
}

enum kind { RULE, IF, ENDIF };

/* One line of the file and what the plain loop needs. */
struct line {
    enum kind kind;
    bool negated, has_second;
    pcre2_code *code;
    regex_t regex, second;
};

enum { LINES = 40, KEYS = 64 };

struct world {
    bool perl;
    struct line lines[LINES];
    struct buf file;
    struct buf keys[KEYS];
    size_t key_count;
    pcre2_match_data *data;
    pcre2_match_context *limits;
    size_t lookups, hits, wrong, patterns, with_prefix, with_literal, broken;
};

/* Flags behind a pattern toggle options of the library. */
static const char *pick_flags(bool perl, uint32_t *options)
{
    static const char letters[] = "imsxAEU", *const pcre[] = {"",  "",  "i", "m", "s",
                                                              "x", "A", "E", "U", "Am"};
    static const uint32_t flags[] = {PCRE2_CASELESS, PCRE2_MULTILINE, PCRE2_DOTALL,
                                     PCRE2_EXTENDED, PCRE2_ANCHORED,  PCRE2_DOLLAR_ENDONLY,
                                     PCRE2_UNGREEDY};
    static const int posix_flags[] = {REG_ICASE, REG_NEWLINE, 0, REG_EXTENDED};
    static const char *const posix[] = {"", "", "", "i", "m", "x"};
    const char *picked = perl ? ANY(pcre) : ANY(posix);

    *options = perl ? PCRE2_CASELESS | PCRE2_DOTALL : REG_EXTENDED | REG_ICASE;
    for (const char *p = picked; *p != '\0'; p++) {
        size_t at = (size_t)(strchr(letters, *p) - letters);

        *options ^= perl ? flags[at] : (uint32_t)posix_flags[at];
    }
    return picked;
}

static void count_required(struct world *w, const char *pattern, uint32_t options,
                           struct pattern_required *required)
{
    struct pattern_syntax syntax = {.perl = w->perl};

    if (w->perl) {
        syntax.anchored = (options & PCRE2_ANCHORED) != 0;
        syntax.multiline = (options & PCRE2_MULTILINE) != 0;
    } else {
        syntax.multiline = (options & REG_NEWLINE) != 0;
    }
    required->prefix.len = required->literal.len = 0;
    if ((options & (w->perl ? PCRE2_EXTENDED : 0)) == 0 &&
        (w->perl || (options & REG_EXTENDED) != 0))
        pattern_required_find(pattern, syntax, required);
    w->patterns++;
    w->with_prefix += required->prefix.len > 0;
    w->with_literal += required->literal.len > 0;
}

/* Compiles for the plain loop; false for a pattern that the library refuses. */
static bool compile(struct world *w, struct line *line, const char *pattern, uint32_t options)
{
    PCRE2_SIZE offset;
    int number;

    if (!w->perl)
        return regcomp(&line->regex, pattern, (int)options | REG_NOSUB) == 0;
    line->code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &number, &offset, NULL);
    if (line->code != NULL)
        pcre2_jit_compile(line->code, PCRE2_JIT_COMPLETE);
    return line->code != NULL;
}

/* Whether the pattern matches; -1: it cannot be told (a limit). */
static int matches(struct world *w, const struct line *line, const struct buf *key)
{
    regmatch_t whole = {0, (regoff_t)key->len};
    int result;

    if (!w->perl)
        return regexec(&line->regex, buf_text(key), 0, &whole, REG_STARTEND) == 0;
    result = pcre2_match(line->code, (PCRE2_SPTR)buf_text(key), key->len, 0, 0, w->data, w->limits);
    return result >= 0 ? 1 : result == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

/* The pattern that was just made asks of no key that it matches what that does not have. */
static bool has_required(const struct pattern_required *required, const struct buf *key)
{
    struct buf lower = {0};
    bool fine;

    for (size_t i = 0; i < key->len; i++)
        buf_addc(&lower, (char)to_lower((unsigned char)key->ptr[i]));
    fine =
        lower.len >= required->prefix.len &&
        memcmp(buf_text(&lower), required->prefix.text, required->prefix.len) == 0 &&
        (required->literal.len == 0 || memmem(buf_text(&lower), lower.len, required->literal.text,
                                              required->literal.len) != NULL);
    buf_free(&lower);
    return fine;
}

static void add_key(struct world *w, const void *text, size_t len)
{
    struct buf *key = &w->keys[w->key_count < KEYS ? w->key_count++ : below(KEYS)];

    buf_clear(key);
    buf_add(key, "", 0);
    buf_add(key, text, len);
}

/* The text made with a pattern, as it is or with a byte changed, dropped or doubled. */
static void add_keys(struct world *w, const struct buf *text)
{
    struct buf key = {0};
    size_t at = text->len > 0 ? below((unsigned)text->len) : 0;

    add_key(w, buf_text(text), text->len);
    if (text->len == 0)
        return;
    if (below(4) == 0)
        buf_adds(&key, below(2) == 0 ? "a\n" : "b");
    buf_add(&key, text->ptr, at + below(2));
    if (below(2) == 0)
        buf_adds(&key, below(3) == 0 ? "\xe2\x84\xaa" : ANY(texts)); /* the Kelvin sign */
    buf_add(&key, text->ptr + at, text->len - at);
    for (size_t i = 0; i < key.len && below(2) == 0; i++)
        if (below(4) == 0 && is_alnum((unsigned char)key.ptr[i]))
            key.ptr[i] ^= 0x20;
    if (below(20) == 0)
        key.ptr[0] = '\0';
    add_key(w, key.ptr, key.len);
    buf_free(&key);
}

/* A line with a pattern that the library takes, and the text that goes with it. */
static void make_line(struct world *w, struct line *line, enum kind kind)
{
    struct made m = {.perl = w->perl};
    struct pattern_required required;
    const char *flags;
    uint32_t options;

    line->kind = kind;
    line->negated = below(kind == IF ? 3 : 80) == 0;
    do {
        make_pattern(&m);
        flags = pick_flags(w->perl, &options);
    } while (!compile(w, line, buf_text(&m.pattern), options));
    count_required(w, buf_text(&m.pattern), options, &required);
    add_keys(w, &m.text);
    for (size_t i = 0; i < w->key_count; i++)
        if (matches(w, line, &w->keys[i]) == 1 && !has_required(&required, &w->keys[i]) &&
            w->broken++ < 10)
            tap_diag("/%s/%s matches \"%s\"", m.pattern.ptr, flags, buf_text(&w->keys[i]));
    buf_addf(&w->file, "%s%s/%s/%s", kind == IF ? "if " : "", line->negated ? "!" : "",
             m.pattern.ptr, flags);
    line->has_second = kind == RULE && !w->perl && below(8) == 0;
    if (line->has_second) {
        const char *second = ANY(texts);

        if (regcomp(&line->second, second, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
            die("%s is no pattern", second);
        buf_addf(&w->file, "!/%s/", second);
    }
    buf_adds(&w->file, kind == IF ? "\n" : " x\n");
    buf_free(&m.pattern);
    buf_free(&m.text);
}

static void make_lines(struct world *w)
{
    unsigned open = 0;

    buf_clear(&w->file);
    w->key_count = 0;
    for (size_t i = 0; i < LINES; i++) {
        enum kind kind = RULE;

        if (below(10) == 0)
            kind = IF;
        else if (open > 0 && below(4) == 0)
            kind = ENDIF;
        open += kind == IF ? 1 : kind == ENDIF ? -1u : 0;
        w->lines[i] = (struct line){.kind = kind};
        if (kind == ENDIF)
            buf_adds(&w->file, "endif\n");
        else
            make_line(w, &w->lines[i], kind);
    }
    for (unsigned i = 0; i < 4; i++)
        add_key(w, ANY(names), below(4));
    add_key(w, "", 0);
}

static void free_lines(struct world *w)
{
    for (size_t i = 0; i < LINES; i++) {
        if (w->lines[i].kind == ENDIF)
            continue;
        if (w->perl)
            pcre2_code_free(w->lines[i].code);
        else
            regfree(&w->lines[i].regex);
        if (w->lines[i].has_second)
            regfree(&w->lines[i].second);
    }
}

static bool line_holds(struct world *w, const struct line *line, const struct buf *key)
{
    regmatch_t whole = {0, (regoff_t)key->len};
    int result = matches(w, line, key);

    if (result < 0 || (result == 1) == line->negated)
        return false;
    return !line->has_second || regexec(&line->second, buf_text(key), 0, &whole, REG_STARTEND) != 0;
}

/* The plain loop: the line that answers, from 1; 0: none. */
static int plain(struct world *w, const struct buf *key)
{
    unsigned skipping = 0;

    for (int i = 0; i < LINES; i++) {
        const struct line *line = &w->lines[i];

        if (skipping > 0) {
            skipping += line->kind == IF ? 1 : line->kind == ENDIF ? -1u : 0;
            continue;
        }
        if (line->kind == ENDIF || !line_holds(w, line, key)) {
            skipping = line->kind == IF;
            continue;
        }
        if (line->kind == RULE)
            return i + 1;
    }
    return 0;
}

static void compare(struct world *w)
{
    struct arena *arena = arena_new();
    const char *path = tap_file("random", buf_text(&w->file));
    struct table *table = table_open(w->perl ? "pcre:random" : "regexp:random", tap_dir(),
                                     (struct where){0}, NULL, NULL);

    (void)path;
    for (size_t i = 0; i < w->key_count; i++) {
        const struct buf *key = &w->keys[i];
        struct hit hit;
        enum table_result result =
            table_lookup(table, (struct slice){buf_text(key), key->len}, arena, &hit);
        int got = result == TABLE_FOUND ? hit.rule.line : 0, want = plain(w, key);

        w->lookups++;
        w->hits += want != 0;
        if (got != want && w->wrong++ < 10)
            tap_diag("key \"%s\": line %d, should be %d, of\n%s", buf_text(key), got, want,
                     w->file.ptr);
    }
    table_free(table);
    arena_free(arena);
}

static void test_random(bool perl, unsigned rounds)
{
    struct world *w = xcalloc(1, sizeof(*w));
    const char *name = perl ? "pcre" : "regexp";

    w->perl = perl;
    w->data = pcre2_match_data_create(100, NULL);
    w->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(w->limits, (uint32_t)table_limits_preset.pcre_match);
    pcre2_set_depth_limit(w->limits, (uint32_t)table_limits_preset.pcre_depth);
    pcre2_set_heap_limit(w->limits, (uint32_t)table_limits_preset.pcre_heap_kb);
    while (rounds-- > 0) {
        make_lines(w);
        compare(w);
        free_lines(w);
    }
    tap_diag("%s: %zu patterns, %zu with a prefix, %zu with a literal; %zu lookups, %zu hits", name,
             w->patterns, w->with_prefix, w->with_literal, w->lookups, w->hits);
    tap_is_int((long long)w->broken, 0, "%s: what matches has what is required", name);
    tap_is_int((long long)w->wrong, 0, "%s: answers as the plain loop", name);
    tap_ok(w->with_prefix > w->patterns / 4 && w->with_literal > w->patterns / 4 &&
               w->hits > w->lookups / 8,
           "%s: the comparison is about something", name);
    for (size_t i = 0; i < KEYS; i++)
        buf_free(&w->keys[i]);
    buf_free(&w->file);
    pcre2_match_data_free(w->data);
    pcre2_match_context_free(w->limits);
    free(w);
}

int main(void)
{
    tap_start(300);
    test_random(true, 800);
    test_random(false, 800);
    return tap_done();
}
