/* session - one MTA connection's events, from any front end, noted, judged and logged */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_parts.h"

#include "address.h"
#include "decision.h"
#include "direction.h"
#include "session_macros.h"
#include "session_syntax.h"

#include <stdlib.h>
#include <string.h>

enum {
    IDLE_BYTES = 64 * 1024, /* of records of checks that no message may follow */
    CLIENT_BYTES = 1000,    /* what CONNECT mostly tells; malloc(3) keeps such pieces at hand */
    HELO_BYTES = 500,
};

/* A new message: what its predecessor's lists left over is forgotten, what those of the session
 * left over is not. */
static void begin_message(struct session *s)
{
    struct verdict *slots = s->engine.defer_if_permit;

    if (s->policy->settings->delay_reject)
        memset(slots, 0, sizeof(s->engine.defer_if_permit));
    else
        slots[LIST_SENDER] = slots[LIST_HELO];
    s->message = message_new(s->world->now(s->world));
    s->message->verdict.enforced = s->enforce;
    s->message->keeps_evidence = s->policy->evidence[0] != NULL;
    s->engine.message = s->message;
    s->message->direction = direction_of(s->policy->directions, &s->client, "", s->message->arena);
    annotation_begin(&s->annotation, &s->engine, !s->annotates);
    inspection_begin(&s->inspection, &s->engine);
    sealing_begin(&s->sealing, &s->engine, s->enforce || s->annotates);
    s->touched = s->has_content = false;
    s->pending = (struct verdict){0};
    s->discard = (struct verdict){0};
}

static void reset_client(struct session *s)
{
    arena_reset(s->arena);
    s->client = (struct client){.name = "unknown", .ptr = "unknown", .addr_text = "192.0.2.1",
                                .port = -1, .daemon_port = -1};
    addr_parse(slice_of(s->client.addr_text), &s->client.addr);
    memset(s->engine.defer_if_permit, 0, sizeof(s->engine.defer_if_permit));
}

struct session *session_new(struct policy *policy, struct world *world, struct journal *journal,
                            bool always_enforce)
{
    struct session *s = xcalloc(1, sizeof(*s));

    s->policy = policy;
    s->world = world;
    s->journal = journal;
    s->enforce = always_enforce || policy->settings->mode == MODE_ENFORCE;
    s->annotates = !s->enforce && policy->settings->mode == MODE_ANNOTATE;
    s->arena = arena_new_sized(CLIENT_BYTES);
    s->helo_arena = arena_new_sized(HELO_BYTES);
    s->engine = (struct engine){.policy = policy, .world = world, .client = &s->client,
                                .enforce = s->enforce};
    reset_client(s);
    begin_message(s);
    return s;
}

void session_set_quiet(struct session *s, bool quiet)
{
    s->engine.quiet = quiet;
}

void session_set_enforce(struct session *s, bool enforce)
{
    s->enforce = enforce;
}

void session_set_dkim(struct session *s, const struct dkim_verdict *verdict)
{
    s->inspection.known = verdict;
}

void session_drop_findings(struct session *s, const char *answer)
{
    message_drop_findings(s->message, answer);
}

struct session_log session_log_of(struct session *s)
{
    return (struct session_log){s->policy, s->journal, &s->client, s->engine.quiet, s->enforce};
}

/* Hands the message to the log, if anything happened. False: its reply is s->late. */
static bool end_message(struct session *s, bool finished)
{
    struct session_log log = session_log_of(s);
    struct message *m = s->message;

    engine_forget(&s->engine);
    inspection_free(&s->inspection);
    sealing_free(&s->sealing);
    content_free(s->content);
    s->content = NULL;
    s->message = NULL;
    if (session_log_end(&log, m, s->touched, finished, s->token))
        return true;
    s->late = session_log_late(s->token);
    return false;
}

void session_free(struct session *s)
{
    end_message(s, false);
    arena_free(s->arena);
    arena_free(s->helo_arena);
    policy_release(s->policy);
    free(s);
}

/* What outlives the message must not point into it; nor may a message on its way to the log point
 * into its session. */
static void keep_verdict(struct verdict *v, struct arena *arena)
{
    v->dsn = arena_strdup(arena, v->dsn);
    v->text = arena_strdup(arena, v->text);
    v->rule.text = arena_strdup(arena, v->rule.text);
    v->rule.where.file = arena_strdup(arena, v->rule.where.file);
}

void session_begin_stage(struct session *s)
{
    s->engine.deadline_us = now_us() + (uint64_t)s->policy->settings->stage_time_limit;
}

/* How long the answer took; where it waits for RCPT there is none. */
void session_note_stage(struct session *s, enum stage stage, uint64_t begun)
{
    uint64_t us = now_us() - begun, *slowest = &s->message->stage_us[stage];

    if (s->policy->settings->delay_reject && stage < STAGE_RCPT)
        return;
    if (us >= *slowest)
        *slowest = us > 0 ? us : 1;
}

/* Once a message is to be discarded nothing more is judged, as in Postfix; but a recipient that is
 * to be deferred in place of being permitted is. */
struct verdict session_run(struct session *s, enum stage stage, const struct recipient *recipient)
{
    struct verdict v = {.act = ACT_DUNNO, .stage = stage};
    uint64_t begun = now_us();

    if (stage != STAGE_EOM)
        session_begin_stage(s);
    if (s->discard.act == ACT_DUNNO)
        v = engine_run(&s->engine, stage, recipient);
    else if (stage == STAGE_RCPT)
        v = engine_deferred(&s->engine, recipient);
    else
        return v;
    if (stage != STAGE_EOM)
        session_note_stage(s, stage, begun);
    if (s->engine.discard.act == ACT_DISCARD && stage != STAGE_EOM) {
        s->engine.discard.enforced = s->enforce;
        session_conclude(s, s->engine.discard, NULL);
    }
    if (stage == STAGE_RCPT && v.act == ACT_DEFER && !s->policy->settings->delay_reject)
        keep_verdict(&v, s->message->arena);
    v.enforced = s->enforce && v.act != ACT_DUNNO;
    return v;
}

/* A list with a stage of its own, before any message: the deferral that it may have asked for is
 * kept for all messages of the session. */
static struct verdict run_early(struct session *s, enum stage stage, enum list_id list,
                                struct arena *arena)
{
    struct verdict v = session_run(s, stage, NULL);

    keep_verdict(&s->engine.defer_if_permit[list], arena);
    return v;
}

/* Notes a refusal or discard on the message and in syslog, and makes it the answer; in observe
 * mode the next events go on as if nothing had happened. A discard is answered at the end of the
 * message: given earlier, Postfix would show the message again, as one that did not come over
 * SMTP. */
const struct verdict *session_conclude(struct session *s, struct verdict v,
                                       struct recipient *recipient)
{
    struct session_log log = session_log_of(s);

    if (v.act != ACT_DUNNO) {
        s->touched = true;
        session_log_token(&log, s->message, recipient, &v);
        s->message->verdict = v;
        if (recipient != NULL)
            recipient->verdict = v;
        if (!s->engine.quiet)
            decision_log_verdict(&v, &s->client, s->message, recipient);
    }
    if (v.act == ACT_DISCARD && v.stage != STAGE_EOM) {
        s->discard = v;
        v = (struct verdict){.act = ACT_DUNNO, .stage = v.stage};
    }
    s->answer = v;
    return &s->answer;
}

/* The event cannot answer: what was found waits for one that can. */
static const struct verdict *postpone(struct session *s, struct verdict v)
{
    if (v.act != ACT_DUNNO && s->pending.act == ACT_DUNNO)
        s->pending = v;
    s->answer = (struct verdict){.act = ACT_DUNNO, .stage = v.stage};
    return &s->answer;
}

const struct verdict *session_connect(struct session *s, const char *name, const char *addr_text,
                                      int port, const struct macros *macros)
{
    struct client *c = &s->client;

    end_message(s, false);
    reset_client(s);
    client_of_connect(c, name, addr_text, port, macros, s->arena);
    if (c->mta_host == NULL)
        c->mta_host = s->policy->settings->myhostname;
    begin_message(s);
    engine_prepare(&s->engine, STAGE_CONNECT);
    session_conclude(s, run_early(s, STAGE_CONNECT, LIST_CLIENT, s->arena), NULL);
    s->engine.defer_if_permit[LIST_HELO] = s->engine.defer_if_permit[LIST_CLIENT];
    return &s->answer;
}

const struct verdict *session_helo(struct session *s, const char *name, const struct macros *macros)
{
    struct verdict *slots = s->engine.defer_if_permit;
    struct arena *arena = s->helo_arena;
    struct client *c = &s->client;

    arena_reset(arena); /* nothing but memory limits how often a client says HELO */
    if (!s->message->has_mail && s->discard.act == ACT_DUNNO &&
        arena_size(s->message->arena) > IDLE_BYTES)
        session_abort(s);
    c->helo = helo_copy(arena, name);
    client_of_helo(c, macros, arena);
    slots[LIST_HELO] = slots[LIST_CLIENT]; /* what the arena held is gone */
    engine_prepare(&s->engine, STAGE_HELO);
    session_conclude(s, run_early(s, STAGE_HELO, LIST_HELO, arena), NULL);
    slots[LIST_SENDER] = slots[LIST_HELO];
    return &s->answer;
}

void session_note_queue_id(struct session *s, const struct macros *macros)
{
    const char *id = s->message->queue_id[0] == '\0' ? macro_get(macros, "i") : NULL;

    if (id != NULL)
        s->message->queue_id = printable_copy(s->message->arena, id, '?');
}

/* What the MTA made of an address: Sendmail tells what its mailer gets, which is another thing. */
static const char *resolved(const struct session *s, const struct macros *macros, const char *name)
{
    return client_is_sendmail(&s->client) ? NULL : macro_get(macros, name);
}

static void read_address(const struct session *s, struct address *address, const char *arg,
                         const char *by_mta)
{
    const struct site *site = s->policy->site;
    struct arena *arena = s->message->arena;

    if (!address_read(address, arg, by_mta, site->myorigin, arena))
        site_resolve(site, address, arena);
}

static void note_mail(struct session *s, const char *const *argv, const struct macros *macros)
{
    struct message *m = s->message;
    const char *login = macro_get(macros, "{auth_authen}");
    const char *method = macro_get(macros, "{auth_type}");

    m->has_mail = true;
    m->mail_us = s->world->now(s->world);
    session_log_mail(m, argv);
    m->smtputf8 = syntax_has_parameter(argv, "SMTPUTF8");
    m->login = printable_copy(m->arena, login != NULL ? login : "", '?');
    m->auth_method = printable_copy(m->arena, method != NULL ? method : "", '?');
    m->direction = direction_of(s->policy->directions, &s->client, m->login, m->arena);
    read_address(s, &m->sender, argv[0], resolved(s, macros, "{mail_addr}"));
}

const struct verdict *session_mail(struct session *s, const char *const *argv,
                                   const struct macros *macros)
{
    struct verdict v;

    if (s->message->has_mail) {
        end_message(s, false);
        begin_message(s);
    }
    note_mail(s, argv, macros);
    session_note_queue_id(s, macros);
    s->touched = true;
    v = (struct verdict){.stage = STAGE_MAIL};
    if (!s->client.local)
        v = syntax_of_mail(s->policy->settings, &s->client, s->message);
    if (v.act != ACT_DUNNO) {
        v.enforced = s->enforce;
        if (s->policy->settings->delay_reject)
            return postpone(s, v);
        return session_conclude(s, v, NULL);
    }
    engine_prepare(&s->engine, STAGE_MAIL);
    return session_conclude(s, session_run(s, STAGE_MAIL, NULL), NULL);
}

/* Is it a status code and nothing else, "5.1.1"? */
static bool is_status_code(const char *text)
{
    static const char digits[] = "0123456789";
    size_t parts = 0, len;

    for (;; text += len + 1, parts++) {
        len = strspn(text, digits);
        if (len == 0 || len > 3 || (text[len] != '.' && text[len] != '\0'))
            return false;
        if (text[len] == '\0')
            return parts == 2;
    }
}

/* Of one that the MTA refused the mailer is "error", the host the status code and the address the
 * text of its reply. The mailer alone does not tell: in a domain of virtual_alias_domains it is
 * "error", too, and the recipient is a good one. */
static bool was_refused_by_mta(const struct macros *macros)
{
    const char *mailer = macro_get(macros, "{rcpt_mailer}");
    const char *host = macro_get(macros, "{rcpt_host}");
    const char *text = macro_get(macros, "{rcpt_addr}");

    return mailer != NULL && strcmp(mailer, "error") == 0 && host != NULL &&
           is_status_code(host) && text != NULL && strchr(text, ' ') != NULL;
}

/* A recipient that the MTA itself refused: shown to us for the log only, and without the reply
 * code. */
static void note_mta_refusal(struct session *s, struct recipient *r, const struct macros *macros)
{
    const char *dsn = macro_get(macros, "{rcpt_host}"), *text = macro_get(macros, "{rcpt_addr}");
    struct arena *arena = s->message->arena;
    bool soft = dsn != NULL && dsn[0] == '4';

    r->refused_by_mta = true;
    r->verdict = (struct verdict){
        .act = soft ? ACT_DEFER : ACT_REJECT,
        .stage = STAGE_RCPT,
        .dsn = printable_copy(arena, dsn != NULL ? dsn : "5.0.0", '?'),
        .text = printable_copy(arena, text != NULL ? text : "refused by the MTA", ' '),
        .enforced = true,
    };
    s->message->verdict = r->verdict;
    if (!s->engine.quiet)
        decision_log("mta-reject", STAGE_RCPT, &s->client, s->message, r, r->verdict.text, NULL);
}

static struct recipient *note_rcpt(struct session *s, const char *const *argv,
                                   const struct macros *macros, bool by_mta)
{
    struct message *m = s->message;
    struct address address;

    read_address(s, &address, argv[0], by_mta ? NULL : resolved(s, macros, "{rcpt_addr}"));
    s->touched = true;
    session_note_queue_id(s, macros);
    return message_add_recipient(m, &address);
}

const struct verdict *session_rcpt(struct session *s, const char *const *argv,
                                   const struct macros *macros)
{
    struct session_log log = session_log_of(s);
    bool by_mta = was_refused_by_mta(macros);
    struct verdict v = {.stage = STAGE_RCPT};
    struct recipient *r;

    if (s->message->recipient_count >= s->policy->settings->max_recipients) {
        s->answer = syntax_too_many_recipients();
        s->answer.enforced = s->enforce && !s->client.local;
        session_log_token(&log, s->message, NULL, &s->answer);
        return &s->answer;
    }
    r = note_rcpt(s, argv, macros, by_mta);

    if (by_mta) {
        note_mta_refusal(s, r, macros);
        return postpone(s, v);
    }
    if (!s->client.local) {
        v = s->pending;
        if (v.act == ACT_DUNNO)
            v = syntax_of_rcpt(s->policy->settings, r);
        v.enforced = s->enforce;
        if (v.act == ACT_DUNNO)
            v = session_run(s, STAGE_RCPT, r);
    }
    if (!(verdict_refuses(&v) && v.enforced))
        s->message->accepted_count++;
    return session_conclude(s, v, r);
}

const struct verdict *session_data(struct session *s, const struct macros *macros)
{
    session_note_queue_id(s, macros);
    return session_conclude(s, session_run(s, STAGE_DATA, NULL), NULL);
}

const struct message *session_message(const struct session *s)
{
    return s->message;
}

const struct client *session_client(const struct session *s)
{
    return &s->client;
}

const struct inquiry *session_inquiry(const struct session *s)
{
    return s->engine.inquiry;
}

void session_abort(struct session *s)
{
    end_message(s, false);
    begin_message(s);
}

/* What a line in syslog says of a message that has gone. */
static struct message *remember(const struct message *m)
{
    struct message *copy = message_new(m->time_us);

    copy->begun_us = m->begun_us;
    copy->queue_id = arena_strdup(copy->arena, m->queue_id);
    copy->login = arena_strdup(copy->arena, m->login);
    copy->has_mail = m->has_mail;
    copy->sender.text = arena_strdup(copy->arena, m->sender.text);
    return copy;
}

const struct verdict *session_done(struct session *s, const char *failed)
{
    bool may_be_late = s->policy->settings->log_sync == LOG_SYNC_MESSAGE;
    struct message *gone = NULL;
    bool kept;

    if (failed != NULL) {
        s->message->verdict = (struct verdict){
            .act = ACT_DEFER, .stage = STAGE_EOM, .code = 451, .dsn = "4.3.0", .enforced = true,
            .text = arena_printf(s->message->arena, "%s failed", failed)};
        decision_log_verdict(&s->message->verdict, &s->client, s->message, NULL);
    }
    if (may_be_late)
        gone = remember(s->message);
    kept = end_message(s, true);
    begin_message(s);
    if (!kept)
        decision_log_verdict(&s->late, &s->client, gone, NULL);
    message_free(gone);
    return kept ? NULL : &s->late;
}
