/* explain_script - a logged transaction as a script for tamis test --session, with its reply */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain_again.h"

#include <string.h>

/* A line of the script is one line, whatever a stranger sent. */
static void add_word(struct buf *b, const char *text)
{
    size_t from;

    buf_addc(b, ' ');
    from = b->len;
    report_add_printable(b, text);
    for (size_t i = from; i < b->len; i++)
        if (b->ptr[i] == '\n')
            b->ptr[i] = '?';
}

static void add_macro(struct buf *b, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_addf(b, "macro %s", name);
    add_word(b, value);
    buf_addc(b, '\n');
}

static void add_client(struct buf *b, const struct client *c)
{
    buf_adds(b, "client");
    add_word(b, c->name);
    add_word(b, c->addr_text);
    if (c->ptr != NULL && strcmp(c->ptr, c->name) != 0)
        add_word(b, c->ptr);
    buf_addc(b, '\n');
    add_macro(b, "{client_resolve}", c->resolve);
    add_macro(b, "{daemon_name}", c->daemon_name);
    if (c->daemon_port > 0)
        buf_addf(b, "macro {daemon_port} %d\n", c->daemon_port);
    add_macro(b, "{tls_version}", c->tls_version);
    add_macro(b, "{cipher}", c->cipher);
    add_macro(b, "{cipher_bits}", c->cipher_bits);
    add_macro(b, "{cert_subject}", c->cert_subject);
    add_macro(b, "{cert_issuer}", c->cert_issuer);
    if (c->helo != NULL) {
        buf_adds(b, "helo");
        add_word(b, c->helo);
        buf_addc(b, '\n');
    }
}

static void add_address(struct buf *b, const char *command, const struct address *address)
{
    buf_adds(b, command);
    if (address->arg != NULL && address->arg[0] == '<') {
        add_word(b, address->arg);
    } else {
        buf_adds(b, " <");
        report_add_printable(b, address->text);
        buf_addc(b, '>');
    }
    buf_addc(b, '\n');
}

static void add_answers(struct buf *b, const struct message *m)
{
    static const char *const states[] = {"found", "none", "temperror"};

    for (const struct finding *f = m->findings; f != NULL; f = f->next) {
        buf_addf(b, "# answer: %s", states[f->state]);
        add_word(b, f->question);
        buf_adds(b, " =>");
        add_word(b, f->answer != NULL ? f->answer : "");
        buf_addc(b, '\n');
    }
}

static void add_expected(struct buf *b, const struct verdict *v)
{
    if (!verdict_refuses(v)) {
        buf_adds(b, "# expect: 250 2.0.0 Ok\n");
        return;
    }
    buf_addf(b, "# expect: %d", v->code);
    add_word(b, v->dsn != NULL ? v->dsn : "");
    add_word(b, v->text != NULL ? v->text : "");
    buf_addc(b, '\n');
}

static void add_envelope(struct buf *b, const struct message *m)
{
    if (m->login[0] != '\0') {
        buf_adds(b, "auth");
        add_word(b, m->login);
        if (m->auth_method[0] != '\0')
            add_word(b, m->auth_method);
        buf_addc(b, '\n');
    }
    if (m->has_mail)
        add_address(b, "mail", &m->sender);
}

static const struct recipient *recipient_of(const struct message *m, int64_t number)
{
    const struct recipient *r = m->recipients;

    while (r != NULL && r->number != number)
        r = r->next;
    return r;
}

/* The log gives a recipient the refusal of the whole message, too. */
static bool is_refused_alone(const struct message *m, const struct recipient *r)
{
    const struct rule_ref *own = &r->verdict.rule, *whole = &m->verdict.rule;

    if (!verdict_refuses(&r->verdict))
        return false;
    return m->verdict.stage <= STAGE_RCPT || !verdict_refuses(&m->verdict) ||
           own->where.line != whole->where.line ||
           strcmp(own->where.file != NULL ? own->where.file : "",
                  whole->where.file != NULL ? whole->where.file : "") != 0;
}

void explain_add_script(struct buf *b, const struct explain_again *again)
{
    const struct replay_facts *facts = explain_again_facts(again);
    const struct explanation *e = explain_again_told(again);
    const struct message *m = facts->message;
    const struct recipient *r = recipient_of(m, e->focus);
    const char *queue_id = report_get(e->mail, 0, "queue_id");

    buf_addf(b, "# %s UTC, %s, id %lld\n", report_get(e->mail, 0, "time"),
             queue_id != NULL ? queue_id : "NOQUEUE", (long long)e->id);
    add_answers(b, m);
    add_client(b, facts->client);
    add_envelope(b, m);
    if (r != NULL)
        add_address(b, "rcpt", &r->address);
    if (r != NULL && is_refused_alone(m, r)) {
        add_expected(b, &r->verdict);
        return;
    }
    if (m->verdict.stage <= STAGE_RCPT || facts->action == ENTRY_ABORTED) {
        add_expected(b, &m->verdict);
        return;
    }
    if (r != NULL)
        buf_adds(b, "# expect: 250 2.0.0 Ok\n");
    buf_adds(b, "data\n");
    if (m->verdict.stage == STAGE_DATA || !verdict_refuses(&m->verdict)) {
        add_expected(b, &m->verdict);
        return;
    }
    buf_adds(b, "# The log does not hold the content that decided; name a file that has it:\n"
                "#   message FILE.eml\n# ");
    add_expected(b, &m->verdict);
}
