/* watch - sees that one of some files changed and has been still for a while since */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct watch {
    char **paths;
    size_t count;
    uint64_t still_us;
    struct timespec begun; /* when reading began, by the clock of the file system */
    uint64_t known;        /* fingerprint of what was read */
    uint64_t seen;         /* fingerprint of the last look */
    uint64_t seen_since;
};

struct watch *watch_new(uint64_t still_us)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));

    watch->still_us = still_us;
    return watch;
}

static void forget(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        free(watch->paths[i]);
    free(watch->paths);
    watch->paths = NULL;
    watch->count = 0;
}

void watch_free(struct watch *watch)
{
    forget(watch);
    free(watch);
}

void watch_begin(struct watch *watch)
{
    forget(watch);
    clock_gettime(CLOCK_REALTIME_COARSE, &watch->begun);
}

void watch_add(struct watch *watch, const char *path)
{
    if (path == NULL || path[0] == '\0')
        return;
    for (size_t i = 0; i < watch->count; i++)
        if (strcmp(watch->paths[i], path) == 0)
            return;
    watch->paths = xreallocarray(watch->paths, watch->count + 1, sizeof(*watch->paths));
    watch->paths[watch->count++] = xstrdup(path);
}

size_t watch_count(const struct watch *watch)
{
    return watch->count;
}

/* FNV-1a */
static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    return hash;
}

static uint64_t mix_facts(uint64_t hash, const struct stat *st)
{
    uint64_t facts[] = {
        (uint64_t)st->st_dev,
        (uint64_t)st->st_ino,
        (uint64_t)st->st_size,
        st->st_mode,
        st->st_uid,
        st->st_gid,
        (uint64_t)st->st_mtim.tv_sec,
        (uint64_t)st->st_mtim.tv_nsec,
    };

    return mix(hash, facts, sizeof(facts));
}

/* At the same time or later. */
static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec >= b->tv_nsec);
}

/* *later: some file's inode changed at or after `begun`. The change time is asked for this,
 * since nobody can set it; the modification time tells a changed text from a changed link count. */
static uint64_t fingerprint(const struct watch *watch, bool *later)
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < watch->count; i++) {
        struct stat st;

        if (stat(watch->paths[i], &st) < 0) {
            int error = errno;

            hash = mix(hash, &error, sizeof(error));
        } else {
            hash = mix_facts(hash, &st);
            *later |= is_later(&st.st_ctim, &watch->begun);
        }
    }
    return hash;
}

void watch_end(struct watch *watch)
{
    bool later = false;

    watch->seen = fingerprint(watch, &later);
    watch->seen_since = now_us();
    watch->known = later ? ~watch->seen : watch->seen;
}

bool watch_due(struct watch *watch, uint64_t now)
{
    bool later = false;
    uint64_t print = fingerprint(watch, &later);

    if (print != watch->seen) {
        watch->seen = print;
        watch->seen_since = now;
    }
    return print != watch->known && now - watch->seen_since >= watch->still_us;
}
