/* engine - walks restriction lists as Postfix does, asks the world, collects edits and deferrals */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine.h"

#include "decision.h"
#include "engine_ask.h"
#include "log.h"
#include "restriction.h"
#include "steps.h"

#include <string.h>

enum {
    DEPTH_MAX = 100,     /* lists within lists, as in Postfix */
    STEPS_MAX = 100000,  /* of one list: classes that name others twice double with each level */
};

/* One walk through one list and what it leads to. */
struct walk {
    struct engine *engine;
    struct scene scene;
    int depth;
    int steps; /* judged so far */
    bool warn_only;
    struct verdict *defer_if_permit;
    struct verdict defer_if_reject; /* code 0: not set; forgotten at the end of the list */
    struct verdict verdict;         /* of the step that ended the walk */
};

static enum act walk_steps(struct walk *w, const struct steps *steps);

static void log_event(const struct walk *w, const char *what, const struct verdict *v)
{
    const struct engine *e = w->engine;

    if (!e->quiet)
        decision_log(what, w->scene.stage, e->client, e->message, w->scene.recipient, v->text,
                     &v->rule);
}

static struct verdict verdict_of(const struct walk *w, const struct step *step,
                                 const struct outcome *o)
{
    struct verdict v = {.act = o->act, .stage = w->scene.stage, .code = o->code, .dsn = o->dsn,
                        .text = o->text, .rule = o->rule};

    if (v.rule.where.file == NULL)
        v.rule = (struct rule_ref){step->where, step->text};
    return v;
}

static void note_check(struct walk *w, const struct step *step, const struct outcome *o,
                       const struct verdict *v, uint64_t begun)
{
    struct check_record *record = message_add_check(w->engine->message);
    bool softened = w->warn_only && verdict_refuses(v) && !o->unconditional;

    record->recipient = w->scene.recipient != NULL ? w->scene.recipient->number : 0;
    record->restriction = step->text;
    record->question = o->question;
    record->answer = o->answer;
    record->result = act_name(v->act);
    if (softened)
        record->result = v->act == ACT_REJECT ? "warn:reject" : "warn:defer";
    if (o->list != NULL || o->steps != NULL)
        record->result = "list";
    record->rule = v->rule;
    record->us = (unsigned)(now_us() - begun);
}

/* A refusal: softened by warn_if_reject, or turned into the deferral that an earlier step asked
 * for. */
static enum act refuse(struct walk *w, struct verdict v, bool unconditional)
{
    if (w->warn_only && !unconditional) {
        v.text = arena_printf(w->scene.arena, "%d %s %s", v.code, v.dsn, v.text);
        log_event(w, "reject_warning", &v);
        return ACT_DUNNO;
    }
    if (v.act == ACT_REJECT && w->defer_if_reject.code != 0)
        v = w->defer_if_reject;
    w->verdict = v;
    return v.act;
}

/* The first one is kept. */
static void keep(struct verdict *slot, const struct verdict *v)
{
    if (slot->code == 0) {
        *slot = *v;
        slot->act = ACT_DEFER;
    }
}

/* What is done, or would be in another mode. */
static const char *done(const struct walk *w, const char *what)
{
    return w->engine->enforce ? what : arena_printf(w->scene.arena, "would-%s", what);
}

static void collect_edit(struct walk *w, const struct verdict *v)
{
    struct message *m = w->engine->message;
    const char *text = v->text;

    if (v->act == ACT_HOLD && message_last_edit(m, ACT_HOLD) != NULL)
        return;
    if (!message_add_edit(m, v->act, text, &v->rule))
        return;
    if (v->act == ACT_REDIRECT || v->act == ACT_BCC) {
        struct verdict told = *v;

        told.text = arena_printf(m->arena, "<%s>: %s triggers %s %s", w->scene.subject.name,
                                 w->scene.subject.class,
                                 v->act == ACT_BCC ? "BCC" : "REDIRECT", text);
        log_event(w, done(w, act_name(v->act)), &told);
    } else if (v->act == ACT_HOLD) {
        log_event(w, done(w, "hold"), v);
    }
}

/* Performs what an action asks of the engine; returns what it means for the walk. */
static enum act apply(struct walk *w, const struct verdict *v, bool unconditional)
{
    switch (v->act) {
    case ACT_DEFER:
    case ACT_REJECT:
        return refuse(w, *v, unconditional);
    case ACT_DISCARD:
        w->verdict = *v;
        return ACT_DISCARD;
    case ACT_DEFER_IF_PERMIT:
        if (w->warn_only) {
            struct verdict plain = *v;

            plain.act = ACT_DEFER;
            return refuse(w, plain, false);
        }
        keep(w->defer_if_permit, v);
        return ACT_DUNNO;
    case ACT_DEFER_IF_REJECT:
        keep(&w->defer_if_reject, v);
        return ACT_DUNNO;
    case ACT_HOLD:
    case ACT_REDIRECT:
    case ACT_BCC:
    case ACT_PREPEND:
        collect_edit(w, v);
        return ACT_DUNNO;
    case ACT_WARN:
    case ACT_INFO:
        log_event(w, act_name(v->act), v);
        return ACT_DUNNO;
    default:
        return v->act;
    }
}

/* Postfix would have judged it, and the table is not there any more. */
static void tell_skipped(const struct outcome *o, const char *name)
{
    static struct log_limit limit;

    log_limited(&limit, LOG_WARNING, "%s:%d: %s stays in Postfix; skipped (keep this rule there)",
                o->rule.where.file != NULL ? o->rule.where.file : "?", o->rule.where.line, name);
}

/* A list within the list: a class, or the value of an access table; judged under its own name. */
static enum act walk_nested(struct walk *w, const struct step *step, const struct outcome *o,
                            struct verdict *v)
{
    struct subject outer = w->scene.subject;
    const struct steps *steps = o->steps;
    struct outcome error;
    enum act act;

    if (o->list != NULL)
        steps = policy_parse_value(w->engine->policy, o->list, w->scene.list, w->scene.arena);
    if (steps == NULL || w->depth >= DEPTH_MAX) {
        error = outcome_config_error(&w->scene);
        error.rule = o->rule;
        *v = verdict_of(w, step, &error);
        return refuse(w, *v, true);
    }
    if (o->list != NULL && steps->skipped != NULL)
        tell_skipped(o, steps->skipped);
    w->scene.subject = o->subject;
    w->depth++;
    act = walk_steps(w, steps);
    w->depth--;
    w->scene.subject = outer;
    return act;
}

/* A table may not be able to permit: names that a client can forge, recipients that are routed
 * on. */
static enum act limit_permission(struct walk *w, const struct step *step, const struct outcome *o,
                                 enum act act)
{
    struct outcome error;

    if (act != ACT_PERMIT || o->permission == PERMISSION_GRANTED)
        return act;
    if (o->permission == PERMISSION_IGNORED)
        return ACT_DUNNO;
    error = outcome_config_error(&w->scene);
    error.rule = o->rule;
    return refuse(w, verdict_of(w, step, &error), true);
}

/* What leads nowhere for so long that the MTA would give up: told as other lists that are wrong. */
static struct outcome outcome_endless(const struct walk *w)
{
    static struct log_limit limit;

    log_limited(&limit, LOG_ERR, "%s: more than %d restrictions in one evaluation: "
                "restriction_classes name each other too often", list_name(w->scene.list),
                STEPS_MAX);
    return outcome_config_error(&w->scene);
}

/* Is nothing to come of the step, whatever it finds out? Refusals alone are softened by
 * warn_if_reject; and behind the last step of a list nobody is left to be spared. */
static bool is_idle(const struct walk *w, const struct step *step, bool last)
{
    switch (step->row->only) {
    case ACT_REJECT:
    case ACT_DEFER:
        return w->warn_only;
    case ACT_PERMIT:
        return last && w->depth == 0;
    default:
        return false;
    }
}

static struct outcome judge_step(struct walk *w, const struct step *step, bool last)
{
    struct engine *e = w->engine;
    struct outcome o;

    if (step->row->first_stage > w->scene.stage)
        return outcome_dunno();
    e->idle = is_idle(w, step, last);
    o = engine_judge(e, &w->scene, step);
    if (e->forgets)
        message_forget_findings(e->message);
    e->idle = e->forgets = false;
    return o;
}

static enum act walk_step(struct walk *w, const struct step *step, bool last)
{
    uint64_t begun = now_us();
    struct outcome o = ++w->steps > STEPS_MAX ? outcome_endless(w) : judge_step(w, step, last);
    struct verdict v = verdict_of(w, step, &o);
    enum act act;

    note_check(w, step, &o, &v, begun);
    if (o.list != NULL || o.steps != NULL)
        act = walk_nested(w, step, &o, &v);
    else
        act = apply(w, &v, o.unconditional);
    return limit_permission(w, step, &o, act);
}

static enum act walk_steps(struct walk *w, const struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        bool outer = w->warn_only;
        enum act act;

        w->warn_only = outer || steps->list[i].warn_only;
        act = walk_step(w, &steps->list[i], i + 1 == steps->count);
        w->warn_only = outer;
        if (act != ACT_DUNNO)
            return act;
        if (w->defer_if_permit->code != 0 && w->defer_if_reject.code != 0)
            break;
    }
    return ACT_DUNNO;
}

/* With several recipients what is judged at DATA and later concerns none of them alone. */
static const struct recipient *only_recipient(const struct message *m)
{
    const struct recipient *only = NULL;

    if (m->accepted_count != 1)
        return NULL;
    for (const struct recipient *r = m->recipients; r != NULL; r = r->next)
        if (!r->refused_by_mta && !verdict_refuses(&r->verdict))
            only = r;
    return only;
}

static struct verdict run_list(struct engine *e, enum stage stage, enum list_id list,
                               const struct recipient *recipient, struct verdict *defer_if_permit)
{
    struct message *m = e->message;
    struct walk w = {.engine = e, .defer_if_permit = defer_if_permit};
    enum act act;

    w.scene = (struct scene){.policy = e->policy, .client = e->client, .message = m,
                             .recipient = recipient, .stage = stage, .list = list,
                             .arena = m->arena};
    w.scene.subject = subject_of_list(&w.scene);
    act = walk_steps(&w, e->policy->lists[m->direction][list]);
    if (act == ACT_DEFER || act == ACT_REJECT || act == ACT_DISCARD)
        return w.verdict;
    return (struct verdict){.act = ACT_DUNNO, .stage = stage};
}

/* One of the three lists that have a stage of their own: what was left by the one before stays. */
static struct verdict run_early(struct engine *e, enum stage stage, enum list_id list,
                                const struct recipient *recipient)
{
    struct verdict *slot = &e->defer_if_permit[list];

    *slot = list == LIST_CLIENT ? (struct verdict){0} : e->defer_if_permit[list - 1];
    if (list == LIST_HELO && e->client->helo == NULL)
        return (struct verdict){.act = ACT_DUNNO, .stage = stage};
    return run_list(e, stage, list, recipient, slot);
}

static bool is_final(const struct verdict *v)
{
    return v->act != ACT_DUNNO;
}

/* A deferral that awaits permission comes before the discard of the message, which stays. */
static struct verdict permitted(struct engine *e, enum stage stage, struct verdict v,
                                const struct verdict *defer)
{
    if (verdict_refuses(&v) || defer->code == 0)
        return v;
    if (v.act == ACT_DISCARD)
        e->discard = v;
    v = *defer;
    v.stage = stage;
    return v;
}

static bool is_postmaster(const struct recipient *recipient)
{
    return strcasecmp(recipient->address.text, "postmaster") == 0;
}

static struct verdict run_rcpt(struct engine *e, const struct recipient *recipient)
{
    struct verdict v = {.act = ACT_DUNNO, .stage = STAGE_RCPT}, later;
    int last = LIST_SENDER;

    if (is_postmaster(recipient))
        return v;
    if (e->policy->settings->delay_reject)
        for (int list = LIST_CLIENT; list <= LIST_SENDER && !is_final(&v); list++) {
            v = run_early(e, STAGE_RCPT, (enum list_id)list, recipient);
            last = list;
        }
    later = e->defer_if_permit[last];
    for (int list = LIST_RELAY; list <= LIST_RECIPIENT && !is_final(&v); list++)
        v = run_list(e, STAGE_RCPT, (enum list_id)list, recipient, &later);
    return permitted(e, STAGE_RCPT, v, &later);
}

struct verdict engine_deferred(struct engine *e, const struct recipient *recipient)
{
    struct verdict v = e->defer_if_permit[LIST_SENDER];

    e->discard = (struct verdict){0};
    if (e->client->local || e->policy->settings->delay_reject || is_postmaster(recipient) ||
        v.code == 0)
        v = (struct verdict){.act = ACT_DUNNO};
    v.stage = STAGE_RCPT;
    return v;
}

static struct verdict run_late(struct engine *e, enum stage stage, enum list_id list)
{
    struct verdict defer = {0};
    struct verdict v = run_list(e, stage, list, only_recipient(e->message), &defer);

    return permitted(e, stage, v, &defer);
}

struct verdict engine_run(struct engine *e, enum stage stage, const struct recipient *recipient)
{
    struct verdict nothing = {.act = ACT_DUNNO, .stage = stage};
    bool delayed = e->policy->settings->delay_reject;

    e->discard = (struct verdict){0};
    if (e->client->local)
        return nothing;
    switch (stage) {
    case STAGE_CONNECT:
        return delayed ? nothing : run_early(e, stage, LIST_CLIENT, NULL);
    case STAGE_HELO:
        return delayed ? nothing : run_early(e, stage, LIST_HELO, NULL);
    case STAGE_MAIL:
        return delayed ? nothing : run_early(e, stage, LIST_SENDER, NULL);
    case STAGE_RCPT:
        return run_rcpt(e, recipient);
    case STAGE_DATA:
        return run_late(e, stage, LIST_DATA);
    case STAGE_EOM:
        return run_late(e, stage, LIST_END_OF_DATA);
    default:
        return nothing;
    }
}
