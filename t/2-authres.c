/* 2-authres - Authentication-Results: what is built, and which fields are taken for ours */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "authres.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define ID "mx.test.example"

struct value {
    const char *name, *value;
    bool ours;
};

static const struct value values[] = {
    /* what RFC 8601 allows */
    {"plain", " mx.test.example; none", true},
    {"nothing behind it", " mx.test.example", true},
    {"no blank in front", "mx.test.example;spf=pass smtp.mailfrom=a.example", true},
    {"tab in front", "\tmx.test.example; none", true},
    {"upper case", " MX.Test.EXAMPLE; none", true},
    {"version", " mx.test.example 1; none", true},
    {"odd version", " mx.test.example 99 ; none", true},
    {"version that is none", " mx.test.example x/y; none", true},
    {"comment in front", " (hello) mx.test.example; none", true},
    {"comment behind", " mx.test.example(hello); none", true},
    {"comments all over", "(a)(b (c)) mx.test.example (d) 1 (e) ; (f) none", true},
    {"nested comment", " (a (b (c) d (e)) f) mx.test.example; none", true},
    {"quoted parenthesis in a comment", " (a \\) b) mx.test.example; none", true},
    {"quotation mark in a comment", " (it\"s) mx.test.example; none", true},
    {"folded in front", "\n mx.test.example; none", true},
    {"folded with CR", "\r\n\tmx.test.example; none", true},
    {"folded behind", " mx.test.example\n\t; none", true},
    {"folds only, then it", "\n \n\t\n mx.test.example; none", true},
    {"quoted", " \"mx.test.example\"; none", true},
    {"quoted, upper case", " \"MX.TEST.EXAMPLE\"; none", true},
    {"quoted with quoted pairs", " \"mx\\.test\\.example\"; none", true},
    {"quoted with a fold", " \"mx.test.\n example\"; none", true},

    /* what some readers allow */
    {"labels apart", " mx . test . example; none", true},
    {"labels with comments between", " mx (a) . (b) test.(c)example; none", true},
    {"labels on lines of their own", "\n mx\n .test\n .example\n ; none", true},
    {"a label in quotes", " mx.\"test\".example; none", true},
    {"dot at the end", " mx.test.example.; none", true},
    {"dot at the end, quoted", " \"mx.test.example.\" 1; none", true},
    {"something behind", " mx.test.example/q123; none", true},
    {"comma", " mx.test.example, b.example; none", true},
    {"equals sign", " mx.test.example=pass", true},
    {"text in quotes behind", " mx.test.example\"x\"; none", true},
    {"another name behind a blank", " mx.test.example .b.example; none", true},
    {"backslashes", " \\m\\x.test.example; none", true},
    {"semicolon in front", "; mx.test.example; none", true},
    {"angle brackets", " <mx.test.example>; none", true},
    {"control characters", "\001\013\014 mx.test.example\002; none", true},
    {"no-break space in front", "\xc2\xa0mx.test.example; none", true},
    {"no-break space behind", " mx.test.example\xc2\xa0; none", true},
    {"byte that is no UTF-8 in front", " \xa0mx.test.example; none", true},
    {"byte that is no UTF-8 behind", " mx.test.example\xa0 ; none", true},
    {"wide letters", " \xef\xbd\x8dx.test.example; none", true},
    {"wide full stop", " mx\xef\xbc\x8etest.example; none", true},

    /* malformed */
    {"malformed rest", " mx.test.example; dkim=pass header.d=b.example; foo", true},
    {"malformed rest, no method", " mx.test.example;;;=;\"", true},
    {"open comment behind", " mx.test.example (; none", true},
    {"open quotes behind", " mx.test.example; spf=\"pass", true},
    {"open comment in front", " (a mx.test.example; spf=pass", true},
    {"open comments in front", " (a (b) (mx.test.example) (c; spf=pass", true},
    {"open quotes in front", " \"mx.test.example; spf=pass", true},
    {"open quotes and quoted pairs", " \"mx\\.test.example; spf=pass", true},
    {"stray parenthesis in front", " ) mx.test.example; none", true},
    {"empty quotes in front", " \"\" mx.test.example; none", true},
    {"percent", " mx.test.example %s%n%n; none", true},

    /* others' */
    {"another", " mx.other.example; spf=pass smtp.mailfrom=mx.test.example", false},
    {"a child", " a.mx.test.example; none", false},
    {"the parent", " test.example; none", false},
    {"longer at the end", " mx.test.example.org; none", false},
    {"longer by a letter", " mx.test.examples; none", false},
    {"longer in front", " xmx.test.example; none", false},
    {"hyphen", " mx.test.example-a; none", false},
    {"longer by a quoted label", " \"mx.test.example.org\"; none", false},
    {"ours in a comment", " (mx.test.example) mx.other.example; none", false},
    {"ours behind a comment that ends", " (a \\) mx.test.example; ) b.example; none", false},
    {"ours as version", " b.example mx.test.example; none", false},
    {"ours in an open comment behind", " b.example (mx.test.example", false},
    {"ours behind", " b.example; mx.test.example; none", false},
    {"ours in quotes behind", " b.example; x=\"mx.test.example\"", false},
    {"percent-encoded", " mx%2Etest%2Eexample; none", false},
    {"percent signs only", " %s%n%s%n; none", false},
    {"8-bit in the middle", " mx.t\xc3\xa9st.example; none", false},
    {"letter from another script", " m\xd1\x85.test.example; none", false},
    {"empty", "", false},
    {"blank", " \n\t ", false},
    {"a comment alone", " (x)", false},
    {"an open comment alone", " (x", false},
    {"open quotes alone", " \"", false},
    {"a backslash alone", " \\", false},
    {"a semicolon alone", " ;", false},
    {"a dot alone", " .", false},
};

static void test_recognise(void)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        tap_ok(authres_is_ours(values[i].value, ID) == values[i].ours, "%s: %s",
               values[i].ours ? "ours" : "not ours", values[i].name);
    tap_ok(authres_is_ours(" b\xc3\xbc" "cher.example; none", "xn--bcher-kva.example"),
           "ours: U-labels of an id in A-labels");
    tap_ok(authres_is_ours(" XN--bcher-KVA.example; none", "xn--bcher-kva.example"),
           "ours: A-labels of an id in A-labels");
    tap_ok(!authres_is_ours(" b\xc3\xbd" "cher.example; none", "xn--bcher-kva.example"),
           "not ours: other U-labels");
}

/* `count` times `text`, between the two others. */
static char *repeat(const char *before, const char *text, size_t count, const char *after)
{
    size_t len = strlen(text), at = strlen(before);
    char *all = xmalloc(at + len * count + strlen(after) + 1);

    memcpy(all, before, at);
    for (size_t i = 0; i < count; i++, at += len)
        memcpy(all + at, text, len);
    memcpy(all + at, after, strlen(after) + 1);
    return all;
}

static void check_long(const char *name, const char *before, const char *text, const char *after,
                       bool ours)
{
    char *value = repeat(before, text, 400000, after);

    tap_ok(authres_is_ours(value, ID) == ours, "long: %s", name);
    free(value);
}

/* The alarm sees to it that none of them takes the square of its length. */
static void test_long(void)
{
    check_long("behind the id", " mx.test.example; spf=pass", " a", "", true);
    check_long("comments in front", "", "(x)", " mx.test.example; none", true);
    check_long("a deep comment in front", "", "(", " mx.test.example; none", true);
    check_long("a deep comment without us", "", "(", " none", false);
    check_long("blanks in front", "", "\n ", "mx.test.example; none", true);
    check_long("empty quotes in front", "", "\"\"", "mx.test.example; none", true);
    check_long("empty quotes in the middle", "mx.test.exampl", "\"\"", "e; none", true);
    check_long("empty quotes behind another", "mx.test.exampla", "\"\"", "; none", false);
    check_long("dots and blanks", "mx", ". ", "test.example; none", false);
    check_long("an id beyond all reason", " ", "mx.test.example.", "; none", false);
    check_long("half of it, again and again", "(", "mx.test.exampl ", "", false);
    check_long("8-bit", " ", "\xc3\xbc", "; none", false);
    check_long("8-bit blanks", " ", "\xc2\xa0", "mx.test.example; none", true);
    check_long("backslashes", " \"", "\\\\", "\"; none", false);
}

static void test_names(void)
{
    tap_ok(authres_is_field("Authentication-Results"), "the field's name");
    tap_ok(authres_is_field("authentication-RESULTS"), "in any case");
    tap_ok(authres_is_field("Authentication-Results \t"), "with blanks behind it");
    tap_ok(!authres_is_field("Authentication-Results-X"), "no longer name");
    tap_ok(!authres_is_field("ARC-Authentication-Results"), "not ARC's");
    tap_ok(!authres_is_field("X-Authentication-Results"), "not X-");
    tap_ok(!authres_is_field("Authentication-Result"), "no shorter name");
    tap_ok(!authres_is_field(""), "no name");

    tap_ok(authres_is_id("mx.test.example"), "an id");
    tap_ok(authres_is_id("a.b"), "a short one");
    tap_ok(!authres_is_id("localhost"), "no full domain name");
    tap_ok(!authres_is_id(""), "empty");
    tap_ok(!authres_is_id("mx.test.example."), "dot at the end");
    tap_ok(!authres_is_id(".example"), "dot at the beginning");
    tap_ok(!authres_is_id("mx..example"), "an empty label");
    tap_ok(!authres_is_id("mx.test.example; spf=pass"), "more than a name");
    tap_ok(!authres_is_id("mx_a.example"), "underscore");
    tap_ok(!authres_is_id("-a.example"), "hyphen in front");
    tap_ok(!authres_is_id("a-.example"), "hyphen at the end");
    tap_ok(!authres_is_id("\"mx.example\""), "quotes");
}

static void check_build(const char *name, const struct authres_clause *clauses, size_t count,
                        const char *want)
{
    struct arena *arena = arena_new();
    const char *got = authres_build(ID, clauses, count, arena);

    tap_is(got, want, "built: %s", name);
    tap_ok(authres_is_ours(got, ID), "ours: %s", name);
    arena_free(arena);
}


static void test_build(void)
{
    static const struct authres_property iprev = {"policy", "iprev", "192.0.2.1", "a.example"};
    static const struct authres_property mailfrom = {"smtp", "mailfrom", "d.example", NULL};
    static const struct authres_property dkim[] = {{"header", "d", "d.example", NULL},
                                                   {"header", "i", "@d.example", NULL},
                                                   {"header", "s", "s1", NULL},
                                                   {"header", "b", "aB/+9x0Q", NULL}};
    static const struct authres_clause clauses[] = {
        {"iprev", "pass", NULL, NULL, &iprev, 1},
        {"spf", "permerror", "more than 10 terms", NULL, &mailfrom, 1},
        {"dkim", "pass", NULL, "2048-bit key", dkim, 4},
    };

    check_build("nothing", NULL, 0, " mx.test.example; none");
    check_build("three clauses", clauses, 3,
                " mx.test.example;\n"
                "\tiprev=pass policy.iprev=192.0.2.1 (a.example);\n"
                "\tspf=permerror reason=\"more than 10 terms\" smtp.mailfrom=d.example;\n"
                "\tdkim=pass (2048-bit key) header.d=d.example header.i=@d.example header.s=s1 "
                "header.b=\"aB/+9x0Q\"");
}

/* A value and what is written of it. */
static void test_values(void)
{
    static const char *const rows[][2] = {
        {"d.example", " x.y=d.example"},
        {"a_b-c.example", " x.y=a_b-c.example"},
        {"a+b@d.example", " x.y=a+b@d.example"},
        {"@d.example", " x.y=@d.example"},
        {"2001:db8::1", " x.y=\"2001:db8::1\""},
        {"[192.0.2.1]", " x.y=\"[192.0.2.1]\""},
        {"a/b@d.example", " x.y=\"a/b@d.example\""},
        {"a@b@c", " x.y=\"a@b@c\""},
        {"a..b@d.example", " x.y=\"a..b@d.example\""},
        {"%s%n", " x.y=\"%s%n\""},
        {"a@", " x.y=\"a@\""},
        {"", ""},
        {NULL, ""},
        {"a b", ""},
        {"a\"b", ""},
        {"a\\b", ""},
        {"a(b", ""},
        {"a)b", ""},
        {"a<b>", ""},
        {"a;b", ""},
        {"a=b", ""},
        {"foo; dkim=pass header.d=bank.example header.x=@evil.example", ""},
        {"a\nX-Evil: 1", ""},
        {"a\r\n\r\nbody", ""},
        {"a\tb", ""},
        {"a\001", ""},
        {"a\177", ""},
        {"\xc3\xbc.example", ""},
        {"a\xff", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct authres_property p = {"x", "y", rows[i][0], "remark"};
        struct authres_clause c = {"m", "pass", NULL, NULL, &p, 1};
        struct arena *arena = arena_new();
        const char *want = arena_printf(arena, " mx.test.example;\n\tm=pass%s%s", rows[i][1],
                                        rows[i][1][0] ? " (remark)" : "");

        tap_is(authres_build(ID, &c, 1, arena), want, "value %zu", i);
        arena_free(arena);
    }
}

static void test_texts(void)
{
    struct authres_clause c = {"m", "fail", "a \"b\" \\ (c); d=e\r\nf %s \xc3\xbc", "g)\nh(i",
                               NULL, 0};

    check_build("hostile reason and remark", &c, 1,
                " mx.test.example;\n\tm=fail reason=\"a ?b? ? ?c?? d?e??f ?s ??\" (g??h?i)");
    c = (struct authres_clause){"m", "fail", "", "", NULL, 0};
    check_build("empty reason and remark", &c, 1, " mx.test.example;\n\tm=fail");
}

static size_t longest_line(const char *text)
{
    size_t longest = 0, len;

    for (; *text != '\0'; text += len + (text[len] == '\n')) {
        len = strcspn(text, "\n");
        longest = len > longest ? len : longest;
    }
    return longest;
}

static void test_lengths(void)
{
    char *word = repeat("", "x", AUTHRES_VALUE_MAX, ""), *longer = repeat("x", word, 1, "");
    char *text = repeat("", "y", 100000, "");
    struct authres_property p[5] = {{"a", "b", longer, NULL}, {"a", "c", word, NULL},
                                    {"a", "d", word, text},   {"a", "e", word, NULL},
                                    {"a", "f", word, NULL}};
    struct authres_clause clauses[50];
    struct arena *arena = arena_new();
    const char *got;

    clauses[0] = (struct authres_clause){"m", "pass", text, text, p, 5};
    got = authres_build(ID, clauses, 1, arena);
    tap_ok(strstr(got, "a.b=") == NULL && strstr(got, "a.c=x") != NULL &&
               strstr(got, "a.f=x") != NULL,
           "a value that is too long is left out, those that are not stay");
    tap_ok(longest_line(got) <= 998, "no line is longer than RFC 5322 allows");
    tap_ok(strstr(got, "\n\t") != NULL && strstr(got, "\n\n") == NULL,
           "each line begins with a tab");
    for (size_t i = 0; i < ARRAY_LEN(clauses); i++)
        clauses[i] = (struct authres_clause){"m", "pass", NULL, NULL, p, i == 49 ? 0 : 2};
    got = authres_build(ID, clauses, ARRAY_LEN(clauses), arena);
    tap_ok(strlen(got) <= AUTHRES_FIELD_MAX, "the field is bounded");
    tap_ok(strcmp(got + strlen(got) - 9, ";\n\tm=pass") == 0, "a clause that fits still stands");
    arena_free(arena);
    free(word);
    free(longer);
    free(text);
}

int main(void)
{
    tap_start(60);
    test_recognise();
    test_long();
    test_names();
    test_build();
    test_values();
    test_texts();
    test_lengths();
    return tap_done();
}
