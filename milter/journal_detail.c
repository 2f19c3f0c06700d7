/* journal_detail - a transaction's questions, signatures, edits, tokens, evidence as rows */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_detail.h"

#include "fold.h"

#include <stdio.h>
#include <string.h>

enum {
    VALUE_MAX = 500,
    EDITS_MAX = 1000, /* of one mail; more are counted */
};

/* Their bytes were made harmless when the MTA told them. */
static struct dict_value told(const char *text)
{
    return text == NULL || text[0] == '\0' ? dict_null()
                                           : dict_text(text, fold_cut(text, VALUE_MAX));
}

int detail_circumstance(struct writing *w, int64_t *id)
{
    const struct client *c = &w->entry->client;
    const struct message *m = w->entry->message;
    bool own = c->ptr != NULL && c->name != NULL && strcmp(c->ptr, c->name) == 0;
    struct dict_value values[DICT_VALUES_MAX] = {
        own ? dict_null() : told(c->ptr),
        told(c->resolve),
        told(c->daemon_name),
        told(c->daemon_addr),
        c->daemon_port >= 0 ? dict_number(c->daemon_port) : dict_null(),
        dict_number(c->local),
        told(c->tls_version),
        told(c->cipher),
        told(c->cipher_bits),
        told(c->cert_subject),
        told(c->cert_issuer),
        told(m->auth_method),
        dict_number(m->smtputf8),
        told(c->mta_version),
        told(c->mta_host),
    };

    return dicts_id(w->db->dicts, DICT_CIRCUMSTANCE, values, id);
}

static int asked_id(struct writing *w, const struct finding *f, int64_t *id)
{
    static const char *const states[] = {"found", "none", "temperror"};
    struct dict_value values[3] = {
        writing_template(w, &w->texts[0], f->question),
        dict_text(states[f->state], strlen(states[f->state])),
        writing_template(w, &w->texts[1], f->answer),
    };

    return dicts_id(w->db->dicts, DICT_ASKED, values, id);
}

static int list_questions(struct writing *w, struct buf *list)
{
    int64_t id;
    int rc;

    buf_clear(list);
    writing_recipient(w, NULL);
    for (const struct finding *f = w->entry->message->findings; f != NULL; f = f->next) {
        if ((rc = asked_id(w, f, &id)) != SQLITE_OK)
            return rc;
        buf_adds(list, list->len > 0 ? ",[" : "[[");
        list_number(list, id);
        buf_addc(list, ',');
        list_number(list, f->us);
        buf_addc(list, ']');
    }
    if (list->len > 0)
        buf_addc(list, ']');
    return SQLITE_OK;
}

static void list_id(struct buf *list, int64_t id)
{
    buf_addc(list, list->len > 0 ? ',' : '[');
    list_number(list, id);
}

/* Texts of signatures are the sender's: whoever judged them may have let anything pass. */
static int signature_id(struct writing *w, const struct logged_signature *s, int64_t *id)
{
    const char *const texts[] = {s->domain, s->selector, s->algorithm, s->canonicalization,
                                 s->identity, s->result, s->reason};
    struct dict_value values[9], clean[ARRAY_LEN(texts)];
    struct buf bufs[ARRAY_LEN(texts)] = {{0}};
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        clean[i] = writing_clean_or_null(&bufs[i], texts[i]);
    values[0] = clean[0];
    values[1] = clean[1];
    values[2] = clean[2];
    values[3] = dict_number_or_null(s->bits);
    values[4] = clean[3];
    values[5] = clean[4];
    values[6] = clean[5];
    values[7] = clean[6];
    values[8] = dict_number(s->made);
    rc = dicts_id(w->db->dicts, DICT_DKIM, values, id);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_free(&bufs[i]);
    return rc;
}

static int list_signatures(struct writing *w, struct buf *list)
{
    int64_t id;
    int rc;

    buf_clear(list);
    for (const struct logged_signature *s = w->entry->message->logged_signatures; s != NULL;
         s = s->next) {
        if ((rc = signature_id(w, s, &id)) != SQLITE_OK)
            return rc;
        list_id(list, id);
    }
    if (list->len > 0)
        buf_addc(list, ']');
    return SQLITE_OK;
}

static void bind_list(sqlite3_stmt *stmt, int column, const struct buf *list)
{
    if (list->len > 0)
        sqlite3_bind_text(stmt, column, list->ptr, (int)list->len, SQLITE_STATIC);
    else
        sqlite3_bind_null(stmt, column);
}

int detail_questions(struct writing *w)
{
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_QUESTIONS];
    struct buf *questions = w->list, *signatures = &w->texts[2];
    int rc = list_questions(w, questions);

    if (rc == SQLITE_OK)
        rc = list_signatures(w, signatures);
    if (rc != SQLITE_OK || (questions->len == 0 && signatures->len == 0))
        return rc;
    sqlite3_bind_int64(stmt, 1, w->id);
    bind_list(stmt, 2, questions);
    bind_list(stmt, 3, signatures);
    rc = run_stmt(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

static int edit_id(struct writing *w, const struct edit *e, int64_t *id)
{
    struct dict_value values[4];
    struct slice field, value;
    struct buf text = {0}, name = {0};
    const char *op = act_name(e->act);
    int64_t rule;
    int rc = writing_rule(w, &e->rule, &rule);

    if (rc != SQLITE_OK)
        return rc;
    edit_split(e, &field, &value);
    buf_add(&name, field.ptr, field.len);
    if (rule != 0 && !e->annotates)
        buf_add(&text, value.ptr, value.len < VALUE_MAX ? value.len : VALUE_MAX);
    values[0] = dict_text(op, strlen(op));
    values[1] = writing_clean_or_null(&w->texts[0], buf_text(&name));
    values[2] = writing_template(w, &w->texts[1], buf_text(&text));
    values[3] = dict_number_or_null(rule);
    rc = dicts_id(w->db->dicts, DICT_EDIT, values, id);
    buf_free(&text);
    buf_free(&name);
    return rc;
}

/* In place of those that are not there: "more", and how many. */
static int more_id(struct writing *w, size_t count, int64_t *id)
{
    char number[24];
    int len = snprintf(number, sizeof(number), "%zu", count);
    struct dict_value values[4] = {dict_text("more", 4), dict_null(),
                                   dict_text(number, (size_t)len), dict_null()};

    return dicts_id(w->db->dicts, DICT_EDIT, values, id);
}

int detail_edits(struct writing *w)
{
    const struct edit *e = w->entry->message->edits;
    size_t more = w->entry->message->edits_left_out;
    int rc = SQLITE_OK;
    int64_t id;

    buf_clear(w->list);
    writing_recipient(w, NULL);
    for (int i = 0; e != NULL && i < EDITS_MAX; e = e->next, i++) {
        if ((rc = edit_id(w, e, &id)) != SQLITE_OK)
            return rc;
        list_id(w->list, id);
    }
    for (; e != NULL; e = e->next)
        more++;
    if (more > 0 && (rc = more_id(w, more, &id)) == SQLITE_OK)
        list_id(w->list, id);
    return rc == SQLITE_OK ? list_insert(w, DB_ADD_EDITS) : rc;
}

int detail_token(struct writing *w, int recipient, const char *text)
{
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_TOKEN];

    sqlite3_bind_int64(stmt, 1, w->id);
    sqlite3_bind_int64(stmt, 2, recipient);
    sqlite3_bind_text(stmt, 3, text, -1, SQLITE_STATIC);
    return run_stmt(stmt);
}

int detail_tokens(struct writing *w)
{
    int rc = SQLITE_OK;

    for (const struct reply_token *t = w->entry->message->tokens; t != NULL && rc == SQLITE_OK;
         t = t->next)
        rc = detail_token(w, t->recipient, t->text);
    return rc;
}

static void add_member(struct buf *b, const char *name)
{
    buf_addc(b, b->len > 0 ? ',' : '{');
    buf_add_json(b, name, strlen(name));
    buf_addc(b, ':');
}

/* What <text> would be. */
static bool is_plain(const struct address *a)
{
    size_t len = strlen(a->text);

    return a->arg == NULL || (strlen(a->arg) == len + 2 && a->arg[0] == '<' &&
                              memcmp(a->arg + 1, a->text, len) == 0 && a->arg[len + 1] == '>');
}

static void add_recipients(struct buf *b, const struct message *m)
{
    bool any = false;

    for (const struct recipient *r = m->recipients; r != NULL; r = r->next) {
        if (is_plain(&r->address))
            continue;
        if (!any)
            add_member(b, "recipients");
        buf_adds(b, any ? ",\"" : "{\"");
        any = true;
        list_number(b, r->number);
        buf_adds(b, "\":");
        buf_add_json(b, r->address.arg, strlen(r->address.arg));
    }
    if (any)
        buf_addc(b, '}');
}

static void add_headers(struct buf *b, const struct message *m)
{
    if (m->evidence == NULL)
        return;
    add_member(b, "headers");
    for (const struct header *h = m->evidence; h != NULL; h = h->next) {
        buf_adds(b, h == m->evidence ? "[[" : ",[");
        buf_add_json(b, h->name, strlen(h->name));
        buf_addc(b, ',');
        buf_add_json(b, h->value, strlen(h->value));
        buf_addc(b, ']');
    }
    buf_addc(b, ']');
}

static void add_parts(struct buf *b, const struct message *m)
{
    if (m->parts != NULL) {
        add_member(b, "parts");
        for (const struct header *h = m->parts; h != NULL; h = h->next) {
            buf_addc(b, h == m->parts ? '[' : ',');
            buf_add_json(b, h->value, strlen(h->value));
        }
        buf_addc(b, ']');
    }
    if (m->parts_whole) {
        add_member(b, "parts_whole");
        buf_adds(b, "true");
    }
}

int detail_evidence(struct writing *w)
{
    const struct message *m = w->entry->message;
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_EVIDENCE];
    struct buf *b = w->list;
    int rc;

    buf_clear(b);
    if (!m->keeps_evidence)
        return SQLITE_OK;
    if (m->has_mail && !is_plain(&m->sender)) {
        add_member(b, "sender");
        buf_add_json(b, m->sender.arg, strlen(m->sender.arg));
    }
    if (m->esmtp[0] != '\0') {
        add_member(b, "esmtp");
        buf_add_json(b, m->esmtp, strlen(m->esmtp));
    }
    add_recipients(b, m);
    add_headers(b, m);
    add_parts(b, m);
    if (b->len == 0)
        return SQLITE_OK;
    buf_addc(b, '}');
    sqlite3_bind_int64(stmt, 1, w->id);
    sqlite3_bind_text(stmt, 2, b->ptr, (int)b->len, SQLITE_STATIC);
    rc = run_stmt(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}
