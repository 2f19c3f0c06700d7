/* access_check - what in an access table's values cannot work, or not as it seems to be meant */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access.h"
#include "param.h"
#include "policy.h"
#include "restriction.h"
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct value_check {
    const struct policy *policy;
    const struct rule *rule;
    const struct restriction *row;
    const char *class; /* the row's */
    enum list_id list;
    struct slice word;
    const char *text;
    struct arena *arena;
    struct problems *problems;
};

static void warn(const struct value_check *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void warn(const struct value_check *c, const char *fmt, ...)
{
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    problems_add(c->problems, SEV_WARNING, c->rule->where, "%s: %s", c->rule->key, what);
}

/* A leading enhanced code that the reply will not bear as it is written. */
static void check_dsn(const struct value_check *c, int code)
{
    const char *dsn, *sent;
    char class = code >= 500 ? '5' : '4';

    dsn_split(c->text, &dsn, c->arena);
    if (dsn == NULL)
        return;
    sent = dsn_for_class(dsn, c->class);
    if (dsn[0] != class)
        warn(c, "%s goes with a reply of class %c: the client sees %c%s", dsn, class, class,
             sent + 1);
    else if (strcmp(sent + 1, dsn + 1) != 0)
        warn(c, "%s does not speak of a %s: the client sees %c%s", dsn, c->class, class, sent + 1);
}

static void check_reject(const struct value_check *c)
{
    check_dsn(c, (int)c->policy->settings->access_map_reject_code);
}

static void check_defer(const struct value_check *c)
{
    check_dsn(c, (int)c->policy->settings->access_map_defer_code);
}

static void check_permit(const struct value_check *c)
{
    if (c->row->by_server || strcmp(c->class, "Unverified Client host") == 0)
        warn(c, "OK is not allowed for a name that anybody can forge and answers 451 4.3.5: "
                "write DUNNO");
}

static void check_address(const struct value_check *c)
{
    if (strchr(c->text, '@') == NULL)
        warn(c, "%.*s needs user@domain; skipped when it fires", (int)c->word.len, c->word.ptr);
}

static void check_filter(const struct value_check *c)
{
    warn(c, "FILTER cannot be done by a milter: keep this rule in Postfix; skipped when it fires");
}

static void check_prepend(const struct value_check *c)
{
    if (c->list == LIST_END_OF_DATA)
        warn(c, "PREPEND must be used before end_of_data_restrictions; skipped when it fires");
    else if (!is_header_field(c->text))
        warn(c, "PREPEND needs a header field, \"Name: text\"; skipped when it fires");
}

static const struct {
    const char *word;
    void (*check)(const struct value_check *c); /* NULL: nothing can be wrong */
} actions[] = {
    {"DUNNO", NULL},           {"INFO", NULL},
    {"WARN", NULL},            {"HOLD", NULL},
    {"DISCARD", NULL},         {"OK", check_permit},
    {"RELAY", check_permit},   {"REJECT", check_reject},
    {"DEFER", check_defer},    {"DEFER_IF_PERMIT", check_defer},
    {"DEFER_IF_REJECT", check_defer}, {"REDIRECT", check_address},
    {"BCC", check_address},    {"FILTER", check_filter},
    {"PREPEND", check_prepend},
};

static bool check_action(const struct value_check *c)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (!slice_is_nocase(c->word, actions[i].word))
            continue;
        if (actions[i].check != NULL)
            actions[i].check(c);
        return true;
    }
    return false;
}

static void check_number(const struct value_check *c)
{
    bool code = c->word.len == 3 && (c->word.ptr[0] == '4' || c->word.ptr[0] == '5');
    long number;

    if (code && c->text[0] != '\0') {
        parse_long(c->word, 400, 599, &number);
        check_dsn(c, (int)number);
    } else if (code) {
        warn(c, "%.*s without a text is a number, and a number permits: write %.*s TEXT, or REJECT",
             (int)c->word.len, c->word.ptr, (int)c->word.len, c->word.ptr);
    } else if (c->text[0] != '\0') {
        warn(c, "%.*s is no reply code (4NN or 5NN): answers 451 4.3.5", (int)c->word.len,
             c->word.ptr);
    }
}

/* A class may name what only other lists can have. */
static void check_classes(const struct value_check *c, const struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        const struct restriction_class *class = steps->list[i].class;

        if (class != NULL && class->steps[c->list] == NULL)
            warn(c, "the class %s cannot be used in %s: answers 451 4.3.5", class->name,
                 list_name(c->list));
    }
}

/* Neither action nor number: a restriction list, or a slip of the pen. */
static void check_list(const struct value_check *c)
{
    struct nearest nearest = {.name = arena_strndup(c->arena, c->word.ptr, c->word.len)};
    const struct steps *steps = strchr(c->rule->value, ':') != NULL ? NULL :
        policy_parse_value(c->policy, c->rule->value, c->list, c->arena);

    if (steps != NULL) {
        if (steps->skipped != NULL)
            warn(c, "%s stays in Postfix: keep this rule there; skipped when it fires",
                 steps->skipped);
        check_classes(c, steps);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        nearest_offer(&nearest, actions[i].word);
    warn(c, "\"%.60s\" is neither an action nor a list of restrictions: answers 451 4.3.5%s%s",
         c->rule->value, nearest.best != NULL ? "; did you mean " : "",
         nearest.best != NULL ? nearest.best : "");
}

void access_check_value(const struct policy *policy, const struct rule *rule,
                        const struct restriction *row, enum list_id list,
                        struct problems *problems)
{
    struct value_check c = {.policy = policy, .rule = rule, .row = row, .class = row->class,
                            .list = list, .arena = arena_new(), .problems = problems};

    c.text = access_split(rule->value, &c.word);
    if (c.word.len == 0)
        ; /* was reported when the table was read */
    else if (rule->substitutes && memchr(c.word.ptr, '$', c.word.len) != NULL)
        ; /* the action is known only when the rule fires */
    else if (is_digit((unsigned char)c.word.ptr[0]))
        check_number(&c);
    else if (!check_action(&c))
        check_list(&c);
    arena_free(c.arena);
}
