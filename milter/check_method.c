/* check_method - ACTION_METHOD_RESULT: rules on what SPF, iprev and DKIM say (RFC 8601) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_result.h"
#include "iprev.h"
#include "restriction.h"
#include "spf_scene.h"

/* Every restriction of this file: ROW(action, method, result, its constants …). */
#define SPF_RESULTS(ROW, action, ACT, method, IDENTITY, STAGE)                                     \
    ROW(action, ACT, method, none, IDENTITY, SPF_NONE, spf, STAGE)                                 \
    ROW(action, ACT, method, neutral, IDENTITY, SPF_NEUTRAL, spf, STAGE)                           \
    ROW(action, ACT, method, pass, IDENTITY, SPF_PASS, spf, STAGE)                                 \
    ROW(action, ACT, method, fail, IDENTITY, SPF_FAIL, spf, STAGE)                                 \
    ROW(action, ACT, method, softfail, IDENTITY, SPF_SOFTFAIL, spf, STAGE)                         \
    ROW(action, ACT, method, temperror, IDENTITY, SPF_TEMPERROR, spf, STAGE)                       \
    ROW(action, ACT, method, permerror, IDENTITY, SPF_PERMERROR, spf, STAGE)
#define IPREV_RESULTS(ROW, action, ACT, STAGE)                                                     \
    ROW(action, ACT, iprev, none, SPF_HELO, IPREV_NONE, iprev, STAGE)                              \
    ROW(action, ACT, iprev, pass, SPF_HELO, IPREV_PASS, iprev, STAGE)                              \
    ROW(action, ACT, iprev, fail, SPF_HELO, IPREV_FAIL, iprev, STAGE)                              \
    ROW(action, ACT, iprev, temperror, SPF_HELO, IPREV_TEMPERROR, iprev, STAGE)                    \
    ROW(action, ACT, iprev, permerror, SPF_HELO, IPREV_PERMERROR, iprev, STAGE)
#define DKIM_RESULTS(ROW, action, ACT)                                                             \
    ROW(action, ACT, dkim, none, SPF_HELO, DKIM_NONE, dkim, STAGE_EOM)                             \
    ROW(action, ACT, dkim, pass, SPF_HELO, DKIM_PASS, dkim, STAGE_EOM)                             \
    ROW(action, ACT, dkim, fail, SPF_HELO, DKIM_FAIL, dkim, STAGE_EOM)                             \
    ROW(action, ACT, dkim, policy, SPF_HELO, DKIM_POLICY, dkim, STAGE_EOM)                         \
    ROW(action, ACT, dkim, neutral, SPF_HELO, DKIM_NEUTRAL, dkim, STAGE_EOM)                       \
    ROW(action, ACT, dkim, temperror, SPF_HELO, DKIM_TEMPERROR, dkim, STAGE_EOM)                   \
    ROW(action, ACT, dkim, permerror, SPF_HELO, DKIM_PERMERROR, dkim, STAGE_EOM)
#define METHODS(ROW, action, ACT, CONNECT, HELO)                                                   \
    SPF_RESULTS(ROW, action, ACT, spf, SPF_MAILFROM, STAGE_MAIL)                                   \
    SPF_RESULTS(ROW, action, ACT, helo_spf, SPF_HELO, HELO)                                        \
    IPREV_RESULTS(ROW, action, ACT, CONNECT)                                                       \
    DKIM_RESULTS(ROW, action, ACT)
/* What is held is a message, which there is from MAIL on. */
#define ALL(ROW)                                                                                   \
    METHODS(ROW, permit, ACT_PERMIT, STAGE_CONNECT, STAGE_HELO)                                    \
    METHODS(ROW, reject, ACT_REJECT, STAGE_CONNECT, STAGE_HELO)                                    \
    METHODS(ROW, defer, ACT_DEFER, STAGE_CONNECT, STAGE_HELO)                                      \
    METHODS(ROW, hold, ACT_HOLD, STAGE_MAIL, STAGE_MAIL)

/* Which result makes which action fire. In the order of the rows. */
struct effect {
    enum act act;
    enum spf_identity identity; /* of SPF */
    int result;                 /* enum spf_result, enum iprev_result */
};

static const struct effect effects[] = {
#define EFFECT(action, ACT, method, result, IDENTITY, RESULT, family, STAGE)                       \
    {ACT, IDENTITY, RESULT},
    ALL(EFFECT)
#undef EFFECT
};

static const struct effect *effect_of(const struct step *step)
{
    return &effects[step->row - rows_method];
}

/* What a method says of a subject. */
struct statement {
    struct subject subject;
    const char *text; /* "SPF fail: …" */
    const char *dsn;  /* RFC 7372 */
    bool is_error;    /* the method itself could not say */
    bool is_temporary;
};

static struct outcome act_on(const struct scene *scene, enum act act, const struct statement *s)
{
    if (act == ACT_PERMIT)
        return outcome_permit();
    if (act == ACT_HOLD)
        return (struct outcome){.act = ACT_HOLD,
                                .text = arena_printf(scene->arena, "<%s>: %s %s", s->subject.name,
                                                     s->subject.class, s->text)};
    if (act == ACT_REJECT && !s->is_temporary)
        return outcome_refuse(scene, &s->subject, 550, s->dsn, "%s", s->text);
    return outcome_refuse(scene, &s->subject, s->is_error ? 451 : 450, s->dsn, "%s", s->text);
}

static const char *spf_text(const struct scene *scene, const struct spf_answer *a)
{
    char addr[ADDR_TEXT_SIZE];
    const char *client = addr_text(&scene->client->addr, addr);
    const char *text = arena_printf(scene->arena, "SPF %s: %s", spf_result_name(a->result),
                                    spf_sentence(a, client, scene->arena));

    if (a->result != SPF_FAIL || a->explanation == NULL || a->explanation[0] == '\0')
        return text;
    return arena_printf(scene->arena, "%s; %s says: %.*s", text,
                        a->explainer != NULL ? a->explainer : a->domain, SPF_EXPLANATION_MAX,
                        a->explanation);
}

static struct outcome judge_spf(const struct step *step, const struct scene *scene)
{
    const struct effect *effect = effect_of(step);
    struct spf_opinion opinion;
    struct outcome o = outcome_dunno();
    enum spf_result result;

    if (!spf_judge(scene, effect->identity, &opinion, &o))
        return o;
    result = opinion.answer.result;
    if (!opinion.exempt && (int)result == effect->result) {
        struct statement s = {
            .subject = effect->identity == SPF_HELO ? subject_helo(scene) : subject_sender(scene),
            .text = spf_text(scene, &opinion.answer),
            .is_error = result == SPF_TEMPERROR || result == SPF_PERMERROR,
            .is_temporary = result == SPF_TEMPERROR,
        };

        s.dsn = s.is_error ? "5.7.24" : "5.7.23";
        o = act_on(scene, effect->act, &s);
    }
    o.question = opinion.question;
    o.answer = opinion.raw;
    return o;
}

static struct outcome judge_iprev(const struct step *step, const struct scene *scene)
{
    const struct effect *effect = effect_of(step);
    struct outcome o = outcome_dunno();
    struct iprev iprev;
    struct statement s = {.dsn = "5.7.25"};

    if (!iprev_judge(scene, &iprev, &o))
        return o;
    if ((int)iprev.result != effect->result)
        return outcome_because(scene, o, iprev.question);
    s.subject = subject_client(scene);
    if (iprev.reason == NULL)
        iprev.reason = arena_printf(scene->arena, "%s leads back to %s",
                                    iprev.name != NULL ? iprev.name : scene->client->name,
                                    scene->client->addr_text);
    s.text = arena_printf(scene->arena, "iprev %s: %s", iprev_result_name(iprev.result),
                          iprev.reason);
    s.is_temporary = s.is_error = iprev.result == IPREV_TEMPERROR;
    return outcome_because(scene, act_on(scene, effect->act, &s), iprev.question);
}

/* The one that the mail's result comes from; NULL: there is none. */
static const struct dkim_signature *deciding_signature(const struct dkim_verdict *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (!v->signature[i].capped && v->signature[i].result == v->result)
            return &v->signature[i];
    return v->count > 0 ? &v->signature[0] : NULL;
}

/* "d.example: the body was changed". */
static const char *dkim_text(const struct scene *scene, const struct dkim_verdict *v)
{
    const struct dkim_signature *s = deciding_signature(v);
    const char *who = s != NULL && s->d != NULL ? s->d : "a signature";
    const char *result = dkim_result_name(v->result);

    if (s == NULL)
        return arena_printf(scene->arena, "DKIM %s: the message is not signed", result);
    if (s->why == NULL)
        return arena_printf(scene->arena, "DKIM %s: %s", result, who);
    return arena_printf(scene->arena, "DKIM %s: %s: %s", result, who, s->why);
}

/* What is not verified, outgoing mail, has no result. */
static struct outcome judge_dkim(const struct step *step, const struct scene *scene)
{
    const struct effect *effect = effect_of(step);
    const struct dkim_verdict *v = scene->message->dkim;
    struct outcome o = outcome_dunno();

    if (v == NULL)
        return o;
    if ((int)v->result == effect->result) {
        struct statement s = {
            .subject = scene->subject, .text = dkim_text(scene, v), .dsn = "5.7.20",
            .is_error = v->result == DKIM_TEMPERROR, .is_temporary = v->result == DKIM_TEMPERROR,
        };

        o = act_on(scene, effect->act, &s);
    }
    o.question = "dkim";
    o.answer = dkim_text(scene, v);
    return o;
}

/* SPF is not asked about clients that have logged in; iprev is. DKIM is known by then. */
enum { awaits_login_spf = true, awaits_login_iprev = false, awaits_login_dkim = false };
enum { asks_spf = true, asks_iprev = true, asks_dkim = false };
enum { reads_dkim_spf = false, reads_dkim_iprev = false, reads_dkim_dkim = true };

const struct restriction rows_method[] = {
#define ROW(action, ACT, method, result, IDENTITY, RESULT, family, STAGE)                          \
    {.name = #action "_" #method "_" #result, .first_stage = STAGE, .judge = judge_##family,       \
     .asks = asks_##family, .only = ACT, .reads_dkim = reads_dkim_##family,                        \
     .awaits_login = awaits_login_##family, .own = true,                                           \
     .help = #action " if " #method " says " #result},
    ALL(ROW)
#undef ROW
    {0},
};
