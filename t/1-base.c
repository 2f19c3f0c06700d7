/* 1-base - numbers, words, growing texts, arenas, lists of problems */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "arena.h"
#include "buf.h"
#include "problems.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void test_numbers(void)
{
    static const struct {
        const char *text;
        bool good;
        long value;
    } rows[] = {
        {"0", true, 0},     {"007", true, 7},   {"-5", true, -5},    {"100", true, 100},
        {"101", false, 0},  {"-6", false, 0},   {"", false, 0},      {"-", false, 0},
        {"1x", false, 0},   {" 1", false, 0},   {"+1", false, 0},    {"99999999999999999999", false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        long value = 0;
        bool good = parse_long(slice_of(rows[i].text), -5, 100, &value);

        tap_ok(good == rows[i].good && (!good || value == rows[i].value), "number \"%s\"",
               rows[i].text);
    }
}

static void test_words(void)
{
    struct slice rest = slice_of(" , one,two\tthree ,"), word;

    tap_ok(slice_word(&rest, ", \t", &word) && slice_is(word, "one"), "first word");
    tap_ok(slice_word(&rest, ", \t", &word) && slice_is(word, "two"), "second word");
    tap_ok(slice_word(&rest, ", \t", &word) && slice_is(word, "three"), "third word");
    tap_ok(!slice_word(&rest, ", \t", &word), "no fourth word");
    tap_ok(slice_is(slice_trim(slice_of(" \r\n a b\t\n")), "a b"), "trim");
    tap_ok(slice_is_nocase(slice_of("ReJect"), "REJECT"), "case does not matter");
    tap_ok(!slice_is_nocase(slice_of("reject "), "REJECT"), "length does");
    tap_ok(!slice_is_nocase(slice_of("reject"), "REJECT "), "from either side");
    tap_ok(slice_is_nocase(slice_of(""), "") && !slice_is_nocase(slice_of(""), "x"), "nothing");
}

/* Each character at each place of a text that is looked at eight bytes at a time. */
static void test_plain(void)
{
    unsigned wrong = 0;

    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            bool plain = c >= 0x20 && c <= 0x7e;

            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            wrong += slice_plain((struct slice){text, sizeof(text)}) != (plain ? sizeof(text) : at);
        }
    }
    tap_is_int(wrong, 0, "printable ASCII ends where something else begins");
    tap_is_int((long long)slice_plain((struct slice){NULL, 0}), 0, "there is none in nothing");
}

static void test_buf(void)
{
    struct buf b = {0};

    tap_is(buf_text(&b), "", "an empty buf is an empty text");
    buf_addf(&b, "%s-%d", "x", 5);
    buf_addc(&b, '!');
    tap_is(buf_text(&b), "x-5!", "formatted");
    buf_clear(&b);
    buf_addc(&b, '{');
    buf_add_member(&b, "a", "\"");
    buf_add_member(&b, "b", NULL);
    buf_adds(&b, ",\"c\":[{");
    buf_add_member(&b, "d", "");
    tap_is(buf_text(&b), "{\"a\":\"\\\"\",\"b\":null,\"c\":[{\"d\":\"\"", "members of JSON objects");
    buf_clear(&b);
    buf_add_json(&b, "a\"\\\n\x01\xc3\xa9\xff", 8);
    tap_is(buf_text(&b), "\"a\\\"\\\\\\n\\u0001\xc3\xa9\\ufffd\"", "JSON is always valid");
    buf_free(&b);
}

/* Of all lengths, so that some just fit into what is left and some just do not. */
static void test_printf(struct arena *arena)
{
    const char *texts[300];
    unsigned wrong = 0;

    for (int i = 0; i < 300; i++)
        texts[i] = arena_printf(arena, "%0*d", i + 1, i);
    for (int i = 0; i < 300; i++)
        wrong += strlen(texts[i]) != (size_t)i + 1 || strtol(texts[i], NULL, 10) != i;
    tap_is_int(wrong, 0, "printf, from block to block");
    wrong = 0;
    for (size_t i = 0; i < 64; i++) {
        struct arena *small = arena_new_sized(64);
        const char *text = arena_printf(small, "%0*d", (int)i, 7);
        const char *next = arena_strdup(small, "next");

        wrong += strlen(text) != (i > 0 ? i : 1) || text[strlen(text) - 1] != '7' ||
                 strcmp(next, "next") != 0;
        arena_free(small);
    }
    tap_is_int(wrong, 0, "printf at the end of a small first block");
}

static void test_arena(void)
{
    struct arena *arena = arena_new();
    size_t small = arena_size(arena);
    bool intact = true;
    char *texts[200];

    for (int i = 0; i < 200; i++) {
        size_t len = (size_t)i * 61 + 1;

        texts[i] = arena_alloc(arena, len);
        for (size_t k = 0; k < len; k++)
            intact = intact && texts[i][k] == 0;
        memset(texts[i], i, len);
    }
    for (int i = 0; i < 200; i++)
        for (size_t k = 0; k < (size_t)i * 61 + 1; k++)
            intact = intact && texts[i][k] == (char)i;
    tap_ok(intact, "200 texts of growing size are zeroed, and do not touch each other");
    arena_reset(arena);
    tap_is_int((long long)arena_size(arena), (long long)small, "a reset arena is as small as a new one");
    tap_is(arena_printf(arena, "%s:%d", "f", 3), "f:3", "printf");
    test_printf(arena);
    tap_is(arena_strndup(arena, "abcdef", 3), "abc", "strndup");
    arena_free(arena);
}

static void test_problems(void)
{
    struct problems p = {0};
    struct err err;
    char *text;

    problems_add(&p, SEV_WARNING, (struct where){"f", 3}, "odd %s", "thing");
    problems_add(&p, SEV_WARNING, (struct where){"f", 3}, "odd %s", "thing");
    problems_add(&p, SEV_ERROR, (struct where){"g", 0}, "bad");
    tap_is_int((long long)p.count, 2, "a repetition is dropped");
    text = problem_text(&p.list[0]);
    tap_is(text, "f:3: warning: odd thing", "with line");
    free(text);
    problems_first_error(&p, &err);
    tap_is(err.text, "g: error: bad", "without line");
    tap_ok(p.errors == 1 && p.warnings == 1, "counted by severity");
    problems_free(&p);
}

int main(void)
{
    tap_start(30);
    test_numbers();
    test_words();
    test_plain();
    test_buf();
    test_arena();
    test_problems();
    return tap_done();
}
