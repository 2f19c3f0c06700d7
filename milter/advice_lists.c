/* advice_lists - smtpd_milters, non_smtpd_milters and the parameters that go with them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "advice.h"

#include <string.h>

static const struct where nowhere;

/* What happens to mail when tamis does not answer: its own setting, else the general one. */
static const char *fault_action(const struct advice *advice, const struct milter_item *item)
{
    return item->default_action != NULL ? item->default_action
                                        : advice_param(advice, "milter_default_action");
}

static void judge_fault_action(struct advice *advice, const char *name,
                               const struct milter_item *item)
{
    const char *action = fault_action(advice, item);

    if (strcmp(action, "accept") != 0)
        return;
    if (advice->side->enforces)
        problems_add(advice->problems, SEV_WARNING, nowhere,
                     "main.cf: %s lets mail through unfiltered while tamis does not answer "
                     "(default_action = accept): give tamis default_action=tempfail, as printed",
                     name);
    else
        problems_add(advice->problems, SEV_NOTE, nowhere,
                     "main.cf: %s has default_action = accept for tamis; that is right while tamis "
                     "observes: change it to tempfail together with mode = enforce",
                     name);
}

/* A milter at which nobody listens costs each mail its default_action. */
static bool judge_former(struct advice *advice, const char *name, const char *list)
{
    bool any = false;

    for (const struct milter_item *i = milter_items(advice->postfix->arena, list); i; i = i->next) {
        if (!advice_is_former(advice, i->address))
            continue;
        any = true;
        problems_add(advice->problems, SEV_WARNING, nowhere,
                     "main.cf: %s has %s, which looks like a former socket of tamis (now it is "
                     "%s): leave it out, as printed, unless another tamis listens there",
                     name, i->address, advice->address);
    }
    return any;
}

/* Says what is wrong with tamis's place in a list; true when the list must be changed. */
static bool judge_list(struct advice *advice, const char *name, const char *list)
{
    const struct milter_item *own = NULL;
    size_t count = advice_count(advice, list);
    bool former = judge_former(advice, name, list);

    for (const struct milter_item *i = milter_items(advice->postfix->arena, list); i != NULL;
         i = i->next)
        if (milter_address_same(i->address, advice->address))
            own = i;
    if (own == NULL)
        return true;
    judge_fault_action(advice, name, own);
    if (count > 1)
        problems_add(advice->problems, SEV_WARNING, nowhere,
                     "main.cf: tamis stands %zu times in %s and runs as often: keep one", count,
                     name);
    if (!advice_is_last(advice, list))
        problems_add(advice->problems, SEV_WARNING, nowhere,
                     "main.cf: in %s other milters come after tamis; what they change was not seen "
                     "by tamis: put tamis last",
                     name);
    return former || count > 1 || !advice_is_last(advice, list) ||
           (advice->side->enforces && strcmp(fault_action(advice, own), "accept") == 0);
}

static void advise_smtpd(struct advice *advice)
{
    const char *list = advice_param(advice, "smtpd_milters");

    if (judge_list(advice, "smtpd_milters", list))
        advice_main(advice, "smtpd_milters", advice_list_with(advice, list),
                    *list ? "mail that comes over SMTP; the other milters stay, tamis is the last"
                          : "mail that comes over SMTP");
}

static void advise_non_smtpd(struct advice *advice)
{
    const char *list = advice_param(advice, "non_smtpd_milters");
    const char *smtpd = advice_param(advice, "smtpd_milters");
    bool same = strcmp(advice_list_with(advice, list), advice_list_with(advice, smtpd)) == 0;

    if (advice->filter_returns_locally) {
        if (advice_count(advice, list) == 0)
            return;
        problems_add(
            advice->problems, SEV_WARNING, nowhere,
            "main.cf: non_smtpd_milters holds tamis, and a content filter returns mail "
            "through sendmail(1): such mail is judged and logged twice. Take tamis out, as "
            "printed");
        advice_main(advice, "non_smtpd_milters", advice_list_without(advice, list),
                    "mail that the content filter returns has passed tamis before");
        return;
    }
    if (*list == '\0' && advice_count(advice, smtpd) > 0)
        problems_add(
            advice->problems, SEV_WARNING, nowhere,
            "main.cf: non_smtpd_milters is not set: mail from sendmail(1) passes no milter: "
            "add the printed line");
    if (judge_list(advice, "non_smtpd_milters", list))
        advice_main(advice, "non_smtpd_milters",
                    same ? "$smtpd_milters" : advice_list_with(advice, list),
                    "mail from sendmail(1): cron, web applications, mailing lists");
}

/* The first list of rules for contents that main.cf has. */
static const char *checks_of_postfix(const struct advice *advice)
{
    static const char *const names[] = {"header_checks", "mime_header_checks",
                                        "nested_header_checks", "body_checks"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (*advice_param(advice, names[i]) != '\0')
            return names[i];
    return NULL;
}

static void advise_bounces(struct advice *advice)
{
    const char *classes = advice_param(advice, "internal_mail_filter_classes");
    struct slice rest = slice_of(classes), word;
    const char *checks;

    if (advice->filter_returns_locally)
        return;
    while (slice_word(&rest, ", \t", &word))
        if (slice_is(word, "bounce"))
            return;
    if ((checks = checks_of_postfix(advice)) != NULL) {
        problems_add(advice->problems, SEV_NOTE, nowhere,
                     "main.cf: bounces that Postfix makes reach no milter, and so no log; it is "
                     "left so, because with internal_mail_filter_classes = bounce they would pass "
                     "%s, too: what that refuses would be refused again when it is returned",
                     checks);
        return;
    }
    advice_main(advice, "internal_mail_filter_classes",
                *classes ? arena_printf(advice->postfix->arena, "%s, bounce", classes) : "bounce",
                "without it, bounces that Postfix makes reach no milter, and so no log; they will "
                "pass your content_filter, too");
}

static bool is_old_protocol(const char *protocol)
{
    long number;

    return *protocol != '\0' && parse_long(slice_of(protocol), 0, 1000, &number) && number < 6;
}

static void judge_switches(struct advice *advice)
{
    const char *overrides = advice_param(advice, "receive_override_options");
    const char *maps = advice_param(advice, "smtpd_milter_maps");

    if (strstr(overrides, "no_milters") != NULL)
        problems_add(
            advice->problems, SEV_WARNING, nowhere,
            "main.cf: receive_override_options has no_milters: no service calls any milter. "
            "Move it in master.cf to the one service that needs it");
    if (*maps != '\0')
        problems_add(advice->problems, SEV_NOTE, nowhere,
                     "main.cf: smtpd_milter_maps = %s: clients for which it says DISABLE, or lists "
                     "other milters, do not reach tamis",
                     maps);
    if (is_old_protocol(advice_param(advice, "milter_protocol")))
        problems_add(
            advice->problems, SEV_WARNING, nowhere,
            "main.cf: milter_protocol = %s is too old for tamis: take the line out (Postfix "
            "then speaks 6)",
            advice_param(advice, "milter_protocol"));
}

void advice_lists(struct advice *advice)
{
    advise_smtpd(advice);
    advise_non_smtpd(advice);
    advise_bounces(advice);
    judge_switches(advice);
}
