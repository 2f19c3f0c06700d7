/* test_mail - one mail file through the engine: every step, every answer, every edit */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "test_mail.h"

#include "eml.h"
#include "fold.h"
#include "header_diff.h"
#include "header_edits.h"
#include "rehearsal.h"
#include "world_dns.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* "name[192.0.2.1]", or an address alone. */
static bool set_client(struct rehearsal *r, const char *client)
{
    const char *open = strchr(client, '['), *close = strrchr(client, ']');
    struct addr addr;
    char *name, *address;

    if (open == NULL && addr_parse(slice_of(client), &addr)) {
        rehearsal_client(r, "unknown", client, NULL);
        return true;
    }
    if (open == NULL || close == NULL || close < open || close[1] != '\0')
        return false;
    name = open == client ? xstrdup("unknown") : xstrndup(client, (size_t)(open - client));
    address = xstrndup(open + 1, (size_t)(close - open - 1));
    rehearsal_client(r, name, address, NULL);
    free(name);
    free(address);
    return true;
}

/* As a client would say it: whoever writes an address here means <address>. */
static const char *in_brackets(const char *address, struct arena *arena)
{
    return address[0] == '<' ? address : arena_printf(arena, "<%s>", address);
}

struct return_path {
    struct arena *arena;
    const char *address; /* NULL: not seen */
};

static void note_return_path(void *arg, const char *name, const char *value)
{
    struct return_path *found = arg;
    struct slice text = slice_trim(slice_of(value));

    if (found->address == NULL && slice_is_nocase(slice_of(name), "Return-Path"))
        found->address = arena_strndup(found->arena, text.ptr, text.len);
}

/* A file that cannot be read is told of when it is played. */
static const char *sender_of(const char *path, struct arena *arena)
{
    struct return_path found = {.arena = arena};
    struct eml_events events = {.header = note_return_path, .arg = &found};
    struct err err;

    if (!eml_read(path, &events, &err) || found.address == NULL)
        return "<>";
    return found.address;
}

static bool set_up(struct rehearsal *r, const struct test_mail *mail, const char *path)
{
    struct arena *arena = arena_new();
    const char *from, *to;

    if (mail->client != NULL && !set_client(r, mail->client)) {
        arena_free(arena);
        return false;
    }
    if (mail->helo != NULL)
        rehearsal_helo(r, mail->helo);
    if (mail->login != NULL)
        rehearsal_auth(r, mail->login, NULL);
    from = in_brackets(mail->from != NULL ? mail->from : sender_of(path, arena), arena);
    rehearsal_mail(r, &from, 1);
    for (const char **rcpt = mail->recipients; rcpt != NULL && *rcpt != NULL; rcpt++) {
        to = in_brackets(*rcpt, arena);
        rehearsal_rcpt(r, &to, 1);
    }
    if (mail->recipients == NULL)
        fputs("tamis test: no --rcpt: what is judged at RCPT TO is not shown\n", stderr);
    rehearsal_message(r, path);
    arena_free(arena);
    return true;
}

/* What the whole mail came to: the answer at its end, or the last refusal when nobody was left. */
static const struct verdict *outcome_of(const struct message *m, const struct verdict *last)
{
    if (last->act == ACT_DUNNO && m->verdict.act != ACT_DUNNO)
        return &m->verdict;
    return last;
}

static const char *outcome_name(const struct verdict *v)
{
    switch (v->act) {
    case ACT_REJECT:
        return "reject";
    case ACT_DEFER:
        return "tempfail";
    case ACT_DISCARD:
        return "discard";
    default:
        return "accept";
    }
}

/* The first step that had the same question and answer; the step itself if there is none. */
static const struct check_record *first_told(const struct message *m,
                                             const struct check_record *step)
{
    const struct check_record *c = m->checks;

    while (c != step && (c->question == NULL || !is_same_text(c->question, step->question) ||
                         !is_same_text(c->answer, step->answer)))
        c = c->next;
    return c;
}

/* An answer may be long, and several steps may look at it: it is told once. */
static void print_lookup_of(FILE *out, const struct message *m, const struct check_record *step)
{
    const struct check_record *first = first_told(m, step);

    if (first == step)
        fprintf(out, "  %s = %s", step->question, step->answer != NULL ? step->answer : "");
    else if (strcmp(first->restriction, step->restriction) == 0)
        fputs("  as before", out);
    else
        fprintf(out, "  as at %s", first->restriction);
}

static void print_steps(FILE *out, const struct message *m)
{
    for (const struct check_record *c = m->checks; c != NULL; c = c->next) {
        fprintf(out, "  %-28s", c->restriction);
        if (c->question != NULL)
            print_lookup_of(out, m, c);
        fprintf(out, "  -> %s", c->result);
        if (c->rule.where.file != NULL && c->rule.where.line > 0)
            fprintf(out, "  (%s:%d)", c->rule.where.file, c->rule.where.line);
        else if (c->rule.where.file != NULL)
            fprintf(out, "  (%s)", c->rule.where.file);
        fputc('\n', out);
    }
}

/* Questions that stand with no step, or with several. */
static bool is_told(const struct message *m, const struct finding *f)
{
    for (const struct check_record *c = m->checks; c != NULL; c = c->next)
        if (c->question != NULL && strcmp(c->question, f->question) == 0)
            return true;
    return false;
}

struct lookups {
    FILE *out;
    const struct message *message;
};

static bool is_asked(const struct message *m, const char *question)
{
    const struct finding *f = m->findings;

    while (f != NULL && strcmp(f->question, question) != 0)
        f = f->next;
    return f != NULL;
}

/* Those behind the questions: what a rule asked itself has been told. */
static void print_lookup(const struct dns_question *question, const struct dns_answer *answer,
                         void *arg)
{
    const struct lookups *l = arg;
    struct arena *arena = arena_new();
    const char *text = dns_question_text(question, arena);

    if (!is_asked(l->message, text))
        fprintf(l->out, "  lookup  %s = %s\n", text,
                answer != NULL ? dns_answer_text(answer, arena) : "no answer yet");
    arena_free(arena);
}

static void print_questions(FILE *out, struct session *session)
{
    const struct message *m = session_message(session);
    struct lookups lookups = {out, m};

    for (const struct finding *f = m->findings; f != NULL; f = f->next)
        if (!is_told(m, f))
            fprintf(out, "  asked   %s = %s\n", f->question, f->answer);
    world_dns_each(session_inquiry(session), print_lookup, &lookups);
}

/* Of the field that the MTA puts on top: it is not in the mail file. */
static bool is_own(const struct edit *e)
{
    return e->act == ACT_REPLACE && e->place == EDIT_OWN;
}

static bool is_header_edit(const struct edit *e)
{
    return e->act == ACT_PREPEND || e->header != NULL;
}

static void print_edits(FILE *out, const struct message *m, const char *path)
{
    struct buf diff = {0};

    for (const struct edit *e = m->edits; e != NULL; e = e->next)
        if (!is_header_edit(e))
            fprintf(out, "%s: %s\n", act_name(e->act), e->text);
    header_diff(m, m->edits, path, &diff);
    fputs(buf_text(&diff), out);
    buf_free(&diff);
}

/* The last answer, unless it stands with its recipient already. */
static void print_end(FILE *out, const struct message *m, const struct verdict *last,
                      struct arena *arena)
{
    bool early = verdict_refuses(last) && last->stage < STAGE_HEADER;

    if (early && last->stage <= STAGE_RCPT && m->recipients != NULL)
        return;
    fprintf(out, "%s: %s\n", early ? stage_name(last->stage) : "end of message",
            verdict_reply(last, arena));
}

static void print_parts(FILE *out, struct session *session, const struct verdict *last,
                        const char *path)
{
    const struct message *m = session_message(session);
    struct arena *arena = arena_new();

    fprintf(out, "%s, client %s[%s]\n", direction_name(m->direction),
            session_client(session)->name, session_client(session)->addr_text);
    print_steps(out, m);
    print_questions(out, session);
    for (const struct recipient *r = m->recipients; r != NULL; r = r->next)
        fprintf(out, "RCPT <%s>: %s\n", r->address.text, verdict_reply(&r->verdict, arena));
    print_end(out, m, last, arena);
    if (last->act == ACT_DUNNO)
        print_edits(out, m, path);
    fprintf(out, "%s\n", outcome_name(outcome_of(m, last)));
    arena_free(arena);
}

/* Whose mail it is does not write on the terminal; else the diff stays as the bytes are. */
static void print_text(FILE *out, struct session *session, const struct verdict *last,
                       const char *path)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);

    if (memory == NULL)
        die("out of memory");
    print_parts(memory, session, last, path);
    fclose(memory);
    fold_controls(text, len, '?');
    fputs(text, out);
    free(text);
}

static void json_rule(struct buf *b, const struct rule_ref *rule)
{
    buf_adds(b, "\"rule\":");
    if (rule->where.file == NULL) {
        buf_adds(b, "null");
        return;
    }
    buf_adds(b, "{");
    buf_add_member(b, "file", rule->where.file);
    buf_addf(b, ",\"line\":%d}", rule->where.line);
}

static void json_verdict(struct buf *b, const struct verdict *v)
{
    buf_add_member(b, "action", outcome_name(v));
    buf_addf(b, ",\"code\":%d,", verdict_refuses(v) ? v->code : 250);
    buf_add_member(b, "dsn", verdict_refuses(v) ? v->dsn : "2.0.0");
    buf_add_member(b, "text", verdict_refuses(v) ? v->text : "Ok");
    buf_addc(b, ',');
    json_rule(b, &v->rule);
}

static void json_steps(struct buf *b, const struct message *m)
{
    buf_adds(b, ",\"steps\":[");
    for (const struct check_record *c = m->checks; c != NULL; c = c->next) {
        buf_addf(b, "%s{\"recipient\":%d,", c == m->checks ? "" : ",", c->recipient);
        buf_add_member(b, "restriction", c->restriction);
        buf_add_member(b, "question", c->question);
        buf_add_member(b, "answer", c->answer);
        buf_add_member(b, "result", c->result);
        buf_addc(b, ',');
        json_rule(b, &c->rule);
        buf_adds(b, "}");
    }
    buf_adds(b, "]");
}

static void json_questions(struct buf *b, const struct message *m)
{
    buf_adds(b, ",\"questions\":[");
    for (const struct finding *f = m->findings; f != NULL; f = f->next) {
        buf_adds(b, f == m->findings ? "{" : ",{");
        buf_add_member(b, "question", f->question);
        buf_add_member(b, "answer", f->answer);
        buf_adds(b, "}");
    }
    buf_adds(b, "]");
}

static void json_field(struct buf *b, const struct edit *e, struct arena *arena)
{
    const char *name, *value;

    if (e->act == ACT_IGNORE || e->act == ACT_STRIP) {
        name = e->header->name;
        value = e->header->value;
    } else if (!header_field_read(e->text, arena, &name, &value)) {
        name = value = NULL;
    }
    buf_add_member(b, "name", name);
    buf_add_member(b, "value", value);
}

/* An edit of the header: the field's place in the mail as it came, from 0; fields on top of it
 * count among themselves, those below it go on. */
static void json_header_edit(struct buf *b, const struct edit *e, struct arena *arena, int index)
{
    buf_addf(b, "\"index\":%d,", e->header != NULL ? e->header->index : index);
    json_field(b, e, arena);
}

static void json_edits(struct buf *b, const struct message *m)
{
    int top = 0, bottom = m->header_count;

    buf_adds(b, ",\"edits\":[");
    for (const struct edit *e = m->edits; e != NULL; e = e->next) {
        buf_addf(b, "%s{\"op\":\"%s\",", e == m->edits ? "" : ",", act_name(e->act));
        if (is_header_edit(e)) {
            int *next = e->place == EDIT_BOTTOM ? &bottom : &top;

            json_header_edit(b, e, m->arena, e->header == NULL ? (*next)++ : 0);
        } else if (is_own(e)) {
            buf_adds(b, "\"index\":null,");
            json_field(b, e, m->arena);
        } else {
            buf_adds(b, "\"index\":null,\"name\":null,");
            buf_add_member(b, "value", e->text);
        }
        buf_adds(b, "}");
    }
    buf_adds(b, "]");
}

static void json_recipients(struct buf *b, const struct message *m)
{
    buf_adds(b, ",\"recipients\":[");
    for (const struct recipient *r = m->recipients; r != NULL; r = r->next) {
        buf_adds(b, r == m->recipients ? "{" : ",{");
        buf_add_member(b, "address", r->address.text);
        buf_addc(b, ',');
        json_verdict(b, &r->verdict);
        buf_adds(b, "}");
    }
    buf_adds(b, "]");
}

static void print_json(FILE *out, struct session *session, const struct verdict *last)
{
    const struct message *m = session_message(session);
    struct buf b = {0};

    buf_adds(&b, "{");
    json_verdict(&b, outcome_of(m, last));
    buf_addc(&b, ',');
    buf_add_member(&b, "direction", direction_name(m->direction));
    json_steps(&b, m);
    json_questions(&b, m);
    if (last->act == ACT_DUNNO)
        json_edits(&b, m);
    else
        buf_adds(&b, ",\"edits\":[]");
    json_recipients(&b, m);
    buf_adds(&b, "}");
    fprintf(out, "%s\n", buf_text(&b));
    buf_free(&b);
}

/* What syslog would read is told where nothing else tells it, or on demand. */
static unsigned manner(const struct test_mail *mail)
{
    return REHEARSAL_WHOLE | (mail->json || mail->verbose ? 0 : REHEARSAL_QUIET);
}

int test_mail_run(const struct test_mail *mail, const char *path, struct world *world,
                  FILE *out)
{
    struct rehearsal *r = rehearsal_new(world);
    const struct verdict *last;
    struct session *session;
    int status = EX_USAGE;
    struct err err;

    if (!set_up(r, mail, path)) {
        fprintf(stderr, "tamis test: --client %s: write NAME[ADDRESS]\n", mail->client);
    } else if ((session = rehearsal_play(r, STAGE_EOM, manner(mail), &last, &err)) == NULL) {
        fprintf(stderr, "tamis test: %s\n", err.text);
        status = EX_DATAERR;
    } else {
        if (mail->json)
            print_json(out, session, last);
        else
            print_text(out, session, last, path);
        session_free(session);
        status = EX_OK;
    }
    rehearsal_free(r);
    return status;
}

void test_mail_free(struct test_mail *mail)
{
    free(mail->recipients);
}
