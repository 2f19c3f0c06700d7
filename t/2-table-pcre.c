/* 2-table-pcre - Perl-compatible patterns: delimiters, flags, if and endif, $1, limits */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "rows.h"
#include "tap.h"

#include <pthread.h>
#include <string.h>

static const struct row rows[] = {
    {"match anywhere", "/b+/ OK\n", "abba", "OK", 1, NULL},
    {"no match", "/b+/ OK\n", "aca", NONE, 0, NULL},
    {"first rule wins", "/x/ A\n/a/ B\n/a/ C\n", "a", "B", 2, NULL},
    {"anchors", "/^host-\\d+\\.example$/ OK\n", "host-17.example", "OK", 1, NULL},
    {"empty key", "/^$/ OK\n", "", "OK", 1, NULL},
    {"the empty pattern", "// OK\n", "x", "OK", 1, NULL},
    {"a continued rule", "/a/\n  REJECT\n  x\n", "a", "REJECT  x", 1, NULL},
    {"a continued pattern", "/a\n b/ OK\n", "xa b", "OK", 1, NULL},
    {"CRLF", "/a/ OK\r\n/b/ REJECT\r\n", "b", "REJECT", 2, NULL},

    {"delimiter |", "|a/b| OK\n", "a/b", "OK", 1, NULL},
    {"delimiter ,", ",a/b, OK\n", "a/b", "OK", 1, NULL},
    {"delimiter \"", "\"a\" OK\n", "a", "OK", 1, NULL},
    {"delimiter '", "'a' OK\n", "a", "OK", 1, NULL},
    {"delimiter < is not paired", "<a< OK\n", "a", "OK", 1, NULL},
    {"delimiter { is not paired", "{a{ OK\n", "a", "OK", 1, NULL},
    {"delimiter <…> is not closed", "<a> OK\n", "a", NONE, 0,
     "1:warning: the closing \"<\" of the pattern is missing"},
    {"protected delimiter keeps its backslash", "/a\\/b/ OK\n", "a/b", "OK", 1, NULL},
    {"protected delimiter with a meaning", ".a\\.b. OK\n", "axb", NONE, 0, NULL},
    {"not closed", "/a OK\n/b/ B\n", "b", "B", 2, "1:warning: the closing \"/\""},
    {"a backslash closes nothing", "\\a\\ A\n/a/ B\n", "a", "B", 2, "1:warning: the closing \"\\\""},
    {"closing one protected", "/a\\/ OK\n/b/ B\n", "b", "B", 2, "1:warning: the closing \"/\""},

    {"caseless is the preset", "/abc/ OK\n", "xABCx", "OK", 1, NULL},
    {"i toggles it off", "/abc/i OK\n", "ABC", NONE, 0, NULL},
    {"ii toggles it on again", "/abc/ii OK\n", "ABC", "OK", 1, NULL},
    {"dot matches newline by preset", "/a.b/ OK\n", "a\nb", "OK", 1, NULL},
    {"s toggles that off", "/a.b/s OK\n", "a\nb", NONE, 0, NULL},
    {"^ is the start only", "/^b/ OK\n", "a\nb", NONE, 0, NULL},
    {"m: of each line", "/^b/m OK\n", "a\nb", "OK", 1, NULL},
    {"x: blanks mean nothing", "/a b/x OK\n", "ab", "OK", 1, NULL},
    {"A: at the start only", "/b/A OK\n", "ab", NONE, 0, NULL},
    {"$ also before a last newline", "/a$/ OK\n", "a\n", "OK", 1, NULL},
    {"E: not", "/a$/E OK\n", "a\n", NONE, 0, NULL},
    {"U: ungreedy", "/(a+)/U [$1]\n", "aaa", "[a]", 1, NULL},
    {"greedy", "/(a+)/ [$1]\n", "aaa", "[aaa]", 1, NULL},
    {"X is obsolete", "/a/X OK\n", "a", "OK", 1, "1:warning: flag \"X\" has no meaning any more"},
    {"u is unknown: skipped", "/a/u OK\n/a/ B\n", "a", "B", 2, "1:warning: unknown flag \"u\""},
    {"no blank in front of the result", "/a/REJECT\n/a/ B\n", "a", "B", 2,
     "1:warning: unknown flag \"R\" behind the pattern (is a blank missing"},
    {"/a/!/b/ is not for pcre", "/a/!/b/ OK\n", "a", NONE, 0, "1:warning: unknown flag \"!\""},
    {"bytes, not characters", "/^.$/ OK\n", "\xc3\xa9", NONE, 0, NULL},
    {"accents do not fold", "/\xc3\xa9/ OK\n", "\xc3\x89", NONE, 0, NULL},
    {"Latin-1 in the key", "/^\\xe9$/ OK\n", "\xe9", "OK", 1, NULL},
    {"Latin-1 in the pattern", "/^\xe9$/ OK\n", "\xe9", "OK", 1,
     "1:warning: the pattern is not UTF-8"},
    {"Latin-1 in the result", "/a/ caf\xe9\n", "a", "caf\xe9", 1,
     "1:warning: iconv -f LATIN1 -t UTF-8"},
    {"no-break space behind the pattern", "/a/\xc2\xa0OK\n", "a", NONE, 0,
     "1:warning: a no-break space (U+00A0)"},
    {"typographic quotes", "/\xe2\x80\x9c" "a\xe2\x80\x9d/ OK\n", "a", NONE, 0,
     "1:warning: a typographic quote (U+201C)"},

    {"negated", "!/a/ OK\n", "b", "OK", 1, NULL},
    {"negated, no match", "!/a/ OK\n", "a", NONE, 0, NULL},
    {"negated twice", "!!/a/ OK\n", "a", "OK", 1, NULL},
    {"negated three times, with blanks", "! ! !/a/ OK\n", "b", "OK", 1, NULL},
    {"! alone", "!\n/a/ A\n", "a", "A", 2, "1:warning: no pattern: line skipped"},

    {"if, true", "if /a/\n/b/ B\nendif\n/./ C\n", "ab", "B", 2, NULL},
    {"if, true, falls through", "if /a/\n/b/ B\nendif\n/./ C\n", "a", "C", 4, NULL},
    {"if, false", "if /a/\n/b/ B\nendif\n/./ C\n", "b", "C", 4, NULL},
    {"if !, true", "if !/a/\n/b/ B\nendif\n/./ C\n", "b", "B", 2, NULL},
    {"if/x/ without blank", "if/a/\n/b/ B\nendif\n", "ab", "B", 2, NULL},
    {"IF, EndIf", "IF /a/\n/b/ B\nEndIf\n/./ C\n", "b", "C", 4, NULL},
    {"if inside if, both", "if /a/\nif /b/\n/c/ D\nendif\n/./ E\nendif\n/./ F\n", "abc", "D", 3,
     NULL},
    {"if inside if, outer", "if /a/\nif /b/\n/c/ D\nendif\n/./ E\nendif\n/./ F\n", "ac", "E", 5,
     NULL},
    {"if inside if, none", "if /a/\nif /b/\n/c/ D\nendif\n/./ E\nendif\n/./ F\n", "bc", "F", 7,
     NULL},
    {"text behind if", "if /a/ x\n/b/ B\nendif\n", "b", NONE, 0,
     "1:warning: text behind the pattern of an if is ignored: \"x\""},
    {"text behind endif", "if /a/\n/b/ B\nendif x\n/./ C\n", "b", "C", 4,
     "3:warning: text behind endif is ignored"},
    {"if without endif, false", "if /a/\n/./ B\n", "b", NONE, 0, "1:warning: if without endif"},
    {"if without endif, true", "if /a/\n/./ B\n", "a", "B", 2, "1:warning: if without endif"},
    {"endif without if", "endif\n/a/ A\n", "a", "A", 2, "1:warning: endif without if"},
    {"broken if: its rules apply to everything", "if /(/\n/b/ B\nendif\n", "b", "B", 2,
     "1:warning: THE IF IS DROPPED AND ITS RULES APPLY TO EVERYTHING"},
    {"broken if inside if: its endif ends the outer one",
     "if /a/\nif /(/\n/b/ B\nendif\n/c/ C\nendif\n", "c", "C", 5, "6:warning: endif without if"},
    {"if without pattern", "if\n/b/ B\n", "b", "B", 2, "1:warning: broken if: no pattern"},
    {"neither pattern nor keyword", "abc x\n/b/ B\n", "b", "B", 2,
     "1:warning: neither a pattern"},
    {"endifx is no keyword", "endifx\n/b/ B\n", "b", "B", 2, "1:warning: neither a pattern"},
    {"bad pattern", "/(/ x\n/b/ B\n", "b", "B", 2,
     "1:warning: bad pattern at offset 1: missing closing parenthesis"},

    {"$1", "/(.)-(.)/ $2+$1\n", "a-b", "b+a", 1, NULL},
    {"${1} and $(1)", "/(.)/ x${1}y$(1)z\n", "a", "xayaz", 1, NULL},
    {"$$", "/a/ cost $$5 $$\n", "a", "cost $5 $", 1, NULL},
    {"case of the key is kept", "/(.*)/ [$1]\n", "aBc", "[aBc]", 1, NULL},
    {"leading zero", "/(a)/ $01\n", "a", "a", 1, NULL},
    {"two digits", "/(1)(2)(3)(4)(5)(6)(7)(8)(9)(0)(a)/ $11 ${1}1\n", "1234567890a", "a 11", 1,
     NULL},
    {"unset group", "/(a)|(b)/ [$2]\n", "a", "[]", 1, NULL},
    {"empty group", "/a(x*)/ [$1]\n", "a", "[]", 1, NULL},
    {"not scanned again", "/(.*)/ [$1]\n", "$1 $$ ${2}", "[$1 $$ ${2}]", 1, NULL},
    {"$1abc", "/(a)/ $1abc\n/a/ B\n", "a", "B", 2,
     "1:warning: \"$1abc\" is no group number; write ${1}abc: line skipped"},
    {"$1_", "/(a)/ $1_\n/a/ B\n", "a", "B", 2, "1:warning: write ${1}_"},
    {"$0", "/(a)/ $0\n/a/ B\n", "a", "B", 2, "1:warning: there is no group 0"},
    {"lone $ at the end", "/(a)/ x $\n/a/ B\n", "a", "B", 2, "1:warning: a $ without group number"},
    {"$ and a blank", "/(a)/ $ x\n/a/ B\n", "a", "B", 2, "1:warning: a $ without group number"},
    {"${1?x}", "/(a)/ ${1?x}\n/a/ B\n", "a", "B", 2, "1:warning: is no group number"},
    {"${name}", "/(?<name>a)/ ${name}\n/a/ B\n", "a", "B", 2, "1:warning: is no group number"},
    {"$name", "/(a)/ $name\n/a/ B\n", "a", "B", 2, "1:warning: is no group number"},
    {"${}", "/(a)/ ${}\n/a/ B\n", "a", "B", 2, "1:warning: a $ without group number"},
    {"${1", "/(a)/ ${1\n/a/ B\n", "a", "B", 2, "1:warning: is not closed"},
    {"$(1}", "/(a)/ $(1}\n/a/ B\n", "a", "B", 2, "1:warning: is not closed"},
    {"more than there are", "/(a)/ $2\n/a/ B\n", "a", "B", 2,
     "1:warning: $2 in the result, but the pattern has 1 group"},
    {"far more", "/(a)/ $99999999999999999999\n/a/ B\n", "a", "B", 2,
     "1:warning: there is no group"},
    {"$1 with !", "!/(a)/ $1\n/b/ B\n", "b", "B", 2,
     "1:warning: $1 in the result of a `!` pattern"},
    {"$$ with !", "!/(a)/ $$\n", "b", "$", 1, NULL},

    {"no result: the rule stays and fails", "/a/\n/a/ B\n", "a", ERROR, 1, "1:warning: no result"},
    {"no result: others go on", "/a/\n/b/ B\n", "b", "B", 2, "1:warning: no result"},
    {"an empty result by an empty group", "/a(x?)/ $1\n", "a", ERROR, 1, NULL},
    {"UTF: the Kelvin sign is a k", "/q/ A\n/q/ A\n/q/ A\n/(*UTF)ok/ B\n", "o\xe2\x84\xaa", "B", 4,
     NULL},
    {"UCP: Latin-1 has case", "/q/ A\n/q/ A\n/q/ A\n/(*UCP)a\xe9/ B\n", "A\xc9", "B", 4, "*"},
    {"a header's rules keep their order", "/^To:/ A\n/b/ B\n/^From:/ C\n/^From: b/ D\n/./ E\n",
     "From: b", "B", 2, NULL},
    {"a header's own rule", "/^To:/ A\n/b/ B\n/^from:/ C\n/^From: c/ D\n/./ E\n", "From: c", "C", 3,
     NULL},
    {"a header's rule in an if that does not hold",
     "if /^To:/\n/^From:/ A\nendif\nif /b/\n/^From:/ B\nendif\n/^From:/ C\n", "From: c", "C", 7,
     NULL},
    {"a negated rule of another header", "/^To:/ A\n/^Cc:/ B\n!/^To:/ C\n/^From:/ D\n", "From: c",
     "C", 3, NULL},
    {"a start option of PCRE", "/(*UCP)a/ OK\n", "a", "OK", 1, NULL},
};

static void test_strict(void)
{
    static const char *const lines[] = {"/a OK\n", "/a/u OK\n", "/(/ OK\n", "/a/ $1\n", "endif\n",
                                        "if /(/\n", "abc\n", "!\n"};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct problems problems = open_strictly("pcre", lines[i]);

        tap_ok(problems.errors == 1, "strict: a skipped line is an error (%zu)", i);
        problems_free(&problems);
    }
}

/* (a+)+$ needs two to the power of 40 steps to see that forty a and a b do not match. */
static const char slow_key[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";

static void test_limit(const char *rules, const char *want, const char *name)
{
    struct table_limits limits = table_limits_preset;
    struct arena *arena = arena_new();
    struct table *table;
    struct hit hit;
    enum table_result result;

    limits.pcre_match = 5000;
    tap_file("slow", rules);
    table = table_open("pcre:slow", tap_dir(), (struct where){0}, &limits, NULL);
    result = table_lookup(table, slice_of(slow_key), arena, &hit);
    tap_is(result == TABLE_FOUND ? hit.value : NONE, want, "%s", name);
    tap_ok(hit.undecided.file != NULL && hit.undecided.line == 1 &&
               strstr(hit.undecided_why, "limit") != NULL,
           "%s: told (%s)", name, hit.undecided_why != NULL ? hit.undecided_why : "");
    table_free(table);
    arena_free(arena);
}

static void test_limits(void)
{
    test_limit("/^(a+)+$/ A\n", NONE, "match limit: not matched");
    test_limit("!/^(a+)+$/ A\n", NONE, "match limit: not matched with ! either");
    test_limit("/^(a+)+$/ A\n/b/ B\n", "B", "match limit: the next rule");
    test_limit("if /^(a+)+$/\n/b/ A\nendif\n/b/ B\n", "B", "match limit in an if");
    test_limit("if !/^(a+)+$/\n/b/ A\nendif\n/b/ B\n", "B", "match limit in an if !");
    test_limit("/(*NO_JIT)^(a+)+$/ A\n", NONE, "match limit of the interpreter");
}

/* Deep backtracking needs more than the small stack of machine code. */
static void test_deep(void)
{
    struct arena *arena = arena_new();
    struct buf key = {0};
    struct table *table;
    struct hit hit;

    for (int i = 0; i < 30000; i++)
        buf_adds(&key, i % 2 ? "a" : "b");
    tap_file("deep", "/^(?:(a)|(b))*c/ C\n/^(?:(a)|(b))*$/ OK\n");
    table = table_open("pcre:deep", tap_dir(), (struct where){0}, NULL, NULL);
    tap_ok(table_lookup(table, (struct slice){key.ptr, key.len}, arena, &hit) == TABLE_FOUND &&
               hit.rule.line == 2,
           "a header of 30,000 bytes");
    table_free(table);
    buf_free(&key);
    arena_free(arena);
}

/* Longer texts are searched piece by piece: what is found is the same, and the limit holds for all
 * the bytes that a match might begin at together. */
static void test_long(void)
{
    static const struct {
        const char *rule, *unit;
        int times;
        const char *tail, *want;
        bool undecided;
    } texts[] = {
        {"/needle(.)/ <$1>", "ab ", 20000, "needleX", "<X>", false},
        {"/(x).{700}(y)$/ $1$2", "a", 1100, "x"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "y", "xy", false},
        {"/(?<=q)z/ L", "x", 2000, "qz", "L", false},
        {"/^b/m M", "a", 1500, "\nb", "M", false},
        {"/\\bz/ W", "x", 1535, " z", "W", false},
        {"/z|$/ E", "x", 1024, "", "E", false},
        {"/z|$/ E", "x", 1280, "", "E", false},
        {"/z/ Z", "x", 1279, "z", "Z", false},
        {"/z/ Z", "x", 1280, "z", "Z", false},
        {"/z/A A", "x", 2000, "z", NONE, false},
        {"/\\Gz/ G", "x", 2000, "z", NONE, false},
        {"/x(*COMMIT)z/ C", "xy", 1000, "xz", NONE, false},
        {"/(?:a|b)+c/ C", "aab ", 10000, "ababc", "C", false},
        {"/(?:a|b)+c/ C", "aaabaababababaaabaabbaababababab ", 300, "ababc", "C", false},
        {"/(a?){500}a{500}/ A", "a,", 29000, "", NONE, true},
        {"/(([a-z])+.)+[0-9]([a-z])+$/ A", "xxxxxxxxxxxxxxxxx,", 3300, "", NONE, true},
        {"/(\\w\\w?)+\\d{6}/ A", "xxxxxxxxxxxxxxxxxxxxxxx,", 2000, "", NONE, true},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct buf key = {0};
        struct table *table;
        struct hit hit;
        bool found;

        for (int n = 0; n < texts[i].times; n++)
            buf_adds(&key, texts[i].unit);
        buf_adds(&key, texts[i].tail);
        tap_file("long", texts[i].rule);
        table = table_open("pcre:long", tap_dir(), (struct where){0}, NULL, NULL);
        found = table_lookup(table, (struct slice){key.ptr, key.len}, arena, &hit) == TABLE_FOUND;
        tap_is(found ? hit.value : NONE, texts[i].want, "long: row %zu, %s", i, texts[i].rule);
        tap_ok((hit.undecided.file != NULL) == texts[i].undecided, "long: row %zu, limit", i);
        table_free(table);
        buf_free(&key);
    }
    arena_free(arena);
}

static void test_hit(void)
{
    struct arena *arena = arena_new();
    struct table *table;
    struct hit hit;

    tap_file("f", "# c\nif /a/\n/(b)/i   X $1\n  more\nendif\n");
    table = table_open("pcre:f", tap_dir(), (struct where){0}, NULL, NULL);
    table_lookup(table, (struct slice){"a\0b", 3}, arena, &hit);
    tap_is(hit.value, "X b  more", "a key with a NUL inside");
    tap_is(hit.text, "/(b)/i   X $1  more", "the rule is kept as written");
    tap_is(hit.rule.file, table_file(table), "with its file");
    tap_is_int(hit.rule.line, 3, "and line");
    tap_ok(table_lookup(table, (struct slice){NULL, 0}, arena, &hit) == TABLE_NOT_FOUND, "no key");
    tap_ok(table_has_patterns(table) && !table_folds(table), "has patterns, does not fold");
    tap_is_int((long long)table_count(table), 1, "an if is no rule");
    table_free(table);
    arena_free(arena);
}

static void visit(const struct rule *rule, void *arg)
{
    buf_addf(arg, "%d[%s][%s]%s ", rule->where.line, rule->key, rule->value,
             rule->substitutes ? "$" : "");
}

static void test_each(void)
{
    struct buf got = {0};
    struct table *table;

    tap_file("f", "if /a/\n/(b)/i X $1\nendif\n!/c/   Y\n/d/\n");
    table = table_open("pcre:f", tap_dir(), (struct where){0}, NULL, NULL);
    table_each(table, visit, &got);
    tap_is(buf_text(&got), "2[/(b)/i][X $1]$ 4[!/c/][Y] 5[/d/][] ", "rules are visited as written");
    buf_free(&got);
    table_free(table);
}

static void *ask(void *arg)
{
    const struct table *table = arg;
    struct arena *arena = arena_new();
    size_t wrong = 0;

    for (int i = 0; i < 2000; i++) {
        struct hit hit;

        if (table_lookup(table, slice_of("Subject: abc"), arena, &hit) != TABLE_FOUND ||
            strcmp(hit.value, "REJECT c-b") != 0)
            wrong++;
        arena_reset(arena);
    }
    arena_free(arena);
    return (void *)wrong;
}

static void test_threads(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct table *table;
    size_t wrong = 0;

    tap_file("f", "/^x/ X\n!/s/ Y\n/^Subject:.*a(.)(.)/ REJECT $2-$1\n");
    table = table_open("pcre:f", tap_dir(), (struct where){0}, NULL, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, ask, table);
    for (int i = 0; i < THREADS; i++) {
        void *result;

        pthread_join(threads[i], &result);
        wrong += (size_t)result;
    }
    tap_is_int((long long)wrong, 0, "four threads ask one table");
    table_free(table);
}

int main(void)
{
    tap_start(60);
    check_rows("pcre", rows, ARRAY_LEN(rows));
    test_strict();
    test_limits();
    test_deep();
    test_long();
    test_hit();
    test_each();
    test_threads();
    return tap_done();
}
