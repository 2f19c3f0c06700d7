/* 2-table-hash - texthash and its like: keys, quotes, duplicates, folding, odd lines, size */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "rows.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const struct row rows[] = {
    {"key and value", "a@x\tREJECT go away\n", "a@x", "REJECT go away", 1, NULL},
    {"another key", "a@x OK\n", "b@x", NONE, 0, NULL},
    {"empty file", "", "a", NONE, 0, NULL},
    {"empty key", "a OK\n", "", NONE, 0, NULL},
    {"value is the rest, trimmed", "a  \t OK  and   more \t\n", "a", "OK  and   more", 1, NULL},
    {"the second line", "# first\na OK\nb DUNNO\n", "b", "DUNNO", 3, NULL},
    {"continued value", "k REJECT line1\n  line2\n# c\n   line3\n\n   line4\n", "k",
     "REJECT line1  line2   line3   line4", 1, NULL},
    {"no trailing comments", "a OK # no\n", "a", "OK # no", 1, NULL},
    {"the administrator's classic, REJECT",
     "10.0.0.50\t\tREJECT\t\tAdresse IP blacklist\xc3\xa9" "e\n10.0.0.51 DEFER\n", "10.0.0.50",
     "REJECT\t\tAdresse IP blacklist\xc3\xa9" "e", 1, NULL},
    {"the administrator's classic, DEFER",
     "10.0.0.50\t\tREJECT\t\tAdresse IP blacklist\xc3\xa9" "e\n10.0.0.51 DEFER\n", "10.0.0.51",
     "DEFER", 2, NULL},

    {"quoted key keeps its quotes", "\"quoted key@x\" OK\n", "\"quoted key@x\"", "OK", 1, NULL},
    {"quoted local part", "\"a b\"@x OK\n", "\"a b\"@x", "OK", 1, NULL},
    {"without its quotes it is another", "\"a b\"@x OK\n", "a b@x", NONE, 0, NULL},
    {"backslash protects a quote", "a\\\"b OK\n", "a\\\"b", "OK", 1, NULL},
    {"backslash protects a blank", "a\\ b OK\n", "a\\ b", "OK", 1, NULL},
    {"quote in a quoted key", "\"a\\\" b\" OK\n", "\"a\\\" b\"", "OK", 1, NULL},
    {"unbalanced quote", "\"a b OK\nc OK\n", "c", "OK", 2, "1:warning: unbalanced \" in the key"},
    {"unbalanced quote, skipped", "a\"b OK\n", "a\"b", NONE, 0, "1:warning: line skipped"},
    {"key without value", "a\nb OK\n", "b", "OK", 2, "1:warning: \"a\" has no value: line skipped"},
    {"key without value, blanks behind", "a \t \n", "a", NONE, 0, "1:warning: has no value"},
    {"key ending in a colon is kept", "root: a@x\n", "root:", "a@x", 1,
     "1:warning: the key ends in \":\""},
    {"which does not make it another", "root: a@x\n", "root", NONE, 0, "*"},

    {"keys fold at load", "User@EXAMPLE.com OK\n", "user@example.com", "OK", 1, NULL},
    {"keys fold at lookup", "user@example.com OK\n", "User@Example.COM", "OK", 1, NULL},
    {"values do not", "a Reject Me\n", "a", "Reject Me", 1, NULL},
    {"UTF-8 folds", "\xc3\x89lan@x OK\n", "\xc3\xa9LAN@x", "OK", 1, NULL},
    {"sharp s is ss", "stra\xc3\x9f" "e@x OK\n", "STRASSE@x", "OK", 1, NULL},
    {"a key that is no UTF-8 finds nothing", "\xc3\xa9 OK\n", "\xe9", NONE, 0, NULL},

    {"duplicates: the first counts", "a OK\nA REJECT\n", "a", "OK", 1,
     "2:warning: duplicate key \"A\": line 1 counts"},
    {"Latin-1 line is skipped", "a caf\xe9\nb OK\n", "a", NONE, 0,
     "1:warning: not UTF-8: line skipped"},
    {"and the mend is named", "a caf\xe9\nb OK\n", "b", "OK", 2,
     "1:warning: iconv -f LATIN1 -t UTF-8 "},
    {"continuation without predecessor", " a OK\nb OK\n", "b", "OK", 2,
     "1:warning: continues the one before, but there is none"},
    {"CRLF", "a OK\r\nb REJECT x\r\n", "b", "REJECT x", 2, NULL},
    {"CRLF in a continued line is told", "a REJECT x\r\n y\r\n", "a", "REJECT x\r y", 1,
     "1:warning: carriage return"},
    {"no-break space in place of the blank", "a\xc2\xa0OK\n", "a", NONE, 0,
     "1:warning: a no-break space (U+00A0) in front of the text"},
    {"no-break space in the action", "a REJECT\xc2\xa0no\n", "a", "REJECT\xc2\xa0no", 1,
     "1:warning: a no-break space (U+00A0) in front of the text"},
    {"no-break space in the text", "a REJECT no\xc2\xa0!\n", "a", "REJECT no\xc2\xa0!", 1,
     "1:note: a no-break space (U+00A0) in the text"},
    {"typographic quotes", "\xe2\x80\x9c" "a\xe2\x80\x9d OK\n", "a", NONE, 0,
     "1:warning: a typographic quote (U+201C)"},
    {"byte order mark", "\xef\xbb\xbf" "a OK\n", "a", NONE, 0,
     "1:warning: a byte order mark (U+FEFF)"},
};

static void test_types(void)
{
    static const char *const types[] = {"texthash", "hash", "btree", "lmdb", "cdb", "dbm"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        check_rows(types[i], rows, i == 0 ? ARRAY_LEN(rows) : 2);
}

static void test_strict(void)
{
    static const char *const lines[] = {"\"a b OK\n", "a\n", "a \xe9\n", " a OK\n"};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct problems problems = open_strictly("texthash", lines[i]);

        tap_ok(problems.errors == 1, "strict: a skipped line is an error (%zu)", i);
        problems_free(&problems);
    }
}

static void test_nul(const struct table *table, struct arena *arena)
{
    struct hit hit;

    tap_ok(table_lookup(table, (struct slice){"key1\0", 5}, arena, &hit) == TABLE_NOT_FOUND,
           "a NUL is a byte of the key");
    tap_ok(table_lookup(table, (struct slice){NULL, 0}, arena, &hit) == TABLE_NOT_FOUND,
           "no key at all");
}

static void count_rule(const struct rule *rule, void *arg)
{
    size_t *n = arg;
    char key[32];

    (*n)++;
    snprintf(key, sizeof(key), "%s%zu", *n % 2 ? "Key" : "key", *n);
    if (strcmp(rule->key, key) != 0 || strncmp(rule->value, "value ", 6) != 0 ||
        rule->where.line != (int)*n || rule->substitutes)
        tap_ok(false, "rule %zu is handed out as written", *n);
}

static void test_many(void)
{
    enum { MANY = 100000 };
    struct arena *arena = arena_new();
    struct problems problems = {0};
    struct buf text = {0};
    struct table *table;
    size_t wrong = 0, n = 0;

    for (int i = 1; i <= MANY; i++)
        buf_addf(&text, "%s%d value %d\n", i % 2 ? "Key" : "key", i, i);
    tap_file("many", buf_text(&text));
    table = table_open("texthash:many", tap_dir(), (struct where){0}, NULL, &problems);
    for (int i = 0; i <= MANY + 1; i++) {
        char key[32], want[32];
        struct hit hit;
        bool found;

        snprintf(key, sizeof(key), "KEY%d", i);
        snprintf(want, sizeof(want), "value %d", i);
        found = table_lookup(table, slice_of(key), arena, &hit) == TABLE_FOUND;
        if (found != (i >= 1 && i <= MANY) || (found && strcmp(hit.value, want) != 0) ||
            (found && hit.rule.line != i))
            wrong++;
        arena_reset(arena);
    }
    tap_is_int((long long)wrong, 0, "each of 100,000 keys is found in its line");
    tap_is_int((long long)table_count(table), MANY, "and counted");
    table_each(table, count_rule, &n);
    tap_is_int((long long)n, MANY, "and visited");
    tap_ok(problems.count == 0, "without a problem");
    test_nul(table, arena);
    table_free(table);
    buf_free(&text);
    problems_free(&problems);
    arena_free(arena);
}

static void test_hit(void)
{
    struct arena *arena = arena_new();
    struct hit hit;
    struct table *table;

    tap_file("f", "\n# c\nKey  REJECT a\n b\n");
    table = table_open("hash:f", tap_dir(), (struct where){0}, NULL, NULL);
    table_lookup(table, slice_of("kEY"), arena, &hit);
    tap_is(hit.text, "Key  REJECT a b", "the rule is kept as written");
    tap_is(hit.rule.file, table_file(table), "with its file");
    tap_is_int(hit.rule.line, 3, "and line");
    tap_ok(table_folds(table) && !table_has_patterns(table), "folds, has no patterns");
    table_free(table);
    arena_free(arena);
}

int main(void)
{
    tap_start(60);
    test_types();
    test_strict();
    test_many();
    test_hit();
    return tap_done();
}
