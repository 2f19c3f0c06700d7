/* span - moments as a person names them: 7d, 36h, all, 2026-11-22, 2026-11-22 14:02 */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SPAN_H
#define TAMIS_SPAN_H

#include "base.h"

/* Milliseconds since 1970 UTC: from when to when the text means. A number with m, h, d or w is a
 * span that ends now; "all" begins at 0. A date is its day; with a time, HH:MM or HH:MM:SS behind a
 * blank or a T, its minute or second; dates are UTC, as in the log. False when it is neither. */
bool span_parse(const char *text, int64_t now_ms, int64_t *from_ms, int64_t *to_ms);

int64_t span_now(void); /* milliseconds since 1970 UTC */

#endif
