/* front_milter - libmilter's callbacks: the MTA's events go to the session, verdicts back */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "front_milter.h"

#include "counters.h"
#include "edits.h"
#include "front_guard.h"
#include "front_reuse.h"
#include "front_terms.h"
#include "log.h"
#include "reply.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One connection of the MTA; libmilter calls for it from any thread, but never twice at a time. */
struct front {
    struct session *session;
    unsigned terms;
    bool in_mail;
};

static struct front_options options;
static atomic_uint connections, messages, running;
static atomic_bool draining, stopped;

static bool front_enter(void)
{
    atomic_fetch_add(&running, 1);
    if (!atomic_load(&stopped))
        return true;
    atomic_fetch_sub(&running, 1);
    return false;
}

static void front_leave(void)
{
    atomic_fetch_sub(&running, 1);
}

static void set_in_mail(struct front *front, bool in_mail)
{
    if (in_mail && !front->in_mail)
        atomic_fetch_add(&messages, 1);
    else if (!in_mail && front->in_mail)
        atomic_fetch_sub(&messages, 1);
    front->in_mail = in_mail;
}

static void front_close(SMFICTX *ctx)
{
    struct front *front = smfi_getpriv(ctx);

    if (front == NULL)
        return;
    smfi_setpriv(ctx, NULL);
    set_in_mail(front, false);
    session_free(front->session);
    free(front);
    atomic_fetch_sub(&connections, 1);
}

/* Takes over the policy. */
static struct front *front_open(SMFICTX *ctx, struct policy *policy, unsigned terms)
{
    struct front *front = xcalloc(1, sizeof(*front));

    front_close(ctx);
    front->session = session_new(policy, options.world, options.journal, false);
    front->terms = terms;
    smfi_setpriv(ctx, front);
    atomic_fetch_add(&connections, 1);
    return front;
}

/* The front of a reused connection. Its terms are those of its first client; when the policy has
 * changed since and needs more, the client is turned away until the MTA connects anew. */
static struct front *front_reuse(SMFICTX *ctx)
{
    static struct log_limit limit;
    unsigned terms = reuse_terms(ctx);
    struct policy *policy = atomic_load(&draining) ? NULL : policy_acquire();
    struct policy_needs needs;

    if (policy == NULL)
        return NULL;
    needs = policy_needs(policy);
    if (terms_needed(&needs) & ~terms) {
        policy_release(policy);
        log_limited(&limit, LOG_WARNING,
                    "the MTA goes on with a connection that was agreed on before the last reload, "
                    "which needs more: it gets a temporary failure");
        return NULL;
    }
    return front_open(ctx, policy, terms);
}

static struct front *front_of(SMFICTX *ctx)
{
    struct front *front = smfi_getpriv(ctx);

    return front != NULL ? front : front_reuse(ctx);
}

static const char *get_macro(void *ctx, const char *name)
{
    return smfi_getsymval(ctx, MUTABLE(name));
}

static struct macros macros_of(SMFICTX *ctx)
{
    return (struct macros){get_macro, ctx};
}

static sfsistat answer(SMFICTX *ctx, const struct front *front, enum stage stage,
                       const struct verdict *verdict)
{
    struct reply_terms terms = {
        .stage = stage,
        .no_reply =
            stage <= STAGE_MAIL && (front->terms & TERM_KNOWN) && !(front->terms & TERM_EARLY),
        .local = session_client(front->session)->local,
    };

    return reply_send(ctx, verdict, &terms);
}

/* With no descriptor left the log would not open; with no thread left libmilter would forget the
 * connection. */
static bool is_full(void)
{
    static struct log_limit limit;

    if (atomic_load(&connections) < options.room.connections)
        return false;
    log_limited(&limit, LOG_ERR, "%u connections: more are refused; %s",
                options.room.connections, options.room.mend);
    return true;
}

static sfsistat negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
                          unsigned long *want_actions, unsigned long *want_steps)
{
    struct policy *policy = atomic_load(&draining) || is_full() ? NULL : policy_acquire();
    struct policy_needs needs;
    unsigned terms;

    if (policy == NULL) {
        counter_add(COUNT_REFUSED);
        return SMFIS_TEMPFAIL;
    }
    needs = policy_needs(policy);
    *want_actions = terms_actions(&needs) & actions;
    *want_steps = (*want_steps | terms_steps(&needs)) & steps;
    terms = terms_needed(&needs);
    terms |= *want_steps & SMFIP_HDR_LEADSPC ? TERM_LEADSPC : 0;
    terms |= *want_steps & SMFIP_SKIP ? TERM_SKIP : 0;
    terms |= *want_actions & SMFIF_ADDRCPT_PAR ? TERM_RCPT_ARGS : 0;
    if (actions & SMFIF_SETSYMLIST)
        terms_ask_for_macros(ctx);
    front_open(ctx, policy, terms);
    reuse_note(ctx, terms);
    return SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
                             unsigned long f3, unsigned long *pf0, unsigned long *pf1,
                             unsigned long *pf2, unsigned long *pf3)
{
    sfsistat status;

    (void)f2;
    (void)f3;
    *pf2 = 0;
    *pf3 = 0;
    if (!front_enter())
        return SMFIS_TEMPFAIL;
    status = negotiate(ctx, f0, f1, pf0, pf1);
    front_leave();
    return status;
}

static int port_of(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port);
}

static sfsistat connect_event(SMFICTX *ctx, struct front *front, const char *name,
                              const struct sockaddr *sa)
{
    char text[ADDR_TEXT_SIZE];
    struct macros macros = macros_of(ctx);
    struct addr addr;
    bool known = sa != NULL && addr_of_sockaddr(sa, &addr);
    const struct verdict *verdict;

    counter_add(COUNT_CONNECTIONS);
    set_in_mail(front, false);
    verdict = session_connect(front->session, name, known ? addr_text(&addr, text) : "unknown",
                              known ? port_of(sa) : -1, &macros);
    return answer(ctx, front, STAGE_CONNECT, verdict);
}

/* The front to show an event to, until event_end; NULL: the MTA is to come again later. */
static struct front *event_begin(SMFICTX *ctx)
{
    struct front *front = NULL;

    if (!front_enter())
        return NULL;
    front = front_of(ctx);
    if (front == NULL)
        front_leave();
    return front;
}

static sfsistat event_end(sfsistat status)
{
    front_leave();
    return status;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *sa)
{
    struct front *front = event_begin(ctx);

    return front != NULL ? event_end(connect_event(ctx, front, name, sa)) : SMFIS_TEMPFAIL;
}

static sfsistat helo_event(SMFICTX *ctx, struct front *front, const char *name)
{
    struct macros macros = macros_of(ctx);

    return answer(ctx, front, STAGE_HELO, session_helo(front->session, name, &macros));
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct front *front = event_begin(ctx);

    return front != NULL ? event_end(helo_event(ctx, front, name)) : SMFIS_TEMPFAIL;
}

static sfsistat mail_event(SMFICTX *ctx, struct front *front, char **argv)
{
    struct macros macros = macros_of(ctx);
    sfsistat status;

    set_in_mail(front, true);
    status = answer(ctx, front, STAGE_MAIL,
                    session_mail(front->session, (const char *const *)argv, &macros));
    if (status != SMFIS_CONTINUE && status != SMFIS_NOREPLY)
        set_in_mail(front, false);
    return status;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    struct front *front = event_begin(ctx);

    return front != NULL ? event_end(mail_event(ctx, front, argv)) : SMFIS_TEMPFAIL;
}

static sfsistat rcpt_event(SMFICTX *ctx, struct front *front, char **argv)
{
    struct macros macros = macros_of(ctx);
    sfsistat status = answer(ctx, front, STAGE_RCPT,
                             session_rcpt(front->session, (const char *const *)argv, &macros));

    if (status == SMFIS_DISCARD)
        set_in_mail(front, false); /* the MTA shows no more of it */
    return status;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    struct front *front = event_begin(ctx);

    return front != NULL ? event_end(rcpt_event(ctx, front, argv)) : SMFIS_TEMPFAIL;
}

static sfsistat data_event(SMFICTX *ctx, struct front *front)
{
    struct macros macros = macros_of(ctx);
    sfsistat status = answer(ctx, front, STAGE_DATA, session_data(front->session, &macros));

    if (status == SMFIS_DISCARD)
        set_in_mail(front, false);
    return status;
}

static sfsistat on_data(SMFICTX *ctx)
{
    struct front *front = event_begin(ctx);

    return front != NULL ? event_end(data_event(ctx, front)) : SMFIS_TEMPFAIL;
}

/* Without SMFIP_HDR_LEADSPC the MTA or libmilter took a blank away. */
static sfsistat header_event(struct front *front, const char *name, const char *value)
{
    char *spaced = front->terms & TERM_LEADSPC ? NULL : xasprintf(" %s", value);

    session_header(front->session, name, spaced != NULL ? spaced : value);
    free(spaced);
    return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct front *front = event_begin(ctx);

    return front != NULL ? event_end(header_event(front, name, value)) : SMFIS_TEMPFAIL;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_NOREPLY;
}

static sfsistat body_event(struct front *front, const char *data, size_t len)
{
    bool more = session_body(front->session, data, len);

    return more || !(front->terms & TERM_SKIP) ? SMFIS_CONTINUE : SMFIS_SKIP;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
    struct front *front = event_begin(ctx);

    return front != NULL ? event_end(body_event(front, (const char *)data, len)) : SMFIS_TEMPFAIL;
}

static const char *perform_edits(SMFICTX *ctx, const struct front *front)
{
    static struct log_limit limit;
    const struct message *message = session_message(front->session);
    struct edit_terms terms = {
        .leading_space = front->terms & TERM_LEADSPC,
        .rcpt_args = front->terms & TERM_RCPT_ARGS,
        .sendmail = client_is_sendmail(session_client(front->session)),
    };
    const char *failed = edits_perform(ctx, session_edits(front->session), message, &terms);

    if (failed != NULL) {
        log_limited(&limit, LOG_ERR, "%s: %s failed: the message gets a temporary failure",
                    message->queue_id[0] ? message->queue_id : "NOQUEUE", failed);
    }
    return failed;
}

static sfsistat eom_event(SMFICTX *ctx, struct front *front)
{
    struct macros macros = macros_of(ctx);
    const struct verdict *verdict = session_eom(front->session, &macros);
    bool accepted = !verdict->enforced || verdict->act == ACT_DUNNO;
    const char *failed = accepted ? perform_edits(ctx, front) : NULL;
    sfsistat status = failed != NULL ? SMFIS_TEMPFAIL : answer(ctx, front, STAGE_EOM, verdict);

    verdict = session_done(front->session, failed);
    set_in_mail(front, false);
    return verdict != NULL && failed == NULL ? answer(ctx, front, STAGE_EOM, verdict) : status;
}

static sfsistat on_eom(SMFICTX *ctx)
{
    struct front *front = event_begin(ctx);

    return front != NULL ? event_end(eom_event(ctx, front)) : SMFIS_TEMPFAIL;
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct front *front = smfi_getpriv(ctx);

    if (front != NULL && front_enter()) {
        session_abort(front->session);
        set_in_mail(front, false);
        front_leave();
    }
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    if (front_enter()) {
        front_close(ctx);
        front_leave();
    }
    return SMFIS_CONTINUE;
}

bool front_listen(const char *place, struct err *err)
{
    struct smfiDesc callbacks = {
        .xxfi_name = MUTABLE("tamis"),
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = TERMS_ALL_ACTIONS,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_header = on_header,
        .xxfi_eoh = on_eoh,
        .xxfi_body = on_body,
        .xxfi_eom = on_eom,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_data = on_data,
        .xxfi_negotiate = on_negotiate,
    };

    if (smfi_register(callbacks) != MI_SUCCESS || smfi_setconn(MUTABLE(place)) != MI_SUCCESS)
        return err_set(err, "libmilter does not take \"%s\"", place);
    if (smfi_opensocket(false) != MI_SUCCESS) {
        bool fd = strncmp(place, "fd:", 3) == 0;
        return err_set(
            err, "%s: libmilter cannot listen%s", place,
            fd ? ": to take over a descriptor needs Debian's libmilter; use inet: or unix:"
               : "; its reason is in syslog");
    }
    return true;
}

bool front_run(const struct front_options *wanted)
{
    options = *wanted;
    guard_start();
    return smfi_main() == MI_SUCCESS;
}

void front_drain(void)
{
    atomic_store(&draining, true);
}

unsigned front_connections(void)
{
    return atomic_load(&connections);
}

unsigned front_messages(void)
{
    return atomic_load(&messages);
}

bool front_stop(uint64_t wait_us)
{
    uint64_t until = now_us() + wait_us;
    struct timespec pause = {.tv_nsec = 2000000};

    atomic_store(&stopped, true);
    while (atomic_load(&running) > 0) {
        if (now_us() >= until)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}
