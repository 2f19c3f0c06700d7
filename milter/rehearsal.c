/* rehearsal - an SMTP transaction that did not take place: its facts and its answers */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rehearsal.h"

#include "eml.h"

#include <stdlib.h>
#include <string.h>

struct named_value {
    struct named_value *next;
    const char *name, *value;
};

struct arguments {
    struct arguments *next;
    const char **argv; /* ended by NULL */
};

struct rehearsal {
    struct world *world;
    struct policy *policy; /* NULL: the current one */
    struct arena *arena; /* lives as long as the rehearsal */
    const char *client_name, *client_addr, *client_ptr, *helo;
    struct named_value *macros;
    struct arguments *mail, *recipients, **recipients_tail;
    const char *message;
};

static void set_macro(struct rehearsal *r, const char *name, const char *value)
{
    struct named_value *m = r->macros;

    while (m != NULL && strcmp(m->name, name) != 0)
        m = m->next;
    if (m == NULL) {
        m = arena_alloc(r->arena, sizeof(*m));
        m->name = arena_strdup(r->arena, name);
        m->next = r->macros;
        r->macros = m;
    }
    m->value = arena_strdup(r->arena, value);
}

static const char *get_macro(void *arg, const char *name)
{
    const struct rehearsal *r = arg;

    for (const struct named_value *m = r->macros; m != NULL; m = m->next)
        if (strcmp(m->name, name) == 0)
            return m->value;
    return NULL;
}

struct rehearsal *rehearsal_new(struct world *world)
{
    struct rehearsal *r = xcalloc(1, sizeof(*r));

    r->world = world;
    r->arena = arena_new();
    r->message = "";
    r->recipients_tail = &r->recipients;
    rehearsal_client(r, "unknown", "192.0.2.1", NULL);
    rehearsal_macro(r, "v", "Postfix");
    return r;
}

void rehearsal_free(struct rehearsal *r)
{
    if (r == NULL)
        return;
    arena_free(r->arena);
    free(r);
}

void rehearsal_client(struct rehearsal *r, const char *name, const char *addr, const char *ptr)
{
    r->client_name = arena_strdup(r->arena, name);
    r->client_addr = arena_strdup(r->arena, addr);
    set_macro(r, "{client_ptr}", ptr != NULL ? ptr : "");
}

void rehearsal_helo(struct rehearsal *r, const char *name)
{
    r->helo = arena_strdup(r->arena, name);
}

void rehearsal_auth(struct rehearsal *r, const char *login, const char *method)
{
    set_macro(r, "{auth_authen}", login);
    set_macro(r, "{auth_type}", method != NULL ? method : "PLAIN");
}

void rehearsal_macro(struct rehearsal *r, const char *name, const char *value)
{
    set_macro(r, name, value);
}

static struct arguments *copy_arguments(struct rehearsal *r, const char *const *argv, size_t argc)
{
    struct arguments *a = arena_alloc(r->arena, sizeof(*a));

    a->argv = arena_alloc(r->arena, (argc + 1) * sizeof(*a->argv));
    for (size_t i = 0; i < argc; i++)
        a->argv[i] = arena_strdup(r->arena, argv[i]);
    return a;
}

void rehearsal_mail(struct rehearsal *r, const char *const *argv, size_t argc)
{
    if (r->mail != NULL)
        rehearsal_reset(r);
    r->mail = copy_arguments(r, argv, argc);
}

void rehearsal_rcpt(struct rehearsal *r, const char *const *argv, size_t argc)
{
    *r->recipients_tail = copy_arguments(r, argv, argc);
    r->recipients_tail = &(*r->recipients_tail)->next;
}

void rehearsal_message(struct rehearsal *r, const char *path)
{
    r->message = arena_strdup(r->arena, path);
}

void rehearsal_reset(struct rehearsal *r)
{
    r->mail = NULL;
    r->recipients = NULL;
    r->recipients_tail = &r->recipients;
    r->message = "";
}

void rehearsal_set_policy(struct rehearsal *r, struct policy *policy)
{
    r->policy = policy;
}

static void on_header(void *arg, const char *name, const char *value)
{
    session_header(arg, name, value);
}

static void on_body(void *arg, const char *data, size_t len)
{
    session_body(arg, data, len);
}

/* One performance. */
struct play {
    const struct rehearsal *r;
    struct session *session;
    struct macros macros;
    enum stage last;
    unsigned how; /* REHEARSAL_… */
    const struct verdict *verdict;
};

static void tell(struct play *p, bool last)
{
    bool told = last || (p->how & REHEARSAL_WHOLE) != 0;

    session_set_quiet(p->session, !told || (p->how & REHEARSAL_QUIET) != 0 || p->r->policy != NULL);
}

static void announce(struct play *p, enum stage stage)
{
    tell(p, stage == p->last);
}

static void play_recipients(struct play *p)
{
    for (const struct arguments *a = p->r->recipients; a != NULL; a = a->next) {
        tell(p, p->last == STAGE_RCPT && a->next == NULL);
        p->verdict = session_rcpt(p->session, a->argv, &p->macros);
    }
}

static bool play_message(struct play *p, struct err *err)
{
    struct eml_events events = {.header = on_header, .body = on_body, .arg = p->session};

    announce(p, STAGE_EOM);
    if (p->r->message[0] != '\0' && !eml_read(p->r->message, &events, err))
        return false;
    p->verdict = session_eom(p->session, &p->macros);
    return true;
}

/* A whole mail ends where its client would give up; of a script each event is judged by itself. */
static bool is_over(const struct play *p, enum stage stage)
{
    if (p->last == stage)
        return true;
    if ((p->how & REHEARSAL_WHOLE) == 0 || !verdict_refuses(p->verdict))
        return false;
    return stage != STAGE_RCPT || session_message(p->session)->accepted_count == 0;
}

static bool play(struct play *p, struct err *err)
{
    const struct rehearsal *r = p->r;

    announce(p, STAGE_CONNECT);
    p->verdict = session_connect(p->session, r->client_name, r->client_addr, 25000, &p->macros);
    if (is_over(p, STAGE_CONNECT))
        return true;
    announce(p, STAGE_HELO);
    if (r->helo != NULL)
        p->verdict = session_helo(p->session, r->helo, &p->macros);
    if (is_over(p, STAGE_HELO))
        return true;
    announce(p, STAGE_MAIL);
    if (r->mail != NULL)
        p->verdict = session_mail(p->session, r->mail->argv, &p->macros);
    if (is_over(p, STAGE_MAIL))
        return true;
    play_recipients(p);
    if (is_over(p, STAGE_RCPT))
        return true;
    announce(p, STAGE_DATA);
    p->verdict = session_data(p->session, &p->macros);
    return is_over(p, STAGE_DATA) || play_message(p, err);
}

struct session *rehearsal_play(const struct rehearsal *r, enum stage stage, unsigned how,
                               const struct verdict **verdict, struct err *err)
{
    struct rehearsal copy = *r;
    struct play p = {.r = r, .last = stage, .how = how, .macros = {get_macro, &copy}};

    if (r->policy != NULL)
        policy_hold(r->policy);
    p.session = session_new(r->policy != NULL ? r->policy : policy_acquire(), r->world, NULL, true);
    if (!play(&p, err)) {
        session_free(p.session);
        return NULL;
    }
    *verdict = p.verdict;
    return p.session;
}
