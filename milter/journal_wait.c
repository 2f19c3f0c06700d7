/* journal_wait - somebody who waits until a row of the log is on the disk */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_wait.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t told;
    enum { WAITING, WRITTEN, LOST, GIVEN_UP } state;
    int holders;
};

struct waiter *waiter_new(void)
{
    struct waiter *w = xcalloc(1, sizeof(*w));
    pthread_condattr_t attr;

    w->holders = 2;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->told, &attr);
    pthread_condattr_destroy(&attr);
    return w;
}

void waiter_release(struct waiter *w)
{
    int left;

    if (w == NULL)
        return;
    pthread_mutex_lock(&w->mutex);
    left = --w->holders;
    pthread_mutex_unlock(&w->mutex);
    if (left > 0)
        return;
    pthread_cond_destroy(&w->told);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

bool waiter_wait(struct waiter *w, uint64_t limit_us)
{
    uint64_t until = now_us() + limit_us;
    struct timespec ts = {(time_t)(until / 1000000), (long)(until % 1000000) * 1000};
    bool written;

    pthread_mutex_lock(&w->mutex);
    while (w->state == WAITING && now_us() < until)
        pthread_cond_timedwait(&w->told, &w->mutex, &ts);
    if (w->state == WAITING)
        w->state = GIVEN_UP;
    written = w->state == WRITTEN;
    pthread_mutex_unlock(&w->mutex);
    return written;
}

bool waiter_has_given_up(struct waiter *w)
{
    bool given_up;

    pthread_mutex_lock(&w->mutex);
    given_up = w->state == GIVEN_UP;
    pthread_mutex_unlock(&w->mutex);
    return given_up;
}

bool waiter_tell(struct waiter *w, bool written)
{
    bool waits;

    pthread_mutex_lock(&w->mutex);
    waits = w->state == WAITING;
    if (waits) {
        w->state = written ? WRITTEN : LOST;
        pthread_cond_signal(&w->told);
    }
    pthread_mutex_unlock(&w->mutex);
    return waits;
}
