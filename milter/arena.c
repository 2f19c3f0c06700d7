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
    struct arena *arena = xcalloc(1, sizeof(*arena));

    arena->first = block_new(arena, BLOCK_SIZE - sizeof(struct block));
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

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct block *b = arena->current;
    char *p;

    if (size > SIZE_MAX - align)
        die("out of memory");
    size = size == 0 ? align : (size + align - 1) & ~(align - 1);
    if (size > b->size - b->used)
        b = block_for(arena, size);
    p = b->data + b->used;
    b->used += size;
    return memset(p, 0, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy;

    if (len == SIZE_MAX)
        die("out of memory");
    copy = arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    char *text;
    int len;

    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0)
        die("vsnprintf failed");
    text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}
