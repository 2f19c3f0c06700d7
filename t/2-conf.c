/* 2-conf - main.cf's grammar: logical lines, $ expansion (expected values measured with postconf 3.7) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(const struct conf *conf, const char *name)
{
    const struct setting *setting = conf_find(conf, name);

    return setting != NULL ? setting->value : NULL;
}

static void test_lines(void)
{
    static const char text[] = "# comment\n"
                               "one = 1\n"
                               "two=a,\n  b\n# inside\n\n\tc\n"
                               "   # another\n"
                               "empty =\n"
                               "spaced\t =  x = y \t\r\n"
                               "last = no newline";
    struct problems problems = {0};
    struct conf *conf = conf_new();

    tap_ok(conf_read(conf, tap_file("main.cf", text), &problems), "read");
    tap_is(value_of(conf, "one"), "1", "plain");
    tap_is(value_of(conf, "two"), "a,  b\tc", "continued over comments and empty lines");
    tap_is_int(conf_find(conf, "two")->where.line, 3, "its place is the first line");
    tap_is(value_of(conf, "empty"), "", "empty");
    tap_is(value_of(conf, "spaced"), "x = y", "blanks and CR around the value");
    tap_is(value_of(conf, "last"), "no newline", "without newline");
    tap_is(value_of(conf, "none"), NULL, "not there");
    tap_is_int((long long)problems.count, 0, "no problems");
    problems_free(&problems);
    conf_free(conf);
}

static void test_bad_lines(void)
{
    static const struct {
        const char *text;
        size_t len;
        bool good;
        const char *problem;
    } rows[] = {
        {"name\n", 5, false, "f:1: error: no \"=\" after \"name\": write name = value"},
        {"= x\n", 4, false, "f:1: error: no name before \"=\": write name = value"},
        {"check_helo_access static:OK\n", 27, false,
         "f:1: error: \"check_helo_access static:OK\" is not a name: write name = value, or a blank in "
         "front if this continues the line before"},
        {"a b = x\n", 8, false, "f:1: error: \"a b\" is not a name: write name = value"},
        {"a = 1\nb = 1\na = 2\n", 18, true,
         "f:3: warning: a was already set in line 1; this value replaces it: remove one of them"},
        {"a = \xe9\n", 6, true, "f:1: warning: not in UTF-8: convert the file with "
                                "iconv -f ISO-8859-1 -t UTF-8"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct problems problems = {0};
        struct conf *conf = conf_new();
        bool good = conf_read_text(conf, "f", rows[i].text, rows[i].len, &problems);
        char *text = problems.count == 1 ? problem_text(&problems.list[0]) : xstrdup("");

        tap_ok(good == rows[i].good, "row %zu: taken or not", i);
        tap_is(text, rows[i].problem, "row %zu: what is said", i);
        free(text);
        problems_free(&problems);
        conf_free(conf);
    }
}

static void test_command_line(void)
{
    struct problems problems = {0};
    struct conf *conf = conf_new();

    conf_read_text(conf, "f", "a = file\n", 9, &problems);
    tap_ok(conf_set(conf, "a = option", &problems), "-o is taken");
    tap_is(value_of(conf, "a"), "option", "-o wins");
    tap_is(conf_find(conf, "a")->where.file, "-o", "its place");
    tap_is_int((long long)problems.count, 0, "without a warning");
    tap_ok(!conf_set(conf, "nothing", &problems), "-o without = is an error");
    tap_ok(!conf_read(conf, "/", &problems), "a directory is an error");
    tap_ok(!conf_read(conf, "/nonexistent", &problems), "a missing file is an error");
    tap_is_int((long long)problems.errors, 3, "each with a problem");
    problems_free(&problems);
    conf_free(conf);
}

static const char *find(void *arg, const char *name)
{
    return value_of(arg, name);
}

static const char names_text[] = "usr = abc\nempty =\ne2 = $empty\nnum = 12\nlevel = 3.6\n"
                                 "loop = x$loop\nloop2 = $loop3\nloop3 = ${loop2}\n"
                                 "big = ${big1}$big1\nbig1 = $big2$big2\nbig2 = 01234567\n";

static const struct {
    const char *text, *value; /* NULL: malformed */
} expansions[] = {
    {"plain", "plain"},
    {"$usr", "abc"},
    {"${usr}", "abc"},
    {"$(usr)", "abc"},
    {"$usr.com", "abc.com"},
    {"$usr-x", "abc-x"},
    {"$usr$usr", "abcabc"},
    {"${ usr }", "abc"},
    {"$$usr", "$usr"},
    {"[$undef]", "[]"},
    {"${usr ?yes}", "yes"},
    {"[${usr? yes }]", "[ yes ]"},
    {"${usr?{yes}:{no}}", "yes"},
    {"${empty?{yes}:{no}}", "no"},
    {"[${usr ? {yes} : {no} }]", "[yes]"},
    {"${empty?yes}", ""},
    {"${empty:no}", "no"},
    {"${undef:{no}}", "no"},
    {"[${e2?yes}]", "[yes]"},
    {"${usr?yes:no}", "yes:no"},
    {"${usr?{yes}:no}", "yes"},
    {"[${empty ?  {a}  : b }]", "[ b ]"},
    {"${usr?a${usr}b}", "aabcb"},
    {"${usr?(x}", "(x"},
    {"${usr?{{x}}}", "{x}"},
    {"${usr?{$$}}", "$"},
    {"$(usr?{x}:{y})", "x"},
    {"${usr?{a}}{b}", "a{b}"},
    {"${{a}=={a}?{x}:{y}}", "x"},
    {"${{a} == {b} ? {x} : {y}}", "y"},
    {"${{$num}<{100}?{x}:{y}}", "x"},
    {"${{12}<{9a}?{x}:{y}}", "x"},
    {"${{01}=={1}?{t}:{f}}", "t"},
    {"${{ 1 }=={1}?{t}:{f}}", "f"},
    {"${{a}!={b}?{x}}", "x"},
    {"${{b}>{a}?{x}}", "x"},
    {"[${{a}=={a}}]", "[true]"},
    {"[${{a}=={b}}]", "[]"},
    {"[${{a}=={a}:x}]", "[]"},
    {"${{a}=={b}:x}", "x"},
    {"${{$level} <level {2} ? {subnet} : {host}}", "host"},
    {"${{3.10} >level {3.9} ? {a} : {b}}", "a"},
    {"${{3} ==level{3.0}?{t}:{f}}", "t"},
    {"${{ 3}==level{+3. 0}?{t}:{f}}", "t"},
    {"${{3.1023}<level{1000}?{t}:{f}}", "t"},
    {"${{3.1024}<level{4}?{t}:{f}}", NULL},
    {"${{3 }<level{4}?{t}:{f}}", NULL},
    {"x$ usr", NULL},
    {"x$", NULL},
    {"x${}y", NULL},
    {"x${usr", NULL},
    {"$(usr", NULL},
    {"${x-y}", NULL},
    {"${usr;x}", NULL},
    {"${usr x}", NULL},
    {"${usr?{yes} junk}", NULL},
    {"${usr?{a}:{b}c}", NULL},
    {"${{a}?{x}:{y}}", NULL},
    {"${{a}={a}?{x}}", NULL},
    {"${{3} == level {3}?{t}:{f}}", NULL},
    {"${{a} ==level {4}?{t}:{f}}", NULL},
    {"$loop", NULL},
    {"$loop2", NULL},
    {"$big", "01234567012345670123456701234567"},
};

static void test_expansion(void)
{
    struct arena *arena = arena_new();
    struct conf *conf = conf_new();
    struct conf_names names = {find, conf, NULL};

    conf_read_text(conf, "f", names_text, sizeof(names_text) - 1, NULL);
    for (size_t i = 0; i < ARRAY_LEN(expansions); i++) {
        struct err err = {""};
        const char *value = conf_expand(expansions[i].text, &names, arena, &err);

        tap_is(value, expansions[i].value, "expand \"%s\"", expansions[i].text);
        if (value == NULL)
            tap_ok(err.text[0] != '\0', "says why: %s", err.text);
    }
    conf_free(conf);
    arena_free(arena);
}

/* ${usr?{${usr?{ … in … }}}}: one more text within another than Postfix takes. */
static void test_nesting(void)
{
    struct arena *arena = arena_new();
    struct conf *conf = conf_new();
    struct conf_names names = {find, conf, NULL};

    conf_set(conf, "usr = abc", NULL);
    for (int depth = 100; depth <= 101; depth++) {
        char *text = xcalloc(1, 2000), *p = text;
        struct err err = {""};

        for (int i = 0; i < depth; i++)
            p = stpcpy(p, "${usr?{");
        p = stpcpy(p, "in");
        for (int i = 0; i < depth; i++)
            p = stpcpy(p, "}}");
        tap_is(conf_expand(text, &names, arena, &err), depth == 100 ? "in" : NULL,
               "%d texts within each other", depth);
        free(text);
    }
    conf_free(conf);
    arena_free(arena);
}

/* a0 = $a1$a1, a1 = $a2$a2 …: 2^60 times the last one. */
static void test_explosion(void)
{
    struct arena *arena = arena_new();
    struct conf *conf = conf_new();
    struct conf_names names = {find, conf, NULL};
    struct err err = {""};
    char line[64];

    for (int i = 0; i < 60; i++) {
        snprintf(line, sizeof(line), "a%d = $a%d$a%d", i, i + 1, i + 1);
        conf_set(conf, line, NULL);
    }
    tap_is(conf_expand("$a0", &names, arena, &err), NULL, "doubling is stopped: %s", err.text);
    conf_free(conf);
    arena_free(arena);
}

static void count_name(const char *name, void *arg)
{
    strcat(strcat(arg, name), " ");
}

static void test_many(void)
{
    enum { COUNT = 100000 };
    struct conf *conf = conf_new();
    char *text = xmalloc(COUNT * 32), *p = text, seen[256] = "";

    for (int i = 0; i < COUNT; i++)
        p += sprintf(p, "name%d = value%d\n", i, i);
    conf_read_text(conf, "f", text, (size_t)(p - text), NULL);
    tap_is_int((long long)conf_count(conf), COUNT, "100,000 lines");
    tap_is(value_of(conf, "name99999"), "value99999", "the last one is found");
    tap_is(value_of(conf, "name0"), "value0", "and the first");
    conf_free(conf);
    free(text);
    conf_references("$a ${b?$c:$d} ${{$e}=={x}?{$f}:{$g}} $$no", count_name, seen);
    tap_is(seen, "a b c d e f g ", "references");
}

int main(void)
{
    tap_start(60);
    test_lines();
    test_bad_lines();
    test_command_line();
    test_expansion();
    test_nesting();
    test_explosion();
    test_many();
    return tap_done();
}
