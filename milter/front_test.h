/* front_test - `tamis test --session`: a script of SMTP events, one answer a line */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_FRONT_TEST_H
#define TAMIS_FRONT_TEST_H

#include "policy.h"
#include "world.h"

#include <stdio.h>

/* Plays the script from `in`, printing exactly one line on `out` for each line that is neither
 * empty nor a comment. The policy of `source` must be published; `set` publishes others. False when
 * `in` cannot be read. */
bool test_session(FILE *in, FILE *out, const struct policy_source *source, struct world *world);

#endif
