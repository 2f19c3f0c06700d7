/* replay - a logged transaction judged again, under any policy, on the answers of its time */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay.h"

#include "dkim_result.h"
#include "replay_content.h"
#include "replay_edits.h"
#include "session.h"
#include "session_end.h"
#include "world_recorded.h"

#include <stdlib.h>
#include <string.h>

struct replay {
    struct policy *policy;
    struct world *world;
    struct session *session;
    struct content_reads *reads[DIR_COUNT], *edit_reads[DIR_COUNT];
    bool same_content;
    struct arena *arena; /* of one result */
    struct replay_result result;
};

/* Something that was needed and nobody recorded; what NULL: nothing. */
struct gap {
    const char *what, *parameter;
};

/* One transaction on its way. */
struct take {
    struct replay *replay;
    const struct replay_facts *facts;
    const struct recipient *recipient; /* whose RCPT is played */
    struct gap early, late;            /* before RCPT; behind it */
    struct gap *gaps;                  /* one a recipient */
    enum stage last;                   /* as far as is seen */
    bool finished, asked;
    struct verdict verdict;            /* of the message */
    enum entry_action action;
};

struct replay *replay_new(struct policy *policy, struct world *ask_now)
{
    struct replay *r = xcalloc(1, sizeof(*r));

    r->policy = policy;
    r->world = world_recorded_new(ask_now);
    r->arena = arena_new();
    for (int d = 0; d < DIR_COUNT; d++) {
        r->reads[d] = content_reads_new(policy, (enum direction)d, false);
        r->edit_reads[d] = content_reads_new(policy, (enum direction)d, true);
    }
    policy_hold(policy);
    r->session = session_new(policy, r->world, NULL, true);
    session_set_quiet(r->session, true);
    return r;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    session_free(r->session);
    for (int d = 0; d < DIR_COUNT; d++) {
        content_reads_free(r->reads[d]);
        content_reads_free(r->edit_reads[d]);
    }
    world_recorded_free(r->world);
    arena_free(r->arena);
    free(r);
}

void replay_set_same_content(struct replay *r, bool same)
{
    r->same_content = same;
}

const char *replay_change_name(enum replay_change change)
{
    static const char *const names[] = {"same", "changed", "unknown"};

    return names[change];
}

/* --- the facts as events ---------------------------------------------------------------------- */

static const char *get_client_macro(const struct client *c, const char *name)
{
    const struct {
        const char *name, *value;
    } rows[] = {
        {"{client_ptr}", c->ptr},
        {"{client_resolve}", c->resolve},
        {"{daemon_name}", c->daemon_name},
        {"{daemon_addr}", c->daemon_addr},
        {"v", c->mta_version},
        {"j", c->mta_host},
        {"{tls_version}", c->tls_version},
        {"{cipher}", c->cipher},
        {"{cipher_bits}", c->cipher_bits},
        {"{cert_subject}", c->cert_subject},
        {"{cert_issuer}", c->cert_issuer},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].value;
    return NULL;
}

static const char *get_recipient_macro(const struct recipient *r, const char *name)
{
    if (strcmp(name, "{rcpt_addr}") == 0)
        return r->refused_by_mta ? r->verdict.text : r->address.key;
    if (!r->refused_by_mta)
        return NULL;
    if (strcmp(name, "{rcpt_mailer}") == 0)
        return "error";
    return strcmp(name, "{rcpt_host}") == 0 ? r->verdict.dsn : NULL;
}

static const char *get_macro(void *arg, const char *name)
{
    const struct take *t = arg;
    const struct message *m = t->facts->message;

    if (strncmp(name, "{rcpt_", 6) == 0)
        return t->recipient != NULL ? get_recipient_macro(t->recipient, name) : NULL;
    if (strcmp(name, "i") == 0)
        return m->queue_id;
    if (strcmp(name, "{auth_authen}") == 0)
        return m->login;
    if (strcmp(name, "{auth_type}") == 0)
        return m->auth_method;
    if (strcmp(name, "{mail_addr}") == 0)
        return m->sender.key;
    if (strcmp(name, "{daemon_port}") == 0 && t->facts->client->daemon_port >= 0)
        return arena_printf(t->replay->arena, "%d", t->facts->client->daemon_port);
    return get_client_macro(t->facts->client, name);
}

/* How much of it the log has seen. */
static enum stage last_stage(const struct replay_facts *facts)
{
    const struct message *m = facts->message;
    bool ended = facts->action == ENTRY_ACCEPT || facts->action == ENTRY_DISCARD;

    if (!m->has_mail && !facts->client->local)
        return facts->client->helo != NULL ? STAGE_HELO : STAGE_CONNECT;
    if (ended || (facts->action != ENTRY_ABORTED && m->verdict.stage > STAGE_DATA))
        return STAGE_EOM;
    if (m->recipients == NULL)
        return STAGE_MAIL;
    return facts->action != ENTRY_ABORTED && m->verdict.stage == STAGE_DATA ? STAGE_DATA
                                                                            : STAGE_RCPT;
}

/* --- what is missing -------------------------------------------------------------------------- */

static const char *parameter_for(const char *question)
{
    return strncmp(question, "greylist", 8) == 0 ? NULL : "--ask-now";
}

/* Takes notice, and lets the same question be asked, and so noticed, again. */
static void note_gap(struct take *t, struct gap *gap)
{
    struct world *world = t->replay->world;
    const char *missing = world_recorded_missing(world);

    t->asked |= world_recorded_asked(world);
    if (missing != NULL && gap->what == NULL) {
        gap->what = arena_strdup(t->replay->arena, missing);
        gap->parameter = parameter_for(missing);
    }
    if (missing != NULL)
        session_drop_findings(t->replay->session, world_recorded_unknown());
    world_recorded_mark(world);
}

/* --- the play --------------------------------------------------------------------------------- */

static bool is_refused(const struct verdict *v)
{
    return verdict_refuses(v) && v->enforced;
}

static bool is_end(const struct take *t, enum stage stage, const struct verdict *v)
{
    return t->last == stage || is_refused(v);
}

static void play_recipients(struct take *t, const struct macros *macros)
{
    const struct message *m = t->facts->message;
    size_t i = 0;

    for (const struct recipient *r = m->recipients; r != NULL; r = r->next, i++) {
        const char *argv[] = {r->address.arg, NULL};

        t->recipient = r;
        session_rcpt(t->replay->session, argv, macros);
        note_gap(t, &t->gaps[i]);
    }
    t->recipient = NULL;
}

static bool play_envelope(struct take *t, const struct macros *macros)
{
    const struct message *m = t->facts->message;
    const struct client *c = t->facts->client;
    struct session *s = t->replay->session;
    const char *argv[] = {m->sender.arg, m->smtputf8 ? "SMTPUTF8" : NULL, NULL};
    const struct verdict *v = session_connect(s, c->name, c->addr_text, c->local ? 0 : c->port,
                                              macros);

    if (is_end(t, STAGE_CONNECT, v))
        return false;
    if (c->helo != NULL)
        v = session_helo(s, c->helo, macros);
    if (is_end(t, STAGE_HELO, v))
        return false;
    v = session_mail(s, argv, macros);
    note_gap(t, &t->early);
    if (is_end(t, STAGE_MAIL, v))
        return false;
    play_recipients(t, macros);
    return t->last != STAGE_RCPT && session_message(s)->accepted_count > 0;
}

/* What the content is found to be goes behind the lists, and so may be exchanged for the record. */
static void judge_content(struct take *t, const struct verdict *answer)
{
    struct replay *r = t->replay;
    const struct message *m = session_message(r->session);
    bool by_lists = answer->act != ACT_DUNNO && answer->stage == STAGE_EOM;

    t->verdict = m->verdict;
    if (by_lists || m->verdict.act == ACT_DISCARD)
        return;
    if (r->same_content) {
        struct verdict v = content_recorded(t->facts);

        if (v.act != ACT_DUNNO || m->verdict.stage == STAGE_HEADER ||
            m->verdict.stage == STAGE_BODY)
            t->verdict = v;
    } else if (m->verdict.stage != STAGE_HEADER && m->verdict.stage != STAGE_BODY &&
               t->late.what == NULL) {
        t->late.what = content_reads_missing(r->reads[m->direction], t->facts,
                                             &t->late.parameter);
    }
}

/* Signatures are verified over what the log does not keep: what was found then counts. */
static void set_dkim(struct take *t)
{
    static const struct dkim_verdict none = {.result = DKIM_NONE};
    const struct replay *r = t->replay;
    const struct message *m = session_message(r->session);
    const struct dkim_verdict *recorded = t->facts->message->dkim;

    session_set_dkim(r->session, recorded != NULL ? recorded : &none);
    if (!r->policy->verifies_dkim || recorded != NULL || m->direction != DIR_INCOMING ||
        t->facts->client->local || t->late.what != NULL)
        return;
    t->late.what = "dkim";
    t->late.parameter = "authentication_results = dkim";
}

static void play_header(struct take *t)
{
    struct session *s = t->replay->session;

    for (const struct header *h = t->facts->message->headers; h != NULL; h = h->next)
        session_header(s, h->name, h->value);
    for (const struct header *h = t->facts->message->parts; h != NULL; h = h->next)
        session_part(s, h->value);
}

static void play_content(struct take *t, const struct macros *macros)
{
    struct session *s = t->replay->session;
    const struct verdict *v = session_data(s, macros);

    note_gap(t, &t->late);
    t->verdict = session_message(s)->verdict;
    if (is_end(t, STAGE_DATA, v))
        return;
    set_dkim(t);
    if (!t->replay->same_content)
        play_header(t);
    v = session_eom(s, macros);
    t->finished = true;
    note_gap(t, &t->late);
    judge_content(t, v);
}

/* Whether an address stood in < > is told by the arguments alone. */
static void note_arguments(struct take *t)
{
    if (!t->replay->policy->settings->strict_rfc821_envelopes || t->facts->client->local ||
        !t->facts->arguments_unknown)
        return;
    t->early.what = "arguments of MAIL and RCPT";
    t->early.parameter = "evidence_headers";
}

static void play(struct take *t)
{
    struct macros macros = {get_macro, t};
    struct session *s = t->replay->session;
    struct message shown;
    bool goes_on;

    note_arguments(t);
    goes_on = play_envelope(t, &macros);
    note_gap(t, &t->early);
    t->verdict = session_message(s)->verdict;
    if (goes_on)
        play_content(t, &macros);
    shown = *session_message(s);
    shown.verdict = t->verdict;
    t->action = transaction_action(&shown, t->finished);
}

/* --- the comparison --------------------------------------------------------------------------- */

/* As the log tells it of a recipient: its own refusal, else what became of the message. */
static enum entry_action action_for(const struct recipient *r, const struct verdict *message,
                                    enum entry_action action, struct verdict *v)
{
    static const struct verdict none = {.act = ACT_DUNNO};

    if (r != NULL && (verdict_refuses(&r->verdict) || r->verdict.act == ACT_DISCARD)) {
        *v = r->verdict;
        return v->act == ACT_REJECT  ? ENTRY_REJECT
               : v->act == ACT_DEFER ? ENTRY_TEMPFAIL
                                     : ENTRY_DISCARD;
    }
    *v = none;
    if (r == NULL || action == ENTRY_DISCARD ||
        (message->stage != STAGE_RCPT && action != ENTRY_ACCEPT))
        *v = *message;
    return action;
}

static bool is_same_reply(const struct verdict *a, const struct verdict *b)
{
    return a->code == b->code && is_same_text(a->dsn, b->dsn) && is_same_text(a->text, b->text);
}

/* A refusal before the recipients were told is theirs. */
static void set_now(const struct take *t, const struct recipient *now, struct replay_outcome *o)
{
    if (now != NULL || o->number == 0) {
        o->now = action_for(now, &t->verdict, t->action, &o->verdict);
        return;
    }
    o->now = t->action;
    o->verdict = t->verdict;
}

static void compare(struct replay_outcome *o)
{
    bool refuses = verdict_refuses(&o->verdict);

    o->as_far_as_seen = o->now == ENTRY_ABORTED;
    if (o->unknown != NULL)
        o->change = REPLAY_UNKNOWN;
    else if (o->now != o->was || (refuses && !is_same_reply(&o->verdict, &o->recorded)))
        o->change = REPLAY_CHANGED;
}

static struct replay_outcome *outcome_of(struct take *t, const struct recipient *was,
                                         const struct recipient *now, const struct gap *gap)
{
    const struct message *m = t->facts->message;
    struct replay_outcome *o = arena_alloc(t->replay->arena, sizeof(*o));
    bool own;

    o->number = was != NULL ? was->number : 0;
    o->address = was != NULL ? was->address.text : "";
    o->was = action_for(was, &m->verdict, t->facts->action, &o->recorded);
    set_now(t, now, o);
    own = now != NULL && verdict_refuses(&now->verdict);
    if (t->early.what != NULL)
        gap = &t->early;
    else if ((gap == NULL || gap->what == NULL) && !own)
        gap = &t->late;
    o->unknown = gap != NULL ? gap->what : NULL;
    o->parameter = gap != NULL ? gap->parameter : NULL;
    o->asked_now = t->asked;
    if (was != NULL && was->refused_by_mta)
        o->unknown = NULL;
    compare(o);
    return o;
}

static void list_outcomes(struct take *t)
{
    const struct message *m = t->facts->message;
    const struct recipient *now = session_message(t->replay->session)->recipients;
    struct replay_outcome **tail = &t->replay->result.outcomes;
    size_t i = 0;

    if (m->recipients == NULL)
        *tail = outcome_of(t, NULL, NULL, NULL);
    for (const struct recipient *was = m->recipients; was != NULL; was = was->next, i++) {
        *tail = outcome_of(t, was, now, &t->gaps[i]);
        tail = &(*tail)->next;
        now = now != NULL ? now->next : NULL;
    }
}

/* Is all known that can change the mail? What is refused is not changed. */
static bool has_edits(const struct take *t)
{
    const struct message *was = t->facts->message, *now = session_message(t->replay->session);

    for (const struct replay_outcome *o = t->replay->result.outcomes; o != NULL; o = o->next)
        if (o->change == REPLAY_UNKNOWN)
            return false;
    return t->facts->action == ENTRY_ACCEPT && t->action == ENTRY_ACCEPT &&
           (was->checks != NULL || now->checks == NULL);
}

static void compare_edits(struct take *t)
{
    struct replay *r = t->replay;
    const struct message *now = session_message(r->session);
    const char *parameter, *fate;
    bool content;

    if (!has_edits(t))
        return;
    content = !r->same_content &&
              content_reads_missing(r->edit_reads[now->direction], t->facts, &parameter) == NULL;
    r->result.edits = replay_edits_compare(t->facts->message, now, content, r->arena);
    fate = replay_edits_fate(r->result.edits);
    for (struct replay_outcome *o = r->result.outcomes; fate != NULL && o != NULL; o = o->next)
        if (o->was == ENTRY_ACCEPT && o->now == ENTRY_ACCEPT) {
            o->fate = fate;
            o->change = REPLAY_CHANGED;
        }
}

static size_t count_recipients(const struct message *m)
{
    size_t count = 0;

    for (const struct recipient *r = m->recipients; r != NULL; r = r->next)
        count++;
    return count;
}

const struct replay_result *replay_judge(struct replay *r, const struct replay_facts *facts)
{
    const struct message *m = facts->message;
    struct take take = {.replay = r, .facts = facts, .last = last_stage(facts)};

    arena_reset(r->arena);
    r->result = (struct replay_result){0};
    take.gaps = arena_alloc(r->arena, (count_recipients(m) + 1) * sizeof(*take.gaps));
    session_set_enforce(r->session, m->verdict.enforced);
    world_recorded_set(r->world, m->findings, m->mail_us != 0 ? m->mail_us : m->time_us);
    play(&take);
    list_outcomes(&take);
    compare_edits(&take);
    r->result.direction = session_message(r->session)->direction;
    r->result.message = session_message(r->session);
    return &r->result;
}
