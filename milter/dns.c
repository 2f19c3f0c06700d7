/* dns - questions to the DNS: asked side by side, waited for with a deadline, remembered */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns.h"

#include "dns_cache.h"
#include "dns_source.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUCKETS = 1024 };

enum count { CACHED, SHARED, SENT, REFUSED, TIMEOUTS, COUNTS };

/* Under way in the table of its dns from the first question to the answer. One reference for each
 * asker, one of the source's until it is done, one of the table's. */
struct dns_job {
    struct dns *dns; /* counted */
    struct dns_question question;
    uint64_t hash, started_us;
    atomic_uint references;

    struct dns_job *next; /* in the table; the table's lock guards these */
    unsigned askers;
    bool in_table;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct dns_reply *reply; /* NULL: none yet */
    uint64_t ready_us;       /* it counts from then on */
    uint32_t ttl;
    bool finished;           /* by whoever found it ready first */
    char name[];
};

struct dns {
    atomic_uint references; /* the owner's and each job's */
    struct dns_limits limits;
    struct dns_source source;
    struct dns_cache *cache;
    uint64_t seed;
    atomic_uint_fast64_t counts[COUNTS];

    pthread_mutex_t lock; /* of what follows */
    struct dns_job *table[BUCKETS];
    size_t under_way;
    bool stopped;
};

struct dns *dns_open(const struct dns_limits *limits, const struct dns_source *source)
{
    struct dns *dns = xcalloc(1, sizeof(*dns));

    atomic_init(&dns->references, 1);
    dns->limits = *limits;
    dns->source = *source;
    dns->cache = dns_cache_new(limits->cache_size, limits->cache_entries);
    dns->seed = dns_seed();
    pthread_mutex_init(&dns->lock, NULL);
    return dns;
}

static void dns_unref(struct dns *dns)
{
    if (atomic_fetch_sub(&dns->references, 1) != 1)
        return;
    dns->source.free(dns->source.arg);
    dns_cache_free(dns->cache);
    pthread_mutex_destroy(&dns->lock);
    free(dns);
}

static void count(struct dns *dns, enum count what)
{
    atomic_fetch_add_explicit(&dns->counts[what], 1, memory_order_relaxed);
}

static struct dns_job *job_new(struct dns *dns, const struct dns_question *question)
{
    size_t len = strlen(question->name) + 1;
    struct dns_job *job = xcalloc(1, sizeof(*job) + len);
    pthread_condattr_t attr;

    memcpy(job->name, question->name, len);
    job->question = (struct dns_question){job->name, question->type};
    job->dns = dns;
    job->started_us = now_us();
    atomic_fetch_add(&dns->references, 1);
    atomic_init(&job->references, 1);
    pthread_mutex_init(&job->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&job->changed, &attr);
    pthread_condattr_destroy(&attr);
    return job;
}

static void job_unref(struct dns_job *job)
{
    struct dns *dns = job->dns;

    if (atomic_fetch_sub(&job->references, 1) != 1)
        return;
    if (job->reply != NULL)
        dns_reply_release(job->reply);
    pthread_cond_destroy(&job->changed);
    pthread_mutex_destroy(&job->lock);
    free(job);
    dns_unref(dns);
}

/* A job that never was under way: its answer is known. Takes the reply over. */
static struct dns_job *job_answered(struct dns *dns, const struct dns_question *question,
                                    struct dns_reply *reply, uint32_t ttl)
{
    struct dns_job *job = job_new(dns, question);

    job->reply = reply;
    job->ttl = ttl;
    job->finished = true;
    return job;
}

/* The dns's lock is held. True when the caller is to drop the table's reference. */
static bool table_remove(struct dns_job *job)
{
    struct dns_job **at = &job->dns->table[job->hash % BUCKETS];

    if (!job->in_table)
        return false;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job->in_table = false;
    job->dns->under_way--;
    return true;
}

static void leave_table(struct dns_job *job)
{
    bool removed;

    pthread_mutex_lock(&job->dns->lock);
    removed = table_remove(job);
    pthread_mutex_unlock(&job->dns->lock);
    if (removed)
        job_unref(job);
}

static uint32_t ttl_of(const struct dns *dns, const struct dns_reply *reply)
{
    uint32_t max = dns_reply_state(reply) == DNS_FOUND ? dns->limits.max_ttl
                                                       : dns->limits.max_negative_ttl;

    if (dns_reply_state(reply) == DNS_TEMPERROR)
        return 0;
    return dns_reply_ttl(reply) < max ? dns_reply_ttl(reply) : max;
}

/* Remembered first, then out of the table: nobody who asks meanwhile asks the source again. */
static void job_finish(struct dns_job *job)
{
    dns_cache_add(job->dns->cache, &job->question, job->reply, job->ttl, now_us());
    leave_table(job);
}

/* The first answer is the one that counts. Takes the reply over. */
static void job_settle(struct dns_job *job, struct dns_reply *reply, uint64_t at_us)
{
    bool finish = false;

    pthread_mutex_lock(&job->lock);
    if (!job->finished && (job->reply == NULL || job->ready_us > at_us)) {
        if (job->reply != NULL)
            dns_reply_release(job->reply);
        job->reply = reply;
        job->ttl = ttl_of(job->dns, reply);
        job->ready_us = at_us;
        finish = job->finished = at_us == 0;
        reply = NULL;
        pthread_cond_broadcast(&job->changed);
    }
    pthread_mutex_unlock(&job->lock);
    if (reply != NULL)
        dns_reply_release(reply);
    if (finish)
        job_finish(job);
}

const struct dns_question *dns_job_question(const struct dns_job *job)
{
    return &job->question;
}

void dns_job_done(struct dns_job *job, struct dns_reply *reply, uint64_t at_us)
{
    job_settle(job, reply, at_us);
    job_unref(job);
}

/* The dns's lock is held. */
static struct dns_job *table_find(struct dns *dns, const struct dns_question *question,
                                  uint64_t hash)
{
    for (struct dns_job *job = dns->table[hash % BUCKETS]; job != NULL; job = job->next)
        if (job->hash == hash && job->question.type == question->type &&
            strcmp(job->name, question->name) == 0)
            return job;
    return NULL;
}

/* The dns's lock is held. References: the table's, the source's, the asker's. */
static struct dns_job *table_add(struct dns *dns, const struct dns_question *question,
                                 uint64_t hash)
{
    struct dns_job *job = job_new(dns, question);

    atomic_store(&job->references, 3);
    job->hash = hash;
    job->askers = 1;
    job->in_table = true;
    job->next = dns->table[hash % BUCKETS];
    dns->table[hash % BUCKETS] = job;
    dns->under_way++;
    return job;
}

/* The job under way for this question, or a new one (*added). NULL: *why not. */
static struct dns_job *join(struct dns *dns, const struct dns_question *question, bool *added,
                            const char **why)
{
    uint64_t hash = dns_hash(question, dns->seed);
    struct dns_job *job = NULL;

    *added = false;
    pthread_mutex_lock(&dns->lock);
    if (dns->stopped) {
        *why = "shutting down";
    } else if ((job = table_find(dns, question, hash)) != NULL) {
        job->askers++;
        atomic_fetch_add(&job->references, 1);
    } else if (dns->under_way >= dns->limits.under_way) {
        *why = "too many lookups";
    } else {
        job = table_add(dns, question, hash);
        *added = true;
    }
    pthread_mutex_unlock(&dns->lock);
    return job;
}

static struct dns_job *start_uncached(struct dns *dns, const struct dns_question *question)
{
    const char *why;
    bool added;
    struct dns_job *job = join(dns, question, &added, &why);

    if (job == NULL) {
        count(dns, REFUSED);
        return job_answered(dns, question, dns_reply_temperror(why), 0);
    }
    count(dns, added ? SENT : SHARED);
    if (added)
        dns->source.start(dns->source.arg, job);
    return job;
}

struct dns_job *dns_start(struct dns *dns, const struct dns_question *question)
{
    uint32_t ttl;
    struct dns_reply *reply = dns_cache_find(dns->cache, question, now_us(), &ttl);

    if (reply == NULL)
        return start_uncached(dns, question);
    count(dns, CACHED);
    return job_answered(dns, question, reply, ttl);
}

static void wait_until(struct dns_job *job, uint64_t us)
{
    struct timespec at = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

    pthread_cond_timedwait(&job->changed, &job->lock, &at);
}

/* The job's lock is held. Waits for an answer that counts; false at the deadline. */
static bool wait_ready(struct dns_job *job, uint64_t deadline_us)
{
    while (!job->finished) {
        uint64_t now = now_us();

        if (job->reply != NULL && job->ready_us <= now)
            return true;
        if (deadline_us <= now)
            return false;
        wait_until(job, job->reply != NULL && job->ready_us < deadline_us ? job->ready_us
                                                                          : deadline_us);
    }
    return true;
}

/* The reply, counted, if there is one that counts by then; NULL otherwise. */
static struct dns_reply *reply_by(struct dns_job *job, uint64_t until_us)
{
    struct dns_reply *reply = NULL;
    bool finish = false;

    pthread_mutex_lock(&job->lock);
    if (wait_ready(job, until_us)) {
        reply = dns_reply_acquire(job->reply);
        finish = !job->finished;
        job->finished = true;
    }
    pthread_mutex_unlock(&job->lock);
    if (finish)
        job_finish(job);
    return reply;
}

bool dns_try(struct dns_job *job, uint64_t until_us, struct arena *arena,
             struct dns_answer *answer)
{
    uint64_t limit = job->started_us + job->dns->limits.timeout_us;
    struct dns_reply *reply = reply_by(job, until_us < limit ? until_us : limit);

    if (reply != NULL) {
        dns_reply_decode(reply, job->ttl, arena, answer);
        dns_reply_release(reply);
        return true;
    }
    if (now_us() < limit)
        return false;
    count(job->dns, TIMEOUTS);
    *answer = (struct dns_answer){.state = DNS_TEMPERROR, .why = "timeout"};
    return true;
}

void dns_wait(struct dns_job *job, uint64_t deadline_us, struct arena *arena,
              struct dns_answer *answer)
{
    if (dns_try(job, deadline_us, arena, answer))
        return;
    count(job->dns, TIMEOUTS);
    *answer = (struct dns_answer){.state = DNS_TEMPERROR, .why = "timeout"};
}

static bool has_reply(struct dns_job *job)
{
    bool has;

    pthread_mutex_lock(&job->lock);
    has = job->reply != NULL;
    pthread_mutex_unlock(&job->lock);
    return has;
}

/* An answer that is yet to count is forgotten with its last asker. */
void dns_release(struct dns_job *job)
{
    bool last, removed = false, answered;

    if (job == NULL)
        return;
    answered = has_reply(job);
    pthread_mutex_lock(&job->dns->lock);
    last = job->in_table && --job->askers == 0;
    if (last && answered)
        removed = table_remove(job);
    pthread_mutex_unlock(&job->dns->lock);
    if (removed)
        job_unref(job);
    job_unref(job);
}

void dns_ask(struct dns *dns, const struct dns_question *question, uint64_t deadline_us,
             struct arena *arena, struct dns_answer *answer)
{
    uint32_t ttl;
    struct dns_reply *reply = dns_cache_find(dns->cache, question, now_us(), &ttl);
    struct dns_job *job;

    if (reply != NULL) {
        count(dns, CACHED);
        dns_reply_decode(reply, ttl, arena, answer);
        dns_reply_release(reply);
        return;
    }
    job = start_uncached(dns, question);
    dns_wait(job, deadline_us, arena, answer);
    dns_release(job);
}

/* One of those in the table, with a reference; NULL when it is empty. */
static struct dns_job *table_any(struct dns *dns)
{
    struct dns_job *job = NULL;

    pthread_mutex_lock(&dns->lock);
    for (size_t i = 0; i < BUCKETS && job == NULL; i++)
        job = dns->table[i];
    if (job != NULL)
        atomic_fetch_add(&job->references, 1);
    pthread_mutex_unlock(&dns->lock);
    return job;
}

void dns_stop(struct dns *dns)
{
    struct dns_job *job;
    bool stopped;

    pthread_mutex_lock(&dns->lock);
    stopped = dns->stopped;
    dns->stopped = true;
    pthread_mutex_unlock(&dns->lock);
    if (stopped)
        return;
    while ((job = table_any(dns)) != NULL) {
        job_settle(job, dns_reply_temperror("shutting down"), 0);
        leave_table(job);
        job_unref(job);
    }
    dns->source.stop(dns->source.arg);
}

void dns_close(struct dns *dns)
{
    if (dns == NULL)
        return;
    dns_stop(dns);
    dns_unref(dns);
}

struct dns_stats dns_stats(struct dns *dns)
{
    struct dns_stats stats = {
        .cached = atomic_load(&dns->counts[CACHED]),
        .shared = atomic_load(&dns->counts[SHARED]),
        .sent = atomic_load(&dns->counts[SENT]),
        .refused = atomic_load(&dns->counts[REFUSED]),
        .timeouts = atomic_load(&dns->counts[TIMEOUTS]),
    };
    size_t entries, bytes;

    pthread_mutex_lock(&dns->lock);
    stats.under_way = dns->under_way;
    pthread_mutex_unlock(&dns->lock);
    dns_cache_size(dns->cache, &entries, &bytes);
    stats.entries = entries;
    stats.bytes = bytes;
    return stats;
}
