/* explain_again - the transaction judged again: as it was, without the rule, by other rules */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain_again.h"

#include "problems.h"
#include "replay_content.h"
#include "replay_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 4000000 };

struct explain_again {
    struct explanation *e;
    const struct policy_source *source;
    struct replay_reader *reader;
    struct replay_facts facts;
    struct replay_texts *texts; /* of the policy of that time; NULL: the log does not hold it */
    struct policy *then, *now;  /* NULL: cannot be had */
    struct world *ask_now;      /* NULL: what was not recorded is unknown */
    /* one file that reads otherwise */
    const char *changed_path, *changed_text;
};

static const char *find_file(void *arg, const char *path, size_t *len)
{
    const struct explain_again *a = arg;

    if (a->changed_path != NULL && strcmp(path, a->changed_path) == 0) {
        *len = strlen(a->changed_text);
        return a->changed_text;
    }
    return a->texts != NULL ? replay_texts_find(a->texts, path, len) : NULL;
}

static const char *read_disk(const char *path, struct arena *arena, size_t *len)
{
    FILE *in = fopen(path, "r");
    struct buf b = {0};
    char part[4096], *text = NULL;
    size_t got;

    if (in == NULL)
        return NULL;
    while (b.len < FILE_MAX && (got = fread(part, 1, sizeof(part), in)) > 0)
        buf_add(&b, part, got);
    if (!ferror(in) && b.len < FILE_MAX) {
        text = arena_strndup(arena, buf_text(&b), b.len);
        *len = b.len;
    }
    fclose(in);
    buf_free(&b);
    return text;
}

const char *explain_again_file(struct explain_again *a, const char *path, size_t *len)
{
    const char *text = find_file(a, path, len);

    return text != NULL ? text : read_disk(path, a->e->arena, len);
}

/* As it was, or as it is when the log does not hold it. */
static struct policy *load(struct explain_again *a, const struct rule_ref *without)
{
    const char *conf = a->texts != NULL ? replay_texts_conf(a->texts) : NULL;
    struct policy_source source = *a->source;
    struct overlay overlay = {.find = find_file, .arg = a};
    struct problems problems = {0};
    struct policy *policy;

    if (conf != NULL)
        source.path = conf;
    if (without != NULL) {
        overlay.without = without->where;
        overlay.without_text = without->text;
    }
    policy = replay_load(&source, &overlay, &problems);
    problems_free(&problems);
    return policy;
}

static struct policy *load_today(struct explain_again *a)
{
    struct problems problems = {0};
    struct policy *policy = replay_load(a->source, NULL, &problems);

    problems_free(&problems);
    return policy;
}

void explain_again_ask_now(struct explain_again *a, struct world *world)
{
    a->ask_now = world;
}

const struct explanation *explain_again_told(const struct explain_again *a)
{
    return a->e;
}

const struct replay_facts *explain_again_facts(const struct explain_again *a)
{
    return &a->facts;
}

const struct policy *explain_again_policy(const struct explain_again *a)
{
    return a->then != NULL ? a->then : a->now;
}

static const struct replay_outcome *outcome_in_focus(const struct explain_again *a,
                                                     const struct replay_result *result)
{
    for (const struct replay_outcome *o = result->outcomes; o != NULL; o = o->next)
        if (o->number == a->e->focus)
            return o;
    return result->outcomes;
}

static const char *tell_unknown(struct explain_again *a, const struct replay_outcome *o)
{
    return arena_printf(a->e->arena, "unknown: nobody recorded %s%s%s", o->unknown,
                        o->parameter != NULL ? "; to know: " : "",
                        o->parameter != NULL ? o->parameter : "");
}

static const char *tell_verdict(struct explain_again *a, const struct replay_outcome *o)
{
    const struct verdict *v = &o->verdict;
    struct arena *arena = a->e->arena;
    const char *by = "";

    if (v->rule.where.file != NULL)
        by = arena_printf(arena, " by %s:%d", v->rule.where.file, v->rule.where.line);
    if (o->change == REPLAY_UNKNOWN)
        return tell_unknown(a, o);
    switch (o->now) {
    case ENTRY_ACCEPT:
        return "accepted";
    case ENTRY_ABORTED:
        return "accepted, as far as the log has seen it";
    case ENTRY_DISCARD:
        return arena_printf(arena, "discarded%s", by);
    default:
        return arena_printf(arena, "%s%s: %d %s %s",
                            o->now == ENTRY_REJECT ? "rejected" : "deferred", by, v->code,
                            v->dsn != NULL ? v->dsn : "", v->text != NULL ? v->text : "");
    }
}

/* The outcome's own texts do not live long; `said` is in the arena. */
struct opinion {
    const char *said;
    enum replay_change change;
    enum entry_action now;
};

static struct opinion judge(struct explain_again *a, struct policy *policy, bool note_unused)
{
    struct replay *replay = replay_new(policy, a->ask_now);
    const struct replay_result *result;
    const struct replay_outcome *o;
    struct opinion opinion;

    replay_set_same_content(replay, a->then != NULL && content_is_same(a->then, policy));
    result = replay_judge(replay, &a->facts);
    o = outcome_in_focus(a, result);
    opinion = (struct opinion){tell_verdict(a, o), o->change, o->now};
    if (o->asked_now)
        opinion.said = arena_printf(a->e->arena, "%s (by answers of today)", opinion.said);
    if (note_unused && o->change == REPLAY_SAME) {
        size_t rows = a->e->questions->rows;
        bool *unused = arena_alloc(a->e->arena, rows + 1);

        for (size_t i = 0; i < rows; i++)
            unused[i] =
                report_get(a->e->questions, i, "question") != NULL &&
                message_find(result->message, report_get(a->e->questions, i, "question")) == NULL;
        a->e->unused = unused;
    }
    replay_free(replay);
    return opinion;
}

const char *explain_again_try(struct explain_again *a, const char *path, const char *text,
                              bool *accepted)
{
    struct opinion opinion;
    struct policy *policy;

    a->changed_path = path;
    a->changed_text = text;
    policy = load(a, NULL);
    a->changed_path = NULL;
    if (policy == NULL)
        return NULL;
    opinion = judge(a, policy, false);
    *accepted = opinion.now == ENTRY_ACCEPT || opinion.now == ENTRY_ABORTED;
    policy_release(policy);
    return opinion.said;
}

/* The rule that decided for the recipient in focus; file NULL: none. */
static struct rule_ref deciding_rule(const struct explain_again *a)
{
    const struct message *m = a->facts.message;

    for (const struct recipient *r = m->recipients; r != NULL; r = r->next)
        if (r->number == a->e->focus &&
            (verdict_refuses(&r->verdict) || r->verdict.act == ACT_DISCARD))
            return r->verdict.rule;
    return m->verdict.rule;
}

/* A line of the configuration holds a whole list: which part of it is meant. */
static const char *restriction_of(const struct explain_again *a, const struct rule_ref *rule)
{
    const char *conf = a->texts != NULL ? replay_texts_conf(a->texts) : a->source->path;
    bool is_in_conf = conf != NULL && strcmp(conf, rule->where.file) == 0;

    return is_in_conf && rule->text != NULL ? arena_printf(a->e->arena, " %s", rule->text) : "";
}

static void tell_without(struct explain_again *a)
{
    struct rule_ref rule = deciding_rule(a);
    struct arena *arena = a->e->arena;
    struct policy *policy;
    const char *text;

    if (rule.where.file == NULL || a->facts.action == ENTRY_ABORTED)
        return;
    if ((policy = load(a, &rule)) == NULL) {
        text = arena_printf(arena,
                            "%s:%d: cannot be told: the log does not hold the policy of that "
                            "time, and today's has no such rule",
                            rule.where.file, rule.where.line);
    } else {
        struct opinion o = judge(a, policy, false);
        bool still =
            o.change != REPLAY_UNKNOWN && (o.now == ENTRY_REJECT || o.now == ENTRY_TEMPFAIL);

        text = arena_printf(arena, "%s:%d%s: %s%s", rule.where.file, rule.where.line,
                            restriction_of(a, &rule), still ? "still " : "", o.said);
        policy_release(policy);
    }
    explain_add_line(&a->e->again, arena, "without", text);
}

static void tell_now(struct explain_again *a, bool always)
{
    const char *path = a->source->path != NULL ? a->source->path : "the presets";
    struct opinion o;

    if (a->now == NULL) {
        if (always)
            explain_add_line(
                &a->e->again, a->e->arena, "now",
                arena_printf(a->e->arena, "under %s: it cannot be used; see tamis check", path));
        return;
    }
    o = judge(a, a->now, false);
    if (always || o.change != REPLAY_SAME)
        explain_add_line(&a->e->again, a->e->arena, "now",
                         arena_printf(a->e->arena, "under %s: %s", path,
                                      o.change == REPLAY_SAME ? "the same" : o.said));
}

void explain_again_tell(struct explain_again *a, bool now)
{
    if (explain_again_policy(a) != NULL)
        judge(a, a->then != NULL ? a->then : a->now, true);
    if (explain_is_mta(a->e))
        return;
    tell_without(a);
    tell_now(a, now);
}

struct explain_again *explain_again_open(struct logdb *log, struct explanation *e,
                                         const struct policy_source *source, struct err *err)
{
    struct explain_again *a = xcalloc(1, sizeof(*a));

    err->text[0] = '\0';
    *a = (struct explain_again){.e = e, .source = source, .reader = replay_reader_new(log, err)};
    if (a->reader == NULL || !replay_reader_find(a->reader, e->id, &a->facts, err)) {
        if (err->text[0] == '\0')
            err_set(err, "the log has lost it meanwhile");
        explain_again_close(a);
        return NULL;
    }
    if (a->facts.policy != 0)
        a->texts = replay_texts_read(log, a->facts.policy, NULL);
    if (a->texts != NULL)
        a->then = load(a, NULL);
    a->now = load_today(a);
    return a;
}

void explain_again_close(struct explain_again *a)
{
    if (a == NULL)
        return;
    if (a->then != NULL)
        policy_release(a->then);
    if (a->now != NULL)
        policy_release(a->now);
    replay_reader_free(a->reader);
    replay_texts_free(a->texts);
    policy_reap();
    free(a);
}
