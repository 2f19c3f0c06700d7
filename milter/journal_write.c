/* journal_write - one transaction as rows of the log */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_write.h"

#include <stdlib.h>
#include <string.h>

/* 2020-01-01 00:00:00 UTC; the views of sql/schema.sql know it, too. */
#define EPOCH_MS 1577836800000ll

enum { NODE = 0, TEXT_MAX = 2000, VARIABLE_MIN = 3 };

/* Texts of the transaction that turn up in questions, answers and replies; stored as one
 * character. */
enum variable {
    VAR_CLIENT_NAME = 1,
    VAR_CLIENT_ADDR,
    VAR_HELO,
    VAR_LOGIN,
    VAR_SENDER,
    VAR_RECIPIENT,
    VAR_SENDER_DOMAIN,
    VAR_RECIPIENT_DOMAIN,
    VAR_COUNT,
};

struct writing {
    struct journal_db *db;
    const struct entry *entry;
    int64_t id;
    struct slice variables[VAR_COUNT];
    struct buf *texts; /* three, to build values in */
    struct buf *list;
};

int64_t journal_id(int64_t time_us, int64_t last, int64_t *clock_ms)
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
    return ms << 22 | (int64_t)NODE << 12 | sequence;
}

static struct slice domain_of(const char *address)
{
    const char *at = strchr(address, '@');

    return slice_of(at ? at + 1 : NULL);
}

static struct slice known(const char *text)
{
    struct slice s = slice_of(text);

    return s.len < VARIABLE_MIN || s.len > TEXT_MAX ? (struct slice){NULL, 0} : s;
}

/* NULL: no recipient is meant. */
static void set_recipient(struct writing *w, const struct recipient *r)
{
    w->variables[VAR_RECIPIENT] = known(r ? r->address.text : NULL);
    w->variables[VAR_RECIPIENT_DOMAIN] =
        w->variables[VAR_RECIPIENT].len ? domain_of(r->address.text) : (struct slice){NULL, 0};
}

static void set_variables(struct writing *w)
{
    const struct client *client = &w->entry->client;
    const struct message *m = w->entry->message;

    w->variables[VAR_CLIENT_NAME] = known(client->name);
    w->variables[VAR_CLIENT_ADDR] = known(client->addr_text);
    w->variables[VAR_HELO] = known(client->helo);
    w->variables[VAR_LOGIN] = known(m->login);
    w->variables[VAR_SENDER] = known(m->has_mail ? m->sender.text : NULL);
    w->variables[VAR_SENDER_DOMAIN] =
        w->variables[VAR_SENDER].len ? domain_of(m->sender.text) : (struct slice){NULL, 0};
}

static bool continues_word(unsigned char c)
{
    return is_alnum(c) || c >= 0x80 || c == '.' || c == '-' || c == '_' || c == '@' || c == '+';
}

/* The longest variable that stands at the beginning of the text; 0: none. */
static int variable_at(const struct writing *w, const char *text, size_t len)
{
    int best = 0;

    for (int i = 1; i < VAR_COUNT; i++) {
        const struct slice *v = &w->variables[i];

        if (v->len >= VARIABLE_MIN && v->len <= len && text[0] == v->ptr[0] &&
            (best == 0 || v->len > w->variables[best].len) && memcmp(text, v->ptr, v->len) == 0)
            best = i;
    }
    return best;
}

/* The text as it is stored in a dictionary: variables for what is known, no control characters. */
static struct dict_value template_of(struct writing *w, struct buf *b, const char *text)
{
    size_t len = text ? strnlen(text, TEXT_MAX) : 0, from = 0;
    bool in_word = false;

    if (len == 0)
        return dict_null();
    buf_clear(b);
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        int variable = in_word ? 0 : variable_at(w, text + i, len - i);

        in_word = variable != 0 || continues_word(c);
        if (variable != 0 || c < 0x20 || c == 0x7f) {
            buf_add(b, text + from, i - from);
            buf_addc(b, variable != 0 ? (char)variable : '?');
            i += variable != 0 ? w->variables[variable].len : 1;
            from = i;
        } else {
            i++;
        }
    }
    buf_add(b, text + from, len - from);
    return dict_text(b->ptr, b->len);
}

/* Plain texts: cut, without control characters; `b` is used only if there are any. */
static struct dict_value clean(struct buf *b, const char *text)
{
    size_t len = strnlen(text, TEXT_MAX);
    bool dirty = false;

    for (size_t i = 0; i < len && !dirty; i++)
        dirty = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
    if (!dirty)
        return dict_text(text, len);
    buf_clear(b);
    for (size_t i = 0; i < len; i++)
        buf_addc(b, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
    return dict_text(b->ptr, b->len);
}

static int rule_id(struct writing *w, const struct rule_ref *rule, int64_t *id)
{
    struct dict_value values[3];

    *id = 0;
    if (rule->where.file == NULL && rule->text == NULL)
        return SQLITE_OK;
    values[0] = rule->where.file ? clean(&w->texts[0], rule->where.file) : dict_null();
    values[1] = dict_number_or_null(rule->where.line);
    values[2] = rule->text ? clean(&w->texts[1], rule->text) : dict_null();
    return dicts_id(w->db->dicts, DICT_RULE, values, id);
}

static int verdict_id(struct writing *w, const char *action, const struct verdict *v, int64_t *id)
{
    struct dict_value values[DICT_VALUES_MAX];
    int64_t rule;
    int rc = rule_id(w, &v->rule, &rule);

    if (rc != SQLITE_OK)
        return rc;
    values[0] = dict_text(action, strlen(action));
    values[1] = clean(&w->texts[0], stage_name(v->stage));
    values[2] = dict_number(v->enforced);
    values[3] = dict_number_or_null(v->code);
    values[4] = verdict_refuses(v) && v->dsn ? clean(&w->texts[0], v->dsn) : dict_null();
    values[5] = template_of(w, &w->texts[1], v->text);
    values[6] = dict_number_or_null(rule);
    return dicts_id(w->db->dicts, DICT_VERDICT, values, id);
}

static int text_id(struct writing *w, enum dict dict, const char *text, int64_t *id)
{
    struct dict_value value;

    *id = 0;
    if (text == NULL || (text[0] == '\0' && dict != DICT_ADDRESS))
        return SQLITE_OK;
    value = clean(&w->texts[0], text);
    return dicts_id(w->db->dicts, dict, &value, id);
}

static int client_id(struct writing *w, int64_t *id)
{
    const struct client *client = &w->entry->client;
    struct dict_value values[2] = {
        clean(&w->texts[0], client->addr_text ? client->addr_text : ""),
        clean(&w->texts[1], client->name ? client->name : ""),
    };

    return dicts_id(w->db->dicts, DICT_CLIENT, values, id);
}

static void bind_or_null(sqlite3_stmt *stmt, int column, int64_t number)
{
    if (number != 0)
        sqlite3_bind_int64(stmt, column, number);
    else
        sqlite3_bind_null(stmt, column);
}

static void bind_text(sqlite3_stmt *stmt, int column, struct buf *b, const char *text)
{
    struct dict_value value;

    if (text == NULL || text[0] == '\0') {
        sqlite3_bind_null(stmt, column);
        return;
    }
    value = clean(b, text);
    sqlite3_bind_text(stmt, column, value.ptr, (int)value.len, SQLITE_STATIC);
}

static int run(sqlite3_stmt *stmt)
{
    sqlite3_step(stmt);
    return sqlite3_reset(stmt);
}

static const struct recipient *last_recipient(const struct message *m)
{
    const struct recipient *last = m->recipients;

    while (last != NULL && last->next != NULL)
        last = last->next;
    return last;
}

static int add_mail(struct writing *w, int64_t clock_ms)
{
    const struct entry *entry = w->entry;
    const struct message *m = entry->message;
    const struct edit *redirect = message_last_edit(m, ACT_REDIRECT);
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_MAIL];
    int64_t client, helo, login, sender, verdict, redirected;
    const char *mail_from = m->has_mail ? m->sender.text : NULL;
    const char *action = entry_action_name(entry->action);
    int rc;

    set_recipient(w, last_recipient(m));
    if ((rc = client_id(w, &client)) != SQLITE_OK ||
        (rc = text_id(w, DICT_NAME, entry->client.helo, &helo)) != SQLITE_OK ||
        (rc = text_id(w, DICT_NAME, m->login, &login)) != SQLITE_OK ||
        (rc = text_id(w, DICT_ADDRESS, mail_from, &sender)) != SQLITE_OK ||
        (rc = verdict_id(w, action, &m->verdict, &verdict)) != SQLITE_OK ||
        (rc = text_id(w, DICT_ADDRESS, redirect ? redirect->text : NULL, &redirected)) != SQLITE_OK)
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
    sqlite3_bind_int64(stmt, 10, message_last_edit(m, ACT_HOLD) != NULL);
    bind_or_null(stmt, 11, redirected);
    bind_text(stmt, 12, &w->texts[0], m->queue_id);
    bind_text(stmt, 13, &w->texts[1], m->message_id);
    return run(stmt);
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
        return verdict_id(w, action_of(&r->verdict), &r->verdict, id);
    if (action == ENTRY_DISCARD || (v->stage != STAGE_RCPT && action != ENTRY_ACCEPT))
        return verdict_id(w, entry_action_name(action), v, id);
    return verdict_id(w, entry_action_name(action), &none, id);
}

static int add_recipients(struct writing *w)
{
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_RECIPIENT];
    int64_t address, verdict;
    int rc = SQLITE_OK;

    for (const struct recipient *r = w->entry->message->recipients; r && rc == SQLITE_OK;
         r = r->next) {
        set_recipient(w, r);
        if ((rc = text_id(w, DICT_ADDRESS, r->address.text, &address)) != SQLITE_OK ||
            (rc = recipient_verdict(w, r, &verdict)) != SQLITE_OK)
            return rc;
        sqlite3_bind_int64(stmt, 1, w->id);
        sqlite3_bind_int64(stmt, 2, r->number);
        sqlite3_bind_int64(stmt, 3, address);
        sqlite3_bind_int64(stmt, 4, verdict);
        rc = run(stmt);
    }
    return rc;
}

static int step_id(struct writing *w, const struct check_record *check, int64_t *id)
{
    struct dict_value values[5];
    int64_t rule;
    int rc = rule_id(w, &check->rule, &rule);

    if (rc != SQLITE_OK)
        return rc;
    values[0] = check->restriction ? clean(&w->texts[0], check->restriction) : dict_null();
    values[1] = template_of(w, &w->texts[1], check->question);
    values[2] = template_of(w, &w->texts[2], check->answer);
    values[3] = check->result ? dict_text(check->result, strlen(check->result)) : dict_null();
    values[4] = dict_number_or_null(rule);
    return dicts_id(w->db->dicts, DICT_STEP, values, id);
}

static void add_number(struct buf *b, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_add(b, digits + at, sizeof(digits) - at);
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
    add_number(list, c->recipient);
    buf_addc(list, ',');
    add_number(list, step);
    buf_addc(list, ',');
    add_number(list, c->us);
    buf_addc(list, ']');
    return rc;
}

/* What the world was asked, behind the steps that asked: a step names one question at most. */
static int add_findings(struct writing *w)
{
    static const char *const results[] = {"found", "none", "temperror"};
    int rc = SQLITE_OK;

    set_recipient(w, NULL);
    for (const struct finding *f = w->entry->message->findings; f != NULL && rc == SQLITE_OK;
         f = f->next) {
        struct check_record record = {.restriction = "question", .question = f->question,
                                      .answer = f->answer, .result = results[f->state],
                                      .us = f->us};

        rc = add_step(w, &record);
    }
    return rc;
}

static int add_checks(struct writing *w)
{
    const struct message *m = w->entry->message;
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_CHECKS];
    const struct recipient *r = NULL;
    struct buf *list = w->list;
    int rc = SQLITE_OK;

    buf_clear(list);
    for (const struct check_record *c = m->checks; c != NULL && rc == SQLITE_OK; c = c->next) {
        r = recipient_number(m, r, c->recipient);
        set_recipient(w, r);
        rc = add_step(w, c);
    }
    if (rc == SQLITE_OK)
        rc = add_findings(w);
    if (rc == SQLITE_OK && list->len > 0) {
        buf_addc(list, ']');
        sqlite3_bind_int64(stmt, 1, w->id);
        sqlite3_bind_text(stmt, 2, list->ptr, (int)list->len, SQLITE_STATIC);
        rc = run(stmt);
        sqlite3_clear_bindings(stmt);
    }
    return rc;
}

enum db_result journal_write(struct journal_db *db, const struct entry *entry, struct err *err)
{
    struct writing w = {.db = db, .entry = entry, .texts = db->scratch, .list = &db->scratch[3]};
    int64_t clock_ms;
    int rc;

    w.id =
        journal_id(entry->message->time_us + (int64_t)entry->duration_us, db->last_id, &clock_ms);
    set_variables(&w);
    if ((rc = add_mail(&w, clock_ms)) == SQLITE_OK && (rc = add_recipients(&w)) == SQLITE_OK)
        rc = add_checks(&w);
    if (rc == SQLITE_OK) {
        db->last_id = w.id;
        db->generation_rows++;
    }
    return journal_db_result(db, rc, err);
}
