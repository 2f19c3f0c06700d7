/* check_client - restrictions on the client's address, its login and its TLS session */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"
#include "restriction.h"

/* A match list's answer as a permission; a list that cannot be read answers 451. */
static struct outcome permit_if(const struct scene *scene, enum match_result result)
{
    if (result == MATCH_ERROR)
        return outcome_config_error(scene);
    return result == MATCH_YES ? outcome_permit() : outcome_dunno();
}

static struct outcome judge_mynetworks(const struct step *step, const struct scene *scene)
{
    const struct client *c = scene->client;

    (void)step;
    return permit_if(scene, site_is_our_client(scene->policy->site, slice_of(c->name), &c->addr,
                                              scene->arena));
}

static struct outcome judge_inet_interfaces(const struct step *step, const struct scene *scene)
{
    (void)step;
    return site_is_own_address(scene->policy->site, &scene->client->addr) ? outcome_permit()
                                                                          : outcome_dunno();
}

static struct outcome judge_sasl_authenticated(const struct step *step, const struct scene *scene)
{
    (void)step;
    return scene->message->login[0] != '\0' ? outcome_permit() : outcome_dunno();
}

/* The MTA tells the subject of a certificate only when it trusts the issuer. */
static struct outcome judge_tls_all_clientcerts(const struct step *step, const struct scene *scene)
{
    (void)step;
    return scene->client->cert_subject != NULL ? outcome_permit() : outcome_dunno();
}

static struct outcome judge_plaintext_session(const struct step *step, const struct scene *scene)
{
    (void)step;
    if (scene->client->tls_version != NULL)
        return outcome_dunno();
    return outcome_reply(scene, scene->policy->settings->plaintext_reject_code, "4.7.1",
                         "Session encryption is required");
}

const struct restriction rows_client[] = {
    {.name = "permit_mynetworks", .first_stage = STAGE_CONNECT, .judge = judge_mynetworks,
     .help = "permit clients in mynetworks"},
    {.name = "permit_inet_interfaces", .first_stage = STAGE_CONNECT,
     .judge = judge_inet_interfaces, .help = "permit this machine's own addresses"},
    {.name = "permit_sasl_authenticated", .first_stage = STAGE_MAIL, .awaits_login = true,
     .judge = judge_sasl_authenticated, .help = "permit clients that have logged in"},
    {.name = "permit_tls_all_clientcerts", .first_stage = STAGE_HELO,
     .judge = judge_tls_all_clientcerts,
     .help = "permit clients with a TLS certificate that the MTA trusts"},
    {.name = "reject_plaintext_session", .first_stage = STAGE_HELO,
     .judge = judge_plaintext_session, .help = "defer clients without TLS"},
    {0},
};
