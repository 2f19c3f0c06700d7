/* check_access - check_*_access: tables asked as access(5) says */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access_search.h"
#include "address.h"
#include "dkim_result.h"
#include "fold.h"
#include "restriction.h"
#include "spf_scene.h"

#include <string.h>

static struct outcome judge_client_access(const struct step *step, const struct scene *scene)
{
    struct access_search s;

    access_search_start(&s, step, scene);
    if (!access_keys_name(&s.keys, scene->client->name))
        access_keys_address(&s.keys, scene->client->addr_text);
    return access_search_conclude(&s, subject_client(scene));
}

static struct outcome judge_reverse_access(const struct step *step, const struct scene *scene)
{
    struct access_search s;
    const char *ptr = scene->client->ptr != NULL ? scene->client->ptr : "unknown";
    struct outcome o;

    access_search_start(&s, step, scene);
    if (!access_keys_name(&s.keys, ptr))
        access_keys_address(&s.keys, scene->client->addr_text);
    o = access_search_conclude(&s, (struct subject){ptr, "Unverified Client host"});
    o.permission = PERMISSION_FORBIDDEN;
    return o;
}

static struct outcome judge_helo_access(const struct step *step, const struct scene *scene)
{
    struct access_search s;

    if (scene->client->helo == NULL)
        return outcome_dunno();
    access_search_start(&s, step, scene);
    access_keys_name(&s.keys, scene->client->helo);
    return access_search_conclude(&s, subject_helo(scene));
}

static struct outcome judge_sender_access(const struct step *step, const struct scene *scene)
{
    struct access_search s;

    if (!scene->message->has_mail)
        return outcome_dunno();
    access_search_start(&s, step, scene);
    access_keys_sender(&s.keys, scene->message->sender.key);
    return access_search_conclude(&s, subject_sender(scene));
}

static struct outcome judge_recipient_access(const struct step *step, const struct scene *scene)
{
    struct access_search s;
    struct outcome o;

    if (scene->recipient == NULL || strchr(scene->recipient->address.key, '@') == NULL)
        return outcome_dunno();
    access_search_start(&s, step, scene);
    access_keys_mail(&s.keys, scene->recipient->address.key);
    o = access_search_conclude(&s, subject_recipient(scene));
    if (address_is_routed(&scene->recipient->address))
        o.permission = PERMISSION_IGNORED;
    return o;
}

static struct outcome judge_sasl_access(const struct step *step, const struct scene *scene)
{
    struct access_search s;
    char *name;

    if (scene->message->login[0] == '\0')
        return outcome_dunno();
    name = arena_strdup(scene->arena, scene->message->login);
    for (char *p = name; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '_';
    access_search_start(&s, step, scene);
    access_search_ask(&s, slice_of(scene->message->login));
    return access_search_conclude(&s, (struct subject){name, "SASL login name"});
}

/* Only a domain that SPF vouches for has keys. */
static struct outcome judge_spf_access(const struct step *step, const struct scene *scene)
{
    struct spf_opinion opinion;
    struct outcome o = outcome_dunno();
    struct access_search s;

    if (!spf_judge(scene, SPF_MAILFROM, &opinion, &o))
        return o;
    if (opinion.exempt || opinion.answer.result != SPF_PASS) {
        o.question = opinion.question;
        o.answer = opinion.raw;
        return o;
    }
    access_search_start(&s, step, scene);
    access_keys_name(&s.keys, fold_domain_ascii(opinion.answer.domain, scene->arena));
    return access_search_conclude(&s, subject_sender(scene));
}

/* Each domain whose signature is good has its keys, from the top signature down. */
static struct outcome judge_dkim_access(const struct step *step, const struct scene *scene)
{
    const struct dkim_verdict *v = scene->message->dkim;
    struct subject subject = {"", "Signing domain"};
    struct access_search s;
    bool done = false;

    access_search_start(&s, step, scene);
    for (size_t i = 0; v != NULL && i < v->count && !done; i++)
        if (v->signature[i].result == DKIM_PASS && v->signature[i].d != NULL) {
            subject.name = v->signature[i].d;
            done = access_keys_name(&s.keys, v->signature[i].d);
        }
    return access_search_conclude(&s, subject);
}

const struct restriction rows_access[] = {
    {.name = "check_client_access", .arg = ARG_TABLE, .first_stage = STAGE_CONNECT,
     .judge = judge_client_access, .class = "Client host",
     .help = "access table keyed by the client's verified name, its parents, its address"},
    {.name = "check_reverse_client_hostname_access", .arg = ARG_TABLE,
     .first_stage = STAGE_CONNECT, .judge = judge_reverse_access, .class = "Unverified Client host",
     .help = "access table keyed by the client's unverified reverse name"},
    {.name = "check_helo_access", .arg = ARG_TABLE, .first_stage = STAGE_HELO,
     .judge = judge_helo_access, .class = "Helo command",
     .help = "access table keyed by the HELO name and its parents"},
    {.name = "check_sender_access", .arg = ARG_TABLE, .first_stage = STAGE_MAIL,
     .judge = judge_sender_access, .class = "Sender address",
     .help = "access table keyed by the sender's address"},
    {.name = "check_recipient_access", .arg = ARG_TABLE, .first_stage = STAGE_RCPT,
     .judge = judge_recipient_access, .class = "Recipient address",
     .help = "access table keyed by the recipient's address"},
    {.name = "check_sasl_access", .arg = ARG_TABLE, .first_stage = STAGE_MAIL, .awaits_login = true,
     .judge = judge_sasl_access, .class = "SASL login name",
     .help = "access table keyed by the login name"},
    {.name = "check_spf_access", .arg = ARG_TABLE, .first_stage = STAGE_MAIL,
     .judge = judge_spf_access, .class = "Sender address", .asks = true, .awaits_login = true,
     .help = "access table keyed by the sender's domain, if SPF says pass, and its parents"},
    {.name = "check_dkim_access", .arg = ARG_TABLE, .first_stage = STAGE_EOM,
     .judge = judge_dkim_access, .class = "Signing domain", .reads_dkim = true,
     .help = "access table keyed by the domains of good DKIM signatures, and their parents"},
    {0},
};
