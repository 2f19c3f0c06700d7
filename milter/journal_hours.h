/* journal_hours - counters of hours under keys, in memory, and what they add to tables */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_HOURS_H
#define TAMIS_JOURNAL_HOURS_H

#include "journal_count.h"

enum { COUNT_TEXT = 200 }; /* bytes of a text that are looked at */

/* The tables hour_mail, hour_latency … of sql/schema.sql. */
enum count_table {
    COUNT_MAIL,
    COUNT_LATENCY,
    COUNT_RULE,
    COUNT_AUTH,
    COUNT_LOGIN,
    COUNT_REJECT_BY,
};
enum { COUNT_TABLES = COUNT_REJECT_BY + 1 };

/* Adds the numbers to the counters under hour and keys, which are as many as the table has columns
 * for, in their order. No number or text is NULL. */
void counts_add(struct counts *counts, enum count_table table, int64_t hour,
                const struct dict_value *keys, const int64_t *numbers);

#endif
