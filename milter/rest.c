/* rest - what is left alone for a while, by name, and why */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

enum { PLACES = 256 };

struct rest {
    atomic_size_t count; /* 0 nearly always: nobody needs the lock then */
    pthread_mutex_t lock;
    struct {
        char *name, *why;
        uint64_t until;
    } list[PLACES];
};

struct rest *rest_new(void)
{
    struct rest *rest = xcalloc(1, sizeof(*rest));

    pthread_mutex_init(&rest->lock, NULL);
    return rest;
}

void rest_free(struct rest *rest)
{
    if (rest == NULL)
        return;
    for (size_t i = 0; i < rest->count; i++) {
        free(rest->list[i].name);
        free(rest->list[i].why);
    }
    pthread_mutex_destroy(&rest->lock);
    free(rest);
}

/* The lock is held. */
static size_t place_of(const struct rest *rest, const char *name)
{
    size_t i = 0;

    while (i < rest->count && strcasecmp(rest->list[i].name, name) != 0)
        i++;
    return i;
}

/* The lock is held. */
static void remove_at(struct rest *rest, size_t i)
{
    free(rest->list[i].name);
    free(rest->list[i].why);
    rest->list[i] = rest->list[rest->count - 1];
    rest->count--;
}

bool rest_add(struct rest *rest, const char *name, const char *why, uint64_t until_us)
{
    size_t i;
    bool added = false;

    pthread_mutex_lock(&rest->lock);
    i = place_of(rest, name);
    if (i == rest->count && i < PLACES) {
        rest->list[i].name = xstrdup(name);
        rest->list[i].why = xstrdup(why);
        rest->list[i].until = until_us;
        rest->count++;
        added = true;
    }
    pthread_mutex_unlock(&rest->lock);
    return added;
}

const char *rest_find(struct rest *rest, const char *name, uint64_t now, struct arena *arena)
{
    const char *why = NULL;
    size_t i;

    if (rest->count == 0)
        return NULL;
    pthread_mutex_lock(&rest->lock);
    i = place_of(rest, name);
    if (i < rest->count && rest->list[i].until <= now)
        remove_at(rest, i);
    else if (i < rest->count)
        why = arena_strdup(arena, rest->list[i].why);
    pthread_mutex_unlock(&rest->lock);
    return why;
}
