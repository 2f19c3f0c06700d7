/* policy_relay - clients that a table let relay until its list moved out of main.cf */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_relay.h"

#include "restriction.h"

#include <string.h>

static void note_permission(const struct rule *rule, void *arg)
{
    bool *permits = arg;
    struct slice rest = slice_of(rule->value), word;

    if (!slice_word(&rest, ", \t", &word))
        return;
    *permits |= slice_is_nocase(word, "OK") || slice_is_nocase(word, "RELAY") ||
                slice_is_nocase(word, "permit");
}

/* A table of clients or logins that says OK; one of senders would be an open relay. */
static bool lets_relay(const struct step *step)
{
    bool permits = false;

    if (step->table == NULL || step->warn_only ||
        (strcmp(step->row->name, "check_client_access") != 0 &&
         strcmp(step->row->name, "check_sasl_access") != 0))
        return false;
    table_each(step->table, note_permission, &permits);
    return permits;
}

/* By the last part of the table's path: main.cf may write the rest with $name. */
static bool main_cf_has(const struct conf *conf, const struct step *step)
{
    const char *slash = strrchr(step->text, '/');
    const char *name = slash != NULL ? slash + 1 : strchr(step->text, ' ') + 1;

    for (size_t i = 0; i < conf_count(conf); i++) {
        const char *value = conf_get(conf, i)->value;

        if (strstr(value, step->row->name) != NULL && strstr(value, name) != NULL)
            return true;
    }
    return false;
}

static bool guards_relay(const struct step *step)
{
    return strcmp(step->row->name, "reject_unauth_destination") == 0 ||
           strcmp(step->row->name, "defer_unauth_destination") == 0;
}

static void check_list(const struct policy *policy, const struct steps *steps,
                       struct problems *problems)
{
    size_t guard = 0;

    while (steps != NULL && guard < steps->count && !guards_relay(&steps->list[guard]))
        guard++;
    if (steps == NULL || guard == steps->count)
        return;
    for (size_t i = 0; i < guard; i++) {
        const struct step *step = &steps->list[i];

        if (lets_relay(step) && !main_cf_has(policy->settings->main_conf, step))
            problems_add(problems, SEV_WARNING, step->where,
                         "%s permits relaying no more: Postfix decides first, and main.cf does not "
                         "have it: put it in front of %s in smtpd_relay_restrictions there",
                         step->text, steps->list[guard].row->name);
    }
}

void policy_check_relay(const struct policy *policy, struct problems *problems)
{
    if (policy->settings->main_conf == NULL)
        return;
    for (int d = 0; d < DIR_COUNT; d++) {
        check_list(policy, policy->lists[d][LIST_RELAY], problems);
        check_list(policy, policy->lists[d][LIST_RECIPIENT], problems);
    }
}
