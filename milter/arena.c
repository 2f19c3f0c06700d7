/* arena - memory that lives as long as one message (or session, or policy) and goes at once */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 4096 };

struct block {
    struct block *next;
    size_t size; /* of data */
    size_t used;
    alignas(max_align_t) char data[];
};

struct arena {
    struct block *first;   /* kept by a reset */
    struct block *current; /* the block being filled */
    struct block *others;  /* all but the first */
    size_t size;
};

static struct block *block_new(struct arena *arena, size_t size)
{
    struct block *b;

    if (size > SIZE_MAX - sizeof(*b))
        die("out of memory");
    b = xmalloc(sizeof(*b) + size);
    b->next = NULL;
    b->size = size;
    b->used = 0;
    arena->size += size + sizeof(*b);
    return b;
}

struct arena *arena_new(void)
{
    return arena_new_sized(BLOCK_SIZE);
}

struct arena *arena_new_sized(size_t size)
{
    struct arena *arena = xcalloc(1, sizeof(*arena));

    arena->first = block_new(arena, size > sizeof(struct block) ? size - sizeof(struct block) : 0);
    arena->current = arena->first;
    return arena;
}

static void free_others(struct arena *arena)
{
    struct block *next;

    for (struct block *b = arena->others; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    arena->others = NULL;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_others(arena);
    free(arena->first);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    free_others(arena);
    arena->current = arena->first;
    arena->first->used = 0;
    arena->size = arena->first->size + sizeof(struct block);
}

size_t arena_size(const struct arena *arena)
{
    return arena->size;
}

/* What is large gets a block of its own, so that the rest of the current one is not wasted. */
static struct block *block_for(struct arena *arena, size_t size)
{
    bool large = size > BLOCK_SIZE / 2;
    struct block *b = block_new(arena, large ? size : BLOCK_SIZE * 2 - sizeof(struct block));

    b->next = arena->others;
    arena->others = b;
    if (!large)
        arena->current = b;
    return b;
}

static size_t aligned(size_t size)
{
    const size_t align = alignof(max_align_t);

    return size == 0 ? align : (size + align - 1) & ~(align - 1);
}

/* Not zeroed. */
static void *take(struct arena *arena, size_t size)
{
    struct block *b = arena->current;
    char *p;

    if (size > SIZE_MAX - alignof(max_align_t))
        die("out of memory");
    size = aligned(size);
    if (size > b->size - b->used)
        b = block_for(arena, size);
    p = b->data + b->used;
    b->used += size;
    return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(take(arena, size), 0, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy;

    if (len == SIZE_MAX)
        die("out of memory");
    copy = take(arena, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strndup(arena, text, strlen(text)) : NULL;
}

/* Written where it will stand if there is room: formatting twice would cost twice. */
char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    struct block *b = arena->current;
    size_t room = b->size - b->used;
    va_list ap, again;
    char *text = b->data + b->used;
    int len;

    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(text, room, fmt, ap);
    va_end(ap);
    if (len < 0)
        die("vsnprintf failed");
    if ((size_t)len < room) {
        b->used += aligned((size_t)len + 1) < room ? aligned((size_t)len + 1) : room;
    } else {
        text = take(arena, (size_t)len + 1);
        vsnprintf(text, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    return text;
}
