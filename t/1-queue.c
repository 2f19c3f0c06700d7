/* 1-queue - order, limit, batches, closing; eight producers and one consumer lose nothing */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

enum { PRODUCERS = 8, PER_PRODUCER = 5000, LONG_US = 20 * 1000000 };

static void test_order_and_limit(void)
{
    struct queue *q = queue_new(3);
    char a, b, c, d;
    void *got[4] = {0};

    tap_ok(queue_offer(q, &a) && queue_offer(q, &b) && queue_offer(q, &c), "three find room");
    tap_ok(!queue_offer(q, &d), "a full queue refuses at once");
    tap_is_int((long long)queue_length(q), 3, "three wait");
    tap_ok(queue_take(q, got, 2, 0, 0) == 2 && got[0] == &a && got[1] == &b, "the oldest first");
    tap_ok(queue_offer(q, &d), "there is room again");
    tap_ok(queue_take(q, got, 4, 0, LONG_US / 1000) == 2 && got[0] == &c && got[1] == &d,
           "round the end of the ring");
    tap_is_int((long long)queue_take(q, got, 4, 1000, 0), 0, "nothing comes: the wait ends");
    queue_free(q);
}

static void test_close(void)
{
    struct queue *q = queue_new(3);
    char a;
    void *got[3];

    queue_offer(q, &a);
    tap_ok(!queue_is_closed(q), "open at first");
    queue_close(q);
    tap_ok(queue_is_closed(q) && !queue_offer(q, &a), "a closed queue refuses");
    tap_is_int((long long)queue_take(q, got, 3, LONG_US, LONG_US), 1,
               "what waited is handed out without waiting for more");
    tap_is_int((long long)queue_take(q, got, 3, LONG_US, LONG_US), 0, "then nothing, at once");
    queue_free(q);
}

static void *close_it(void *arg)
{
    queue_close(arg);
    return NULL;
}

static void test_close_wakes(void)
{
    struct queue *q = queue_new(3);
    void *got[3];
    pthread_t thread;

    pthread_create(&thread, NULL, close_it, q);
    tap_is_int((long long)queue_take(q, got, 3, LONG_US, 0), 0, "closing wakes the consumer");
    pthread_join(thread, NULL);
    queue_free(q);
}

struct producer {
    pthread_t thread;
    struct queue *queue;
    unsigned char seen[PER_PRODUCER]; /* the items are its bytes */
};

static void *produce(void *arg)
{
    struct producer *p = arg;

    for (int i = 0; i < PER_PRODUCER; i++)
        while (!queue_offer(p->queue, &p->seen[i]))
            sched_yield();
    return NULL;
}

static void test_threads(void)
{
    static struct producer producers[PRODUCERS];
    struct queue *q = queue_new(100);
    size_t total = 0, count, wrong = 0;
    void *got[64];

    for (int i = 0; i < PRODUCERS; i++) {
        producers[i].queue = q;
        pthread_create(&producers[i].thread, NULL, produce, &producers[i]);
    }
    while (total < PRODUCERS * PER_PRODUCER &&
           (count = queue_take(q, got, ARRAY_LEN(got), LONG_US, 1000)) > 0) {
        for (size_t i = 0; i < count; i++)
            ++*(unsigned char *)got[i];
        total += count;
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
        for (int k = 0; k < PER_PRODUCER; k++)
            wrong += producers[i].seen[k] != 1;
    }
    tap_is_int((long long)wrong, 0, "40,000 items of 8 threads arrive once each");
    queue_free(q);
}

int main(void)
{
    tap_start(60);
    test_order_and_limit();
    test_close();
    test_close_wakes();
    test_threads();
    return tap_done();
}
