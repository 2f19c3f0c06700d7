/* check_authres - what Authentication-Results says of a message */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "check_authres.h"

#include "dkim_result.h"
#include "fold.h"
#include "iprev.h"
#include "policy.h"
#include "received_spf.h"
#include "restriction.h"
#include "spf_scene.h"

enum { SIGNATURES_MAX = 20, CLAUSES_MAX = 3 + SIGNATURES_MAX, QUESTIONS_MAX = 32 };

static void read_methods(struct authres_policy *a, const struct param_text *list,
                         struct problems *problems)
{
    struct slice rest = slice_of(list->text), word;

    while (slice_word(&rest, ", \t\r\n", &word)) {
        if (slice_is_nocase(word, "iprev"))
            a->iprev = true;
        else if (slice_is_nocase(word, "spf"))
            a->spf = true;
        else if (slice_is_nocase(word, "dkim"))
            a->dkim = true;
        else
            problems_add(problems, SEV_ERROR, list->where,
                         "authentication_results: %.*s is no method: write iprev, spf, dkim, or "
                         "nothing for no field", (int)word.len, word.ptr);
    }
}

struct authres_policy authres_policy_read(const struct settings *settings, struct arena *arena,
                                          struct problems *problems)
{
    const struct param_text *list = &settings->authentication_results;
    struct authres_policy a = {.where = list->where};
    struct where place = settings_place(settings, "authserv_id");
    const char *id = fold_domain_ascii(settings->authserv_id, arena);

    read_methods(&a, list, problems);
    if (!a.iprev && !a.spf && !a.dkim)
        return a;
    if (authres_is_id(id))
        a.id = id;
    else if (place.file != NULL)
        problems_add(problems, SEV_ERROR, place,
                     "authserv_id: \"%s\" is no full domain name: write one of yours, such as "
                     "mail.example.com", settings->authserv_id);
    else
        problems_add(problems, SEV_WARNING, list->where,
                     "no Authentication-Results field is added, because \"%s\" is no full domain "
                     "name: set authserv_id, or authentication_results = (empty)",
                     settings->authserv_id);
    return a;
}

/* The field under construction, and all that is still to be asked for it. */
struct draft {
    const struct scene *scene;
    struct authres_clause clauses[CLAUSES_MAX];
    size_t count;
    const char **questions;
    size_t question_count;
};

static void want(struct draft *d, const char *question)
{
    if (question != NULL && d->question_count < QUESTIONS_MAX)
        d->questions[d->question_count++] = question;
}

static void want_all(struct draft *d, const struct outcome *need)
{
    want(d, need->need);
    for (const char *const *q = need->also; q != NULL && *q != NULL; q++)
        want(d, *q);
}

static void add(struct draft *d, const char *method, const char *result, const char *reason,
                struct authres_property property)
{
    struct authres_property *p = arena_alloc(d->scene->arena, sizeof(*p));

    *p = property;
    d->clauses[d->count++] = (struct authres_clause){.method = method, .result = result,
                                                     .reason = reason, .properties = p,
                                                     .property_count = 1};
}

static void add_iprev(struct draft *d)
{
    const char *addr = d->scene->client->addr_text;
    struct outcome need = {0};
    struct iprev iprev;

    if (!iprev_judge(d->scene, &iprev, &need))
        want_all(d, &need);
    else if (iprev.result != IPREV_NONE)
        add(d, "iprev", iprev_result_name(iprev.result), iprev.reason,
            (struct authres_property){"policy", "iprev", addr, iprev.name});
}

/* What nobody asked is not told of; why is told where a result does not explain itself. */
static void add_spf(struct draft *d, enum spf_identity identity)
{
    const struct spf_answer *a;
    struct spf_opinion opinion;
    struct outcome need = {0};
    const char *why = NULL;

    if (!spf_judge(d->scene, identity, &opinion, &need)) {
        want_all(d, &need);
        return;
    }
    a = &opinion.answer;
    if (opinion.exempt || (identity == SPF_HELO && a->domain[0] == '\0'))
        return;
    if (a->result == SPF_TEMPERROR || a->result == SPF_PERMERROR)
        why = a->why;
    add(d, "spf", spf_result_name(a->result), why,
        (struct authres_property){"smtp", identity == SPF_HELO ? "helo" : "mailfrom", a->domain,
                                  NULL});
}

/* "k= of the key" without the sign, which some readers take for that of another result. */
static const char *plain_reason(const char *why, struct arena *arena)
{
    char *text = arena_strdup(arena, why), *to = text;

    for (; text != NULL && *why != '\0'; why++)
        if (*why != '=')
            *to++ = *why;
    if (text != NULL)
        *to = '\0';
    return text;
}

/* What cannot be shown is left out; the key's size says what a result is worth. */
static void add_signature(struct draft *d, const struct dkim_signature *s)
{
    struct arena *arena = d->scene->arena;
    const struct authres_property all[] = {
        {"header", "d", s->d, NULL}, {"header", "i", s->i, NULL}, {"header", "a", s->a, NULL},
        {"header", "s", s->s, NULL}, {"header", "b", s->b, NULL},
    };
    struct authres_property *p = arena_alloc(arena, sizeof(all));
    struct authres_clause clause = {.method = "dkim", .result = dkim_result_name(s->result),
                                    .reason = plain_reason(s->why, arena), .properties = p};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].value != NULL)
            p[clause.property_count++] = all[i];
    if (s->bits > 0)
        clause.remark = arena_printf(arena, "%u-bit key%s%s", s->bits, s->testing ? ", test" : "",
                                     s->partial ? ", a part of the body only" : "");
    d->clauses[d->count++] = clause;
}

/* RFC 8601, 2.7.1: a result for each signature; of too many, the first. */
static void add_dkim(struct draft *d)
{
    const struct dkim_verdict *v = d->scene->message->dkim;

    if (v == NULL)
        return;
    for (size_t i = 0; i < v->count && i < SIGNATURES_MAX; i++)
        add_signature(d, &v->signature[i]);
    if (v->count == 0)
        d->clauses[d->count++] = (struct authres_clause){.method = "dkim", .result = "none"};
}

/* The sender stands last: readers who know one SPF result take the last. */
static void draft(struct draft *d)
{
    const struct authres_policy *a = &d->scene->policy->authres;

    if (a->iprev)
        add_iprev(d);
    if (a->spf) {
        add_spf(d, SPF_HELO);
        add_spf(d, SPF_MAILFROM);
    }
    if (a->dkim)
        add_dkim(d);
}

static struct outcome need_of(struct draft *d)
{
    d->questions[d->question_count] = NULL;
    return (struct outcome){.need = d->questions[0], .also = d->questions + 1};
}

const char *authres_judge(const struct scene *scene, struct outcome *need)
{
    struct draft d = {.scene = scene};

    *need = outcome_dunno();
    if (scene->policy->authres.id == NULL || scene->client->local ||
        scene->message->direction == DIR_OUTGOING)
        return NULL;
    d.questions = arena_alloc(scene->arena, (QUESTIONS_MAX + 1) * sizeof(*d.questions));
    draft(&d);
    if (d.question_count > 0) {
        *need = need_of(&d);
        return NULL;
    }
    return authres_build(scene->policy->authres.id, d.clauses, d.count, scene->arena);
}

static struct outcome judge_step(const struct step *step, const struct scene *scene)
{
    struct outcome need;

    (void)step;
    if (authres_judge(scene, &need) == NULL && need.need != NULL)
        return need;
    received_spf(scene, &need);
    return need;
}

static const struct restriction authres_row = {
    .name = "authentication_results", .kind = KIND_OURS, .first_stage = STAGE_CONNECT,
    .judge = judge_step, .asks = true, .awaits_login = true,
    .help = "what is written into the message",
};

const struct step authres_step = {.row = &authres_row, .text = "authentication_results"};
