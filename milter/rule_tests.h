/* rule_tests - policy_tests: scripts with the replies that the rules must give */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RULE_TESTS_H
#define TAMIS_RULE_TESTS_H

#include "policy.h"

/* As policy_load; then the scripts that policy_tests names are played, on canned answers, and a
 * reply that is not the expected one is an error, too. A script is one of `tamis test --session`;
 * what else it needs stands in comments:
 *
 *   # zone: FILE                        answers of the DNS, relative to the script
 *   # answer: STATE QUESTION => ANSWER  one answer as it is logged; STATE: found, none, temperror
 *   # expect: REPLY                     the reply to the command above
 *
 * Blocks for files. One thread at a time. */
struct policy *rule_tests_load(const struct policy_source *source, struct problems *problems);

#endif
