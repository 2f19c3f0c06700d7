/* dkim_check - rules on DKIM and keys that probably do not do what was meant */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_CHECK_H
#define TAMIS_DKIM_CHECK_H

#include "policy.h"

/* Adds warnings to `problems`, for `tamis check`: refusals of what mailing lists pass on and of
 * other honest mail, permissions that everybody can give himself, keys that sign nothing while
 * tamis observes. */
void dkim_check_policy(const struct policy *policy, struct problems *problems);

#endif
