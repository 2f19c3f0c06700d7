/* 2-rbl-check - public resolvers in resolv.conf */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rbl_check.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct problems found;

static void check(const char *resolv_conf, const char *const *more, size_t count)
{
    const char *overrides[8] = {"postfix_config_directory=",
                                "client_restrictions=reject_rbl_client bl.example"};
    struct policy_source source = {.overrides = overrides, .override_count = 2 + count};
    struct problems ignored = {0};
    struct policy *policy;

    for (size_t i = 0; i < count; i++)
        overrides[2 + i] = more[i];
    problems_free(&found);
    found = (struct problems){0};
    policy = policy_load(&source, &ignored);
    tap_ok(policy != NULL, "the configuration is usable");
    if (policy != NULL)
        rbl_check_policy(policy, resolv_conf, &found);
    policy_free(policy);
    problems_free(&ignored);
}

static void test_resolv_conf(void)
{
    static const char *const recursion[] = {"dns_recursion=yes"}, *const own[] = {
        "dns_servers=127.0.0.1"};
    const char *path = tap_file("resolv.conf", "# nameserver 8.8.4.4\nsearch example\n"
                                               "nameserver 127.0.0.1\n"
                                               "nameserver\t8.8.8.8\n"
                                               "nameserver 2620:fe::9 \n"
                                               "nameserver no address\nnameserver\n");

    check(path, NULL, 0);
    tap_is_int((long long)found.count, 2, "two of them are public");
    if (found.count == 2) {
        tap_is_int(found.list[0].line, 4, "the line of the first");
        tap_is(found.list[0].file, path, "the file");
        tap_is(found.list[0].text,
               "block lists refuse queries through 8.8.8.8, a public resolver (Google): set "
               "dns_recursion = yes, or run a resolver of your own and name it in dns_servers",
               "what is wrong, and the mend");
        tap_is_int(found.list[0].severity, SEV_WARNING, "a warning");
        tap_is_int(found.list[1].line, 5, "the line of the second");
    }
    check(path, recursion, 1);
    tap_is_int((long long)found.count, 0, "with dns_recursion it does not matter");
    check(path, own, 1);
    tap_is_int((long long)found.count, 0, "nor with dns_servers");
    check("/nonexistent/resolv.conf", NULL, 0);
    tap_is_int((long long)found.count, 0, "nor when there is none");
}

int main(void)
{
    tap_start(30);
    test_resolv_conf();
    problems_free(&found);
    return tap_done();
}
