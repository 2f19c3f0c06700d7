/* mta - plays the mail server's side of the milter protocol (version 6), as Postfix does */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "mta.h"

#include "mta_reply.h"
#include "wire.h"

#include <libmilter/mfdef.h>
#include <stdlib.h>
#include <string.h>

const struct mta_offer mta_postfix = {6, SMFI_CURR_ACTS, SMFI_CURR_PROT};

struct macro {
    char *name, *value;
};

/* What the filter still wants to hear. */
enum interest {
    WANTS_ALL,
    ACCEPTED_MESSAGE,   /* nothing more of this message */
    DECIDED_CONNECTION, /* nothing more of this connection */
};

struct mta {
    struct wire wire;
    struct mta_offer offer;
    struct mta_terms terms;
    struct macro *macros;
    size_t macro_count;
    struct mta_reply reply;
    uint64_t timeout_us, deadline;
    char waiting; /* the event whose reply is to come, else 0 */
    char skipped; /* the event that the filter does not want more of */
    enum interest interest;
    enum mta_action fault; /* MTA_NONE, or why the connection is of no use any more */
};

/* An event: the step flags that suppress it or its reply, and whose list of macros it takes.
 * stage MTA_STAGES: no list. */
static const struct event {
    char letter;
    uint32_t no_event, no_reply;
    enum mta_stage stage;
} events[] = {
    {SMFIC_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN, MTA_AT_CONNECT},
    {SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO, MTA_AT_HELO},
    {SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL, MTA_AT_MAIL},
    {SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT, MTA_AT_RCPT},
    {SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA, MTA_AT_DATA},
    {SMFIC_HEADER, SMFIP_NOHDRS, SMFIP_NR_HDR, MTA_AT_EOH},
    {SMFIC_EOH, SMFIP_NOEOH, SMFIP_NR_EOH, MTA_AT_EOH},
    {SMFIC_BODY, SMFIP_NOBODY, SMFIP_NR_BODY, MTA_AT_EOM},
    {SMFIC_BODYEOB, 0, 0, MTA_AT_EOM},
    {SMFIC_UNKNOWN, SMFIP_NOUNKNOWN, SMFIP_NR_UNKN, MTA_STAGES},
};

/* What Postfix sends where the filter names no list. */
static const char *const preset_symbols[MTA_STAGES] = {
    [MTA_AT_CONNECT] = "j {daemon_name} {daemon_addr} v _",
    [MTA_AT_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
    [MTA_AT_MAIL] = ("i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} "
                     "{mail_mailer}"),
    [MTA_AT_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
    [MTA_AT_DATA] = "i",
    [MTA_AT_EOM] = "i",
    [MTA_AT_EOH] = "i",
};

const char *mta_action_name(enum mta_action action)
{
    static const char *const names[] = {
        [MTA_NONE] = "none",         [MTA_NEGOTIATED] = "negotiated", [MTA_CONTINUE] = "continue",
        [MTA_ACCEPT] = "accept",     [MTA_REJECT] = "reject",         [MTA_TEMPFAIL] = "tempfail",
        [MTA_DISCARD] = "discard",   [MTA_SKIP] = "skip",             [MTA_REPLYCODE] = "replycode",
        [MTA_SHUTDOWN] = "shutdown", [MTA_CONN_FAIL] = "conn_fail",   [MTA_CLOSED] = "closed",
        [MTA_TIMEOUT] = "timeout",   [MTA_BROKEN] = "broken",
    };

    return names[action];
}

const struct mta_terms *mta_terms(const struct mta *m)
{
    return &m->terms;
}

int mta_fd(const struct mta *m)
{
    return m->wire.fd;
}

bool mta_wants_write(const struct mta *m)
{
    return m->waiting != '\0' && wire_pending(&m->wire) > 0;
}

static const struct event *event_find(char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        if (events[i].letter == letter)
            return &events[i];
    die("mta: no such event '%c'", letter);
}

void mta_macro(struct mta *m, const char *name, const char *value)
{
    struct macro *macro = NULL;

    for (size_t i = 0; i < m->macro_count; i++)
        if (strcmp(m->macros[i].name, name) == 0)
            macro = &m->macros[i];
    if (macro == NULL) {
        m->macros = xreallocarray(m->macros, m->macro_count + 1, sizeof(*macro));
        macro = &m->macros[m->macro_count++];
        *macro = (struct macro){xstrdup(name), NULL};
    }
    free(macro->value);
    macro->value = value != NULL ? xstrdup(value) : NULL;
}

static const struct macro *macro_find(const struct mta *m, struct slice name)
{
    for (size_t i = 0; i < m->macro_count; i++)
        if (m->macros[i].value != NULL && slice_is(name, m->macros[i].name))
            return &m->macros[i];
    return NULL;
}

/* The packet goes out even when it names nothing. */
static void put_macros(struct mta *m, const struct event *ev)
{
    const char *own = ev->stage < MTA_STAGES ? m->terms.symbols[ev->stage] : NULL;
    const char *preset = ev->stage < MTA_STAGES ? preset_symbols[ev->stage] : "";
    struct slice list = slice_of(own != NULL ? own : preset), name;
    struct buf data = {0};

    buf_addc(&data, ev->letter);
    while (slice_word(&list, ", \t\r\n", &name)) {
        const struct macro *macro = macro_find(m, name);

        if (macro != NULL) {
            buf_add(&data, macro->name, strlen(macro->name) + 1);
            buf_add(&data, macro->value, strlen(macro->value) + 1);
        }
    }
    wire_put(&m->wire, SMFIC_MACRO, data.ptr, data.len);
    buf_free(&data);
}

/* Content that is not wanted has no macro packet either, unlike commands. */
static bool is_content(char event)
{
    return event == SMFIC_HEADER || event == SMFIC_EOH || event == SMFIC_BODY;
}

static void expect(struct mta *m, char event)
{
    mta_reply_clear(&m->reply);
    m->waiting = event;
    m->deadline = now_us() + m->timeout_us;
}

bool mta_put(struct mta *m, char event, const void *data, size_t len)
{
    const struct event *ev = event_find(event);
    bool wanted = (m->terms.steps & ev->no_event) == 0;

    mta_reply_clear(&m->reply);
    m->reply.action = m->fault;
    if (m->skipped == event || m->interest == DECIDED_CONNECTION)
        return false;
    if (m->interest == ACCEPTED_MESSAGE && event != SMFIC_HELO)
        return false;
    m->skipped = '\0';
    if (wanted || !is_content(event))
        put_macros(m, ev);
    if (wanted)
        wire_put(&m->wire, event, data, len);
    /* The server hands the descriptor to another process after DATA, so nothing may stay behind. */
    if (event == SMFIC_DATA)
        wire_flush(&m->wire);
    if (!wanted || (m->terms.steps & ev->no_reply) != 0)
        return false;
    expect(m, event);
    return true;
}

static bool keep_symbols(struct mta *m, struct slice data)
{
    while (data.len > 0) {
        const char *end = data.len > 4 ? memchr(data.ptr + 4, '\0', data.len - 4) : NULL;
        uint32_t stage = data.len > 4 ? wire_get32(data.ptr) : MTA_STAGES;

        if (end == NULL || stage >= MTA_STAGES)
            return false;
        free(m->terms.symbols[stage]);
        m->terms.symbols[stage] = xstrdup(data.ptr + 4);
        data.len -= (size_t)(end + 1 - data.ptr);
        data.ptr = end + 1;
    }
    return true;
}

static bool take_terms(struct mta *m, char command, struct slice data)
{
    struct mta_terms *t = &m->terms;

    if (command != SMFIC_OPTNEG || data.len < 12)
        return mta_reply_fault(&m->reply, MTA_BROKEN, "no answer to the offer");
    t->version = wire_get32(data.ptr);
    t->actions = wire_get32(data.ptr + 4);
    t->steps = wire_get32(data.ptr + 8);
    if (t->version > m->offer.version || (t->actions & ~m->offer.actions) != 0)
        return mta_reply_fault(&m->reply, MTA_BROKEN, "version %u, actions 0x%x were not offered",
                               (unsigned)t->version, (unsigned)t->actions);
    if (!keep_symbols(m, (struct slice){data.ptr + 12, data.len - 12}))
        return mta_reply_fault(&m->reply, MTA_BROKEN, "malformed list of symbols");
    m->reply.action = MTA_NEGOTIATED;
    return true;
}

/* What a final answer to an event changes for the events to come. */
static void note_interest(struct mta *m, char event)
{
    bool early = event == SMFIC_CONNECT || event == SMFIC_HELO;

    switch (m->reply.action) {
    case MTA_ACCEPT:
        m->interest = early ? DECIDED_CONNECTION : ACCEPTED_MESSAGE;
        break;
    case MTA_DISCARD:
        m->interest = ACCEPTED_MESSAGE;
        break;
    case MTA_REJECT:
    case MTA_TEMPFAIL:
    case MTA_REPLYCODE:
        if (early)
            m->interest = DECIDED_CONNECTION;
        break;
    case MTA_SHUTDOWN:
        m->interest = DECIDED_CONNECTION;
        break;
    case MTA_SKIP:
        m->skipped = event;
        break;
    case MTA_CLOSED:
    case MTA_TIMEOUT:
    case MTA_BROKEN:
        m->fault = m->reply.action;
        m->interest = DECIDED_CONNECTION;
        break;
    default:
        break;
    }
    if (event == SMFIC_BODYEOB && m->interest == ACCEPTED_MESSAGE)
        m->interest = WANTS_ALL;
}

static bool take_packet(struct mta *m, char command, struct slice data)
{
    if (m->waiting == SMFIC_OPTNEG)
        return take_terms(m, command, data);
    m->deadline = now_us() + m->timeout_us;
    return mta_reply_take(&m->reply, m->waiting, command, data);
}

static bool take_fault(struct mta *m, enum wire_state state)
{
    if (state == WIRE_BAD)
        return mta_reply_fault(&m->reply, MTA_BROKEN, "packet of an impossible length");
    return mta_reply_fault(&m->reply, MTA_CLOSED, "the filter closed the connection");
}

const struct mta_reply *mta_poll(struct mta *m)
{
    char event = m->waiting, command = '\0';
    struct slice data = {NULL, 0};
    enum wire_state state = wire_flush(&m->wire);
    bool done = false;

    while (!done && state != WIRE_AGAIN) {
        if (state == WIRE_READY)
            state = wire_take(&m->wire, &command, &data);
        if (state == WIRE_READY)
            done = take_packet(m, command, data);
        else if (state != WIRE_AGAIN)
            done = take_fault(m, state);
    }
    if (!done && now_us() >= m->deadline)
        done = mta_reply_fault(&m->reply, MTA_TIMEOUT, "no reply in time");
    if (!done)
        return NULL;
    m->waiting = '\0';
    note_interest(m, event);
    return &m->reply;
}

const struct mta_reply *mta_wait(struct mta *m)
{
    const struct mta_reply *reply;

    if (m->waiting == '\0')
        return &m->reply;
    while ((reply = mta_poll(m)) == NULL)
        wire_wait(&m->wire, m->deadline);
    return reply;
}

struct mta *mta_start(const char *socket_name, const struct mta_offer *offer, unsigned timeout_ms,
                      struct err *err)
{
    struct mta *m = xcalloc(1, sizeof(*m));
    char data[12];

    m->offer = offer != NULL ? *offer : mta_postfix;
    m->timeout_us = (uint64_t)timeout_ms * 1000;
    if (!wire_open(&m->wire, socket_name, err)) {
        mta_close(m);
        return NULL;
    }
    wire_set32(data, m->offer.version);
    wire_set32(data + 4, m->offer.actions);
    wire_set32(data + 8, m->offer.steps);
    wire_put(&m->wire, SMFIC_OPTNEG, data, sizeof(data));
    expect(m, SMFIC_OPTNEG);
    return m;
}

struct mta *mta_open(const char *socket_name, const struct mta_offer *offer, unsigned timeout_ms,
                     struct err *err)
{
    struct mta *m = mta_start(socket_name, offer, timeout_ms, err);
    const struct mta_reply *reply = m != NULL ? mta_wait(m) : NULL;

    if (m == NULL || reply->action == MTA_NEGOTIATED)
        return m;
    err_set(err, "%s: %s: %s", socket_name, mta_action_name(reply->action), reply->text);
    mta_close(m);
    return NULL;
}

void mta_close(struct mta *m)
{
    if (m == NULL)
        return;
    wire_close(&m->wire);
    mta_reply_clear(&m->reply);
    for (int i = 0; i < MTA_STAGES; i++)
        free(m->terms.symbols[i]);
    for (size_t i = 0; i < m->macro_count; i++) {
        free(m->macros[i].name);
        free(m->macros[i].value);
    }
    free(m->macros);
    free(m);
}

/* Sends all that is queued, within the time limit. */
static bool send_all(struct mta *m)
{
    uint64_t deadline = now_us() + m->timeout_us;
    enum wire_state state;

    while ((state = wire_flush(&m->wire)) == WIRE_AGAIN)
        if (!wire_wait(&m->wire, deadline))
            return false;
    return state == WIRE_READY;
}

bool mta_raw(struct mta *m, const void *data, size_t len)
{
    wire_put_raw(&m->wire, data, len);
    expect(m, SMFIC_BODYEOB);
    return send_all(m);
}

void mta_abort(struct mta *m)
{
    m->skipped = '\0';
    if (m->interest == DECIDED_CONNECTION)
        return;
    m->interest = WANTS_ALL;
    wire_put(&m->wire, SMFIC_ABORT, NULL, 0);
}

bool mta_quit(struct mta *m)
{
    bool sent;

    if (m->wire.fd < 0)
        return false;
    wire_put(&m->wire, SMFIC_QUIT, NULL, 0);
    sent = send_all(m);
    wire_close(&m->wire);
    m->interest = DECIDED_CONNECTION;
    return sent;
}

bool mta_quit_nc(struct mta *m)
{
    if (m->fault != MTA_NONE)
        return false;
    m->interest = WANTS_ALL;
    m->skipped = '\0';
    wire_put(&m->wire, SMFIC_QUIT_NC, NULL, 0);
    return send_all(m);
}
