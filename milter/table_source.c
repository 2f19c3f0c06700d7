/* table_source - what table files of several types share: keywords, look-alike characters */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "fold.h"
#include "table_type.h"

#include <string.h>

struct slice skip_spaces(struct slice text)
{
    while (text.len > 0 && is_space((unsigned char)text.ptr[0]))
        text.ptr++, text.len--;
    return text;
}

bool take_negations(struct slice *text)
{
    bool negated = false;

    while (text->len > 0 && text->ptr[0] == '!') {
        negated = !negated;
        *text = skip_spaces((struct slice){text->ptr + 1, text->len - 1});
    }
    return negated;
}

static bool take_keyword(struct slice *text, const char *keyword)
{
    size_t len = strlen(keyword);

    if (text->len < len || !slice_is_nocase((struct slice){text->ptr, len}, keyword) ||
        (text->len > len && is_alnum((unsigned char)text->ptr[len])))
        return false;
    *text = skip_spaces((struct slice){text->ptr + len, text->len - len});
    return true;
}

enum statement statement_of(struct slice *text)
{
    if (take_keyword(text, "if"))
        return STATEMENT_IF;
    return take_keyword(text, "endif") ? STATEMENT_ENDIF : STATEMENT_RULE;
}

/* What editors and web pages put in place of plain ASCII. */
static const struct {
    const char *bytes;
    const char *name;
    const char *instead;
} look_alikes[] = {
    {"\xc2\xa0", "no-break space (U+00A0)", "a plain space"},
    {"\xe2\x80\xaf", "narrow no-break space (U+202F)", "a plain space"},
    {"\xe2\x80\x8b", "zero width space (U+200B)", "nothing"},
    {"\xef\xbb\xbf", "byte order mark (U+FEFF)", "nothing"},
    {"\xe2\x80\x98", "typographic quote (U+2018)", "'"},
    {"\xe2\x80\x99", "typographic quote (U+2019)", "'"},
    {"\xe2\x80\x9c", "typographic quote (U+201C)", "\""},
    {"\xe2\x80\x9d", "typographic quote (U+201D)", "\""},
    {"\xe2\x80\x9e", "typographic quote (U+201E)", "\""},
};

static bool has_high_bytes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return true;
    return false;
}

/* In front of the value's text such a character keeps a rule from doing what it seems to say;
 * inside a text it may be meant: French punctuation has no-break spaces. */
static void check_look_alikes(struct source *source, struct where at, struct slice text,
                              size_t head)
{
    struct slice rest = skip_spaces((struct slice){text.ptr + head, text.len - head});
    size_t action = (size_t)(rest.ptr - text.ptr);

    while (action < text.len && !is_space((unsigned char)text.ptr[action]))
        action++;
    for (size_t i = 0; i < ARRAY_LEN(look_alikes); i++) {
        const char *found = memmem(text.ptr, text.len, look_alikes[i].bytes,
                                   strlen(look_alikes[i].bytes));

        if (found == NULL)
            continue;
        if ((size_t)(found - text.ptr) < action)
            problems_add(source->problems, SEV_WARNING, at, "a %s in front of the text; write %s",
                         look_alikes[i].name, look_alikes[i].instead);
        else
            problems_add(source->problems, SEV_NOTE, at, "a %s in the text: it is sent as it is",
                         look_alikes[i].name);
    }
}

void check_characters(struct source *source, struct where at, struct slice text, size_t head)
{
    if (!has_high_bytes(text))
        return;
    check_look_alikes(source, at, text, head);
    if (!is_utf8((struct slice){text.ptr, head}))
        problems_add(source->problems, SEV_WARNING, at,
                     "the pattern is not UTF-8: it matches these bytes only; if the file is in "
                     "Latin-1: iconv -f LATIN1 -t UTF-8 %s",
                     at.file);
    if (!is_utf8((struct slice){text.ptr + head, text.len - head}))
        problems_add(source->problems, SEV_WARNING, at,
                     "the result is not UTF-8: Postfix answers 451 for it in access maps; if the "
                     "file is in Latin-1: iconv -f LATIN1 -t UTF-8 %s",
                     at.file);
}

void report_broken_if(struct source *source, struct where at, const char *why)
{
    problems_add(source->problems, source->dropped, at,
                 "broken if: %s: THE IF IS DROPPED AND ITS RULES APPLY TO EVERYTHING, as in "
                 "Postfix, and its endif ends the if around it; mend it",
                 why);
}
