/* replay_content - what the log tells of a mail's content, and what rules would have to know */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_CONTENT_H
#define TAMIS_REPLAY_CONTENT_H

#include "replay.h"

/* What the content rules of one direction read, as far as it can decide a mail; or, `edits`, as
 * far as it can change one. */
struct content_reads;

/* The policy must live as long. */
struct content_reads *content_reads_new(const struct policy *policy, enum direction direction,
                                        bool edits);
void content_reads_free(struct content_reads *reads); /* NULL is allowed */

/* What a mail's record would have to hold, and does not: "header Subject", "header *" for a rule
 * that may mean any field, "headers of parts" where mime_header_checks was not asked then or not to
 * the end, "body"; NULL: nothing. `*parameter` is what would record it, or NULL.
 * Texts live as long as `reads`. */
const char *content_reads_missing(const struct content_reads *reads,
                                  const struct replay_facts *facts, const char **parameter);

/* What the rules of content said when the mail was judged: ACT_DUNNO, or a refusal or discard. */
struct verdict content_recorded(const struct replay_facts *facts);

/* Did a rule for the content ask for this edit? */
bool content_made(const struct message *message, const struct rule_ref *rule, enum act act);

/* Do both policies' content rules read the same, rule by rule? */
bool content_is_same(const struct policy *a, const struct policy *b);

#endif
