/* rule_check - reads the rules of every access table for the use that is made of them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule_check.h"

#include "access.h"
#include "restriction.h"
#include "steps.h"

#include <string.h>

/* One use of one table. */
struct use {
    const struct policy *policy;
    const struct table *table;
    const char *class;
    enum list_id list;
    struct problems *problems;
};

enum { USES_MAX = 256 };

struct uses {
    const struct policy *policy;
    struct problems *problems;
    struct use list[USES_MAX];
    size_t count;
};

static bool is_client_class(const char *class)
{
    return strstr(class, "Client host") != NULL;
}

static bool is_address_class(const char *class)
{
    return strstr(class, " address") != NULL;
}

static void never(const struct use *u, const struct rule *rule, const char *why,
                  const char *instead)
{
    problems_add(u->problems, SEV_WARNING, rule->where, "%s: this key never matches: %s%s%s",
                 rule->key, why, instead ? ": write " : "", instead ? instead : "");
}

/* 192.0.2.0/24, [2001:db8::]/32 */
static bool is_network(const char *key)
{
    struct err ignored;
    struct net net;

    return strchr(key, '/') != NULL && net_parse(slice_of(key), &net, &ignored);
}

static void check_client_key(const struct use *u, const struct rule *rule)
{
    const char *key = rule->key;
    size_t len = strlen(key);
    struct addr addr;

    if (is_network(key))
        never(u, rule, "a network in a table of whole keys (use a cidr: table, or 192.0.2)", NULL);
    else if (key[0] == '[')
        never(u, rule, "addresses stand without brackets", NULL);
    else if (len > 1 && key[len - 1] == '.' && is_digit((unsigned char)key[0]))
        never(u, rule, "networks end without a dot (192.0.2)", NULL);
    else if (strchr(key, '@') != NULL)
        never(u, rule, "a client is a host name or an address", NULL);
    else if (strchr(key, ':') != NULL && addr_parse(slice_of(key), &addr)) {
        char text[ADDR_TEXT_SIZE];

        if (strcasecmp(addr_text(&addr, text), key) != 0)
            never(u, rule, "addresses are looked up in their short form", text);
    }
}

static void check_address_key(const struct use *u, const struct rule *rule)
{
    const char *key = rule->key;

    if (key[0] == '@')
        never(u, rule, "in access tables a domain stands without @", key + 1);
    else if (is_network(key))
        never(u, rule, "a network is no mail address", NULL);
}

static void check_key(const struct use *u, const struct rule *rule)
{
    const char *key = rule->key;

    if (strchr(key, '*') != NULL)
        never(u, rule, "* is no wildcard here (use a pcre: table; a domain's key matches its "
                       "subdomains, too)", NULL);
    else if (key[0] == '.' && key[1] != '\0' && u->policy->site->access_parents)
        never(u, rule, "parent domains are looked up without the dot "
                       "(parent_domain_matches_subdomains)", key + 1);
    else if (is_client_class(u->class))
        check_client_key(u, rule);
    else if (is_address_class(u->class))
        check_address_key(u, rule);
}

static void check_rule(const struct rule *rule, void *arg)
{
    const struct use *u = arg;

    if (!table_has_patterns(u->table) && rule->where.file != NULL)
        check_key(u, rule);
    access_check_value(u->policy, rule, u->class, u->list, u->problems);
}

static void check_use(struct uses *uses, const struct step *step, enum list_id list)
{
    struct use u = {uses->policy, step->table, step->row->class, list, uses->problems};

    for (size_t i = 0; i < uses->count; i++)
        if (uses->list[i].table == u.table && strcmp(uses->list[i].class, u.class) == 0)
            return;
    if (uses->count < USES_MAX)
        uses->list[uses->count++] = u;
    table_each(step->table, check_rule, &u);
}

static void check_steps(struct uses *uses, const struct steps *steps, enum list_id list)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++)
        if (steps->list[i].table != NULL && steps->list[i].row->class != NULL)
            check_use(uses, &steps->list[i], list);
}

void rule_check_policy(const struct policy *policy, struct problems *problems)
{
    struct uses uses = {.policy = policy, .problems = problems};

    for (int list = 0; list < LIST_COUNT; list++) {
        for (int d = 0; d < DIR_COUNT; d++)
            check_steps(&uses, policy->lists[d][list], (enum list_id)list);
        for (size_t i = 0; i < policy->classes->count; i++)
            check_steps(&uses, policy->classes->list[i].steps[list], (enum list_id)list);
    }
}
