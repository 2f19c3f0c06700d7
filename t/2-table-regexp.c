/* 2-table-regexp - POSIX patterns: flags, /a/!/b/, $1, if and endif */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "rows.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define TOO_LARGE "1:warning: the pattern is too large"

static const struct row rows[] = {
    {"match anywhere", "/b+/ OK\n", "abba", "OK", 1, NULL},
    {"no match", "/b+/ OK\n", "aca", NONE, 0, NULL},
    {"first rule wins", "/x/ A\n/a/ B\n/a/ C\n", "a", "B", 2, NULL},
    {"delimiter |", "|a/b| OK\n", "a/b", "OK", 1, NULL},
    {"empty key", "/^$/ OK\n", "", "OK", 1, NULL},

    {"caseless is the preset", "/abc/ OK\n", "xABCx", "OK", 1, NULL},
    {"i toggles it off", "/abc/i OK\n", "ABC", NONE, 0, NULL},
    {"extended is the preset", "/a|b/ OK\n", "b", "OK", 1, NULL},
    {"x toggles it off", "/a|b/x OK\n", "b", NONE, 0, NULL},
    {"x: basic groups", "/\\(a\\)/x [$1]\n", "a", "[a]", 1, NULL},
    {"dot matches newline by preset", "/a.b/ OK\n", "a\nb", "OK", 1, NULL},
    {"m: it does not", "/a.b/m OK\n", "a\nb", NONE, 0, NULL},
    {"m: ^ at each line", "/^b/m OK\n", "a\nb", "OK", 1, NULL},
    {"s is unknown", "/a/s OK\n/a/ B\n", "a", "B", 2, "1:warning: unknown flag \"s\""},
    {"no blank in front of the result", "/a/REJECT\n/a/ B\n", "a", "B", 2,
     "1:warning: unknown flag \"R\""},
    {"bytes, not characters", "/^.$/ OK\n", "\xc3\xa9", NONE, 0, NULL},

    {"negated", "!/a/ OK\n", "b", "OK", 1, NULL},
    {"negated twice", "! !/a/ OK\n", "a", "OK", 1, NULL},
    {"/a/!/b/: a and not b", "/a/!/b/ OK\n", "a", "OK", 1, NULL},
    {"/a/!/b/: a and b", "/a/!/b/ OK\n", "ab", NONE, 0, NULL},
    {"/a/!/b/: not a", "/a/!/b/ OK\n", "c", NONE, 0, NULL},
    {"/a/! /b/ with a blank", "/a/! /b/ OK\n", "a", "OK", 1, NULL},
    {"/a/!!/b/: both", "/a/!!/b/ OK\n", "ab", "OK", 1, NULL},
    {"!/a/!/b/: neither", "!/a/!/b/ OK\n", "c", "OK", 1, NULL},
    {"!/a/!/b/: b", "!/a/!/b/ OK\n", "b", NONE, 0, NULL},
    {"/a/i!/b/i: flags of both", "/a/i!/b/i OK\n", "aB", "OK", 1, NULL},
    {"/(a)/!/b/: groups are the first one's", "/(a.)/!/b(.)/ [$1]\n", "xac", "[ac]", 1, NULL},
    {"a third one is the result", "/a/!/b/!/c/ x\n", "a", "!/c/ x", 1, NULL},
    {"bad second pattern", "/a/!/(/ OK\n/a/ B\n", "a", "B", 2, "1:warning: bad pattern"},
    {"second one in an if is ignored", "if /a/!/b/\n/./ Y\nendif\n", "ab", "Y", 2,
     "1:warning: text behind the pattern of an if is ignored"},

    {"if, false", "if /a/\n/b/ B\nendif\n/./ C\n", "b", "C", 4, NULL},
    {"if inside if", "if /a/\nif !/b/\n/c/ D\nendif\n/./ E\nendif\n/./ F\n", "ac", "D", 3, NULL},
    {"broken if", "if /(/\n/b/ B\nendif\n", "b", "B", 2, "1:warning: THE IF IS DROPPED"},
    {"if without endif", "if /a/\n/./ B\n", "b", NONE, 0, "1:warning: if without endif"},

    {"$1", "/(.)-(.)/ $2+$1\n", "a-b", "b+a", 1, NULL},
    {"more groups than ten", "/(1)(2)(3)(4)(5)(6)(7)(8)(9)(0)(a)(b)/ $12$11\n", "1234567890ab",
     "ba", 1, NULL},
    {"unset group", "/(a)|(b)/ [$2]\n", "a", "[]", 1, NULL},
    {"$2 of one", "/(a)/ $2\n/a/ B\n", "a", "B", 2, "1:warning: the pattern has 1 group"},
    {"$1abc", "/(a)/ $1abc\n/a/ B\n", "a", "B", 2, "1:warning: write ${1}abc"},
    {"$1 with !", "!/(a)/ $1\n/b/ B\n", "b", "B", 2,
     "1:warning: $1 in the result of a `!` pattern"},
    {"$1 with ! and not", "!/(a)/!/b/ $1\n/c/ B\n", "c", "B", 2, "1:warning: of a `!` pattern"},
    {"bad pattern", "/(/ x\n/b/ B\n", "b", "B", 2, "1:warning: bad pattern: "},
    {"braces of basic expressions", "/q/ A\n/q/ A\n/q/ A\n/ab{2}c/x OK\n", "ab{2}c", "OK", 4,
     NULL},
    {"repeated repetition", "/ok/ x\n/.++++++++++++++++++++++++++++++++/ y\n/b/ B\n", "b", "B", 3,
     "2:warning: the pattern is too large when its repetitions are written out"},
    {"repeated groups", "/((((a{1,99}){1,99}){1,99}){1,99})/ y\n/b/ B\n", "b", "B", 2, TOO_LARGE},
    {"repeated groups, exactly", "/(((a{255}){255}){255}){255}/ y\n/b/ B\n", "b", "B", 2,
     TOO_LARGE},
    {"repeated groups, unclosed", "/((((a{30000}(b{30000}/ y\n/b/ B\n", "b", "B", 2, TOO_LARGE},
    {"many to be left out", "/a{1,32767}/ y\n/b/ B\n", "b", "B", 2, TOO_LARGE},
    {"basic, repeated repetition", "/.\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+/x y\n/b/ B\n",
     "b", "B", 2, TOO_LARGE},
    {"basic, repeated groups", "/\\(\\(a\\{255\\}\\)\\{255\\}\\)/x y\n/b/ B\n", "b", "B", 2,
     TOO_LARGE},
    {"basic, a plus is a plus", "/a++++++++++++++++++++++/x y\n", "a++++++++++++++++++++++", "y", 1,
     NULL},
    {"operators in a class", "/^[][:alpha:]++++++++++++++]{2}$/ y\n", "+]", "y", 1, NULL},
    {"a long line", "/^.{998}/ long\n/b/ B\n", "b", "B", 2, NULL},
    {"at most some", "/^b{1,998}$/ B\n", "bb", "B", 1, NULL},
    {"in an if", "if /.+++++++++++++++++++++/\n/b/ B\nendif\n", "b", "B", 2,
     "1:warning: THE IF IS DROPPED"},
    {"no result", "/a/\n", "a", ERROR, 1, "1:warning: no result"},
    {"empty result", "/a(x*)/ $1\n", "a", ERROR, 1, NULL},
    {"neither pattern nor keyword", "abc\n", "abc", NONE, 0, "1:warning: neither a pattern"},
};

static void test_nul(void)
{
    struct arena *arena = arena_new();
    struct table *table;
    struct hit hit;

    tap_file("f", "/a[^-](b)/ [$1]\n"); /* a dot is any character but NUL */
    table = table_open("regexp:f", tap_dir(), (struct where){0}, NULL, NULL);
    tap_ok(table_lookup(table, (struct slice){"a\0bx", 3}, arena, &hit) == TABLE_FOUND &&
               strcmp(hit.value, "[b]") == 0,
           "a key with a NUL inside");
    tap_ok(table_lookup(table, (struct slice){"a-bx", 2}, arena, &hit) == TABLE_NOT_FOUND,
           "a key ends where it says");
    tap_ok(table_lookup(table, (struct slice){NULL, 0}, arena, &hit) == TABLE_NOT_FOUND, "no key");
    table_free(table);
    arena_free(arena);
}

static void test_deep_groups(void)
{
    struct problems problems = {0};
    struct buf text = {0};
    struct table *table;

    buf_adds(&text, "/");
    for (int i = 0; i < 100000; i++)
        buf_addc(&text, '(');
    buf_adds(&text, "/ x\n");
    tap_file("deep", text.ptr);
    table = table_open("regexp:deep", tap_dir(), (struct where){0}, NULL, &problems);
    tap_ok(table_count(table) == 0 && problems.count == 1 && problems.list[0].line == 1 &&
               strstr(problems.list[0].text, "groups are nested deeper than 250") != NULL,
           "100,000 groups, one inside the other");
    table_free(table);
    problems_free(&problems);
    buf_free(&text);
}

static void test_strict(void)
{
    static const char *const lines[] = {"/a OK\n", "/a/s OK\n", "/(/ OK\n", "/a/ $1\n", "endif\n",
                                        "if /(/\n"};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct problems problems = open_strictly("regexp", lines[i]);

        tap_ok(problems.errors == 1, "strict: a skipped line is an error (%zu)", i);
        problems_free(&problems);
    }
}

/* `count` times `unit`, and what stands in front of it and behind; in the arena. */
static const char *many(struct arena *arena, const char *head, const char *unit, size_t count,
                        const char *tail)
{
    size_t used = strlen(head), len = strlen(unit);
    char *text = arena_alloc(arena, used + count * len + strlen(tail) + 1);

    memcpy(text, head, used);
    for (size_t i = 0; i < count; i++, used += len)
        memcpy(text + used, unit, len);
    memcpy(text + used, tail, strlen(tail));
    return text;
}

/* What regcomp(3) would crash of, or think about for hours. */
static void test_large(void)
{
    struct arena *arena = arena_new();
    const struct row large[] = {
        {"groups within groups", many(arena, "/", "(", 100000, "/ x\n/b/ B\n"), "b", "B", 2,
         "1:warning: nested deeper"},
        {"the same, basic", many(arena, "/", "\\(", 100000, "/x x\n/b/ B\n"), "b", "B", 2,
         "1:warning: nested deeper"},
        {"alternatives", many(arena, "/", "a|", 100000, "b/ x\n/b/ B\n"), "b", "B", 2,
         "1:warning: too large"},
        {"repetitions of repetitions", "/((((a{1000}){1000}){1000}){1000})/ x\n/b/ B\n", "b", "B",
         2, "1:warning: too large"},
        {"200 groups within each other", many(arena, many(arena, "/", "(", 200, "a"), ")", 200, "/ A\n"),
         "a", "A", 1, NULL},
        {"300 groups side by side", many(arena, "/", "(a)?", 300, "b/ B\n"), "b", "B", 1, NULL},
        {"300 parentheses that are characters", many(arena, "/", "[(]\\(", 300, "|b/ B\n"), "b",
         "B", 1, NULL},
        {"brackets", "/^[](){[:digit:]]+$/ B\n", "](){7", "B", 1, NULL},
        {"a repetition", "/^(ab){2,300}c{3}$/ B\n", "ababccc", "B", 1, NULL},
    };

    check_rows("regexp", large, ARRAY_LEN(large));
    arena_free(arena);
}

int main(void)
{
    tap_start(60);
    check_rows("regexp", rows, ARRAY_LEN(rows));
    test_large();
    test_nul();
    test_deep_groups();
    test_strict();
    return tap_done();
}
