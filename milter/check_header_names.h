/* check_header_names - which fields a rule of header_checks reads, as far as can be told */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CHECK_HEADER_NAMES_H
#define TAMIS_CHECK_HEADER_NAMES_H

#include "table.h"

/* The names that a key like "Subject: text", or a pattern like /^(Subject|To): text/, begins with.
 * False when it may mean any field; then nobody is told of any. */
bool header_rule_names(const struct table *table, const struct rule *rule,
                       void (*visit)(struct slice name, void *arg), void *arg);

/* May it refuse a mail, or throw it away? Those that change one, or only speak of it, do not. */
bool header_rule_decides(const struct rule *rule);

/* May it change a mail, or where it goes? */
bool header_rule_edits(const struct rule *rule);

#endif
