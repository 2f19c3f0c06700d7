/* dkim_check - rules on DKIM and keys that probably do not do what was meant */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_check.h"

#include "restriction.h"
#include "steps.h"

#include <string.h>

/* Refusals, by their result. */
static const struct {
    const char *result, *harm;
} harms[] = {
    {"fail",
     "refuses what mailing lists and forwarders pass on, because they change mail under its "
     "first signature: hold_dkim_fail looks at it, a table in front of it makes exceptions"},
    {"policy",
     "refuses honest mail with an old or partial signature, which RFC 6376 wants taken as "
     "unsigned; mailing lists add to partly signed mail"},
    {"permerror", "refuses honest mail whose key was withdrawn or mistyped, or whose signature a "
                  "mailing list broke; RFC 6376 wants such mail taken as unsigned"},
    {"neutral", "refuses mail of those who only test their keys"},
    {"none", "refuses all mail that is not signed"},
    {"pass", "refuses the mail whose signature is good"},
};

static void check_refusal(const struct step *step, const char *result, struct problems *problems)
{
    for (size_t i = 0; i < ARRAY_LEN(harms); i++)
        if (strcmp(result, harms[i].result) == 0)
            problems_add(problems, SEV_WARNING, step->where, "%s: %s", step->text, harms[i].harm);
}

/* Within a class it may stand behind a table that says for whom. */
static void check_permission(const struct step *step, const char *result,
                             struct problems *problems)
{
    if (strcmp(result, "pass") == 0)
        problems_add(
            problems, SEV_WARNING, step->where,
            "%s: nothing behind it is asked about anybody who signs his mail with a domain "
            "of his own, and spammers do: say for whose domains, with check_dkim_access "
            "TYPE:TABLE",
            step->text);
    else
        problems_add(problems, SEV_WARNING, step->where,
                     "%s: nothing behind it is asked about mail without a good signature, which "
                     "everybody can send: leave it out", step->text);
}

static void check_steps(const struct steps *steps, bool in_class, struct problems *problems)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        const char *name = step->row->name, *method = strstr(name, "_dkim_");

        if (step->warn_only || method == NULL || strncmp(name, "check_", 6) == 0)
            continue;
        if (strncmp(name, "reject_", 7) == 0 || strncmp(name, "defer_", 6) == 0)
            check_refusal(step, method + strlen("_dkim_"), problems);
        else if (strncmp(name, "permit_", 7) == 0 && !in_class && i + 1 < steps->count)
            check_permission(step, method + strlen("_dkim_"), problems);
    }
}

void dkim_check_policy(const struct policy *policy, struct problems *problems)
{
    const struct settings *settings = policy->settings;
    const struct steps *incoming = policy->lists[DIR_INCOMING][LIST_END_OF_DATA];
    const struct steps *outgoing = policy->lists[DIR_OUTGOING][LIST_END_OF_DATA];

    check_steps(incoming, false, problems);
    if (outgoing != incoming)
        check_steps(outgoing, false, problems);
    for (size_t i = 0; i < policy->classes->count; i++)
        check_steps(policy->classes->list[i].steps[LIST_END_OF_DATA], true, problems);
    if (settings->mode == MODE_OBSERVE && !keys_are_empty(policy->keys))
        problems_add(
            problems, SEV_WARNING, settings_place(settings, "mode"),
            "mode = observe signs nothing, though there are keys: mode = annotate signs and "
            "refuses nothing");
}
