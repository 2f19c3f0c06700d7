/* dkim_from - the one domain that a From field names */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_FROM_H
#define TAMIS_DKIM_FROM_H

#include "arena.h"

/* The domain of the one address in a From field's value (RFC 5322, 3.4; any bytes but NUL), in
 * A-labels and lower case, in the arena. NULL when there is not exactly one address, when it has no
 * domain name, or when its form leaves a doubt: nothing may be aligned with a guess. */
const char *dkim_from_domain(const char *value, struct arena *arena);

#endif
