/* key_watch - whose records are in the DNS: asked at load and then from time to time */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_watch.h"

#include "key_watch_parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Domains of strangers can be made up; no more of them than this are remembered. */
enum { ENTRIES_WANTED_MAX = 1000, AT_A_TIME = 32 };
#define ASK_US 20000000u

/* Mail waits for the first run, a reload for each; thousands of keys in a dead DNS take hours. */
#define PATIENCE_US 5000000u

struct key_watch {
    struct key_asker asker;
    pthread_mutex_t lock;    /* of all below */
    struct key_entry **list; /* sorted by name, then public half */
    size_t count, cap;
    size_t wanted; /* entries that a lookup made */
    unsigned round;
};

/* One record to be asked for. */
struct sought {
    const struct dkim_key *key;
    const char *name;
    int64_t asked_at;
    void *job;
};

struct round {
    struct key_watch *watch;
    struct arena *arena;
    struct sought *list;
    size_t count, cap;
    int64_t now;
    bool loaded;
};

static void *start_dns(void *arg, const char *name)
{
    struct arena *arena = arena_new();
    struct dns_question question;
    struct dns_job *job = NULL;

    if (dns_question_make(slice_of(name), DNS_TXT, arena, &question))
        job = dns_start(arg, &question);
    arena_free(arena);
    return job;
}

static void wait_dns(void *arg, void *job, struct arena *arena, struct dns_answer *answer)
{
    (void)arg;
    *answer = (struct dns_answer){.state = DNS_NXDOMAIN};
    if (job != NULL)
        dns_wait(job, now_us() + ASK_US, arena, answer);
    dns_release(job);
}

struct key_asker key_asker_of_dns(struct dns *dns)
{
    return (struct key_asker){start_dns, wait_dns, dns, PATIENCE_US};
}

struct key_watch *key_watch_new(const struct key_asker *asker)
{
    struct key_watch *watch = xcalloc(1, sizeof(*watch));

    watch->asker = *asker;
    pthread_mutex_init(&watch->lock, NULL);
    return watch;
}

static void entry_free(struct key_entry *entry)
{
    free(entry->name);
    free(entry->public);
    free(entry->selector);
    free(entry->why);
    free(entry);
}

void key_watch_free(struct key_watch *watch)
{
    if (watch == NULL)
        return;
    for (size_t i = 0; i < watch->count; i++)
        entry_free(watch->list[i]);
    free(watch->list);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

static size_t slot_of(const struct key_watch *watch, const char *name, const char *public)
{
    size_t low = 0, high = watch->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(watch->list[middle]->name, name);

        if (order == 0)
            order = strcmp(watch->list[middle]->public, public);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct key_entry *find(const struct key_watch *watch, const char *name, const char *public)
{
    size_t slot = slot_of(watch, name, public);
    struct key_entry *entry = slot < watch->count ? watch->list[slot] : NULL;

    return entry != NULL && strcmp(entry->name, name) == 0 && strcmp(entry->public, public) == 0
               ? entry : NULL;
}

static struct key_entry *insert(struct key_watch *watch, const char *name, const char *selector,
                                const char *public)
{
    size_t slot = slot_of(watch, name, public);
    struct key_entry *entry = xcalloc(1, sizeof(*entry));

    if (watch->count == watch->cap) {
        watch->cap = watch->cap ? watch->cap * 2 : 16;
        watch->list = xreallocarray(watch->list, watch->cap, sizeof(*watch->list));
    }
    memmove(watch->list + slot + 1, watch->list + slot,
            (watch->count - slot) * sizeof(*watch->list));
    watch->list[slot] = entry;
    watch->count++;
    entry->name = xstrdup(name);
    entry->selector = xstrdup(selector);
    entry->public = xstrdup(public);
    return entry;
}

static int64_t pause_of(const struct key_entry *entry)
{
    if (entry->failed || entry->state == KEY_UNKNOWN)
        return KEY_WATCH_UNKNOWN;
    return entry->state == KEY_READY ? KEY_WATCH_READY : KEY_WATCH_WAITING;
}

/* A clock that was set back must not keep us waiting for years. */
static bool is_due(const struct key_entry *entry, int64_t now)
{
    return entry->asked_at == 0 || now < entry->asked_at ||
           now >= entry->asked_at + pause_of(entry);
}

/* Under the lock. */
static void consider(struct round *r, struct key_entry *entry, const struct dkim_key *key)
{
    if (entry->round == r->watch->round)
        return;
    entry->round = r->watch->round;
    if (!r->loaded && !is_due(entry, r->now))
        return;
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->list = xreallocarray(r->list, r->cap, sizeof(*r->list));
    }
    r->list[r->count++] = (struct sought){key, arena_strdup(r->arena, entry->name),
                                           entry->asked_at, NULL};
}

/* Those that a lookup asked for, of a key that signs for any domain. */
static void consider_wanted(struct round *r, const struct key_choice *choice)
{
    const char *public = dkim_key_public(choice->key);
    struct key_watch *watch = r->watch;

    for (size_t i = 0; i < watch->count; i++)
        if (watch->list[i]->wanted && strcmp(watch->list[i]->selector, choice->selector) == 0 &&
            strcmp(watch->list[i]->public, public) == 0)
            consider(r, watch->list[i], choice->key);
}

static void on_key(const struct key_choice *choice, void *arg)
{
    struct round *r = arg;
    struct key_watch *watch = r->watch;
    const char *name, *public = dkim_key_public(choice->key);
    struct key_entry *entry;

    if (strcmp(choice->domain, "%") == 0) {
        consider_wanted(r, choice);
        return;
    }
    name = key_record_name(choice->selector, choice->domain, r->arena);
    entry = find(watch, name, public);
    consider(r, entry != NULL ? entry : insert(watch, name, choice->selector, public),
             choice->key);
}

/* What no key names any more goes. */
static void sweep(struct key_watch *watch)
{
    size_t kept = 0;

    for (size_t i = 0; i < watch->count; i++) {
        struct key_entry *entry = watch->list[i];

        if (entry->round == watch->round) {
            watch->list[kept++] = entry;
        } else {
            watch->wanted -= entry->wanted;
            entry_free(entry);
        }
    }
    watch->count = kept;
}

static char *first_problem(const struct problems *problems, const char *name)
{
    size_t len = strlen(name);
    const char *text = NULL;

    for (size_t i = problems->count; i > 0; i--)
        if (text == NULL || problems->list[i - 1].severity == SEV_ERROR)
            text = problems->list[i - 1].text;
    if (text != NULL && strncmp(text, name, len) == 0 && strncmp(text + len, ": ", 2) == 0)
        text += len + 2;
    return xstrdup(text != NULL ? text : "");
}

/* A server that does not answer takes nothing away from what is known. */
static void store(struct round *r, const struct sought *subject, enum key_state state,
                  const struct problems *problems)
{
    struct key_entry *entry;

    pthread_mutex_lock(&r->watch->lock);
    entry = find(r->watch, subject->name, dkim_key_public(subject->key));
    if (entry != NULL) {
        entry->asked_at = r->now;
        entry->failed = state == KEY_UNKNOWN;
        if (!entry->failed)
            entry->state = state;
        free(entry->why);
        entry->why = first_problem(problems, subject->name);
    }
    pthread_mutex_unlock(&r->watch->lock);
}

static void ask_some(struct round *r, struct sought *subjects, size_t count)
{
    const struct key_asker *asker = &r->watch->asker;

    for (size_t i = 0; i < count; i++)
        subjects[i].job = asker->start(asker->arg, subjects[i].name);
    for (size_t i = 0; i < count; i++) {
        struct problems problems = {0};
        struct dns_answer answer;
        enum key_state state;

        asker->wait(asker->arg, subjects[i].job, r->arena, &answer);
        state = key_record_judge(subjects[i].key, subjects[i].name, &answer, &problems);
        store(r, &subjects[i], state, &problems);
        problems_free(&problems);
    }
}

static int compare_age(const void *a, const void *b)
{
    const struct sought *x = a, *y = b;

    return (x->asked_at > y->asked_at) - (x->asked_at < y->asked_at);
}

static void ask_all(struct round *r)
{
    uint64_t patience = r->watch->asker.patience_us, begun = now_us();

    if (r->count > 0)
        qsort(r->list, r->count, sizeof(*r->list), compare_age);
    for (size_t i = 0; i < r->count; i += AT_A_TIME) {
        if (i > 0 && patience > 0 && now_us() - begun >= patience)
            break;
        ask_some(r, r->list + i, r->count - i < AT_A_TIME ? r->count - i : AT_A_TIME);
    }
}

static int64_t next_time(struct key_watch *watch, int64_t now)
{
    int64_t next = KEY_WATCH_READY;

    pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < watch->count; i++) {
        int64_t left = is_due(watch->list[i], now)
                           ? 1 : watch->list[i]->asked_at + pause_of(watch->list[i]) - now;

        next = left < next ? left : next;
    }
    pthread_mutex_unlock(&watch->lock);
    return next;
}

int64_t key_watch_run(struct key_watch *watch, const struct keys *keys, int64_t now, bool loaded)
{
    struct round r = {.watch = watch, .arena = arena_new(), .now = now, .loaded = loaded};

    pthread_mutex_lock(&watch->lock);
    watch->round++;
    keys_each(keys, on_key, &r);
    sweep(watch);
    pthread_mutex_unlock(&watch->lock);
    ask_all(&r);
    free(r.list);
    arena_free(r.arena);
    return next_time(watch, now);
}

bool key_watch_look(struct key_watch *watch, const struct key_choice *choice, bool want,
                    struct arena *arena, struct key_known *known)
{
    const char *name = key_record_name(choice->selector, choice->domain, arena);
    const char *public = dkim_key_public(choice->key);
    struct key_entry *entry;

    *known = (struct key_known){.state = KEY_UNKNOWN, .why = "not asked for yet"};
    if (watch == NULL)
        return false;
    pthread_mutex_lock(&watch->lock);
    entry = find(watch, name, public);
    if (entry != NULL) {
        *known =
            (struct key_known){entry->state, entry->asked_at,
                               entry->why != NULL ? arena_strdup(arena, entry->why) : known->why};
    } else if (want && watch->wanted < ENTRIES_WANTED_MAX) {
        entry = insert(watch, name, choice->selector, public);
        entry->wanted = true;
        entry->round = watch->round;
        watch->wanted++;
    }
    pthread_mutex_unlock(&watch->lock);
    return entry != NULL;
}

bool key_watch_tell(struct key_watch *watch, const struct key_choice *choice, enum key_role role,
                    enum key_state state)
{
    unsigned now = 1 + (unsigned)role + ((unsigned)state << 2);
    struct arena *arena = arena_new();
    struct key_entry *entry;
    bool tell = false;

    pthread_mutex_lock(&watch->lock);
    entry = find(watch, key_record_name(choice->selector, choice->domain, arena),
                 dkim_key_public(choice->key));
    if (entry != NULL) {
        tell = entry->told != now && (entry->told != 0 || state != KEY_READY);
        entry->told = now;
    }
    pthread_mutex_unlock(&watch->lock);
    arena_free(arena);
    return tell;
}

enum key_state key_watch_state(struct key_watch *watch, const struct key_choice *choice)
{
    struct arena *arena = arena_new();
    struct key_known known;

    key_watch_look(watch, choice, true, arena, &known);
    arena_free(arena);
    return known.state;
}
