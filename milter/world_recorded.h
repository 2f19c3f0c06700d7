/* world_recorded - the world of a replay: one message's recorded answers, and its time */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_WORLD_RECORDED_H
#define TAMIS_WORLD_RECORDED_H

#include "world.h"

/* Answers what was recorded; what was not is a temporary failure, and noted as missing when
 * somebody has to wait for it: a question that is only asked early, or by a step that decides
 * nothing (finding->idle), counts for nothing. With
 * `ask_now` (not owned; NULL: none) such a question goes there instead, and is noted as asked. One
 * thread. */
struct world *world_recorded_new(struct world *ask_now);
void world_recorded_free(struct world *world); /* NULL is allowed */

/* The answers and the clock from here on; the findings must live so long. What was missing and
 * asked is forgotten. */
void world_recorded_set(struct world *world, const struct finding *findings, int64_t time_us);

/* The first question that was waited for in vain since world_recorded_mark or _set; NULL: none. */
const char *world_recorded_missing(const struct world *world);
/* Was one answered by ask_now since then? */
bool world_recorded_asked(const struct world *world);
void world_recorded_mark(struct world *world);

/* The answer of findings that nobody recorded: this very pointer. */
const char *world_recorded_unknown(void);

#endif
