/* rest - what is left alone for a while, by name, and why */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REST_H
#define TAMIS_REST_H

#include "arena.h"

/* Block lists that answer with errors: to ask on would only make them angrier. Any thread. */
struct rest;

struct rest *rest_new(void); /* nothing rests; the caller's */
void rest_free(struct rest *rest); /* NULL is allowed */

/* Until `until_us` (now_us). False when it rests already, or when there is no room for more names
 * that rest (some hundreds). */
bool rest_add(struct rest *rest, const char *name, const char *why, uint64_t until_us);

/* Why it rests, in the arena; NULL when it does not. */
const char *rest_find(struct rest *rest, const char *name, uint64_t now, struct arena *arena);

#endif
