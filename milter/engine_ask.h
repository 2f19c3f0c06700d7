/* engine_ask - questions to the world: asked early, side by side, waited for when they must be */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ENGINE_ASK_H
#define TAMIS_ENGINE_ASK_H

#include "engine.h"

/* Answers outcome->need, as a finding on the message. Waits for it, at most until the deadline;
 * what else is on its way goes on meanwhile, outcome->also and what steps behind this one will
 * ask with it. False when it was answered already: whoever asks again would do so for ever. */
bool engine_answer(struct engine *engine, const struct scene *scene, const struct outcome *outcome);

/* Judges the step, answering what it needs. */
struct outcome engine_judge(struct engine *engine, const struct scene *scene,
                            const struct step *step);

#endif
