/* 2-table-misc - specifications, static and inline, files that are none, sharing of tables */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "rows.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *spec, *key;
    const char *want;    /* as in rows.h */
    const char *problem; /* part of the text of one */
} specs[] = {
    {"static:OK", "anything", "OK", NULL},
    {"static:OK", "", "OK", NULL},
    {"static:{ REJECT go away }", "x", "REJECT go away", NULL},
    {"static:{a}{b}", "x", UNUSABLE, "text behind the closing }"},
    {"static:{a", "x", UNUSABLE, "the closing } is missing"},
    {"static:{}", "x", ERROR, NULL},
    {"static:", "x", UNUSABLE, "nothing behind static:"},

    {"inline:{a=b}", "a", "b", NULL},
    {"inline:{a=b}", "A", "b", NULL},
    {"inline:{A=b}", "a", "b", NULL},
    {"inline:{a=b}", "c", NONE, NULL},
    {"inline:{a=b,c=d e=f}", "e", "f", NULL},
    {"inline:{,a=b,,}", "a", "b", NULL},
    {"inline:{{a = REJECT go away}, c=d}", "a", "REJECT go away", NULL},
    {"inline:{ {a = b} , c=d }", "c", "d", NULL},
    {"inline:{{ A = b,c }}", "a", "b,c", NULL},
    {"inline:{{a = {b} }}", "a", "{b}", NULL},
    {"inline:{a={b c}}", "a", "{b c}", NULL},
    {"inline:{a=b=c}", "a", "b=c", NULL},
    {"inline:{{\"a b\" = c}}", "\"a b\"", "c", NULL},
    {"inline:{=b}", "", "b", NULL},
    {"inline:{a=}", "a", ERROR, NULL},
    {"inline:{a=b, a=z}", "a", "z", "the last one counts"},
    {"inline:{}", "a", UNUSABLE, "an empty table"},
    {"inline:{ }", "a", UNUSABLE, "an empty table"},
    {"inline:{a}", "a", UNUSABLE, "= missing behind the key"},
    {"inline:{ a = b }", "a", UNUSABLE, "= missing behind the key"},
    {"inline:{{a b=c}}", "a", UNUSABLE, "= missing behind the key"},
    {"inline:{{}}", "a", UNUSABLE, "= missing behind the key"},
    {"inline:{\"a b\"=c}", "a", UNUSABLE, "unbalanced \""},
    {"inline:{{a=b}{c=d}}", "a", UNUSABLE, "text behind the closing }"},
    {"inline:{a=b} x", "a", UNUSABLE, "text behind the closing }"},
    {"inline:{a=b", "a", UNUSABLE, "the closing } is missing"},
    {"inline: {a=b}", "a", UNUSABLE, "the { is missing"},
    {"inline:a=b", "a", UNUSABLE, "the { is missing"},

    {"proxy:static:OK", "x", "OK", NULL},
    {"proxy:proxy:inline:{a=b}", "a", "b", NULL},
    {" static:OK ", "x", "OK", NULL},
    {"", "x", UNUSABLE, "is no table; write TYPE:NAME"},
    {"/etc/f", "x", UNUSABLE, "\"/etc/f\" is no table; write TYPE:NAME, such as texthash:/etc/f"},
    {"proxy:", "x", UNUSABLE, "is no table"},
    {"hash:", "x", UNUSABLE, "nothing behind hash:"},
    {"hsah:/etc/f", "x", UNUSABLE, "unknown table type \"hsah\"; tamis reads texthash"},
    {"HASH:/etc/f", "x", UNUSABLE, "unknown table type \"HASH\""},
    {"mysql:/etc/f", "x", UNUSABLE, "tamis does not read tables of type mysql"},
    {"proxy:ldap:/etc/f", "x", UNUSABLE, "tamis does not read tables of type ldap"},
};

static void test_specs(void)
{
    struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        struct problems problems = {0};
        struct where at = {"milter.conf", 7};
        struct table *table = table_open(specs[i].spec, "/nowhere", at, NULL, &problems);
        const char *got = UNUSABLE;
        struct hit hit;

        if (table != NULL)
            switch (table_lookup(table, slice_of(specs[i].key), arena, &hit)) {
            case TABLE_FOUND:
                got = hit.value;
                break;
            case TABLE_ERROR:
                got = ERROR;
                break;
            case TABLE_NOT_FOUND:
                got = NONE;
            }
        tap_is(got, specs[i].want, "%s", specs[i].spec);
        tap_ok(specs[i].problem == NULL
                   ? problems.count == 0
                   : problems.count == 1 && problems.list[0].line == 7 &&
                         strstr(problems.list[0].text, specs[i].problem) != NULL,
               "%s: %s", specs[i].spec, specs[i].problem != NULL ? specs[i].problem : "no problem");
        table_free(table);
        problems_free(&problems);
    }
    arena_free(arena);
}

static void test_place(void)
{
    char name[] = "milter.conf";
    struct arena *arena = arena_new();
    struct table *table =
        table_open("inline:{a=b}", NULL, (struct where){name, 3}, NULL, NULL);
    struct hit hit;

    name[0] = 'x';
    table_lookup(table, slice_of("a"), arena, &hit);
    tap_is(hit.rule.file, "milter.conf", "inline: the rule stands where the table is named");
    tap_is_int(hit.rule.line, 3, "in its line");
    tap_is(hit.text, "a=b", "and is the pair");
    tap_is(table_spec(table), "inline:{a=b}", "its specification");
    tap_is(table_file(table), NULL, "it has no file");
    table_free(table);
    arena_free(arena);
}

static void cannot_open(const char *spec, const char *why)
{
    struct problems problems = {0};
    struct table *table =
        table_open(spec, tap_dir(), (struct where){"milter.conf", 9}, NULL, &problems);

    tap_ok(table == NULL && problems.errors == 1 && problems.count == 1 &&
               problems.list[0].line == 9 && strstr(problems.list[0].text, why) != NULL,
           "%s: %s", spec, problems.count ? problems.list[0].text : "no problem");
    table_free(table);
    problems_free(&problems);
}

static void test_files(void)
{
    static const char *const types[] = {"texthash", "cidr", "pcre", "regexp"};
    char path[512];

    snprintf(path, sizeof(path), "%s/dir", tap_dir());
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/fifo", tap_dir());
    mkfifo(path, 0600);
    tap_file("made.db", "\x00\x01");
    tap_file("both.lmdb", "");
    tap_file("both", "a OK\n");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        snprintf(path, sizeof(path), "%s:missing", types[i]);
        cannot_open(path, "no such file; create it or correct its name");
        snprintf(path, sizeof(path), "%s:dir", types[i]);
        cannot_open(path, "is a directory; name a regular file");
        snprintf(path, sizeof(path), "%s:fifo", types[i]);
        cannot_open(path, "is a FIFO; name a regular file");
    }
    cannot_open("hash:made", "tamis reads the text that postmap makes it from; put that text at");
    cannot_open("hash:made.db", "this is what postmap makes; name the text");
    table_free(table_open("lmdb:both", tap_dir(), (struct where){0}, NULL, NULL));
}

static void count_files(const char *path, void *arg)
{
    buf_addf(arg, "%s ", strrchr(path, '/') + 1);
}

static void test_sharing(void)
{
    struct problems problems = {0};
    struct tables *tables = tables_new(NULL);
    struct where at = {"milter.conf", 1}, later = {"milter.conf", 2};
    const struct table *a, *b, *c;
    struct buf files = {0};

    tap_file("one", "a OK\n");
    tap_file("two", "a OK\nb\n");
    a = tables_find(tables, "hash:one", tap_dir(), at, &problems);
    b = tables_find(tables, "proxy:hash:one", tap_dir(), later, &problems);
    c = tables_find(tables, "texthash:one", tap_dir(), later, &problems);
    tap_ok(a != NULL && a == b, "one table, named twice");
    tap_ok(c != NULL && c != a, "another type is another table");
    tap_ok(tables_find(tables, "hash:two", tap_dir(), at, &problems) != NULL, "a second one");
    tables_find(tables, "hash:two", tap_dir(), later, &problems);
    tap_is_int((long long)problems.count, 1, "what is wrong inside is told once");
    tap_ok(tables_find(tables, "cidr:gone", tap_dir(), at, &problems) == NULL, "a missing one");
    tap_ok(tables_find(tables, "cidr:gone", tap_dir(), later, &problems) == NULL, "again");
    tap_is_int((long long)problems.errors, 2, "that it is missing is told at each place");
    tables_find(tables, "inline:{a=b}", tap_dir(), later, &problems);
    tables_each_file(tables, count_files, &files);
    tap_is(buf_text(&files), "one one two gone ", "files to watch, the missing one too");
    buf_free(&files);
    tables_free(tables);
    problems_free(&problems);
}

static void test_names(void)
{
    static const struct {
        const char *word;
        bool ours, postfix, spec;
    } rows[] = {
        {"texthash", true, true, false},     {"pcre", true, true, false},
        {"proxy", true, true, false},        {"mysql", false, true, false},
        {"unionmap", false, true, false},    {"foo", false, false, false},
        {"", false, false, false},           {"hash:/etc/x", false, false, true},
        {"proxy:ldap:/x", false, false, true}, {"foo:bar", false, false, false},
        {"2001:db8::1", false, false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice word = slice_of(rows[i].word);

        tap_ok(table_type_is_ours(word) == rows[i].ours &&
                   table_type_is_postfix(word) == rows[i].postfix &&
                   table_is_spec(word) == rows[i].spec,
               "what \"%s\" is", rows[i].word);
    }
}

int main(void)
{
    tap_start(60);
    test_specs();
    test_place();
    test_files();
    test_sharing();
    test_names();
    table_free(NULL);
    tables_free(NULL);
    return tap_done();
}
