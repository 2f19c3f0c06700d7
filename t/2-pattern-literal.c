/* 2-pattern-literal - the literal text that a pattern requires, with the values written out */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_literal.h"
#include "tap.h"

#include <string.h>

/* Flags: p Perl, A anchored, m multiline. */
static const struct {
    const char *flags, *pattern, *prefix, *literal;
} wanted[] = {
    {"p", "^Subject:.*viagra*", "subject:", "viagr"},
    {"p", "^From: *toto*", "from:", "tot"},
    {"", "^Subject:.*viagra*", "subject:", "viagr"},
    {"", "^From: *toto*", "from:", "tot"},
    {"p", "^Subject: cheap pills", "subject: cheap pills", " cheap pills"},
    {"p", "^Subject:", "subject:", ""},
    {"p", "Subject:", "", "subject:"},
    {"p", "\\ASubject:", "subject:", ""},
    {"pA", "Subject:", "subject:", ""},
    {"pA", ".*Subject:", "", "subject:"},
    {"pm", "^Subject:", "", "subject:"},
    {"m", "^Subject:", "", "subject:"},
    {"pm", "\\ASubject:", "subject:", ""},
    {"p", "(?m)^Subject:", "", "subject:"},
    {"p", "(?m:x)?^Subject:", "", "subject:"},
    {"p", "(?i)^Subject:", "subject:", ""},
    {"p", "^(?i:Subject):", "subject:", ""},
    {"p", "(?-i)^SUBJECT:", "subject:", ""},
    {"p", "^(Subject): (foo)", "subject: foo", " foo"},
    {"p", "(^Subject):", "subject:", ""},
    {"p", "(^Subject)?:", "", ":"},
    {"p", "(?:^a|b)cd", "", "cd"},
    {"p", "x^Subject:", "", "xsubject:"},
    {"p", "^*Subject:", "", ""},
    {"p", "(?=^)Subject:", "", "subject:"},
    {"p", "^(?!x)Subject:", "subject:", ""},
    {"p", "^(?=ab|c)Subject:", "subject:", ""},
    {"p", "(?<=x)Subject:", "", "subject:"},
    {"p", "\\bviagra\\b", "", "viagra"},
    {"p", "^X-(Foo|Bar): spam", "x-", ": spam"},
    {"p", "^(Subject|From):.*evil", "", "evil"},
    {"p", "foo|bar", "", ""},
    {"p", "^foo|^bar", "", ""},
    {"", "foo|bar", "", ""},
    {"p", "ab+c", "", "ab"},
    {"p", "ab+cd", "", "bcd"},
    {"p", "ab?cd", "", "cd"},
    {"p", "ab??cd", "", "cd"},
    {"p", "ab+?c", "", "ab"},
    {"", "ab+?c", "", ""},
    {"p", "ab++cd", "", "bcd"},
    {"", "ab++cd", "", ""},
    {"p", "ab{3}c", "", "abbbc"},
    {"", "ab{3}c", "", "abbbc"},
    {"p", "ab{2,}c", "", "abb"},
    {"p", "ab{2,3}cd", "", "bbcd"},
    {"p", "ab{0,3}cd", "", "cd"},
    {"p", "ab{0}cd", "", "acd"},
    {"p", "ab{,3}cd", "", ""},
    {"p", "ab{2}{3}cd", "", ""},
    {"p", "ab{x}cd", "", ""},
    {"p", "a{20}b", "", "aaaaaaaaaaaaaaaab"},
    {"p", "(abc)+d", "", "abc"},
    {"p", "x(abc)*d", "", "x"},
    {"p", "x(abc){2}d", "", "xabc"},
    {"p", "x(abc){1}d", "", "xabcd"},
    {"p", "(?>abc)d", "", "abcd"},
    {"p", "(?<n>abc)d", "", "abcd"},
    {"p", "(?P<n>abc)d", "", "abcd"},
    {"p", "(?'n'abc)d", "", "abcd"},
    {"p", "(?|abc)d", "", ""},
    {"p", "abc(?R)?d", "", ""},
    {"p", "(a)(?(1)b|c)d", "", ""},
    {"p", "(*ACCEPT)abc", "", ""},
    {"p", "(*UTF)abc", "", ""},
    {"p", "abc(?#x)d", "", ""},
    {"p", "abc(?x)d e", "", ""},
    {"p", "(a)bc\\1de", "", "abc"},
    {"p", "a\\.b\\-c", "", "a.b-c"},
    {"", "a\\.b\\-c", "", "a.b-c"},
    {"p", "a\\tb\\x41\\x4a", "", "a\tbaj"},
    {"p", "a\\x{41}b", "", ""},
    {"p", "a\\012b", "", ""},
    {"p", "a\\d+bc", "", "bc"},
    {"", "a\\d+bc", "", ""},
    {"", "a\\w+bc", "", "bc"},
    {"", "a\\<bc", "", ""},
    {"p", "a\\<bc", "", "a<bc"},
    {"", "(a)\\1bc", "", ""},
    {"p", "\\Qa.b*\\Ec", "", "a.b*c"},
    {"p", "\\Qa.b\\E*cd", "", "a."},
    {"p", "\\Qa.b", "", ""},
    {"p", "ab\\Ec", "", ""},
    {"p", "ab\\Kc", "", ""},
    {"p", "a[xyz]bc", "", "bc"},
    {"p", "a[.]bc", "", "a.bc"},
    {"", "a[.]bc", "", "a.bc"},
    {"p", "a[]x]bc", "", "bc"},
    {"p", "a[^]x]bc", "", "bc"},
    {"p", "a[\\]x]bc", "", "bc"},
    {"", "a[\\]xbc", "", "xbc"},
    {"p", "a[[:alpha:]]bc", "", "bc"},
    {"", "a[[.x.]]bc", "", ""},
    {"p", "a[\\x80-\\xff]bc", "", "bc"},
    {"p", "a[\\Q]\\E]bc", "", ""},
    {"p", "a[\\c]]bc", "", ""},
    {"p", "\xc9 a", "", "\xc9 a"},
    {"p", "", "", ""},
    {"p", "a$", "", "a"},
    {"p", "a]b}c", "", "a]b}c"},
    {"p", "^s*Content.(Disposition|Type).*names*=s*\"?(.+.(bat|exe))\"?s*$", "", "content"},
    {"p", "^Content-(Disposition|Type).*filename=\"?(.+\\.(bat|exe))\"?\\s*$", "content-",
     "filename="},
};

static void is_literal(const struct literal *got, const char *want, const char *pattern,
                       const char *what)
{
    char text[LITERAL_MAX + 1] = "";

    memcpy(text, got->text, got->len);
    tap_is(text, want, "%s: %s", pattern, what);
}

static struct pattern_syntax syntax_of(const char *flags)
{
    return (struct pattern_syntax){.perl = strchr(flags, 'p') != NULL,
                                   .anchored = strchr(flags, 'A') != NULL,
                                   .multiline = strchr(flags, 'm') != NULL};
}

static void test_wanted(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        struct pattern_required required;

        pattern_required_find(wanted[i].pattern, syntax_of(wanted[i].flags), &required);
        is_literal(&required.prefix, wanted[i].prefix, wanted[i].pattern, "prefix");
        is_literal(&required.literal, wanted[i].literal, wanted[i].pattern, "literal");
    }
}

int main(void)
{
    tap_start(30);
    test_wanted();
    return tap_done();
}
