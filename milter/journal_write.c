/* journal_write - one transaction as rows of the log */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_write.h"

#include "journal_count.h"
#include "journal_detail.h"
#include "journal_ruleset.h"

#include <stdlib.h>
#include <string.h>

/* 2020-01-01 00:00:00 UTC; the views of sql/schema.sql know it, too. */
#define EPOCH_MS 1577836800000ll

int64_t journal_id(int64_t time_us, int64_t last, unsigned node, int64_t *clock_ms)
{
    int64_t ms = time_us / 1000 - EPOCH_MS, sequence = 0;

    if (ms < 0 || ms >= (1ll << 41))
        ms = 0;
    if (last > 0 && ms <= last >> 22) {
        sequence = (last & 0xfff) + 1;
        ms = (last >> 22) + (sequence >> 12);
        sequence &= 0xfff;
    }
    *clock_ms = time_us / 1000 - EPOCH_MS - ms;
    return ms << 22 | (int64_t)node << 12 | sequence;
}

/* Broken off before anything was decided. */
static bool is_undecided(const struct entry *e)
{
    return e->action == ENTRY_ABORTED && e->shadow == NULL && e->message->verdict.act == ACT_DUNNO;
}

int journal_verdict_id(struct writing *w, const char *action, const struct verdict *v, int64_t *id)
{
    struct dict_value values[DICT_VALUES_MAX];
    int64_t rule;
    int rc = writing_rule(w, &v->rule, &rule);

    if (rc != SQLITE_OK)
        return rc;
    values[0] = dict_text(action, strlen(action));
    values[1] = is_undecided(w->entry) ? dict_null()
                                       : writing_clean(&w->texts[0], stage_name(v->stage));
    values[2] = dict_number(v->enforced);
    values[3] = dict_number_or_null(v->code);
    values[4] =
        verdict_refuses(v) && v->dsn != NULL ? writing_clean(&w->texts[0], v->dsn) : dict_null();
    values[5] = writing_template(w, &w->texts[1], v->text);
    values[6] = dict_number_or_null(rule);
    return dicts_id(w->db->dicts, DICT_VERDICT, values, id);
}

static int client_id(struct writing *w, int64_t *id)
{
    const struct client *client = &w->entry->client;
    struct dict_value values[2] = {
        writing_clean(&w->texts[0], client->addr_text != NULL ? client->addr_text : ""),
        writing_clean(&w->texts[1], client->name != NULL ? client->name : ""),
    };

    return dicts_id(w->db->dicts, DICT_CLIENT, values, id);
}

static void bind_text(sqlite3_stmt *stmt, int column, struct buf *b, const char *text)
{
    struct dict_value value;

    if (text == NULL || text[0] == '\0') {
        sqlite3_bind_null(stmt, column);
        return;
    }
    value = writing_clean(b, text);
    sqlite3_bind_text(stmt, column, value.ptr, (int)value.len, SQLITE_STATIC);
}

static const struct recipient *last_recipient(const struct message *m)
{
    const struct recipient *last = m->recipients;

    while (last != NULL && last->next != NULL)
        last = last->next;
    return last;
}

/* What was refused, discarded or broken off is not held (or redirected), whatever rules wanted. */
static bool is_held(const struct entry *entry)
{
    return entry->action == ENTRY_ACCEPT && message_last_edit(entry->message, ACT_HOLD) != NULL;
}

static int add_mail(struct writing *w, int64_t clock_ms)
{
    const struct entry *entry = w->entry;
    const struct message *m = entry->message;
    const struct edit *redirect =
        entry->action == ENTRY_ACCEPT ? message_last_edit(m, ACT_REDIRECT) : NULL;
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_MAIL];
    int64_t client, helo, login, sender, verdict, redirected, policy, circumstance;
    const char *mail_from = m->has_mail ? m->sender.text : NULL;
    const char *action = entry_action_name(entry->action);
    int rc;

    writing_recipient(w, last_recipient(m));
    if ((rc = client_id(w, &client)) != SQLITE_OK ||
        (rc = writing_text(w, DICT_NAME, entry->client.helo, &helo)) != SQLITE_OK ||
        (rc = writing_text(w, DICT_NAME, m->login, &login)) != SQLITE_OK ||
        (rc = writing_text(w, DICT_ADDRESS, mail_from, &sender)) != SQLITE_OK ||
        (rc = journal_verdict_id(w, action, &m->verdict, &verdict)) != SQLITE_OK ||
        (rc = writing_text(w, DICT_ADDRESS, redirect != NULL ? redirect->text : NULL,
                           &redirected)) != SQLITE_OK ||
        (rc = detail_circumstance(w, &circumstance)) != SQLITE_OK ||
        (rc = ruleset_find(w->db, entry->policy, &policy)) != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, w->id);
    bind_or_null(stmt, 2, clock_ms);
    sqlite3_bind_int64(stmt, 3, m->direction == DIR_OUTGOING);
    sqlite3_bind_int64(stmt, 4, client);
    bind_or_null(stmt, 5, helo);
    bind_or_null(stmt, 6, login);
    bind_or_null(stmt, 7, sender);
    sqlite3_bind_int64(stmt, 8, verdict);
    sqlite3_bind_int64(stmt, 9, (int64_t)entry->duration_us);
    sqlite3_bind_int64(stmt, 10, is_held(entry));
    bind_or_null(stmt, 11, redirected);
    bind_text(stmt, 12, &w->texts[0], m->queue_id);
    bind_text(stmt, 13, &w->texts[1], m->message_id);
    bind_or_null(stmt, 14, policy);
    bind_or_null(stmt, 15, circumstance);
    bind_or_null(stmt, 16, m->size);
    return run_stmt(stmt);
}

static const char *action_of(const struct verdict *v)
{
    return v->act == ACT_REJECT  ? "reject"
           : v->act == ACT_DEFER ? "tempfail"
                                 : "discard";
}

/* The message's verdict is the recipient's, too, unless it was told to another recipient alone. */
static int recipient_verdict(struct writing *w, const struct recipient *r, int64_t *id)
{
    const struct verdict *v = &w->entry->message->verdict;
    enum entry_action action = w->entry->action;
    struct verdict none = {.act = ACT_DUNNO, .stage = v->stage, .enforced = v->enforced};

    if (verdict_refuses(&r->verdict) || r->verdict.act == ACT_DISCARD)
        return journal_verdict_id(w, action_of(&r->verdict), &r->verdict, id);
    if (action == ENTRY_DISCARD || (v->stage != STAGE_RCPT && action != ENTRY_ACCEPT))
        return journal_verdict_id(w, entry_action_name(action), v, id);
    return journal_verdict_id(w, entry_action_name(action), &none, id);
}

static int add_recipients(struct writing *w)
{
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_RECIPIENT];
    int64_t address, verdict;
    int rc = SQLITE_OK;

    for (const struct recipient *r = w->entry->message->recipients; r != NULL && rc == SQLITE_OK;
         r = r->next) {
        writing_recipient(w, r);
        if ((rc = writing_text(w, DICT_ADDRESS, r->address.text, &address)) != SQLITE_OK ||
            (rc = recipient_verdict(w, r, &verdict)) != SQLITE_OK)
            return rc;
        sqlite3_bind_int64(stmt, 1, w->id);
        sqlite3_bind_int64(stmt, 2, r->number);
        sqlite3_bind_int64(stmt, 3, address);
        sqlite3_bind_int64(stmt, 4, verdict);
        rc = run_stmt(stmt);
    }
    return rc;
}

static int step_id(struct writing *w, const struct check_record *check, int64_t *id)
{
    struct dict_value values[5];
    int64_t rule;
    int rc = writing_rule(w, &check->rule, &rule);

    if (rc != SQLITE_OK)
        return rc;
    values[0] =
        check->restriction != NULL ? writing_clean(&w->texts[0], check->restriction) : dict_null();
    values[1] = writing_template(w, &w->texts[1], check->question);
    values[2] = writing_template(w, &w->texts[2], check->answer);
    values[3] =
        check->result != NULL ? dict_text(check->result, strlen(check->result)) : dict_null();
    values[4] = dict_number_or_null(rule);
    return dicts_id(w->db->dicts, DICT_STEP, values, id);
}

/* Checks come recipient by recipient, so the search goes on from the one before. */
static const struct recipient *recipient_number(const struct message *m,
                                                const struct recipient *from, int number)
{
    const struct recipient *r = from != NULL && from->number <= number ? from : m->recipients;

    while (r != NULL && r->number != number)
        r = r->next;
    return number > 0 ? r : NULL;
}

/* [RECIPIENT,STEP,US] */
static int add_step(struct writing *w, const struct check_record *c)
{
    struct buf *list = w->list;
    int64_t step;
    int rc = step_id(w, c, &step);

    buf_adds(list, list->len > 0 ? ",[" : "[[");
    list_number(list, c->recipient);
    buf_addc(list, ',');
    list_number(list, step);
    buf_addc(list, ',');
    list_number(list, c->us);
    buf_addc(list, ']');
    return rc;
}

static int add_checks(struct writing *w)
{
    const struct message *m = w->entry->message;
    const struct recipient *r = NULL;
    int rc = SQLITE_OK;

    buf_clear(w->list);
    for (const struct check_record *c = m->checks; c != NULL && rc == SQLITE_OK; c = c->next) {
        r = recipient_number(m, r, c->recipient);
        writing_recipient(w, r);
        rc = add_step(w, c);
    }
    return rc == SQLITE_OK ? list_insert(w, DB_ADD_CHECKS) : rc;
}

static int add_details(struct writing *w)
{
    static int (*const adders[])(struct writing *) = {
        add_recipients, add_checks, detail_questions, detail_edits, detail_tokens, detail_evidence,
    };
    int rc = SQLITE_OK;

    for (size_t i = 0; i < ARRAY_LEN(adders) && rc == SQLITE_OK; i++)
        rc = adders[i](w);
    return rc;
}

enum db_result journal_write(struct journal_db *db, const struct entry *entry, int64_t *id,
                             struct err *err)
{
    struct writing w = {.db = db, .entry = entry, .texts = db->scratch, .list = &db->scratch[3]};
    int64_t clock_ms;
    int rc;

    w.id = journal_id(entry->message->time_us + (int64_t)entry->duration_us, db->last_id, db->node,
                      &clock_ms);
    writing_start(&w);
    if ((rc = add_mail(&w, clock_ms)) == SQLITE_OK)
        rc = add_details(&w);
    if (rc == SQLITE_OK)
        rc = count_entry(db->counts, &w);
    if (rc == SQLITE_OK) {
        *id = db->last_id = w.id;
        db->generation_rows++;
    }
    return journal_db_result(db, rc, err);
}

static int amend_mail(struct writing *w)
{
    const struct entry *e = w->entry;
    sqlite3_stmt *stmt = w->db->stmts[DB_AMEND_MAIL];
    int64_t verdict;
    int rc;

    writing_recipient(w, last_recipient(e->message));
    rc = journal_verdict_id(w, entry_action_name(e->action), &e->message->verdict, &verdict);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, w->id);
    sqlite3_bind_int64(stmt, 2, verdict);
    return run_stmt(stmt);
}

static int amend_recipient(struct writing *w, const struct recipient *r)
{
    sqlite3_stmt *stmt = w->db->stmts[DB_AMEND_RECIPIENT];
    int64_t verdict;
    int rc;

    writing_recipient(w, r);
    if ((rc = recipient_verdict(w, r, &verdict)) != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, w->id);
    sqlite3_bind_int64(stmt, 2, verdict);
    sqlite3_bind_int64(stmt, 3, r->number);
    return run_stmt(stmt);
}

enum db_result journal_amend(struct journal_db *db, const struct entry *entry, struct err *err)
{
    struct writing w = {.db = db, .entry = entry, .texts = db->scratch, .list = &db->scratch[3],
                        .id = entry->row};
    const struct recipient *r = entry->message->recipients;
    int rc;

    writing_start(&w);
    for (rc = amend_mail(&w); r != NULL && rc == SQLITE_OK; r = r->next)
        rc = amend_recipient(&w, r);
    if (rc == SQLITE_OK && entry->late.token != NULL)
        rc = detail_token(&w, 0, entry->late.token);
    return journal_db_result(db, rc, err);
}
