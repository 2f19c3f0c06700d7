/* rbl_check - which block lists are used, and what can be said of them without asking */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rbl_check.h"

#include "question.h"
#include "restriction.h"
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A closed list answers nothing, until its domain gets a new owner: then it lists everybody. Each
 * with all below it. */
static const struct {
    const char *zone, *since;
} closed[] = {
    {"dnsbl.sorbs.net", "June 2024"},
    {"ix.dnsbl.manitu.net", "January 2025"},
    {"dnsbl.inps.de", "May 2020"},
    {"spamcannibal.org", "2018"},
    {"ahbl.org", "January 2015"},
    {"njabl.org", "March 2013"},
    {"rfc-ignorant.org", "November 2012"},
    {"dsbl.org", "2008"},
    {"opm.blitzed.org", "2006"},
    {"relays.ordb.org", "December 2006"},
};

/* Resolvers that answer everybody; block lists refuse them. */
static const struct {
    const char *network, *owner;
} resolvers[] = {
    {"8.8.8.8", "Google"},          {"8.8.4.4", "Google"},
    {"2001:4860:4860::/48", "Google"},
    {"1.1.1.0/30", "Cloudflare"},   {"1.0.0.0/30", "Cloudflare"},
    {"2606:4700:4700::/48", "Cloudflare"},
    {"9.9.9.8/29", "Quad9"},        {"149.112.112.0/24", "Quad9"},
    {"2620:fe::/48", "Quad9"},
    {"208.67.222.0/24", "OpenDNS"}, {"208.67.220.0/24", "OpenDNS"},
    {"2620:119:35::/48", "OpenDNS"}, {"2620:119:53::/48", "OpenDNS"},
    {"4.2.2.0/29", "Level 3"},
    {"64.6.64.6", "UltraDNS"},      {"64.6.65.6", "UltraDNS"},
    {"94.140.14.0/24", "AdGuard"},  {"94.140.15.0/24", "AdGuard"},
    {"77.88.8.0/24", "Yandex"},
};

/* One walk through all restrictions of a policy. */
struct walk {
    const struct policy *policy;
    void (*visit)(const struct step *step, void *arg);
    void *arg;
};

static void walk_steps(const struct walk *w, const struct steps *steps)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++)
        w->visit(&steps->list[i], w->arg);
}

static void each_step(const struct policy *policy,
                      void (*visit)(const struct step *step, void *arg), void *arg)
{
    const struct walk w = {policy, visit, arg};

    for (int list = 0; list < LIST_COUNT; list++) {
        for (int d = 0; d < DIR_COUNT; d++)
            walk_steps(&w, policy->lists[d][list]);
        for (size_t i = 0; i < policy->classes->count; i++)
            walk_steps(&w, policy->classes->list[i].steps[list]);
    }
}

static bool is_named(const struct step *step, const char *name)
{
    return strcmp(step->row->name, name) == 0;
}

/* --- which lists are used ------------------------------------------------------------------- */

struct collector {
    const struct policy *policy;
    struct arena *arena;
    struct rbl_use *list;
    size_t count, cap;
};

static void add_use(struct collector *c, const struct rbl_site *site, struct where where,
                    bool domains)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcasecmp(c->list[i].zone, site->zone) == 0 && c->list[i].domains == domains)
            return;
    if (c->count == c->cap) {
        struct rbl_use *more;

        c->cap = c->cap ? c->cap * 2 : 16;
        more = arena_alloc(c->arena, c->cap * sizeof(*more));
        if (c->count > 0)
            memcpy(more, c->list, c->count * sizeof(*more));
        c->list = more;
    }
    c->list[c->count++] = (struct rbl_use){site->zone, where, domains};
}

static void add_sites(struct collector *c, const struct rbl_sites *sites)
{
    for (size_t i = 0; i < sites->count; i++)
        add_use(c, &sites->list[i], sites->where, false);
}

static void add_step_uses(const struct step *step, void *arg)
{
    struct collector *c = arg;

    if (step->row->parse == rbl_site_parse && step->data != NULL)
        add_use(c, step->data, step->where, strstr(step->row->name, "_rhs") != NULL);
    else if (is_named(step, "reject_maps_rbl"))
        add_sites(c, &c->policy->rbl->maps_domains);
    else if (is_named(step, "reject_rbl_score"))
        add_sites(c, &c->policy->rbl->score_sites);
}

struct rbl_uses rbl_uses_of(const struct policy *policy, struct arena *arena)
{
    struct collector c = {.policy = policy, .arena = arena};

    each_step(policy, add_step_uses, &c);
    return (struct rbl_uses){c.list, c.count};
}

/* --- what is wrong with them ---------------------------------------------------------------- */

static bool is_below(const char *zone, const char *parent)
{
    size_t len = strlen(zone), parent_len = strlen(parent);

    if (len > 0 && zone[len - 1] == '.')
        len--;
    return len >= parent_len &&
           slice_is_nocase((struct slice){zone + len - parent_len, parent_len}, parent) &&
           (len == parent_len || zone[len - parent_len - 1] == '.');
}

static void check_closed(const struct rbl_use *use, struct problems *problems)
{
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if (is_below(use->zone, closed[i].zone))
            problems_add(problems, SEV_WARNING, use->where,
                         "the list %s closed in %s: remove it, before somebody else answers under "
                         "its name", use->zone, closed[i].since);
}

static bool allows(const uint32_t octet[8], unsigned n)
{
    return octet[n / 32] >> n % 32 & 1;
}

/* The only value that the octet may have; -1 when there are several. */
static int only_value(const uint32_t octet[8])
{
    int only = -1;

    for (unsigned n = 0; n < 256; n++) {
        if (!allows(octet, n))
            continue;
        if (only >= 0)
            return -1;
        only = (int)n;
    }
    return only;
}

static const char *error_of_filter(const struct rbl_filter *filter)
{
    struct addr addr = {.family = AF_INET};

    if (!allows(filter->octets[0], 127))
        return "lists answer with 127.x.y.z";
    for (int i = 0; i < 4; i++) {
        int only = only_value(filter->octets[i]);

        if (only < 0)
            return NULL;
        addr.bytes[i] = (unsigned char)only;
    }
    return rbl_error(&addr);
}

static void check_filter(const struct rbl_site *site, struct where where, struct problems *problems)
{
    const char *why = site->filter != NULL ? error_of_filter(site->filter) : NULL;

    if (why != NULL)
        problems_add(problems, SEV_WARNING, where, "%s never counts as a listing: %s", site->text,
                     why);
}

struct findings {
    const struct policy *policy;
    struct problems *problems;
    bool uses_score;
};

static void check_score(const struct findings *f, const struct step *step)
{
    const struct rbl_sites *sites = &f->policy->rbl->score_sites;
    const long *own = step->data;
    long threshold = own != NULL ? *own : f->policy->settings->rbl_score_threshold, most = 0;

    for (size_t i = 0; i < sites->count; i++)
        most += sites->list[i].weight > 0 ? sites->list[i].weight : 0;
    if (sites->count == 0)
        problems_add(f->problems, SEV_WARNING, step->where,
                     "%s rejects nothing: rbl_score_sites is empty", step->text);
    else if (most < threshold)
        problems_add(f->problems, SEV_WARNING, step->where,
                     "%s rejects nothing: all weights of rbl_score_sites together are %ld, less "
                     "than the threshold %ld", step->text, most, threshold);
}

static void check_step(const struct step *step, void *arg)
{
    struct findings *f = arg;

    if (step->row->parse == rbl_site_parse && step->data != NULL)
        check_filter(step->data, step->where, f->problems);
    else if (is_named(step, "reject_maps_rbl") && f->policy->rbl->maps_domains.count == 0)
        problems_add(f->problems, SEV_WARNING, step->where,
                     "reject_maps_rbl rejects nothing: maps_rbl_domains is empty");
    if (is_named(step, "reject_rbl_score")) {
        f->uses_score = true;
        check_score(f, step);
    }
}

static void check_score_sites(const struct findings *f)
{
    const struct rbl_sites *sites = &f->policy->rbl->score_sites;

    if (sites->count > 0 && !f->uses_score)
        problems_add(f->problems, SEV_WARNING, sites->where,
                     "rbl_score_sites has no effect: put reject_rbl_score into a restriction list");
    for (size_t i = 0; i < sites->count; i++)
        check_filter(&sites->list[i], sites->where, f->problems);
}

/* --- who is asked --------------------------------------------------------------------------- */

static void check_resolver(struct slice text, struct where where, struct problems *problems)
{
    const char *at = memchr(text.ptr, '@', text.len);
    struct addr addr;
    struct net net;

    if (at != NULL)
        text.len = (size_t)(at - text.ptr);
    if (!addr_parse(text, &addr))
        return;
    for (size_t i = 0; i < ARRAY_LEN(resolvers); i++)
        if (net_parse(slice_of(resolvers[i].network), &net, NULL) && net_matches(&net, &addr))
            problems_add(problems, SEV_WARNING, where,
                         "block lists refuse queries through %.*s, a public resolver (%s): set "
                         "dns_recursion = yes, or run a resolver of your own and name it in "
                         "dns_servers", (int)text.len, text.ptr, resolvers[i].owner);
}

static void check_resolv_conf(const char *path, struct problems *problems)
{
    FILE *in = fopen(path, "r");
    struct slice rest, word;
    char *line = NULL;
    size_t size = 0;

    for (int number = 1; in != NULL && getline(&line, &size, in) > 0; number++) {
        rest = slice_of(line);
        if (slice_word(&rest, " \t\r\n", &word) && slice_is(word, "nameserver") &&
            slice_word(&rest, " \t\r\n", &word))
            check_resolver(word, (struct where){path, number}, problems);
    }
    free(line);
    if (in != NULL)
        fclose(in);
}

static void check_resolvers(const struct settings *s, const char *resolv_conf,
                            struct problems *problems)
{
    struct slice rest = slice_of(s->dns_servers.text), word;
    bool any = false;

    if (s->dns_recursion)
        return;
    for (; slice_word(&rest, ", \t\r\n", &word); any = true)
        check_resolver(word, s->dns_servers.where, problems);
    if (!any)
        check_resolv_conf(resolv_conf, problems);
}

void rbl_check_policy(const struct policy *policy, const char *resolv_conf,
                      struct problems *problems)
{
    struct findings f = {.policy = policy, .problems = problems};
    struct arena *arena = arena_new();
    struct rbl_uses uses = rbl_uses_of(policy, arena);

    for (size_t i = 0; i < uses.count; i++)
        check_closed(&uses.list[i], problems);
    each_step(policy, check_step, &f);
    check_score_sites(&f);
    if (uses.count > 0)
        check_resolvers(policy->settings, resolv_conf, problems);
    arena_free(arena);
}
