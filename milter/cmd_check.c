/* cmd_check - `tamis check`: reads everything as the filter would, and says what is wrong */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "keys_check.h"
#include "options.h"
#include "pattern_check.h"
#include "policy.h"
#include "rights.h"
#include "rule_check.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Who the filter becomes if root starts it here: false if it stays who we are, or cannot start. */
static bool find_rights(const struct policy_source *source, struct rights *rights,
                        struct problems *problems)
{
    struct problems ignored = {0};
    struct settings *settings;
    bool found = false;
    struct err err;

    if (geteuid() != 0)
        return false;
    settings = settings_load(source->path, source->overrides, source->override_count, &ignored);
    if (settings->user[0] != '\0') {
        found = rights_of_user(settings->user, rights, &err);
        if (!found)
            problems_add(problems, SEV_ERROR, settings_place(settings, "user"), "%s", err.text);
    }
    settings_free(settings);
    problems_free(&ignored);
    return found;
}

static void check_keys(const struct policy *policy, struct problems *problems)
{
    FILE *passwd = fopen("/etc/passwd", "re");
    bool users = passwd != NULL && keys_check_users(passwd, geteuid());

    if (passwd != NULL)
        fclose(passwd);
    keys_check_socket(policy->keys, policy->settings, users, problems);
    keys_check_times(policy->keys, policy->loaded_at, problems);
}

static void check(const struct policy_source *source, struct problems *problems)
{
    struct policy *policy = policy_load(source, problems);

    if (policy != NULL) {
        rule_check_policy(policy, problems);
        pattern_check_tables(policy->tables, problems);
        check_keys(policy, problems);
    }
    policy_free(policy);
}

/* With the rights of the filter, so that what it cannot read is found. */
static void check_as_filter(const struct policy_source *source, struct problems *problems)
{
    struct rights rights, before;
    struct err err;

    if (!find_rights(source, &rights, problems)) {
        check(source, problems);
    } else if (!rights_try(&rights, &before, &err)) {
        problems_add(problems, SEV_ERROR, (struct where){NULL, 0}, "%s", err.text);
    } else {
        check(source, problems);
        rights_restore(&before);
    }
}

int cmd_check(int argc, char **argv)
{
    struct options options = {
        .usage = "tamis check [OPTION…]",
        .about = "Reads configuration, rules and site facts as the filter would. Each problem is\n"
                 "printed with its place and mend. Exit status: 0 usable, 78 not.",
    };
    struct problems problems = {0};
    struct policy_source source;
    int status = options_parse(&options, argc, argv);

    if (status < 0)
        status = options_no_arguments(&options, argv);
    if (status < 0) {
        if (options_source(&options, true, &source, &problems))
            check_as_filter(&source, &problems);
        options_print_most(&options, &problems, SEV_NOTE);
        printf("%s: %zu error%s, %zu warning%s\n", problems.errors ? "unusable" : "usable",
               problems.errors, problems.errors == 1 ? "" : "s", problems.warnings,
               problems.warnings == 1 ? "" : "s");
        status = problems.errors ? EX_CONFIG : EX_OK;
    }
    problems_free(&problems);
    options_free(&options);
    return status;
}
