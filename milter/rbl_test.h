/* rbl_test - asks block lists for the entries that every list has: RFC 5782 */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RBL_TEST_H
#define TAMIS_RBL_TEST_H

#include "rbl_check.h"

/* Asks about each list, all side by side, until `deadline_us` (now_us) at most: 127.0.0.2 must be
 * listed and 127.0.0.1 not (RFC 5782, section 5), with `ipv6` the same as ::ffff:7f00:2 and :1; of
 * lists of domains, TEST and INVALID. A list that does not do so, refuses, or does not answer is a
 * warning at its place, one without IPv6 a note. */
void rbl_test(struct dns *dns, const struct rbl_uses *uses, bool ipv6, uint64_t deadline_us,
              struct problems *problems);

#endif
