/* spf_check - rules on SPF that probably do not do what was meant */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SPF_CHECK_H
#define TAMIS_SPF_CHECK_H

#include "policy.h"

/* Adds warnings to `problems`, for `tamis check`: permissions that everybody can give himself,
 * refusals of mail that was forwarded, refusals of most mail. */
void spf_check_policy(const struct policy *policy, struct problems *problems);

#endif
