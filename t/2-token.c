/* 2-token - the tokens that end replies: read in any spelling, no two alike */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "tap.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 200000 };

static void test_read(void)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } rows[] = {
        {"K7Q4-9MZ2", "K7Q4-9MZ2"},  {"k7q49mz2", "K7Q4-9MZ2"},  {" [k7q4-9mz2] ", "K7Q4-9MZ2"},
        {"oOiIlL01", "0011-1101"},   {"ABCD-EFGH", "ABCD-EFGH"}, {"", NULL},
        {"K7Q4-9MZ", NULL},          {"K7Q4-9MZ22", NULL},       {"K7Q4-9MZU", NULL},
        {"K7-Q49MZ2", NULL},         {"K7Q4--9MZ", NULL},        {"K7Q49MZ2-", NULL},
        {"-K7Q49MZ2", NULL},         {"K7Q4 9MZ2", NULL},        {"[K7Q4-9MZ2", NULL},
        {"K7Q4-9MZ\303", NULL},
    };
    char token[TOKEN_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool read = token_read(rows[i].text, token);

        tap_is(read ? token : NULL, rows[i].want, "\"%s\"", rows[i].text);
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, TOKEN_SIZE);
}

static size_t count_doubles(char (*tokens)[TOKEN_SIZE], size_t count)
{
    size_t doubles = 0;

    qsort(tokens, count, TOKEN_SIZE, compare);
    for (size_t i = 1; i < count; i++)
        doubles += memcmp(tokens[i - 1], tokens[i], TOKEN_SIZE) == 0;
    return doubles;
}

static void test_unique(void)
{
    char (*tokens)[TOKEN_SIZE] = xcalloc(MANY, TOKEN_SIZE), again[TOKEN_SIZE];
    size_t strange = 0;

    for (size_t i = 0; i < MANY; i++) {
        token_new(tokens[i]);
        strange += !token_read(tokens[i], again) || strcmp(tokens[i], again) != 0;
    }
    tap_is_int((long long)strange, 0, "new ones read as they are written");
    tap_is_int((long long)count_doubles(tokens, MANY), 0, "no two alike, faster than the clock");
    for (size_t i = 0; i < MANY; i++)
        token_of(i * 5497558ull, tokens[i]);
    tap_is_int((long long)count_doubles(tokens, MANY), 0, "over the whole range, either");
    free(tokens);
}

/* A start a second later begins behind all that 1,024 a second can have used. */
static void test_restart(void)
{
    char one[TOKEN_SIZE], two[TOKEN_SIZE];

    token_of(100ull << 10 | 1023, one);
    token_of(101ull << 10, two);
    tap_ok(strcmp(one, two) != 0, "neighbours differ");
    tap_ok(strncmp(one, two, 3) != 0, "and do not look alike");
}

int main(void)
{
    tap_start(60);
    test_read();
    test_unique();
    test_restart();
    return tap_done();
}
