/* engine_ask - questions to the world: asked early, side by side, waited for when they must be */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine_ask.h"

#include "restriction.h"

#include <string.h>
#include <strings.h>

enum {
    NEEDS_MAX = 256,    /* questions of one judge */
    STEPS_MAX = 1000,   /* of one look ahead: lists may name others, and these others */
    DEPTH_MAX = 20,
    SLICE_US = 10000,   /* how long one answer is waited for before the others are looked after */
};

/* A question on its way that nobody waits for yet. In the message's arena. */
struct hint {
    struct hint *next;
    const char *question;
    uint64_t begun_us;
};

/* A look ahead through the lists, as far as is known now. */
struct look {
    struct engine *engine;
    struct scene scene;
    int steps, depth;
    bool warn_only; /* a list that only warns refuses nothing */
};

enum way { GO_ON, END_OF_LIST, END_OF_ALL };

static enum way look_at_steps(struct look *look, const struct steps *steps);
static void look_ahead(struct engine *e, enum stage stage, const struct recipient *recipient);

static void keep_finding(struct engine *e, const struct finding *learnt, uint64_t begun)
{
    struct finding *f = message_add_finding(e->message, learnt->question);

    f->state = learnt->state;
    f->answer = learnt->answer;
    f->us = (unsigned)(now_us() - begun);
    f->forgotten = learnt->forgotten;
    e->forgets |= learnt->forgotten;
}

/* True when it is a finding now. */
static bool learn(struct engine *e, const char *question, bool late, uint64_t begun)
{
    struct finding f = {.question = question, .idle = e->idle};

    if (!e->world->learn(e->world, e->inquiry, &f, late, e->message->arena))
        return false;
    keep_finding(e, &f, begun);
    return true;
}

static void begin(struct engine *e)
{
    if (e->inquiry == NULL)
        e->inquiry = e->world->begin(e->world);
}

static bool is_hinted(const struct engine *e, const char *question)
{
    for (const struct hint *h = e->hints; h != NULL; h = h->next)
        if (strcmp(h->question, question) == 0)
            return true;
    return false;
}

/* Sends it, or learns at once what is known already: true. */
static bool start(struct engine *e, const char *question)
{
    uint64_t begun = now_us();
    struct hint *hint;

    if (message_find(e->message, question) != NULL)
        return true;
    if (is_hinted(e, question))
        return false;
    begin(e);
    if (learn(e, question, false, begun))
        return true;
    hint = arena_alloc(e->message->arena, sizeof(*hint));
    hint->question = arena_strdup(e->message->arena, question);
    hint->begun_us = begun;
    hint->next = e->hints;
    e->hints = hint;
    return false;
}

static void start_all(struct engine *e, const char *const *questions)
{
    for (; questions != NULL && *questions != NULL; questions++)
        start(e, *questions);
}

/* What has come is kept; true when there was any. */
static bool collect(struct engine *e)
{
    struct hint **at = &e->hints;
    bool any = false;

    while (*at != NULL) {
        if (message_find(e->message, (*at)->question) != NULL ||
            learn(e, (*at)->question, false, (*at)->begun_us)) {
            *at = (*at)->next;
            any = true;
        } else {
            at = &(*at)->next;
        }
    }
    return any;
}

static void drop_hint(struct engine *e, const char *question)
{
    for (struct hint **at = &e->hints; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->question, question) == 0) {
            *at = (*at)->next;
            return;
        }
}

/* Is it worth looking ahead? */
static bool is_early(const struct engine *e)
{
    return e->policy->settings->early_lookups &&
           (e->policy->asks[e->message->direction] || e->wanted != NULL);
}

/* Until when: soon, if others are on their way, who may have their next question by then. */
static uint64_t patience(const struct engine *e, uint64_t now)
{
    uint64_t soon = now + SLICE_US;

    return e->hints != NULL && soon < e->deadline_us ? soon : e->deadline_us;
}

/* Answers o->need, as a finding on the message. False when it was answered already: whoever asks
 * again would do so for ever. */
static bool answer_need(struct engine *e, const struct scene *scene, const struct outcome *o)
{
    uint64_t begun = now_us(), now;

    if (message_find(e->message, o->need) != NULL)
        return false;
    begin(e);
    start_all(e, o->also);
    if (learn(e, o->need, false, begun))
        return true;
    if (is_early(e))
        look_ahead(e, scene->stage, scene->recipient);
    for (;;) {
        drop_hint(e, o->need);
        now = now_us();
        if (message_find(e->message, o->need) != NULL ||
            learn(e, o->need, now >= e->deadline_us, begun))
            return true;
        e->world->wait(e->world, e->inquiry, patience(e, now));
        if (collect(e) && is_early(e))
            look_ahead(e, scene->stage, scene->recipient);
    }
}

struct outcome engine_judge(struct engine *e, const struct scene *scene, const struct step *step)
{
    struct outcome o = step->row->judge(step, scene);

    for (int i = 0; o.need != NULL; i++) {
        if (i == NEEDS_MAX || !answer_need(e, scene, &o))
            return outcome_config_error(scene);
        o = step->row->judge(step, scene);
    }
    return o;
}

/* --- looking ahead ---------------------------------------------------------------------------- */

/* Where clients log in before they send. */
static bool is_submission(const struct client *c)
{
    return c->daemon_port == 587 || c->daemon_port == 465 ||
           (c->daemon_name != NULL && (strncasecmp(c->daemon_name, "submission", 10) == 0 ||
                                       strcasecmp(c->daemon_name, "smtps") == 0));
}

/* What the judge says as far as is known; `need` when it must wait. */
static struct outcome look_at(struct look *look, const struct step *step)
{
    struct outcome o = step->row->judge(step, &look->scene);

    for (int i = 0; i < NEEDS_MAX && o.need != NULL; i++) {
        start_all(look->engine, o.also);
        if (!start(look->engine, o.need))
            break;
        o = step->row->judge(step, &look->scene);
    }
    return o;
}

static enum way look_into(struct look *look, const struct outcome *o)
{
    const struct engine *e = look->engine;
    const struct steps *steps = o->steps;
    enum way way = GO_ON;

    if (o->list != NULL)
        steps = policy_parse_value(e->policy, o->list, look->scene.list, look->scene.arena);
    if (steps == NULL || look->depth == DEPTH_MAX)
        return END_OF_ALL;
    look->depth++;
    way = look_at_steps(look, steps);
    look->depth--;
    return way;
}

static enum way look_at_step(struct look *look, const struct step *step)
{
    const struct restriction *row = step->row;
    struct outcome o;

    if (row->awaits_login && look->scene.stage < STAGE_MAIL)
        return is_submission(look->scene.client) ? END_OF_ALL : GO_ON;
    if (row->judge == NULL || row->first_stage > look->scene.stage)
        return GO_ON;
    o = look_at(look, step);
    if (o.need != NULL)
        return GO_ON;
    if (o.list != NULL || o.steps != NULL)
        return look_into(look, &o);
    if (o.act == ACT_PERMIT && o.permission == PERMISSION_GRANTED)
        return END_OF_LIST;
    if ((o.act == ACT_REJECT || o.act == ACT_DEFER || o.act == ACT_DISCARD) &&
        !look->warn_only)
        return END_OF_ALL;
    return GO_ON;
}

static enum way look_at_steps(struct look *look, const struct steps *steps)
{
    enum way way = GO_ON;

    for (size_t i = 0; i < steps->count && way == GO_ON; i++) {
        bool outer = look->warn_only;

        look->warn_only = outer || steps->list[i].warn_only;
        way = ++look->steps > STEPS_MAX ? END_OF_ALL : look_at_step(look, &steps->list[i]);
        look->warn_only = outer;
    }
    return way;
}

/* Steps of lists that are yet to be judged, and what the message's end will want to know. */
static void look_ahead(struct engine *e, enum stage stage, const struct recipient *recipient)
{
    struct look look = {.engine = e};
    const struct policy *policy = e->policy;

    look.scene = (struct scene){.policy = policy, .client = e->client, .message = e->message,
                                .recipient = recipient, .stage = stage,
                                .arena = e->message->arena};
    for (int list = LIST_CLIENT; list < LIST_COUNT; list++) {
        look.scene.list = (enum list_id)list;
        look.scene.subject = subject_of_list(&look.scene);
        if (look_at_steps(&look, policy->lists[e->message->direction][list]) == END_OF_ALL)
            return;
    }
    if (e->wanted != NULL)
        look_at_step(&look, e->wanted);
}

void engine_prepare(struct engine *e, enum stage stage)
{
    if (e->client->local || !is_early(e))
        return;
    collect(e);
    look_ahead(e, stage, NULL);
}

void engine_learn(struct engine *e, enum stage stage, const struct step *step)
{
    struct scene scene = {.policy = e->policy, .client = e->client, .message = e->message,
                          .stage = stage, .list = LIST_END_OF_DATA, .arena = e->message->arena};

    scene.subject = subject_of_list(&scene);
    engine_judge(e, &scene, step);
}

void engine_start(struct engine *e, const char *question)
{
    start(e, question);
}

const struct finding *engine_find(struct engine *e, enum stage stage, const char *question)
{
    struct scene scene = {.stage = stage};
    struct outcome o = {.need = question};

    answer_need(e, &scene, &o);
    return message_find(e->message, question);
}

void engine_forget(struct engine *e)
{
    e->world->end(e->inquiry);
    e->inquiry = NULL;
    e->hints = NULL;
}
