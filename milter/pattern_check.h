/* pattern_check - reads patterns for what they surely do not mean, and proves it by running them */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PATTERN_CHECK_H
#define TAMIS_PATTERN_CHECK_H

#include "table.h"

/* Adds to `problems`, each with the place of its rule, what is wrong with the patterns of every
 * pcre: and regexp: table: rules that explode on long texts, that an earlier one always shadows,
 * that lost their backslashes, that match every text, that remove Mime-Version. Only what running
 * the rule has shown, or what follows from the patterns' texts, is said. The time is bounded, at
 * some seconds; where it does not suffice, a note tells from which rule on. */
void pattern_check_tables(const struct tables *tables, struct problems *problems);

#endif
