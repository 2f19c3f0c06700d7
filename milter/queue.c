/* queue - bounded, many producers, one consumer; offering never blocks */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    size_t wanted; /* the consumer sleeps until there are so many; 0: it does not sleep */
    bool closed;
    bool hurried; /* the consumer shall not wait for more */
    size_t limit, head, length;
    void *items[];
};

struct queue *queue_new(size_t limit)
{
    size_t places = limit > 0 ? limit : 1, bytes;
    pthread_condattr_t attr;
    struct queue *q;

    if (__builtin_mul_overflow(places, sizeof(q->items[0]), &bytes) ||
        __builtin_add_overflow(bytes, sizeof(*q), &bytes))
        die("out of memory");
    q = xcalloc(1, bytes);
    q->limit = places;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &attr);
    pthread_condattr_destroy(&attr);
    return q;
}

void queue_free(struct queue *q)
{
    if (q == NULL)
        return;
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->mutex);
    free(q);
}

/* Only the item that the consumer waits for wakes it: a wake-up costs more than the item. */
bool queue_offer(struct queue *q, void *item)
{
    bool taken, wake = false;

    pthread_mutex_lock(&q->mutex);
    taken = !q->closed && q->length < q->limit;
    if (taken) {
        q->items[(q->head + q->length++) % q->limit] = item;
        wake = q->wanted > 0 && q->length >= q->wanted;
        if (wake)
            q->wanted = 0;
    }
    pthread_mutex_unlock(&q->mutex);
    if (wake)
        pthread_cond_signal(&q->filled);
    return taken;
}

/* Sleeps, with the mutex held, until there are `count` items, the queue is closed, the time is
 * over, or *enough. */
static void wait_for(struct queue *q, size_t count, uint64_t wait_us, const bool *enough)
{
    const uint64_t longest_us = 86400ull * 1000000;
    uint64_t until = now_us() + (wait_us < longest_us ? wait_us : longest_us);
    struct timespec ts = {(time_t)(until / 1000000), (long)(until % 1000000) * 1000};

    while (q->length < count && !q->closed && !*enough) {
        q->wanted = count;
        if (pthread_cond_timedwait(&q->filled, &q->mutex, &ts) == ETIMEDOUT)
            break;
    }
    q->wanted = 0;
}

size_t queue_take(struct queue *q, void **items, size_t max, uint64_t timeout_us,
                  uint64_t linger_us)
{
    const bool never = false;
    size_t count, full = max < q->limit ? max : q->limit;

    pthread_mutex_lock(&q->mutex);
    wait_for(q, 1, timeout_us, &never);
    if (q->length > 0 && linger_us > 0)
        wait_for(q, full, linger_us, &q->hurried);
    q->hurried = false;
    for (count = 0; count < max && q->length > 0; count++, q->length--) {
        items[count] = q->items[q->head];
        q->head = (q->head + 1) % q->limit;
    }
    pthread_mutex_unlock(&q->mutex);
    return count;
}

void queue_hurry(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->hurried = q->length > 0;
    pthread_mutex_unlock(&q->mutex);
    pthread_cond_signal(&q->filled);
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->closed = true;
    pthread_mutex_unlock(&q->mutex);
    pthread_cond_broadcast(&q->filled);
}

bool queue_is_closed(struct queue *q)
{
    bool closed;

    pthread_mutex_lock(&q->mutex);
    closed = q->closed;
    pthread_mutex_unlock(&q->mutex);
    return closed;
}

size_t queue_length(struct queue *q)
{
    size_t length;

    pthread_mutex_lock(&q->mutex);
    length = q->length;
    pthread_mutex_unlock(&q->mutex);
    return length;
}
