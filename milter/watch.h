/* watch - sees that one of some files changed and has been still for a while since */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_WATCH_H
#define TAMIS_WATCH_H

#include "base.h"

struct watch;

/* Not thread-safe. Files are looked at with stat(2), so links are followed, and files that
 * editors replace, delete and create again, or that do not exist (yet) are watched like others. */
struct watch *watch_new(uint64_t still_us);
void watch_free(struct watch *watch);

/* Before the files are read: forgets those watched until now. */
void watch_begin(struct watch *watch);
void watch_add(struct watch *watch, const char *path); /* NULL, "" and repetitions are nothing */
size_t watch_count(const struct watch *watch);

/* After they were read: what they are like now is what is known, unless one changed since
 * watch_begin. */
void watch_end(struct watch *watch);

/* Looks at all of them. True when they differ from what is known and have not changed for
 * still_us; the caller then reads them (watch_begin …). `now` is now_us(). */
bool watch_due(struct watch *watch, uint64_t now);

#endif
