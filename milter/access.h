/* access - the right-hand sides of access tables: access(5) */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ACCESS_H
#define TAMIS_ACCESS_H

#include "check.h"

/* What one value means for `subject`, as Postfix's check_table_result: an action, or a list of
 * restrictions. `name` is the restriction's, `where` the rule's, for warnings in the log. The rule
 * and what was looked up are filled in by the caller. */
struct outcome access_outcome(const struct scene *scene, const struct subject *subject,
                              const char *value, const struct where *where);

/* Splits a leading RFC 3463 code off: "5.7.1 text" → dsn "5.7.1", text "text". Without one, dsn is
 * NULL. dsn is in the arena. */
const char *dsn_split(const char *text, const char **dsn, struct arena *arena);

/* An enhanced code of the form x.1.N speaks of an address; said of a subject of another class it is
 * mapped as Postfix maps it. The class digit is the caller's business. */
const char *dsn_for_class(const char *dsn, const char *class);

/* The first word of a value; returns what follows it. */
const char *access_split(const char *value, struct slice *word);

/* What is wrong with a value of an access table used by the restriction `row`: each thing that
 * cannot work, or not as it seems to be meant, is added to `problems` at the rule's place. */
void access_check_value(const struct policy *policy, const struct rule *rule,
                        const struct restriction *row, enum list_id list,
                        struct problems *problems);

/* Is it a header field, "Name: text" (RFC 5322 section 2.2), that can be prepended? */
bool is_header_field(const char *text);

#endif
