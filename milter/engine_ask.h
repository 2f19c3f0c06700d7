/* engine_ask - questions to the world: asked early, side by side, waited for when they must be */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ENGINE_ASK_H
#define TAMIS_ENGINE_ASK_H

#include "engine.h"

/* Judges the step, answering what it needs. Waits for each answer, at most until the deadline; what
 * else is on its way goes on meanwhile, and with it what steps behind this one will ask. */
struct outcome engine_judge(struct engine *engine, const struct scene *scene,
                            const struct step *step);

#endif
