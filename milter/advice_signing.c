/* advice_signing - signers beside tamis, and what changes mail after it was signed */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "advice.h"

#include <string.h>

static const struct where nowhere;

static bool has_setting(const struct advice *advice, const char *name)
{
    const char *value = advice->side->setting(advice->side->arg, name);

    return value != NULL && *value != '\0';
}

static bool tamis_signs(const struct advice *advice)
{
    return has_setting(advice, "signing_table") || has_setting(advice, "key_list") ||
           has_setting(advice, "signing_key");
}

/* OpenDKIM's customary port, or a socket that bears its name. */
static bool is_signer(const struct advice *advice, const struct milter_item *item)
{
    return !milter_address_same(item->address, advice->address) &&
           (strstr(item->address, "8891") != NULL || strstr(item->address, "dkim") != NULL);
}

static const struct milter_item *find_signer(const struct advice *advice, const char *list)
{
    const struct milter_item *item = milter_items(advice->postfix->arena, list);

    while (item != NULL && !is_signer(advice, item))
        item = item->next;
    return item;
}

/* tamis signs with mode = annotate, too. */
static bool only_observes(const struct advice *advice)
{
    const char *mode = advice->side->setting(advice->side->arg, "mode");

    return mode != NULL && strcmp(mode, "observe") == 0;
}

static void judge_signer(struct advice *advice, const char *place, const char *list)
{
    const struct milter_item *item = find_signer(advice, list);

    if (item != NULL && only_observes(advice))
        problems_add(advice->problems, SEV_NOTE, nowhere,
                     "%s has %s, which looks like OpenDKIM; it signs, and tamis does not, as long "
                     "as mode = observe: take it out together with mode = annotate or enforce",
                     place, item->address);
    else if (item != NULL)
        problems_add(
            advice->problems, SEV_WARNING, nowhere,
            "%s has %s, which looks like OpenDKIM, and tamis has keys: mail would be signed twice. "
            "Take it out; or, if it shall go on to verify, say Mode v in opendkim.conf and "
            "keep_authres_from_milters = yes in milter.conf",
            place, item->address);
}

static void judge_signers(struct advice *advice)
{
    const struct postfix *postfix = advice->postfix;

    judge_signer(advice, "main.cf: smtpd_milters", advice_param(advice, "smtpd_milters"));
    if (find_signer(advice, advice_param(advice, "smtpd_milters")) == NULL)
        judge_signer(advice, "main.cf: non_smtpd_milters",
                     advice_param(advice, "non_smtpd_milters"));
    for (const struct postfix_service *s = postfix->services; s != NULL; s = s->next) {
        const char *own = postfix_override(postfix, s, "smtpd_milters");

        if (own != NULL)
            judge_signer(advice,
                         arena_printf(postfix->arena, "master.cf: %s %s: smtpd_milters", s->name,
                                      s->type), own);
    }
}

static bool filters_content(const struct advice *advice)
{
    for (const struct postfix_service *s = advice->postfix->services; s != NULL; s = s->next)
        if (strcmp(s->command, "smtpd") == 0 &&
            *postfix_effective(advice->postfix, s, "content_filter") != '\0')
            return true;
    return false;
}

/* Fields that are oversigned say that there are none of them. */
static void judge_missing_fields(struct advice *advice)
{
    const char *clients = advice_param(advice, "local_header_rewrite_clients");

    if (strcmp(advice_param(advice, "always_add_missing_headers"), "yes") == 0 ||
        strstr(clients, "permit_sasl_authenticated") != NULL)
        return;
    problems_add(
        advice->problems, SEV_NOTE, nowhere,
        "main.cf: a user's mail without Date or Message-ID is signed as it is, and whoever adds "
        "them on its way breaks the signature: always_add_missing_headers = yes, or "
        "local_header_rewrite_clients = permit_inet_interfaces, permit_sasl_authenticated");
}

static void judge_tamis(struct advice *advice)
{
    judge_signers(advice);
    judge_missing_fields(advice);
    if (filters_content(advice))
        problems_add(
            advice->problems, SEV_NOTE, nowhere,
            "master.cf: the content filter gets mail that tamis has signed: it may add fields of "
            "its own (X-...), but what it does to text, Subject or MIME parts breaks the "
            "signature");
}

/* A service that sends by SMTP and breaks lines; main.cf speaks for all when none is known. */
static bool breaks_lines(const struct advice *advice)
{
    bool any = false, breaks = false;

    for (const struct postfix_service *s = advice->postfix->services; s != NULL; s = s->next) {
        if (strcmp(s->command, "smtp") != 0)
            continue;
        any = true;
        breaks |= strcmp(postfix_effective(advice->postfix, s, "smtp_line_length_limit"), "0") != 0;
    }
    return any ? breaks : strcmp(advice_param(advice, "smtp_line_length_limit"), "0") != 0;
}

static void judge_changes_after(struct advice *advice, bool signs)
{
    static const char *const names[] = {"smtp_header_checks", "smtp_mime_header_checks",
                                        "smtp_nested_header_checks", "smtp_body_checks",
                                        "smtp_generic_maps"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (*advice_param(advice, names[i]) != '\0')
            problems_add(advice->problems, SEV_NOTE, nowhere,
                         "main.cf: %s changes mail after all milters: DKIM signatures over what it "
                         "changes break. Do it before signing (header_checks, canonical_maps)",
                         names[i]);
    if (signs && strcmp(advice_param(advice, "disable_mime_output_conversion"), "yes") != 0)
        problems_add(
            advice->problems, SEV_NOTE, nowhere,
            "main.cf: Postfix recodes 8-bit mail for servers without 8BITMIME, which breaks "
            "DKIM signatures: disable_mime_output_conversion = yes");
    if (signs && breaks_lines(advice))
        problems_add(
            advice->problems, SEV_NOTE, nowhere,
            "main.cf: smtp(8) breaks lines of more than 998 characters, which mail programs write "
            "now and then, and with them DKIM signatures: smtp_line_length_limit = 0");
}

void advice_signing(struct advice *advice)
{
    bool ours = tamis_signs(advice);

    if (ours)
        judge_tamis(advice);
    judge_changes_after(advice, ours ||
                                find_signer(advice, advice_param(advice, "smtpd_milters")) != NULL);
}
