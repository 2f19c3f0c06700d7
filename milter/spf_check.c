/* spf_check - rules on SPF that probably do not do what was meant */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_check.h"

#include "restriction.h"
#include "steps.h"

#include <string.h>

struct spf_check {
    const struct policy *policy;
    struct problems *problems;
    bool told_of_forwarders; /* once is enough */
};

/* "reject_helo_spf_none": action, method and result of a rule on SPF; false: it is none. */
struct rule_name {
    bool permits, refuses;
    bool helo;
    const char *result;
};

static bool split_name(const char *name, struct rule_name *rule)
{
    const char *spf = strstr(name, "_spf_"), *method = strchr(name, '_');

    if (spf == NULL || method == NULL || strncmp(name, "check_", 6) == 0)
        return false;
    *rule = (struct rule_name){
        .permits = strncmp(name, "permit_", 7) == 0,
        .refuses = strncmp(name, "reject_", 7) == 0 || strncmp(name, "defer_", 6) == 0,
        .helo = method != spf,
        .result = spf + strlen("_spf_"),
    };
    return true;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* In a list of its own: within a class it may stand behind a table that says for whom. */
static void check_permission(const struct spf_check *c, const struct step *step,
                             const struct rule_name *rule)
{
    if (strcmp(rule->result, "pass") == 0)
        problems_add(c->problems, SEV_WARNING, step->where,
                     "%s: nothing behind it is asked about anybody who has an SPF record, and "
                     "spammers have: say for whose domains, with check_spf_access TYPE:TABLE",
                     step->text);
    else
        problems_add(c->problems, SEV_WARNING, step->where,
                     "%s: nothing behind it is asked about anybody who has no SPF record or a "
                     "loose one, which everybody can arrange: leave it out", step->text);
}

static void check_forwarders(struct spf_check *c, const struct step *step)
{
    if (c->told_of_forwarders ||
        settings_place(c->policy->settings, "spf_exempt_networks").file != NULL)
        return;
    c->told_of_forwarders = true;
    problems_add(c->problems, SEV_WARNING, step->where,
                 "%s: refuses mail that another host forwards to yours with its first sender, "
                 "too: name such hosts in spf_exempt_networks (if there are none, set it to "
                 "nothing)", step->text);
}

static void check_refusal(struct spf_check *c, const struct step *step,
                          const struct rule_name *rule)
{
    if (is_one_of(rule->result, "none", "neutral", "pass"))
        problems_add(c->problems, SEV_WARNING, step->where, "%s: refuses much honest mail: %s",
                     step->text,
                     strcmp(rule->result, "pass") == 0
                         ? "pass means that the client may send for this domain"
                     : rule->helo ? "few hosts have an SPF record for their HELO name"
                                  : "RFC 7208 wants neutral and none taken alike, as no answer");
    else if (!rule->helo && is_one_of(rule->result, "fail", "softfail", "softfail"))
        check_forwarders(c, step);
}

static void check_steps(struct spf_check *c, const struct steps *steps, bool in_class)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        struct rule_name rule;

        if (step->warn_only || !split_name(step->row->name, &rule))
            continue;
        if (rule.permits && !in_class && i + 1 < steps->count)
            check_permission(c, step, &rule);
        else if (rule.refuses)
            check_refusal(c, step, &rule);
    }
}

void spf_check_policy(const struct policy *policy, struct problems *problems)
{
    struct spf_check c = {policy, problems, false};

    for (int list = 0; list < LIST_COUNT; list++) {
        for (int d = 0; d < DIR_COUNT; d++)
            check_steps(&c, policy->lists[d][list], false);
        for (size_t i = 0; i < policy->classes->count; i++)
            check_steps(&c, policy->classes->list[i].steps[list], true);
    }
}
