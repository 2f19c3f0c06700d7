/* replay_tally - what a replay has found so far: counted, grouped, the worst first */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_tally.h"

#include "replay_edits.h"
#include "replay_known.h"

#include <stdlib.h>
#include <string.h>

void tally_init(struct tally *t, struct logdb *log)
{
    *t = (struct tally){.arena = arena_new(), .log = log};
}

void tally_free(struct tally *t)
{
    correspondents_free(t->correspondents);
    arena_free(t->arena);
}

static struct rule_ref copy_rule(struct tally *t, const struct rule_ref *rule)
{
    return (struct rule_ref){{arena_strdup(t->arena, rule->where.file), rule->where.line},
                             arena_strdup(t->arena, rule->text)};
}

/* The rule by which the mail goes another way. */
static const struct rule_ref *rule_of_fate(const struct replay_edit *edits, const char *fate)
{
    for (; edits != NULL; edits = edits->next)
        if (edits->act == ACT_REDIRECT || edits->act == ACT_HOLD || edits->act == ACT_BCC) {
            struct replay_edit alone = *edits;

            alone.next = NULL;
            if (replay_edits_fate(&alone) == fate)
                return &edits->rule;
        }
    return NULL;
}

static struct tally_group *find_group(struct tally *t, const struct replay_result *result,
                                      const struct replay_outcome *o)
{
    bool refused = o->verdict.act != ACT_DUNNO;
    const struct rule_ref *rule = refused ? &o->verdict.rule : &o->recorded.rule;
    struct tally_group *g;

    if (o->fate != NULL)
        rule = rule_of_fate(result->edits, o->fate);
    for (g = t->groups; g != NULL; g = g->next)
        if (g->was == o->was && g->now == o->now && is_same_text(g->fate, o->fate) &&
            rule_is_same(&g->rule, rule))
            return g;
    g = arena_alloc(t->arena, sizeof(*g));
    g->was = o->was;
    g->now = o->now;
    g->as_far_as_seen = o->as_far_as_seen;
    g->fate = o->fate;
    g->rule = copy_rule(t, rule);
    g->next = t->groups;
    t->groups = g;
    return g;
}

/* From a sender who is written to, and not only in other words. */
static bool is_known(struct tally *t, const struct replay_facts *facts,
                     const struct replay_outcome *o)
{
    const struct message *m = facts->message;

    if (o->was == o->now || m->direction != DIR_INCOMING || m->sender.text[0] == '\0')
        return false;
    if (t->correspondents == NULL)
        t->correspondents = correspondents_read(t->log);
    return correspondents_has(t->correspondents, m->sender.text);
}

static const char *reply_of(struct tally *t, const struct verdict *v)
{
    if (v->act == ACT_DISCARD)
        return arena_strdup(t->arena, v->text != NULL ? v->text : "");
    if (!verdict_refuses(v))
        return "";
    return arena_printf(t->arena, "%d %s %s", v->code, v->dsn != NULL ? v->dsn : "",
                        v->text != NULL ? v->text : "");
}

static void add_sample(struct tally *t, const struct replay_facts *facts,
                       const struct replay_outcome *o, bool known)
{
    bool refused = o->was == ENTRY_ACCEPT || o->was == ENTRY_ABORTED;
    size_t class = known ? !refused : 2u + !refused;
    struct tally_sample *s;

    if (t->sample_counts[class] == TALLY_SAMPLES)
        return;
    s = &t->samples[class][t->sample_counts[class]++];
    *s = (struct tally_sample){
        .id = facts->id,
        .queue_id = arena_strdup(t->arena, facts->message->queue_id),
        .sender = arena_strdup(t->arena, facts->message->sender.text),
        .address = arena_strdup(t->arena, o->address),
        .was = o->was,
        .now = o->now,
        .was_reply = reply_of(t, &o->recorded),
        .now_reply = reply_of(t, &o->verdict),
        .as_far_as_seen = o->as_far_as_seen,
        .fate = o->fate,
        .known = known,
        .asked_now = o->asked_now,
    };
}

static void add_change(struct tally *t, const struct replay_facts *facts,
                       const struct replay_result *result, const struct replay_outcome *o)
{
    struct tally_group *g = find_group(t, result, o);
    bool known = is_known(t, facts, o);

    g->count++;
    g->known += known;
    t->known += known;
    add_sample(t, facts, o, known);
}

/* A question's kind, of a block list its zone, too. */
static const char *kind_of(struct tally *t, const char *unknown)
{
    static const char *const whole[] = {"header", "arguments "};
    size_t words = strncmp(unknown, "rbl ", 4) == 0 ? 2 : 1;
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        if (strncmp(unknown, whole[i], strlen(whole[i])) == 0)
            return arena_strdup(t->arena, unknown);
    for (; words > 0 && unknown[len] != '\0'; words--)
        len += strcspn(unknown + len, " ") + (words > 1);
    return arena_strndup(t->arena, unknown, len);
}

static void add_gap(struct tally *t, const struct replay_outcome *o)
{
    const char *kind = kind_of(t, o->unknown);
    struct tally_gap *g = t->gaps;

    while (g != NULL && strcmp(g->kind, kind) != 0)
        g = g->next;
    if (g == NULL) {
        g = arena_alloc(t->arena, sizeof(*g));
        g->kind = kind;
        g->parameter = arena_strdup(t->arena, o->parameter);
        g->next = t->gaps;
        t->gaps = g;
    }
    g->count++;
}

static void add_edit(struct tally *t, const struct replay_edit *edit)
{
    struct tally_edit *e;

    for (e = t->edits; e != NULL; e = e->next)
        if (e->added == edit->added && e->act == edit->act && is_same_text(e->field, edit->field) &&
            rule_is_same(&e->rule, &edit->rule))
            break;
    if (e == NULL) {
        e = arena_alloc(t->arena, sizeof(*e));
        *e = (struct tally_edit){t->edits, edit->added, edit->act,
                                 arena_strdup(t->arena, edit->field), copy_rule(t, &edit->rule), 0};
        t->edits = e;
    }
    e->count++;
}

static void add_edits(struct tally *t, const struct replay_edit *edits)
{
    t->edited += edits != NULL;
    for (; edits != NULL; edits = edits->next)
        add_edit(t, edits);
}

void tally_add(struct tally *t, const struct replay_facts *facts,
               const struct replay_result *result)
{
    t->messages++;
    add_edits(t, result->edits);
    for (const struct replay_outcome *o = result->outcomes; o != NULL; o = o->next) {
        t->recipients++;
        t->counts[o->change]++;
        t->asked_now += o->asked_now;
        if (o->change == REPLAY_CHANGED)
            add_change(t, facts, result, o);
        else if (o->change == REPLAY_UNKNOWN)
            add_gap(t, o);
    }
}

/* There are as many as rules at most. */
static struct tally_group *sort_groups(struct tally_group *list)
{
    struct tally_group *sorted = NULL, **at, *g;

    while ((g = list) != NULL) {
        list = g->next;
        for (at = &sorted; *at != NULL && (*at)->count > g->count; at = &(*at)->next)
            ;
        g->next = *at;
        *at = g;
    }
    return sorted;
}

static struct tally_edit *sort_edits(struct tally_edit *list)
{
    struct tally_edit *sorted = NULL, **at, *e;

    while ((e = list) != NULL) {
        list = e->next;
        for (at = &sorted; *at != NULL && (*at)->count > e->count; at = &(*at)->next)
            ;
        e->next = *at;
        *at = e;
    }
    return sorted;
}

static struct tally_gap *sort_gaps(struct tally_gap *list)
{
    struct tally_gap *sorted = NULL, **at, *g;

    while ((g = list) != NULL) {
        list = g->next;
        for (at = &sorted; *at != NULL && (*at)->count > g->count; at = &(*at)->next)
            ;
        g->next = *at;
        *at = g;
    }
    return sorted;
}

void tally_sort(struct tally *t)
{
    t->groups = sort_groups(t->groups);
    t->gaps = sort_gaps(t->gaps);
    t->edits = sort_edits(t->edits);
}
