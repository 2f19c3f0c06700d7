/* check_rbl - restrictions that ask block lists and allow lists */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "policy.h"
#include "rbl_lookup.h"
#include "rbl_reply.h"
#include "restriction.h"

#include <string.h>

static const char CLIENT[] = "Client host";

/* Whom a list is asked about. */
struct listed {
    const char *what;  /* as replies name it; NULL: not known */
    const char *key;   /* NULL: nothing is asked */
    const char *class;
};

static bool is_unknown(const char *name)
{
    return strcasecmp(name, "unknown") == 0;
}

static struct listed name_to_list(const struct scene *scene, const char *name, const char *class)
{
    bool known = name != NULL && name[0] != '\0';

    return (struct listed){name, known ? rbl_key_of_name(scene, name) : NULL, class};
}

static struct listed client_address(const struct scene *scene)
{
    return (struct listed){scene->client->addr_text, rbl_key_of_client(scene), CLIENT};
}

static struct listed client_name(const struct scene *scene)
{
    const char *name = scene->client->name;

    return name_to_list(scene, is_unknown(name) ? NULL : name, CLIENT);
}

static struct listed reverse_name(const struct scene *scene)
{
    const char *name = scene->client->ptr;

    return name_to_list(scene, is_unknown(name) ? NULL : name, "Unverified Client host");
}

/* The outcome with what the list was asked and said, for the log. */
static struct outcome with_answer(struct outcome o, const struct rbl_result *result)
{
    o.question = result->question;
    o.answer = result->answer_text;
    return o;
}

static struct outcome reject_site(const struct scene *scene, const struct rbl_site *site,
                                  struct listed who)
{
    struct rbl_result result;
    struct outcome o;

    if (who.key == NULL)
        return outcome_dunno();
    if (!rbl_lookup(scene, site, who.key, &result, &o))
        return o;
    o = outcome_dunno();
    if (result.state == RBL_LISTED)
        o = rbl_reply(scene, site, who.what, who.class,
                      rbl_reason(&result.answer.txt, scene->arena));
    return with_answer(o, &result);
}

static struct outcome judge_rbl_client(const struct step *step, const struct scene *scene)
{
    return reject_site(scene, step->data, client_address(scene));
}

static struct outcome judge_rhsbl_client(const struct step *step, const struct scene *scene)
{
    return reject_site(scene, step->data, client_name(scene));
}

static struct outcome judge_rhsbl_reverse(const struct step *step, const struct scene *scene)
{
    return reject_site(scene, step->data, reverse_name(scene));
}

static struct outcome judge_rhsbl_helo(const struct step *step, const struct scene *scene)
{
    return reject_site(scene, step->data,
                       name_to_list(scene, scene->client->helo, "Helo command"));
}

static struct outcome judge_rhsbl_sender(const struct step *step, const struct scene *scene)
{
    const struct message *m = scene->message;

    return reject_site(scene, step->data,
                       name_to_list(scene, m->has_mail ? m->sender.text : NULL, "Sender address"));
}

static struct outcome judge_rhsbl_recipient(const struct step *step, const struct scene *scene)
{
    const struct recipient *r = scene->recipient;

    return reject_site(scene, step->data,
                       name_to_list(scene, r != NULL ? r->address.text : NULL,
                                    "Recipient address"));
}

/* The lists of maps_rbl_domains, one after the other. */
static struct outcome judge_maps_rbl(const struct step *step, const struct scene *scene)
{
    const struct rbl_sites *sites = &scene->policy->rbl->maps_domains;
    struct listed who = client_address(scene);
    struct outcome o = outcome_dunno();

    (void)step;
    if (who.key == NULL || rbl_need_all(scene, sites, who.key, &o))
        return o;
    for (size_t i = 0; i < sites->count && o.act == ACT_DUNNO; i++)
        o = reject_site(scene, &sites->list[i], who);
    return o;
}

/* An allow list permits no recipient elsewhere; one that cannot be asked turns a later rejection
 * into a deferral. */
static struct outcome permit_site(const struct scene *scene, const struct rbl_site *site,
                                  struct listed who)
{
    struct subject subject = {who.what, who.class};
    struct rbl_result result;
    struct outcome o;

    if (who.what == NULL)
        return outcome_dunno();
    if (scene->stage == STAGE_RCPT && scene->recipient != NULL) {
        o = check_auth_destination(scene);
        if (o.act != ACT_PERMIT)
            return o;
    }
    if (who.key == NULL)
        return outcome_dunno();
    if (!rbl_lookup(scene, site, who.key, &result, &o))
        return o;
    o = outcome_dunno();
    if (result.state == RBL_FAILED) {
        o = outcome_refuse(scene, &subject, 450, "4.7.1", "Service unavailable");
        o.act = ACT_DEFER_IF_REJECT;
    } else if (result.state == RBL_LISTED) {
        o.act = ACT_PERMIT;
    }
    return with_answer(o, &result);
}

static struct outcome judge_dnswl_client(const struct step *step, const struct scene *scene)
{
    return permit_site(scene, step->data, client_address(scene));
}

static struct outcome judge_rhswl_client(const struct step *step, const struct scene *scene)
{
    return permit_site(scene, step->data, client_name(scene));
}

/* What all the lists say together. */
struct score {
    long total;
    struct buf lists; /* those that speak against the client, as the reply names them */
    struct buf answers;
};

static void add_answer(struct score *score, const struct rbl_site *site)
{
    score->total += site->weight;
    buf_addf(&score->answers, "%s%s*%d", score->answers.len ? ", " : "", site->text, site->weight);
    if (site->weight <= 0)
        return;
    buf_addf(&score->lists, "%s%s", score->lists.len ? ", " : "", site->zone);
    if (site->weight != 1)
        buf_addf(&score->lists, "*%d", site->weight);
}

static struct outcome refuse_score(const struct scene *scene, const char *address,
                                   const struct score *score, long threshold)
{
    int code = (int)scene->policy->settings->maps_rbl_reject_code;
    struct outcome o = outcome_dunno();

    if (score->total >= threshold)
        o = outcome_reply(scene, code, "4.7.1",
                          "Service unavailable; %s [%s] blocked using %s (score %ld)", CLIENT,
                          address, buf_text(&score->lists), score->total);
    o.question = arena_printf(scene->arena, "rbl_score %s", address);
    o.answer = arena_printf(scene->arena, "%ld%s%s", score->total, score->answers.len ? ": " : "",
                            buf_text(&score->answers));
    return o;
}

static struct outcome judge_score(const struct step *step, const struct scene *scene)
{
    const struct rbl_sites *sites = &scene->policy->rbl->score_sites;
    const long *own = step->data;
    struct listed who = client_address(scene);
    struct score score = {0};
    struct rbl_result result;
    struct outcome o = outcome_dunno();

    if (who.key == NULL || rbl_need_all(scene, sites, who.key, &o))
        return o;
    for (size_t i = 0; i < sites->count; i++)
        if (rbl_lookup(scene, &sites->list[i], who.key, &result, &o) &&
            result.state == RBL_LISTED)
            add_answer(&score, &sites->list[i]);
    o = refuse_score(scene, who.what, &score,
                     own != NULL ? *own : scene->policy->settings->rbl_score_threshold);
    buf_free(&score.lists);
    buf_free(&score.answers);
    return o;
}

static const void *parse_threshold(struct slice argument, struct arena *arena, struct where where,
                                   struct problems *problems)
{
    long *threshold = arena_alloc(arena, sizeof(*threshold));

    if (parse_long(argument, 1, INT32_MAX, threshold))
        return threshold;
    problems_add(problems, SEV_ERROR, where,
                 "reject_rbl_score: \"%.*s\" is no threshold: write a number from 1",
                 (int)argument.len, argument.ptr);
    return NULL;
}

#define LIST(name_, only_, stage_, judge_, help_)                                                  \
    {.name = (name_), .arg = ARG_NAME, .first_stage = (stage_), .judge = (judge_),                 \
     .parse = rbl_site_parse, .asks = true, .only = (only_), .help = (help_)}

const struct restriction rows_rbl[] = {
    LIST("reject_rbl_client", ACT_REJECT, STAGE_CONNECT, judge_rbl_client,
         "reject a client whose address is in a block list"),
    LIST("reject_rhsbl_client", ACT_REJECT, STAGE_CONNECT, judge_rhsbl_client,
         "reject a client whose verified name is in a block list"),
    LIST("reject_rhsbl_reverse_client", ACT_REJECT, STAGE_CONNECT, judge_rhsbl_reverse,
         "reject a client whose unverified name is in a block list"),
    LIST("reject_rhsbl_helo", ACT_REJECT, STAGE_HELO, judge_rhsbl_helo,
         "reject a HELO name that is in a block list"),
    LIST("reject_rhsbl_sender", ACT_REJECT, STAGE_MAIL, judge_rhsbl_sender,
         "reject a sender whose domain is in a block list"),
    LIST("reject_rhsbl_recipient", ACT_REJECT, STAGE_RCPT, judge_rhsbl_recipient,
         "reject a recipient whose domain is in a block list"),
    LIST("permit_dnswl_client", ACT_PERMIT, STAGE_CONNECT, judge_dnswl_client,
         "permit a client whose address is in an allow list"),
    LIST("permit_rhswl_client", ACT_PERMIT, STAGE_CONNECT, judge_rhswl_client,
         "permit a client whose verified name is in an allow list"),
    {.name = "reject_rbl_score", .arg = ARG_COUNT, .first_stage = STAGE_CONNECT,
     .judge = judge_score, .parse = parse_threshold, .asks = true, .only = ACT_REJECT,
     .help = "reject a client that the lists of rbl_score_sites together speak against"},
    {.name = "reject_maps_rbl", .first_stage = STAGE_CONNECT, .judge = judge_maps_rbl,
     .instead = "reject_rbl_client", .asks = true, .only = ACT_REJECT,
     .help = "reject a client that is in a list of maps_rbl_domains (obsolete)"},
    {0},
};
