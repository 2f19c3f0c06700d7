/* queue - bounded, many producers, one consumer; offering never blocks */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_QUEUE_H
#define TAMIS_QUEUE_H

#include "base.h"

struct queue;

struct queue *queue_new(size_t limit); /* of items waiting, at least 1 */
void queue_free(struct queue *queue);   /* must be empty, nobody waiting; NULL is allowed */

/* Any thread. False when the queue is full or closed: the caller keeps the item. */
bool queue_offer(struct queue *queue, void *item);

/* The consumer only: up to `max` items, oldest first. Waits until there is one, the queue is
 * closed, or `timeout_us` has passed (then 0). Once one is there it waits up to `linger_us` for
 * `max` of them. What waited when the queue was closed is still handed out. */
size_t queue_take(struct queue *queue, void **items, size_t max, uint64_t timeout_us,
                  uint64_t linger_us);

/* Somebody waits for what he has offered: the consumer does not linger this time. */
void queue_hurry(struct queue *queue);

void queue_close(struct queue *queue); /* nothing more is accepted; the consumer wakes */
bool queue_is_closed(struct queue *queue); /* any thread */
size_t queue_length(struct queue *queue);  /* any thread: of items waiting, at that moment */

#endif
