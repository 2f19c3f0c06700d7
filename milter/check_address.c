/* check_address - restrictions on the form and destination of envelope addresses */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "address.h"
#include "fold.h"
#include "policy.h"
#include "restriction.h"

#include <string.h>

/* A domain of at least two labels; names in UTF-8 only where the client asked for SMTPUTF8. */
static bool is_full_domain(const struct scene *scene, struct slice domain)
{
    if (domain.len > 1 && domain.ptr[domain.len - 1] == '.' && domain.ptr[domain.len - 2] != '.')
        domain.len--;
    if (domain.len == 0 || memchr(domain.ptr, '.', domain.len) == NULL)
        return false;
    if (is_hostname(domain))
        return true;
    if (!scene->message->smtputf8 || !is_utf8(domain))
        return false;
    return is_hostname(slice_of(fold_domain_ascii(
        arena_strndup(scene->arena, domain.ptr, domain.len), scene->arena)));
}

static struct outcome judge_non_fqdn(const struct scene *scene, const char *address,
                                     struct subject subject)
{
    struct slice domain = address_domain(address);

    if (domain.len > 1 && domain.ptr[0] == '[' && domain.ptr[domain.len - 1] == ']')
        return outcome_dunno();
    if (is_full_domain(scene, domain))
        return outcome_dunno();
    return outcome_refuse(scene, &subject, scene->policy->settings->non_fqdn_reject_code, "4.5.2",
                          "need fully-qualified address");
}

static struct outcome judge_non_fqdn_sender(const struct step *step, const struct scene *scene)
{
    (void)step;
    if (!scene->message->has_mail || scene->message->sender.text[0] == '\0')
        return outcome_dunno();
    return judge_non_fqdn(scene, scene->message->sender.text, subject_sender(scene));
}

static struct outcome judge_non_fqdn_recipient(const struct step *step, const struct scene *scene)
{
    (void)step;
    if (scene->recipient == NULL)
        return outcome_dunno();
    return judge_non_fqdn(scene, scene->recipient->address.text, subject_recipient(scene));
}

/* Ours, or one that we relay to? An address without domain cannot reach us here. */
static enum match_result is_auth_destination(const struct scene *scene)
{
    struct slice domain = address_domain(scene->recipient->address.key);

    if (domain.len == 0)
        return MATCH_YES;
    if (address_is_routed(&scene->recipient->address))
        return MATCH_NO;
    return site_is_destination(scene->policy->site, domain, scene->arena);
}

struct outcome check_auth_destination(const struct scene *scene)
{
    enum match_result result;

    if (scene->recipient == NULL)
        return outcome_dunno();
    result = is_auth_destination(scene);
    if (result == MATCH_ERROR)
        return outcome_reply(scene, 451, "4.3.0", "<%s>: Temporary lookup failure",
                             scene->recipient->address.text);
    return result == MATCH_YES ? outcome_permit() : outcome_dunno();
}

static struct outcome judge_permit_auth(const struct step *step, const struct scene *scene)
{
    (void)step;
    return check_auth_destination(scene);
}

static struct outcome refuse_unauth(const struct scene *scene, int code)
{
    struct outcome o;

    if (scene->recipient == NULL)
        return outcome_dunno();
    o = check_auth_destination(scene);
    if (o.act == ACT_PERMIT)
        return outcome_dunno();
    if (o.act != ACT_DUNNO)
        return o;
    return outcome_reply(scene, code, "5.7.1", "<%s>: Relay access denied",
                         scene->recipient->address.text);
}

static struct outcome judge_reject_unauth(const struct step *step, const struct scene *scene)
{
    (void)step;
    return refuse_unauth(scene, scene->policy->settings->relay_domains_reject_code);
}

static struct outcome judge_defer_unauth(const struct step *step, const struct scene *scene)
{
    (void)step;
    return refuse_unauth(scene, scene->policy->settings->relay_domains_reject_code - 100);
}

/* The oldest form: permits clients and recipients in our domains, rejects all others. */
static struct outcome judge_relay_domains(const struct step *step, const struct scene *scene)
{
    struct subject subject = subject_recipient(scene);
    struct outcome o;

    (void)step;
    if (scene->recipient == NULL)
        return outcome_dunno();
    if (match_domain(scene->policy->site->relay_domains, slice_of(scene->client->name),
                     scene->arena) == MATCH_YES)
        return outcome_permit();
    o = check_auth_destination(scene);
    if (o.act != ACT_DUNNO)
        return o;
    return outcome_refuse(scene, &subject, scene->policy->settings->relay_domains_reject_code,
                          "5.7.1", "Relay access denied");
}

/* A bounce (null sender) has one recipient. At RCPT the current one is not yet counted. */
static struct outcome judge_multi_recipient_bounce(const struct step *step,
                                                   const struct scene *scene)
{
    int allowed = scene->stage == STAGE_RCPT ? 0 : 1;

    (void)step;
    if (!scene->message->has_mail || scene->message->sender.text[0] != '\0' ||
        scene->message->accepted_count <= allowed)
        return outcome_dunno();
    return outcome_refuse(scene, &scene->subject,
                          scene->policy->settings->multi_recipient_bounce_reject_code, "5.5.3",
                          "Multi-recipient bounce");
}

const struct restriction rows_address[] = {
    {.name = "reject_non_fqdn_sender", .first_stage = STAGE_MAIL, .judge = judge_non_fqdn_sender,
     .help = "reject a sender whose domain is not a full domain name"},
    {.name = "reject_non_fqdn_recipient", .first_stage = STAGE_RCPT,
     .judge = judge_non_fqdn_recipient,
     .help = "reject a recipient whose domain is not a full domain name"},
    {.name = "permit_auth_destination", .first_stage = STAGE_RCPT, .judge = judge_permit_auth,
     .help = "permit recipients in domains of ours or that we relay to"},
    {.name = "reject_unauth_destination", .first_stage = STAGE_RCPT, .judge = judge_reject_unauth,
     .help = "reject recipients in all other domains"},
    {.name = "defer_unauth_destination", .first_stage = STAGE_RCPT, .judge = judge_defer_unauth,
     .help = "defer recipients in all other domains"},
    {.name = "check_relay_domains", .first_stage = STAGE_RCPT, .judge = judge_relay_domains,
     .instead = "reject_unauth_destination",
     .help = "permit clients and recipients of our domains, reject all others (obsolete)"},
    {.name = "reject_multi_recipient_bounce", .first_stage = STAGE_RCPT,
     .judge = judge_multi_recipient_bounce,
     .help = "reject a bounce with more than one recipient"},
    {0},
};
