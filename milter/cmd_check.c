/* cmd_check - `tamis check`: reads everything as the filter would, and says what is wrong */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "dkim_check.h"
#include "dns_options.h"
#include "dns_zone.h"
#include "keys_check.h"
#include "options.h"
#include "pattern_check.h"
#include "place_check.h"
#include "policy.h"
#include "rbl_test.h"
#include "rights.h"
#include "rule_check.h"
#include "rule_tests.h"
#include "shadow.h"
#include "spf_check.h"

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

/* Where block lists are asked. */
struct check_dns {
    bool off;         /* --no-dns */
    const char *zone; /* --zone; NULL: the DNS */
};

enum { DNS_TIME_US = 2000000 }; /* for all lists together */

static bool open_source(const struct check_dns *from, const struct dns_options *options,
                        struct dns_source *source, struct problems *problems)
{
    struct dns_zone *zone;
    struct err err;

    if (from->zone == NULL)
        return dns_live_open(&options->live, source, &err) ||
               problems_add(problems, SEV_WARNING, (struct where){NULL, 0},
                            "block lists cannot be asked: %s", err.text);
    zone = dns_zone_new();
    dns_zone_load(zone, from->zone, problems);
    *source = dns_zone_source(zone);
    return true;
}

static void ask_lists(const struct policy *policy, const struct check_dns *from,
                      struct problems *problems)
{
    uint64_t deadline_us = now_us() + DNS_TIME_US;
    struct arena *arena = arena_new();
    struct rbl_uses uses = rbl_uses_of(policy, arena);
    struct problems told = {0};
    struct dns_options options;
    struct dns_source source;
    struct dns *dns;

    dns_options_of(policy->settings, arena, &options, &told);
    problems_free(&told);
    if (!from->off && uses.count > 0 && open_source(from, &options, &source, problems)) {
        dns = dns_open(&options.limits, &source);
        rbl_test(dns, &uses, strcmp(policy->settings->inet_protocols, "ipv4") != 0, deadline_us,
                 problems);
        dns_close(dns);
    }
    arena_free(arena);
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

static void check(const struct policy_source *source, const struct check_dns *from,
                  struct problems *problems)
{
    struct policy *policy = rule_tests_load(source, problems);

    if (policy != NULL) {
        rule_check_policy(policy, problems);
        rbl_check_policy(policy, "/etc/resolv.conf", problems);
        pattern_check_tables(policy->tables, problems);
        check_keys(policy, problems);
        spf_check_policy(policy, problems);
        shadow_load(policy, source, problems);
        dkim_check_policy(policy, problems);
        ask_lists(policy, from, problems);
    }
    policy_free(policy);
    policy_reap();
}

/* What it would write, which who asks may well be unable to: only as the filter. */
static void check_places(const struct policy_source *source, const struct rights *rights,
                         struct problems *problems)
{
    bool presets = source->path != NULL && strcmp(source->path, options_default_file()) == 0;
    struct problems ignored = {0};
    struct settings *settings =
        settings_load(source->path, source->overrides, source->override_count, &ignored);
    char user[64];

    if (!rights_user_name(rights->uid, user, sizeof(user)))
        snprintf(user, sizeof(user), "%ld", (long)rights->uid);
    place_check(settings, user, presets, problems);
    settings_free(settings);
    problems_free(&ignored);
}

/* With the rights of the filter, so that what it cannot read is found. */
static void check_as_filter(const struct policy_source *source, const struct check_dns *from,
                            struct problems *problems)
{
    struct rights rights, before;
    struct err err;

    if (!find_rights(source, &rights, problems)) {
        check(source, from, problems);
    } else if (!rights_try(&rights, &before, &err)) {
        problems_add(problems, SEV_ERROR, (struct where){NULL, 0}, "%s", err.text);
    } else {
        check(source, from, problems);
        check_places(source, &rights, problems);
        rights_restore(&before);
    }
}

int cmd_check(int argc, char **argv)
{
    const char *no_dns = NULL;
    struct check_dns from = {0};
    const struct option_row rows[] = {
        {0, "no-dns", NULL, "do not ask block lists whether they work", &no_dns, NULL},
        {0, "zone", "FILE", "ask them in a zone file in place of the DNS", &from.zone, NULL},
        {0},
    };
    struct options options = {
        .rows = rows,
        .usage = "tamis check [OPTION…]",
        .about = "Reads configuration, rules and site facts as the filter would. Each problem is\n"
                 "printed with its place and mend. Exit status: 0 usable, 78 not.",
    };
    struct problems problems = {0};
    struct policy_source source;
    int status = options_parse(&options, argc, argv);

    if (status < 0)
        status = options_no_arguments(&options, argv);
    from.off = no_dns != NULL;
    if (status < 0) {
        if (options_source(&options, true, &source, &problems))
            check_as_filter(&source, &from, &problems);
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
