/* rule_check - reads the rules of every access table for the use that is made of them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule_check.h"

#include "access.h"
#include "check_header_names.h"
#include "policy_classes.h"
#include "policy_relay.h"
#include "restriction.h"
#include "steps.h"

#include <string.h>
#include <sys/socket.h>

/* One use of one table. */
struct use {
    const struct policy *policy;
    const struct table *table;
    const struct restriction *row;
    const char *class; /* that says which keys there are */
    enum list_id list;
    struct problems *problems;
};

enum { USES_MAX = 256, FIELDS_MAX = 100 };

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

/* `instead` is the key to write; empty: there is none. */
static void never(const struct use *u, const struct rule *rule, const char *why,
                  struct slice instead)
{
    problems_add(u->problems, SEV_WARNING, rule->where, "%s: this key never matches: %s%s%.*s",
                 rule->key, why, instead.len ? ": write " : "", (int)instead.len,
                 instead.len ? instead.ptr : "");
}

/* 192.0.2.0/24, [2001:db8::]/32 */
static bool read_network(const char *key, struct net *net)
{
    struct err ignored;

    return strchr(key, '/') != NULL && net_parse(slice_of(key), net, &ignored);
}

/* Networks of whole bytes have a key: 192.0.2 */
static struct slice key_of_network(const struct net *net, char text[ADDR_TEXT_SIZE])
{
    struct slice key = slice_of(addr_text(&net->addr, text));

    if (net->bits == addr_bits(&net->addr))
        return key;
    if (net->addr.family != AF_INET || net->bits == 0 || net->bits % 8 != 0)
        return (struct slice){NULL, 0};
    for (unsigned bytes = 4; bytes > net->bits / 8; bytes--)
        key.len = (size_t)((const char *)memrchr(key.ptr, '.', key.len) - key.ptr);
    return key;
}

static void check_network(const struct use *u, const struct rule *rule, const struct net *net)
{
    char text[ADDR_TEXT_SIZE];
    struct slice none = {NULL, 0}, instead = none;

    if (is_client_class(u->class))
        instead = key_of_network(net, text);
    if (is_address_class(u->class))
        never(u, rule, "a network is no mail address", none);
    else if (!is_client_class(u->class))
        never(u, rule, "a network is no name", none);
    else
        never(u, rule, instead.len ? "a network in a table of whole keys"
                                   : "a network in a table of whole keys: use a cidr: table",
              instead);
}

/* user@*, *@dom, *.dom, 192.0.2.*: what the key without the star finds. */
static struct slice key_without_star(const char *key)
{
    struct slice rest = slice_of(key);

    if (rest.len > 2 && key[0] == '*' && (key[1] == '.' || key[1] == '@'))
        rest = (struct slice){key + 2, rest.len - 2};
    else if (rest.len > 2 && key[rest.len - 1] == '*' && key[rest.len - 2] == '@')
        rest.len -= 1;
    else if (rest.len > 2 && key[rest.len - 1] == '*' && key[rest.len - 2] == '.' &&
             is_digit((unsigned char)key[0]))
        rest.len -= 2;
    if (memchr(rest.ptr, '*', rest.len) != NULL)
        rest.len = 0;
    return rest;
}

/* A local part may hold a star; one in front is meant as a wildcard. */
static bool has_wildcard(const struct use *u, const char *key)
{
    const char *at = is_address_class(u->class) ? strrchr(key, '@') : NULL;

    return key[0] == '*' || strchr(at != NULL ? at : key, '*') != NULL;
}

static void check_star(const struct use *u, const struct rule *rule)
{
    struct slice instead = key_without_star(rule->key);

    never(u, rule, instead.len ? "* is no wildcard" : "* is no wildcard: use a pcre: table",
          instead);
}

static struct slice inside(const char *key)
{
    return (struct slice){key + 1, strcspn(key + 1, "]>")};
}

static void check_client_key(const struct use *u, const struct rule *rule)
{
    const char *key = rule->key;
    size_t len = strlen(key);
    char text[ADDR_TEXT_SIZE];
    struct addr addr;

    if (key[0] == '[')
        never(u, rule, "addresses stand without brackets", inside(key));
    else if (len > 1 && key[len - 1] == '.' && is_digit((unsigned char)key[0]))
        never(u, rule, "networks end without a dot", (struct slice){key, len - 1});
    else if (strchr(key, '@') != NULL)
        never(u, rule, u->row->by_server ? "what is looked up is a host name or an address"
                                         : "a client is a host name or an address",
              (struct slice){NULL, 0});
    else if (strchr(key, ':') != NULL && addr_parse(slice_of(key), &addr) &&
             strcasecmp(addr_text(&addr, text), key) != 0)
        never(u, rule, "addresses are looked up in their short form", slice_of(text));
}

static void check_address_key(const struct use *u, const struct rule *rule)
{
    const char *key = rule->key;

    if (key[0] == '@')
        never(u, rule, "in access tables a domain stands without @", slice_of(key + 1));
    else if (key[0] == '<' && key[1] != '>' && strchr(key, '@') != NULL)
        never(u, rule, "addresses stand without < >", inside(key));
}

/* What is looked up is a domain that SPF vouches for, not an address. */
static bool is_domain_row(const struct restriction *row)
{
    return strcmp(row->name, "check_spf_access") == 0;
}

static void check_domain_key(const struct use *u, const struct rule *rule)
{
    const char *at = strrchr(rule->key, '@');

    if (at != NULL)
        never(u, rule, "it is a domain that is looked up", slice_of(at + 1));
}

static void check_key(const struct use *u, const struct rule *rule)
{
    const char *key = rule->key;
    struct net net;

    /* a login name may be anything */
    if (strcmp(key, u->policy->site->null_access_lookup_key) == 0 ||
        strcmp(u->class, "SASL login name") == 0)
        return;
    if (has_wildcard(u, key))
        check_star(u, rule);
    else if (key[0] == '.' && key[1] != '\0' && u->policy->site->access_parents)
        never(u, rule, "parent domains are looked up without the dot "
                       "(parent_domain_matches_subdomains)", slice_of(key + 1));
    else if (read_network(key, &net))
        check_network(u, rule, &net);
    else if (is_client_class(u->class))
        check_client_key(u, rule);
    else if (is_domain_row(u->row))
        check_domain_key(u, rule);
    else if (is_address_class(u->class))
        check_address_key(u, rule);
}

static void check_rule(const struct rule *rule, void *arg)
{
    const struct use *u = arg;

    if (!table_has_patterns(u->table) && rule->where.file != NULL)
        check_key(u, rule);
    access_check_value(u->policy, rule, u->row, u->list, u->problems);
}

static bool same_use(const struct use *a, const struct use *b)
{
    return a->table == b->table && a->row->by_server == b->row->by_server &&
           is_domain_row(a->row) == is_domain_row(b->row) &&
           strcmp(a->row->class, b->row->class) == 0;
}

static void check_use(struct uses *uses, const struct step *step, enum list_id list)
{
    const struct restriction *row = step->row;
    struct use u = {uses->policy, step->table, row, row->by_server ? "Client host" : row->class,
                    list, uses->problems};

    for (size_t i = 0; i < uses->count; i++)
        if (same_use(&uses->list[i], &u))
            return;
    if (uses->count < USES_MAX)
        uses->list[uses->count++] = u;
    if (strcmp(table_type(u.table), "cidr") == 0 && is_address_class(u.class))
        problems_add(u.problems, SEV_WARNING, step->where,
                     "%s never finds anything: a cidr: table knows networks, and is asked for mail "
                     "addresses here", step->text);
    table_each(step->table, check_rule, &u);
}

static void check_steps(struct uses *uses, const struct steps *steps, enum list_id list)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++)
        if (steps->list[i].table != NULL && steps->list[i].row->class != NULL)
            check_use(uses, &steps->list[i], list);
}

static void check_hiding(const struct policy *policy, struct problems *problems)
{
    static const char name[] = "outgoing_hide_client";
    const struct settings *s = policy->settings;
    const struct checks *checks = policy->checks[DIR_OUTGOING][CHECKS_HEADER];
    bool by_rules = s->outgoing_hide_client == HIDE_RULES;

    checks_check_received(checks, by_rules, problems);
    if (s->outgoing_hide_client == HIDE_NO)
        return;
    if (by_rules && checks->count == 0)
        problems_add(problems, SEV_WARNING, settings_place(s, name),
                     "%s = rules: there are no outgoing_header_checks, so nothing is hidden", name);
    problems_add(problems, SEV_NOTE, settings_place(s, name),
                 "%s rests on what Postfix does, but does not promise; Postfix 3.10 and later can "
                 "do it itself: smtpd_hide_client_session = yes for the submission services", name);
}

/* Fields that rules refuse by, and the log does not keep: each is told of once. */
struct evidence {
    const struct policy *policy;
    const struct table *table;
    const struct rule *rule;
    struct problems *problems;
    struct arena *arena;
    const char *told[FIELDS_MAX];
    size_t count;
};

static bool is_kept(const struct evidence *e, struct slice name)
{
    for (const char *const *kept = e->policy->evidence; *kept != NULL; kept++)
        if (slice_is_nocase(name, *kept))
            return true;
    for (size_t i = 0; i < e->count; i++)
        if (slice_is_nocase(name, e->told[i]))
            return true;
    return false;
}

static void check_field(struct slice name, void *arg)
{
    struct evidence *e = arg;

    if (e->count == FIELDS_MAX || is_kept(e, name))
        return;
    e->told[e->count++] = arena_strndup(e->arena, name.ptr, name.len);
    problems_add(e->problems, SEV_NOTE, e->rule->where,
                 "the log keeps no %.*s, so tamis replay will not know what this rule says: add "
                 "%.*s to evidence_headers", (int)name.len, name.ptr, (int)name.len, name.ptr);
}

static void check_header_rule(const struct rule *rule, void *arg)
{
    struct evidence *e = arg;

    e->rule = rule;
    if (rule->where.file != NULL && header_rule_decides(rule))
        header_rule_names(e->table, rule, check_field, e);
}

static void check_evidence(const struct policy *policy, struct problems *problems)
{
    struct evidence e = {.policy = policy, .problems = problems};

    if (policy->evidence[0] == NULL || policy->settings->log_file[0] == '\0')
        return;
    e.arena = arena_new();
    for (int d = 0; d < DIR_COUNT; d++) {
        const struct checks *checks = policy->checks[d][CHECKS_HEADER];

        for (size_t i = 0; i < checks->count; i++) {
            e.table = checks->tables[i];
            table_each(e.table, check_header_rule, &e);
        }
    }
    arena_free(e.arena);
}

void rule_check_policy(const struct policy *policy, struct problems *problems)
{
    struct uses uses = {.policy = policy, .problems = problems};

    for (int list = 0; list < LIST_COUNT; list++) {
        for (int d = 0; d < DIR_COUNT; d++)
            check_steps(&uses, policy->lists[d][list], (enum list_id)list);
        for (size_t i = 0; i < policy->classes->count; i++)
            if (class_may_be_used(policy, &policy->classes->list[i], (enum list_id)list))
                check_steps(&uses, policy->classes->list[i].steps[list], (enum list_id)list);
    }
    policy_check_relay(policy, problems);
    check_hiding(policy, problems);
    check_evidence(policy, problems);
}
