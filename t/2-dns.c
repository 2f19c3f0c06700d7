/* 2-dns - the memory and its bounds, lookups that are shared, deadlines, threads, the end */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_cache.h"
#include "dns_source.h"
#include "dns_zone.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000, HOLD_MAX = 64, THREADS = 8, ROUNDS = 4000 };

static const unsigned char address[] = {192, 0, 2, 1};
static const struct dns_rdata one = {address, sizeof(address)};

static struct dns_limits limits = {
    .cache_size = 1 << 20, .max_ttl = 3600, .max_negative_ttl = 60, .under_way = 10,
    .timeout_us = 20 * (uint64_t)SECOND,
};

static struct dns_question question(const char *name)
{
    return (struct dns_question){name, DNS_A};
}

/* What the memory has: seconds left, 0 for nothing. */
static unsigned left(struct dns_cache *cache, const char *name, uint64_t now)
{
    struct dns_question q = question(name);
    uint32_t ttl = 0;
    struct dns_reply *reply = dns_cache_find(cache, &q, now, &ttl);

    if (reply != NULL)
        dns_reply_release(reply);
    return ttl;
}

static void add(struct dns_cache *cache, const char *name, uint32_t ttl, uint64_t now)
{
    struct dns_question q = question(name);
    struct dns_reply *reply = dns_reply_found(DNS_A, &one, 1, ttl, false);

    dns_cache_add(cache, &q, reply, ttl, now);
    dns_reply_release(reply);
}

static void test_time(void)
{
    struct dns_cache *cache = dns_cache_new(1 << 20, 0);
    struct dns_question other = {"a.example", DNS_AAAA};
    uint32_t ttl;
    size_t entries, bytes;

    add(cache, "a.example", 10, 5 * SECOND);
    add(cache, "none.example", 0, 5 * SECOND);
    tap_is_int(left(cache, "a.example", 5 * SECOND), 10, "all its time is left");
    tap_is_int(left(cache, "a.example", 9 * SECOND), 6, "less is left later");
    tap_is_int(left(cache, "a.example", 15 * SECOND - 1), 1, "the last second");
    tap_is_int(left(cache, "none.example", 5 * SECOND), 0, "a TTL of 0 is not remembered");
    tap_ok(dns_cache_find(cache, &other, 5 * SECOND, &ttl) == NULL, "another type");
    add(cache, "a.example", 30, 14 * SECOND);
    tap_is_int(left(cache, "a.example", 20 * SECOND), 24, "the newer answer counts");
    tap_is_int(left(cache, "a.example", 44 * SECOND), 0, "its time is over");
    dns_cache_size(cache, &entries, &bytes);
    tap_ok(entries == 0 && bytes == 0, "then it is gone");
    dns_cache_free(cache);
}

static void test_bounds(void)
{
    struct dns_cache *few = dns_cache_new(1 << 20, 160), *small = dns_cache_new(32768, 0);
    struct dns_cache *none = dns_cache_new(0, 0);
    size_t entries, bytes;
    char name[32];

    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "n%d.example", i);
        add(few, "often.example", 100, SECOND);
        add(few, name, 100, SECOND);
        add(small, name, 100, SECOND);
    }
    dns_cache_size(few, &entries, &bytes);
    tap_ok(entries <= 160 && entries > 100, "at most 160 answers: %zu", entries);
    dns_cache_size(small, &entries, &bytes);
    tap_ok(bytes <= 32768 && bytes > 16384, "at most 32768 bytes: %zu", bytes);
    tap_is_int(left(few, "n4999.example", SECOND), 100, "the newest is there");
    tap_is_int(left(few, "often.example", SECOND), 100, "what is used is there");
    tap_is_int(left(few, "n1.example", SECOND), 0, "the oldest is not");
    add(none, "a.example", 100, SECOND);
    tap_is_int(left(none, "a.example", SECOND), 0, "a memory without size");
    dns_cache_free(few);
    dns_cache_free(small);
    dns_cache_free(none);
}

/* A source that answers when it is told to. */
struct holder {
    struct dns_job *held[HOLD_MAX];
    size_t count, stopped, freed;
};

static void hold_start(void *arg, struct dns_job *job)
{
    struct holder *h = arg;

    if (h->stopped > 0 || h->count == HOLD_MAX)
        dns_job_done(job, dns_reply_temperror("too late"), 0);
    else
        h->held[h->count++] = job;
}

static void hold_answer(struct holder *h, struct dns_reply *reply)
{
    dns_job_done(h->held[--h->count], reply, 0);
}

static void hold_stop(void *arg)
{
    struct holder *h = arg;

    h->stopped++;
    while (h->count > 0)
        hold_answer(h, dns_reply_temperror("too late"));
}

static void hold_free(void *arg)
{
    ((struct holder *)arg)->freed++;
}

static struct dns *hold_open(struct holder *h)
{
    struct dns_source source = {h, hold_start, hold_stop, hold_free};

    memset(h, 0, sizeof(*h));
    return dns_open(&limits, &source);
}

static void is_answer(struct dns_job *job, uint64_t deadline, const char *want, const char *name)
{
    struct arena *arena = arena_new();
    struct dns_answer answer;

    dns_wait(job, deadline, arena, &answer);
    tap_is(dns_answer_text(&answer, arena), want, "%s", name);
    arena_free(arena);
}

static void ask(struct dns *dns, const char *about, uint64_t deadline, const char *want,
                const char *name)
{
    struct dns_question q = question(about);
    struct dns_job *job = dns_start(dns, &q);

    is_answer(job, deadline, want, name);
    dns_release(job);
}

static void test_sharing(void)
{
    struct holder h;
    struct dns *dns = hold_open(&h);
    struct dns_question q = question("a.example"), other = {"a.example", DNS_MX};
    struct dns_job *a = dns_start(dns, &q), *b = dns_start(dns, &q), *c = dns_start(dns, &other);
    struct dns_stats stats;

    tap_is_int((long long)h.count, 2, "three questions, two lookups");
    is_answer(a, now_us(), "temperror: timeout", "no answer yet");
    hold_answer(&h, dns_reply_none(DNS_NODATA, 100, false));
    hold_answer(&h, dns_reply_found(DNS_A, &one, 1, 100000, true));
    is_answer(a, 0, "192.0.2.1", "the first has it, though its deadline is past");
    is_answer(b, UINT64_MAX, "192.0.2.1", "the second, too");
    is_answer(b, UINT64_MAX, "192.0.2.1", "and again");
    is_answer(c, UINT64_MAX, "no data", "and the other type");
    dns_release(a);
    dns_release(b);
    dns_release(c);
    a = dns_start(dns, &q);
    tap_is_int((long long)h.count, 0, "the third is answered from memory");
    is_answer(a, 0, "192.0.2.1", "at once");
    dns_release(a);
    dns_release(NULL);
    stats = dns_stats(dns);
    tap_ok(stats.sent == 2 && stats.shared == 1 && stats.cached == 1 && stats.timeouts == 1,
           "counted");
    tap_ok(stats.under_way == 0 && stats.entries == 2, "what is there");
    dns_close(dns);
    tap_ok(h.stopped == 1 && h.freed == 1, "the source is stopped and freed");
}

static void test_ttl(void)
{
    struct holder h;
    struct dns *dns = hold_open(&h);
    struct dns_question found = question("a.example"), none = question("b.example");
    struct dns_question failed = question("c.example");
    struct dns_job *jobs[] = {dns_start(dns, &found), dns_start(dns, &none),
                              dns_start(dns, &failed)};
    struct arena *arena = arena_new();
    struct dns_answer answer;

    hold_answer(&h, dns_reply_temperror("SERVFAIL\x80\n"));
    hold_answer(&h, dns_reply_none(DNS_NXDOMAIN, 86400, true));
    hold_answer(&h, dns_reply_found(DNS_A, &one, 1, 86400, true));
    dns_wait(jobs[0], 0, arena, &answer);
    tap_ok(answer.ttl == 3600 && answer.secure, "the longest time, and validated");
    dns_wait(jobs[1], 0, arena, &answer);
    tap_ok(answer.ttl == 60 && answer.secure && answer.state == DNS_NXDOMAIN, "of what is not");
    dns_wait(jobs[2], 0, arena, &answer);
    tap_is(answer.why, "SERVFAIL??", "a reason is made printable");
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
        dns_release(jobs[i]);
    dns_release(dns_start(dns, &failed));
    tap_is_int((long long)h.count, 1, "a failure is not remembered");
    arena_free(arena);
    dns_close(dns);
}

static void test_cap(void)
{
    struct holder h;
    struct dns *dns = hold_open(&h);
    struct dns_job *jobs[10];
    char names[10][16];

    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        struct dns_question q = question(names[i]);

        snprintf(names[i], sizeof(names[i]), "n%zu.example", i);
        jobs[i] = dns_start(dns, &q);
    }
    ask(dns, "more.example", UINT64_MAX, "temperror: too many lookups", "the eleventh");
    tap_is_int((long long)dns_stats(dns).refused, 1, "is counted");
    hold_answer(&h, dns_reply_none(DNS_NODATA, 1, false));
    ask(dns, "more.example", now_us(), "temperror: timeout", "there is room again");
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
        dns_release(jobs[i]);
    tap_is_int((long long)dns_stats(dns).under_way, 10, "what nobody waits for goes on");
    while (h.count > 0)
        hold_answer(&h, dns_reply_found(DNS_A, &one, 1, 100, false));
    ask(dns, "n3.example", 0, "192.0.2.1", "and is remembered");
    dns_close(dns);
}

static void test_malformed(void)
{
    struct holder h;
    struct dns *dns = hold_open(&h);
    struct dns_rdata records[] = {one, {address, 3}};
    struct dns_question q = question("a.example");
    struct dns_job *job = dns_start(dns, &q);

    hold_answer(&h, dns_reply_found(DNS_A, records, 2, 100, true));
    is_answer(job, 0, "temperror: malformed record", "an address of three bytes");
    dns_release(job);
    dns_close(dns);
}

static void *wait_for(void *arg)
{
    struct arena *arena = arena_new();
    struct dns_answer answer;

    dns_wait(arg, UINT64_MAX, arena, &answer);
    dns_release(arg);
    arena_free(arena);
    return (void *)(uintptr_t)answer.state;
}

static void test_stop(void)
{
    struct holder h;
    struct dns *dns = hold_open(&h);
    struct dns_question q = question("a.example");
    struct dns_job *kept = dns_start(dns, &q);
    pthread_t thread;
    void *state;

    pthread_create(&thread, NULL, wait_for, dns_start(dns, &q));
    dns_stop(dns);
    pthread_join(thread, &state);
    tap_is_int((long long)(uintptr_t)state, DNS_TEMPERROR, "stopping wakes who waits");
    is_answer(kept, UINT64_MAX, "temperror: shutting down", "and says why");
    ask(dns, "b.example", UINT64_MAX, "temperror: shutting down", "nothing new begins");
    dns_stop(dns);
    dns_close(dns);
    tap_ok(h.stopped == 1 && h.freed == 0, "what is held is still there");
    is_answer(kept, UINT64_MAX, "temperror: shutting down", "and can be waited for");
    dns_release(kept);
    tap_is_int((long long)h.freed, 1, "the last one frees the source");
    dns_close(NULL);
}

static struct dns *zone_open(const char *text)
{
    struct dns_zone *zone = dns_zone_new();
    struct dns_source source;

    dns_zone_read(zone, "zone", slice_of(text), NULL);
    source = dns_zone_source(zone);
    return dns_open(&limits, &source);
}

static void test_deadlines(void)
{
    struct dns *dns = zone_open("a.example A 192.0.2.1\n$TIMEOUT slow.example\n$DELAY 600000\n");
    uint64_t before;

    ask(dns, "a.example", now_us() + 1000, "temperror: timeout", "an answer too late");
    ask(dns, "slow.example", now_us() + 1000, "temperror: timeout", "no answer");
    tap_is_int((long long)dns_stats(dns).under_way, 0, "neither is waited for");
    dns_close(dns);
    dns = zone_open("a.example A 192.0.2.1\n$DELAY 50\n");
    before = now_us();
    ask(dns, "a.example", UINT64_MAX, "192.0.2.1", "in time");
    tap_ok(now_us() - before >= 50000, "not earlier than it was ordered");
    ask(dns, "a.example", 0, "192.0.2.1", "remembered: at once");
    dns_close(dns);
    limits.timeout_us = 1000;
    dns = zone_open("$TIMEOUT slow.example\n");
    ask(dns, "slow.example", UINT64_MAX, "temperror: timeout", "the limit for each lookup");
    limits.timeout_us = 20 * (uint64_t)SECOND;
    dns_close(dns);
}

static void test_stop_delayed(void)
{
    struct dns *dns = zone_open("$TIMEOUT slow.example\n");
    struct dns_question q = question("slow.example");
    pthread_t thread;
    void *state;

    pthread_create(&thread, NULL, wait_for, dns_start(dns, &q));
    dns_stop(dns);
    pthread_join(thread, &state);
    tap_is_int((long long)(uintptr_t)state, DNS_TEMPERROR, "stopping ends the longest wait");
    dns_close(dns);
}

/* Answers come from a thread of their own, as the live source's do. */
struct echo {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct dns_job *jobs[HOLD_MAX];
    size_t count;
    bool stopped;
    pthread_t thread;
};

static void echo_start(void *arg, struct dns_job *job)
{
    struct echo *e = arg;
    bool taken;

    pthread_mutex_lock(&e->lock);
    taken = !e->stopped && e->count < HOLD_MAX;
    if (taken)
        e->jobs[e->count++] = job;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->lock);
    if (!taken)
        dns_job_done(job, dns_reply_temperror("refused"), 0);
}

static struct dns_job *echo_next(struct echo *e)
{
    struct dns_job *job;

    pthread_mutex_lock(&e->lock);
    while (e->count == 0 && !e->stopped)
        pthread_cond_wait(&e->changed, &e->lock);
    job = e->count > 0 ? e->jobs[--e->count] : NULL;
    pthread_mutex_unlock(&e->lock);
    return job;
}

static void *echo_run(void *arg)
{
    struct dns_job *job;

    while ((job = echo_next(arg)) != NULL) {
        bool none = dns_job_question(job)->name[0] % 2 == 0;

        dns_job_done(job, none ? dns_reply_none(DNS_NXDOMAIN, 10, false)
                               : dns_reply_found(DNS_A, &one, 1, 10, false), 0);
    }
    return NULL;
}

static void echo_stop(void *arg)
{
    struct echo *e = arg;

    pthread_mutex_lock(&e->lock);
    e->stopped = true;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
}

static void echo_free(void *arg)
{
    (void)arg;
}

/* Names that all ask for, and some that are never asked twice. Returns how many were wrong. */
static void *storm(void *arg)
{
    struct dns *dns = arg;
    uintptr_t wrong = 0;
    struct arena *arena = arena_new();
    char name[32];

    for (int i = 0; i < ROUNDS; i++) {
        struct dns_question q = question(name);
        struct dns_answer answer;
        struct dns_job *job;

        snprintf(name, sizeof(name), "%c%d.example", 'a' + i % 26, i % 7 == 0 ? i : 0);
        job = dns_start(dns, &q);
        dns_wait(job, i % 5 == 0 ? 0 : UINT64_MAX, arena, &answer);
        dns_release(job);
        if (answer.state == DNS_FOUND)
            wrong += name[0] % 2 == 0 || answer.count != 1;
        else if (answer.state == DNS_NXDOMAIN)
            wrong += name[0] % 2 != 0;
        else
            wrong += i % 5 != 0 && strcmp(answer.why, "timeout") == 0;
        arena_reset(arena);
    }
    arena_free(arena);
    return (void *)wrong;
}

static void test_threads(void)
{
    struct echo e = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct dns_source source = {&e, echo_start, echo_stop, echo_free};
    struct dns_limits small = limits;
    pthread_t threads[THREADS];
    uintptr_t wrong = 0;
    struct dns_stats stats;
    struct dns *dns;

    small.cache_entries = 64;
    small.under_way = 1000;
    pthread_create(&e.thread, NULL, echo_run, &e);
    dns = dns_open(&small, &source);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, storm, dns);
    for (size_t i = 0; i < THREADS; i++) {
        void *count;

        pthread_join(threads[i], &count);
        wrong += (uintptr_t)count;
    }
    tap_is_int((long long)wrong, 0, "eight threads: no wrong answer");
    stats = dns_stats(dns);
    tap_ok(stats.cached + stats.shared + stats.sent + stats.refused == THREADS * ROUNDS,
           "each question is counted once");
    tap_ok(stats.cached > 0 && stats.entries <= 64, "remembered, within bounds");
    dns_close(dns);
}

int main(void)
{
    tap_start(60);
    test_time();
    test_bounds();
    test_sharing();
    test_ttl();
    test_cap();
    test_malformed();
    test_stop();
    test_deadlines();
    test_stop_delayed();
    test_threads();
    return tap_done();
}
