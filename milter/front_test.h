/* front_test - `tamis test --session`: a script of SMTP events, one answer a line */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_FRONT_TEST_H
#define TAMIS_FRONT_TEST_H

#include "policy.h"
#include "world.h"

#include <stdio.h>

/* A script that is played line by line. */
struct script;

/* `policy` (which the caller holds) is the first one, and nothing is published; NULL: that of
 * `source` must be published, and `set` publishes others. Relative mail files belong to `dir`
 * (NULL: the working directory). Answers go to `out`. */
struct script *script_new(const struct policy_source *source, struct policy *policy,
                          struct world *world, const char *dir, FILE *out);
void script_free(struct script *script);

/* Prints one line; for an empty line or a comment nothing, and returns false. The line is
 * changed. */
bool script_line(struct script *script, char *line);

/* Plays the script from `in`, printing exactly one line on `out` for each line that is neither
 * empty nor a comment. The policy of `source` must be published; `set` publishes others. False when
 * `in` cannot be read. */
bool test_session(FILE *in, FILE *out, const struct policy_source *source, struct world *world);

#endif
