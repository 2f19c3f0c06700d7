/* world_recorded - the world of a replay: one message's recorded answers, and its time */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "world_recorded.h"

#include <stdlib.h>
#include <string.h>

struct world_recorded {
    struct world world; /* first: a struct world is one of these */
    struct world *ask_now;
    const struct finding *findings;
    int64_t time_us;
    struct arena *arena;   /* of the two below; of one message */
    const char *last;      /* the last question that was not known; NULL: none */
    const char *waited;    /* the last one that was waited for */
    const char *missing;   /* the first of these since the mark */
    bool asked;
};

struct inquiry {
    struct world_recorded *world;
    struct inquiry *now; /* of ask_now */
};

static const char unknown[] = "unknown: not recorded";

static struct world_recorded *self(struct world *world)
{
    return (struct world_recorded *)(void *)world;
}

static const struct world_recorded *self_const(const struct world *world)
{
    return (const struct world_recorded *)(const void *)world;
}

static int64_t on_now(struct world *world)
{
    return self(world)->time_us;
}

static struct inquiry *on_begin(struct world *world)
{
    struct world_recorded *w = self(world);
    struct inquiry *inquiry;

    if (w->ask_now == NULL)
        return NULL;
    inquiry = xcalloc(1, sizeof(*inquiry));
    inquiry->world = w;
    inquiry->now = w->ask_now->begin(w->ask_now);
    return inquiry;
}

static void on_end(struct inquiry *inquiry)
{
    if (inquiry == NULL)
        return;
    inquiry->world->ask_now->end(inquiry->now);
    free(inquiry);
}

static bool find(const struct world_recorded *w, struct finding *finding)
{
    for (const struct finding *f = w->findings; f != NULL; f = f->next)
        if (strcmp(f->question, finding->question) == 0) {
            finding->state = f->state;
            finding->answer = f->answer;
            return true;
        }
    return false;
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

static bool give_up(struct world_recorded *w, struct finding *finding)
{
    if (finding->idle)
        finding->forgotten = true;
    else if (w->missing == NULL)
        w->missing = w->last;
    w->waited = NULL;
    finding->state = FINDING_TEMPERROR;
    finding->answer = unknown;
    return true;
}

/* Somebody waits only for what a judge needs; what is asked early is asked but once. */
static bool on_learn(struct world *world, struct inquiry *inquiry, struct finding *finding,
                     bool late, struct arena *arena)
{
    struct world_recorded *w = self(world);

    if (find(w, finding))
        return true;
    if (w->ask_now != NULL && inquiry != NULL) {
        if (!w->ask_now->learn(w->ask_now, inquiry->now, finding, late, arena))
            return false;
        w->asked = true;
        return true;
    }
    if (!is_same(w->last, finding->question))
        w->last = arena_strdup(w->arena, finding->question);
    return (late || is_same(w->waited, finding->question)) && give_up(w, finding);
}

static void on_wait(struct world *world, struct inquiry *inquiry, uint64_t until_us)
{
    struct world_recorded *w = self(world);

    if (w->ask_now != NULL && inquiry != NULL)
        w->ask_now->wait(w->ask_now, inquiry->now, until_us);
    else
        w->waited = w->last;
}

struct world *world_recorded_new(struct world *ask_now)
{
    struct world_recorded *w = xcalloc(1, sizeof(*w));

    w->world = (struct world){
        .now = on_now, .begin = on_begin, .end = on_end, .learn = on_learn, .wait = on_wait};
    w->ask_now = ask_now;
    w->arena = arena_new();
    return &w->world;
}

void world_recorded_free(struct world *world)
{
    if (world == NULL)
        return;
    arena_free(self(world)->arena);
    free(world);
}

void world_recorded_set(struct world *world, const struct finding *findings, int64_t time_us)
{
    struct world_recorded *w = self(world);

    arena_reset(w->arena);
    w->findings = findings;
    w->time_us = time_us;
    w->last = w->waited = NULL;
    world_recorded_mark(world);
}

const char *world_recorded_missing(const struct world *world)
{
    return self_const(world)->missing;
}

bool world_recorded_asked(const struct world *world)
{
    return self_const(world)->asked;
}

void world_recorded_mark(struct world *world)
{
    self(world)->missing = NULL;
    self(world)->asked = false;
}

const char *world_recorded_unknown(void)
{
    return unknown;
}
