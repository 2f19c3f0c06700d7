/* check_helo - what is judged alike by several restrictions on the HELO name */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CHECK_HELO_H
#define TAMIS_CHECK_HELO_H

#include "check.h"

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", also without brackets: DUNNO, or the refusal of what is no
 * address (as Postfix's reject_invalid_hostaddr). */
struct outcome check_helo_literal(const struct scene *scene, struct slice helo);

#endif
