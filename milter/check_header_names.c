/* check_header_names - which fields a rule of header_checks reads, as far as can be told */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "check_header_names.h"

#include "access.h"

#include <string.h>

static bool is_name_char(unsigned char c)
{
    return is_alnum(c) || c == '-' || c == '_';
}

/* Would one alternative of several be enough, so that the beginning says little? */
static bool has_alternatives(const char *p)
{
    int depth = 0;
    bool class = false;

    for (; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        else if (class)
            class = *p != ']';
        else if (*p == '[')
            class = true;
        else if (*p == '|' && depth == 0)
            return true;
        else
            depth += (*p == '(') - (*p == ')');
    }
    return false;
}

/* The names that a pattern like /^(Subject|To): text/ begins with; false when it may mean any. */
static bool each_of_pattern(const char *pattern, void (*visit)(struct slice name, void *arg),
                            void *arg)
{
    const char *p = pattern + (pattern[0] != '\0'), *start;
    bool group;

    if (*p++ != '^' || has_alternatives(p))
        return false;
    group = *p == '(';
    p += group;
    if (group && p[0] == '?' && p[1] == ':')
        p += 2;
    for (start = p; is_name_char((unsigned char)*p) || (group && *p == '|'); p++)
        ;
    if (p == start || (group && *p++ != ')') || (*p != ':' && !(*p == '\\' && p[1] == ':')))
        return false;
    for (struct slice rest = {start, (size_t)(p - group - start)}, name;
         slice_word(&rest, "|", &name);)
        visit(name, arg);
    return true;
}

bool header_rule_names(const struct table *table, const struct rule *rule,
                       void (*visit)(struct slice name, void *arg), void *arg)
{
    size_t len = strcspn(rule->key, ":");

    if (table_has_patterns(table))
        return each_of_pattern(rule->key, visit, arg);
    if (rule->key[len] == ':')
        visit((struct slice){rule->key, len}, arg);
    return rule->key[len] == ':';
}

static bool is_one_of(const struct rule *rule, const char *const *words)
{
    struct slice word;

    access_split(rule->value, &word);
    for (; *words != NULL; words++)
        if (slice_is_nocase(word, *words))
            return true;
    return false;
}

static const char *const edits[] = {"PREPEND",  "IGNORE", "REPLACE", "STRIP",
                                    "REDIRECT", "BCC",    "HOLD",    NULL};

bool header_rule_edits(const struct rule *rule)
{
    return is_one_of(rule, edits);
}

bool header_rule_decides(const struct rule *rule)
{
    static const char *const harmless[] = {"WARN", "INFO", "DUNNO", "OK", "FILTER", NULL};

    return !is_one_of(rule, harmless) && !is_one_of(rule, edits);
}
