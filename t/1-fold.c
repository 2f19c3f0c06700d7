/* 1-fold - case folding and A-labels */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "fold.h"
#include "tap.h"

#include <string.h>

/* Each ASCII character at each place of a text that is looked at eight bytes at a time. */
static void test_places(struct arena *arena)
{
    unsigned wrong = 0;

    for (int c = 0; c < 128; c++) {
        for (size_t at = 0; at < 20; at++) {
            char text[20], want[20];
            struct slice got;

            memset(text, 'x', sizeof(text));
            memset(want, 'x', sizeof(want));
            text[at] = (char)c;
            want[at] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
            got = fold_case((struct slice){text, sizeof(text)}, arena);
            wrong += got.len != sizeof(want) || memcmp(got.ptr, want, sizeof(want)) != 0;
        }
    }
    tap_is_int(wrong, 0, "capitals are found wherever they stand");
}

static void test_case(struct arena *arena)
{
    static const struct {
        const char *text, *want, *name;
    } rows[] = {
        {"", "", "nothing"},
        {"user@example.com", "user@example.com", "lower case"},
        {"User+Ext@EXAMPLE.com", "user+ext@example.com", "ASCII"},
        {"[\\]^_`{|}@Z", "[\\]^_`{|}@z", "neighbours of the letters"},
        {"\xc3\x89LAN@x", "\xc3\xa9lan@x", "E acute"},
        {"\xc3\x9f", "ss", "sharp s folds to ss"},
        {"Stra\xc3\x9f" "E", "strasse", "sharp s inside"},
        {"\xce\x90", "\xce\xb9\xcc\x88\xcc\x81", "U+0390 grows to three times its bytes"},
        {"\xce\x90\xce\x90", "\xce\xb9\xcc\x88\xcc\x81\xce\xb9\xcc\x88\xcc\x81", "twice"},
        {"\xd0\x9f\xd0\x9e", "\xd0\xbf\xd0\xbe", "Cyrillic"},
        {"\xce\xa3", "\xcf\x83", "sigma"},
        {"\xcf\x82", "\xcf\x83", "final sigma"},
        {"A\xe9", "a\xe9", "not UTF-8: ASCII only"},
        {"\xc9", "\xc9", "not UTF-8: kept"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice text = slice_of(rows[i].text), got = fold_case(text, arena);

        tap_ok(slice_is(got, rows[i].want), "fold: %s", rows[i].name);
        tap_ok((got.ptr == text.ptr) == (strcmp(rows[i].text, rows[i].want) == 0),
               "fold: %s: copied only when changed", rows[i].name);
    }
    test_places(arena);
    tap_ok(memcmp(fold_case((struct slice){"A\0B\xc3\x89", 5}, arena).ptr, "a\0b\xc3\xa9", 6) == 0,
           "fold: NUL inside");
}

static void test_utf8(void)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"", true},          {"abc\x7f", true},         {"\xc3\xa9", true},
        {"\xe9", false},     {"\xc3", false},           {"\xc0\x80", false},
        {"\xed\xa0\x80", false}, {"\xf4\x90\x80\x80", false}, {"\xf0\x9f\x98\x80", true},
        {"abc\xff", false},  {"\xef\xbb\xbfx", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tap_ok(is_utf8(slice_of(rows[i].text)) == rows[i].good, "UTF-8, row %zu", i);
}

static void test_domains(struct arena *arena)
{
    static const struct {
        const char *domain, *ascii, *utf8;
    } rows[] = {
        {"", "", ""},
        {"Example.COM", "example.com", "example.com"},
        {"B\xc3\xbc" "cher.example", "xn--bcher-kva.example", "b\xc3\xbc" "cher.example"},
        {"XN--BCHER-KVA.Example", "xn--bcher-kva.example", "b\xc3\xbc" "cher.example"},
        {"fa\xc3\x9f.de", "xn--fa-hia.de", "fa\xc3\x9f.de"},
        {"_dmarc.Example.com", "_dmarc.example.com", "_dmarc.example.com"},
        {"bad\xff.Example", "bad\xff.example", "bad\xff.example"},
        {"xn--\x61.x", "xn--a.x", "xn--a.x"},
        {".b\xc3\xbc.example.", ".xn--b-eha.example.", ".b\xc3\xbc.example."},
        {"[192.0.2.1]", "[192.0.2.1]", "[192.0.2.1]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tap_is(fold_domain_ascii(rows[i].domain, arena), rows[i].ascii, "ASCII form, row %zu", i);
        tap_is(fold_domain_utf8(rows[i].domain, arena), rows[i].utf8, "UTF-8 form, row %zu", i);
    }
}

int main(void)
{
    struct arena *arena = arena_new();

    tap_start(30);
    test_case(arena);
    test_utf8();
    test_domains(arena);
    arena_free(arena);
    return tap_done();
}
