/* spf_scene - what SPF says of a sender or a HELO name, and whom it is not asked about */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_scene.h"

#include "fold.h"
#include "policy.h"
#include "question.h"

#include <stdlib.h>
#include <string.h>

struct spf_exempt *spf_exempt_new(const struct settings *settings, struct tables *tables,
                                  struct problems *problems)
{
    const struct param_text *networks = &settings->spf_exempt_networks;
    const struct param_text *domains = &settings->spf_exempt_domains;
    struct spf_exempt *exempt = xcalloc(1, sizeof(*exempt));

    exempt->networks = match_list_new(networks->text, MATCH_NETWORKS | MATCH_PARENT,
                                      settings_dir(settings, networks->where), networks->where,
                                      tables, problems);
    exempt->domains = match_list_new(domains->text, MATCH_PARENT,
                                     settings_dir(settings, domains->where), domains->where,
                                     tables, problems);
    return exempt;
}

void spf_exempt_free(struct spf_exempt *exempt)
{
    if (exempt == NULL)
        return;
    match_list_free(exempt->networks);
    match_list_free(exempt->domains);
    free(exempt);
}

void spf_exempt_each_file(const struct spf_exempt *exempt,
                          void (*visit)(const char *path, void *arg), void *arg)
{
    match_list_each_file(exempt->networks, visit, arg);
    match_list_each_file(exempt->domains, visit, arg);
}

static bool is_loopback(const struct addr *addr)
{
    static const unsigned char loopback6[16] = {[15] = 1};

    if (addr->family == AF_INET)
        return addr->bytes[0] == 127;
    return addr->family == AF_INET6 && memcmp(addr->bytes, loopback6, sizeof(loopback6)) == 0;
}

static const char *helo_of(const struct scene *scene)
{
    return scene->client->helo != NULL ? scene->client->helo : "";
}

static const char *domain_of(const struct scene *scene, enum spf_identity identity)
{
    const char *sender = identity == SPF_MAILFROM ? scene->message->sender.text : "";
    const char *at = strrchr(sender, '@');
    const char *domain = sender[0] == '\0' ? helo_of(scene) : at != NULL ? at + 1 : "";

    return fold_domain_ascii(domain, scene->arena);
}

/* Why a client is never asked about, whatever it says; NULL: it is. */
static const char *exemption_of_client(const struct scene *scene)
{
    const struct client *c = scene->client;

    if (c->local || c->addr.family == AF_UNSPEC)
        return "the client has no address";
    if (is_loopback(&c->addr))
        return "the client is this machine";
    if (scene->message->login[0] != '\0')
        return "the client has logged in";
    if (scene->message->direction == DIR_OUTGOING)
        return "the mail is outgoing";
    return NULL;
}

/* What the lists say; MATCH_ERROR goes into *result, MATCH_NO leaves NULL. */
static const char *exemption_of_lists(const struct scene *scene, enum spf_identity identity,
                                      enum match_result *result)
{
    const struct policy *policy = scene->policy;
    const struct client *c = scene->client;
    struct slice name = slice_of(strcmp(c->name, "unknown") != 0 ? c->name : "");

    *result = site_is_our_client(policy->site, name, &c->addr, scene->arena);
    if (*result != MATCH_NO)
        return "the client is in mynetworks";
    *result = match_client(policy->spf_exempt->networks, name, &c->addr, scene->arena);
    if (*result != MATCH_NO)
        return "the client is in spf_exempt_networks";
    *result = match_domain(policy->spf_exempt->domains, slice_of(domain_of(scene, identity)),
                           scene->arena);
    if (*result != MATCH_NO)
        return "the domain is in spf_exempt_domains";
    return NULL;
}

/* Is there no need of an answer? The opinion is complete then. */
static bool is_settled(const struct scene *scene, enum spf_identity identity,
                       struct spf_opinion *opinion)
{
    bool known = identity == SPF_HELO ? scene->client->helo != NULL : scene->message->has_mail;
    const char *why = known ? exemption_of_client(scene) : "it is not known yet";
    enum match_result result = MATCH_YES;

    *opinion = (struct spf_opinion){.exempt = true, .answer = {.result = SPF_NONE, .domain = ""}};
    if (why == NULL)
        why = exemption_of_lists(scene, identity, &result);
    if (why == NULL)
        return false;
    if (result == MATCH_ERROR) {
        why = "a list of exemptions cannot be read here";
        opinion->exempt = false;
        opinion->answer.result = SPF_TEMPERROR;
    }
    opinion->answer.why = why;
    opinion->question = "exempt";
    opinion->raw = why;
    return true;
}

void spf_answer_of_finding(const struct finding *finding, struct arena *arena,
                           struct spf_answer *a)
{
    static const char failed[] = "temperror: ";
    const char *text = finding->answer != NULL ? finding->answer : "";
    bool told = strncmp(text, failed, strlen(failed)) == 0;

    if (!spf_answer_read(text, arena, a))
        *a = (struct spf_answer){.result = SPF_TEMPERROR,
                                 .why = told ? text + strlen(failed) : "no answer in time"};
    if (a->domain == NULL)
        a->domain = "";
    if (a->why == NULL)
        a->why = "";
}

bool spf_judge(const struct scene *scene, enum spf_identity identity, struct spf_opinion *opinion,
               struct outcome *need)
{
    const struct finding *finding;
    const char *question;

    if (is_settled(scene, identity, opinion))
        return true;
    question = question_spf(identity, identity == SPF_MAILFROM ? scene->message->sender.text : "",
                            &scene->client->addr, helo_of(scene), scene->arena);
    finding = check_finding(scene, question, need);
    if (finding == NULL)
        return false;
    *opinion = (struct spf_opinion){.question = question, .raw = finding->answer};
    spf_answer_of_finding(finding, scene->arena, &opinion->answer);
    return true;
}

const char *spf_sentence(const struct spf_answer *a, const char *client, struct arena *arena)
{
    switch (a->result) {
    case SPF_PASS:
        return arena_printf(arena, "%s is allowed to send for %s", client, a->domain);
    case SPF_FAIL:
        return arena_printf(arena, "%s is not allowed to send for %s", client, a->domain);
    case SPF_SOFTFAIL:
        return arena_printf(arena, "%s is probably not allowed to send for %s", client, a->domain);
    case SPF_NEUTRAL:
        return arena_printf(arena, "%s does not say whether %s is allowed to send for it",
                            a->domain, client);
    case SPF_NONE:
    case SPF_TEMPERROR:
    case SPF_PERMERROR:
        break;
    }
    return a->why;
}
