/* shadow - shadow_config: a second policy that judges live mail, and never answers */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "shadow.h"

#include "counters.h"
#include "log.h"
#include "policy_record.h"
#include "queue.h"
#include "replay_content.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAITING_MAX = 2000,
    WAITING_BYTES = 16 << 20, /* messages with many headers are large */
    BATCH = 64,
    IDLE_US = 1000000, /* then an old policy is let go */
};

static struct journal *journal;
static struct queue *queue;
static pthread_t thread;
static atomic_bool taking;
static atomic_uint_fast64_t waiting_bytes;

/* --- loading ---------------------------------------------------------------------------------- */

static bool has_header_rules(const struct policy *p)
{
    for (int d = 0; d < DIR_COUNT; d++)
        if (p->checks[d][CHECKS_HEADER]->count > 0 || p->checks[d][CHECKS_MIME]->count > 0)
            return true;
    return false;
}

static void hash(struct policy *shadow, const struct policy_source *source)
{
    entry_free(policy_record(shadow, source, "shadow"));
}

/* Its errors keep it out, and nothing else. */
static void tell(const struct problems *of_shadow, bool loaded, struct where named,
                 struct problems *problems)
{
    for (size_t i = 0; i < of_shadow->count; i++) {
        const struct problem *p = &of_shadow->list[i];

        if (p->severity != SEV_NOTE)
            problems_add(problems, SEV_WARNING, (struct where){p->file, p->line}, "shadow: %s",
                         p->text);
    }
    if (!loaded)
        problems_add(problems, SEV_WARNING, named,
                     "shadow_config: it has errors; nothing is judged by it");
}

void shadow_load(struct policy *policy, const struct policy_source *source,
                 struct problems *problems)
{
    const struct settings *s = policy->settings;
    struct where named = settings_place(s, "shadow_config");
    struct policy_source mine = *source;
    struct problems own = {0};

    if (s->shadow_config[0] == '\0')
        return;
    if (s->log_file[0] == '\0') {
        problems_add(problems, SEV_WARNING, named,
                     "shadow_config: without log_file there is nothing that could tell of it");
        return;
    }
    mine.path = s->shadow_config;
    policy->shadow = replay_load(&mine, NULL, &own);
    tell(&own, policy->shadow != NULL, named, problems);
    for (size_t i = 0; i < own.file_count; i++)
        problems_add_file(problems, own.files[i]);
    problems_free(&own);
    if (policy->shadow == NULL)
        return;
    hash(policy->shadow, &mine);
    policy->shadow_same_content = content_is_same(policy, policy->shadow);
    policy->shadow_headers = !policy->shadow_same_content && has_header_rules(policy->shadow);
}

void shadow_announce(const struct policy *policy)
{
    const char *file = policy->settings->shadow_config;

    if (policy->shadow != NULL)
        log_line(LOG_INFO, "shadow: %s judges, too, and answers nothing", file);
    else if (file[0] != '\0')
        log_line(LOG_WARNING, "shadow: %s cannot be used, there is no shadow: see tamis check",
                 file);
}

/* --- judging ---------------------------------------------------------------------------------- */

/* A policy's shadow at work; the policy is held by the entries that it judged, the shadow by us. */
struct judge {
    struct policy *shadow; /* NULL: none */
    const struct policy *of;
    struct replay *replay;
};

static void judge_set(struct judge *j, const struct policy *of)
{
    if (j->shadow == (of != NULL ? of->shadow : NULL) && j->of == of)
        return;
    replay_free(j->replay);
    if (j->shadow != NULL)
        policy_release(j->shadow);
    *j = (struct judge){0};
    if (of == NULL)
        return;
    *j = (struct judge){.shadow = of->shadow, .of = of};
    policy_hold(j->shadow);
    j->replay = replay_new(j->shadow, NULL);
    replay_set_same_content(j->replay, of->shadow_same_content);
}

/* The policy may be gone before the row is written. */
static void keep_verdict(struct verdict *to, const struct verdict *from, struct arena *arena)
{
    *to = *from;
    to->token = NULL;
    to->dsn = arena_strdup(arena, from->dsn);
    to->text = arena_strdup(arena, from->text);
    to->rule.text = arena_strdup(arena, from->rule.text);
    to->rule.where.file = arena_strdup(arena, from->rule.where.file);
}

/* What is the same needs no words. */
static void keep_outcome(struct shadow_outcome *to, const struct replay_outcome *from,
                         struct arena *arena)
{
    static const enum shadow_change changes[] = {[REPLAY_SAME] = SHADOW_SAME,
                                                 [REPLAY_CHANGED] = SHADOW_CHANGED,
                                                 [REPLAY_UNKNOWN] = SHADOW_UNKNOWN};

    to->recipient = from->number;
    to->change = changes[from->change];
    to->action = from->now;
    to->as_main = to->change == SHADOW_SAME &&
                  rule_is_same(&from->verdict.rule, &from->recorded.rule);
    to->missing = arena_strdup(arena, from->unknown);
    if (!to->as_main)
        keep_verdict(&to->verdict, &from->verdict, arena);
    counter_add(COUNT_SHADOW_SAME + to->change);
}

static struct shadow_result *result_of(const struct judge *j, const struct entry *entry)
{
    static const char *const none[] = {NULL};
    const struct message *m = entry->message;
    const struct policy *of = j->of;
    bool every_header = of->may_edit || of->verifies_dkim || of->shadow_headers;
    struct replay_facts facts = {.message = m, .client = &entry->client, .action = entry->action,
                                 .duration_us = entry->duration_us, .id = entry->row,
                                 .recorded_headers = every_header ? NULL : none};
    const struct replay_result *found = replay_judge(j->replay, &facts);
    struct shadow_result *result = arena_alloc(m->arena, sizeof(*result));
    struct shadow_outcome **tail = &result->outcomes;

    result->hash = arena_strdup(m->arena, j->shadow->hash);
    result->file = arena_strdup(m->arena, of->settings->shadow_config);
    for (const struct replay_outcome *o = found->outcomes; o != NULL; o = o->next) {
        *tail = arena_alloc(m->arena, sizeof(**tail));
        keep_outcome(*tail, o, m->arena);
        tail = &(*tail)->next;
    }
    return result;
}

static void judge_entry(struct judge *j, struct entry *entry)
{
    judge_set(j, entry->owner);
    entry->shadow = result_of(j, entry);
    if (!journal_offer_shadow(journal, entry))
        counter_add(COUNT_SHADOW_DROPPED);
}

static void *run(void *unused)
{
    struct judge judge = {0};
    void *items[BATCH];

    (void)unused;
    for (;;) {
        bool closed = queue_is_closed(queue);
        size_t count = queue_take(queue, items, BATCH, IDLE_US, 0);

        for (size_t i = 0; i < count; i++) {
            waiting_bytes -= arena_size(((struct entry *)items[i])->message->arena);
            judge_entry(&judge, items[i]);
        }
        if (count == 0)
            judge_set(&judge, NULL);
        if (count == 0 && closed)
            return NULL;
    }
}

/* --- taking ----------------------------------------------------------------------------------- */

static bool has_room(const struct entry *entry)
{
    uint64_t bytes = arena_size(entry->message->arena);

    if (waiting_bytes + bytes > WAITING_BYTES)
        return false;
    waiting_bytes += bytes;
    return true;
}

bool shadow_take(struct entry *entry)
{
    const struct policy *policy = entry->owner;

    if (policy == NULL || policy->shadow == NULL)
        return false;
    if (atomic_load(&taking) && !entry->is_late && !entry->lacks_details && has_room(entry)) {
        uint64_t bytes = arena_size(entry->message->arena);

        if (queue_offer(queue, entry))
            return true;
        waiting_bytes -= bytes;
    }
    counter_add(COUNT_SHADOW_DROPPED);
    return false;
}

void shadow_start(struct journal *to)
{
    sigset_t all, before;

    if (to == NULL)
        return;
    journal = to;
    queue = queue_new(WAITING_MAX);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        die("no thread for the shadow: too many threads");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    atomic_store(&taking, true);
}

/* The queue itself stays: the writer may be about to offer. */
void shadow_stop(void)
{
    if (!atomic_exchange(&taking, false))
        return;
    queue_close(queue);
    pthread_join(thread, NULL);
}
