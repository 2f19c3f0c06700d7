/* arena - memory that lives as long as one message (or session, or policy) and goes at once */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ARENA_H
#define TAMIS_ARENA_H

#include "base.h"

struct arena;

/* Not thread-safe: one thread at a time. Nothing taken from an arena is freed by itself. */
struct arena *arena_new(void);
struct arena *arena_new_sized(size_t size); /* bytes of the first block: where little is expected */
void arena_free(struct arena *arena); /* NULL is allowed */

/* Everything taken so far is gone; the first block is kept for the next use. */
void arena_reset(struct arena *arena);

/* Bytes taken from the system for this arena: for limits and statistics. */
size_t arena_size(const struct arena *arena);

/* Aligned for any type; zeroed. Aborts when memory is out. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text); /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t len); /* len bytes, NUL */
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
