/* check_headers - header_checks(5): the tables of one list, and what their values mean */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "check_headers.h"

#include "access.h"
#include "fold.h"
#include "log.h"

#include <string.h>

enum { EXCERPT_MAX = 200, REPLY_MAX = 500 };

/* One value that a lookup found. */
struct value {
    const struct checks *checks;
    const struct table *table;
    const struct hit *hit;
    struct slice word;
    const char *text; /* behind the word */
    struct arena *arena;
};

const char *checks_excerpt(struct slice text, struct arena *arena)
{
    size_t len = strnlen(text.ptr, text.len < EXCERPT_MAX ? text.len : EXCERPT_MAX);
    char *copy = arena_strndup(arena, text.ptr, len);

    fold_printable(copy, '?');
    return copy;
}

static struct outcome act(enum act what, const char *text)
{
    return (struct outcome){.act = what, .text = text};
}

static struct outcome skip(const struct value *v, const char *why)
{
    static struct log_limit limit;

    log_limited(&limit, LOG_WARNING, "%s:%d: %s; skipped",
                v->hit->rule.file != NULL ? v->hit->rule.file : "?", v->hit->rule.line, why);
    return act(ACT_DUNNO, NULL);
}

/* Postfix takes the class of the reply from the enhanced code; 2.x.x, which is none, makes it
 * 4.x.x. */
static struct outcome on_reject(const struct value *v)
{
    const char *dsn, *text = dsn_split(v->text, &dsn, v->arena);
    bool soft = dsn != NULL && dsn[0] != '5';
    char *reply;

    if (v->text[0] == '\0')
        text = "message content rejected";
    reply = arena_strndup(v->arena, text, fold_cut(text, REPLY_MAX));
    for (char *p = reply; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    if (dsn == NULL)
        dsn = "5.7.1";
    return (struct outcome){.act = soft ? ACT_DEFER : ACT_REJECT, .code = soft ? 451 : 550,
                            .dsn = soft ? arena_printf(v->arena, "4%s", dsn + 1) : dsn,
                            .text = reply};
}

static struct outcome edit(const struct value *v, enum act what)
{
    if (v->checks->id == CHECKS_BODY)
        return skip(v, "a milter does not change lines of the body");
    if (what == ACT_IGNORE || what == ACT_STRIP)
        return act(what, v->text);
    if (!is_header_field(v->text))
        return skip(v, "PREPEND and REPLACE need a header field, \"Name: text\"");
    return act(what, v->text);
}

static struct outcome on_prepend(const struct value *v)
{
    return edit(v, ACT_PREPEND);
}

static struct outcome on_replace(const struct value *v)
{
    return edit(v, ACT_REPLACE);
}

static struct outcome on_ignore(const struct value *v)
{
    return edit(v, ACT_IGNORE);
}

static struct outcome on_strip(const struct value *v)
{
    return edit(v, ACT_STRIP);
}

static struct outcome on_dunno(const struct value *v)
{
    (void)v;
    return act(ACT_DUNNO, NULL);
}

static struct outcome on_warn(const struct value *v)
{
    return act(ACT_WARN, v->text);
}

static struct outcome on_info(const struct value *v)
{
    return act(ACT_INFO, v->text);
}

static struct outcome on_hold(const struct value *v)
{
    return act(ACT_HOLD, v->text);
}

static struct outcome on_discard(const struct value *v)
{
    return act(ACT_DISCARD, v->text);
}

static struct outcome on_pass(const struct value *v)
{
    return act(ACT_PASS, v->text);
}

static struct outcome on_redirect(const struct value *v)
{
    if (strchr(v->text, '@') == NULL)
        return skip(v, "REDIRECT needs user@domain");
    return act(ACT_REDIRECT, v->text);
}

static struct outcome on_bcc(const struct value *v)
{
    if (strchr(v->text, '@') == NULL)
        return skip(v, "BCC needs user@domain");
    return act(ACT_BCC, v->text);
}

static struct outcome on_filter(const struct value *v)
{
    return skip(v, "FILTER cannot be done by a milter (keep this rule in Postfix)");
}

static const struct {
    const char *word;
    struct outcome (*run)(const struct value *v);
} actions[] = {
    {"REJECT", on_reject},   {"WARN", on_warn},       {"INFO", on_info},
    {"FILTER", on_filter},   {"PASS", on_pass},       {"DISCARD", on_discard},
    {"HOLD", on_hold},       {"PREPEND", on_prepend}, {"REPLACE", on_replace},
    {"REDIRECT", on_redirect}, {"BCC", on_bcc},       {"STRIP", on_strip},
    {"IGNORE", on_ignore},   {"DUNNO", on_dunno},     {"OK", on_dunno},
};

static struct outcome run_action(const struct value *v)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (slice_is_nocase(v->word, actions[i].word))
            return actions[i].run(v);
    return skip(v, "this is no action of header_checks(5)");
}

/* Where Postfix fails to look something up, it does not take the message. */
static struct outcome lookup_error(const struct value *v)
{
    static struct log_limit limit;

    log_limited(&limit, LOG_WARNING, "table %s has no answer: %s", table_spec(v->table),
                v->hit->why != NULL ? v->hit->why : "lookup error");
    return (struct outcome){.act = ACT_DEFER, .code = 451, .dsn = "4.3.0",
                            .text = "Error: queue file write error"};
}

static struct outcome conclude(struct value *v, enum table_result result, struct slice text)
{
    const char *excerpt = checks_excerpt(text, v->arena);
    struct outcome o;

    if (result == TABLE_FOUND) {
        v->text = access_split(v->hit->value, &v->word);
        o = run_action(v);
        o.answer = checks_excerpt(slice_of(v->hit->value), v->arena);
    } else {
        o = lookup_error(v);
        o.answer = "error";
    }
    o.question = arena_printf(v->arena, "table %s %s", table_spec(v->table), excerpt);
    o.rule = (struct rule_ref){v->hit->rule, v->hit->text};
    return o;
}

struct outcome checks_judge(const struct checks *checks, struct slice text, struct arena *arena)
{
    struct hit hit;

    text.len = strnlen(text.ptr, text.len);
    for (size_t i = 0; text.len > 0 && i < checks->count; i++) {
        struct value v = {.checks = checks, .table = checks->tables[i], .hit = &hit,
                          .arena = arena};
        enum table_result result = table_lookup(v.table, text, arena, &hit);

        check_report_undecided(&hit);
        if (result != TABLE_NOT_FOUND)
            return conclude(&v, result, text);
    }
    return act(ACT_DUNNO, NULL);
}
