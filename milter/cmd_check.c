/* cmd_check - `tamis check`: reads everything as the filter would, and says what is wrong */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "options.h"
#include "policy.h"
#include "rule_check.h"

#include <stdio.h>
#include <sysexits.h>

int cmd_check(int argc, char **argv)
{
    struct options options = {
        .usage = "tamis check [OPTION…]",
        .about = "Reads configuration, rules and site facts as the filter would. Each problem is "
                 "printed with its place and mend.",
    };
    struct problems problems = {0};
    struct policy_source source;
    struct policy *policy = NULL;
    int status = options_parse(&options, argc, argv);

    if (status < 0) {
        if (options_source(&options, true, &source, &problems))
            policy = policy_load(&source, &problems);
        if (policy != NULL)
            rule_check_policy(policy, &problems);
        options_print_problems(&problems, SEV_NOTE);
        printf("%s: %zu errors, %zu warnings\n", problems.errors ? "unusable" : "usable",
               problems.errors, problems.warnings);
        status = problems.errors ? EX_CONFIG : EX_OK;
    }
    policy_free(policy);
    problems_free(&problems);
    options_free(&options);
    return status;
}
