/* replay_read - logged transactions read back: one by one, or millions in a stream */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_read.h"

#include "address.h"
#include "buf.h"
#include "dkim_result.h"
#include "replay_dict.h"
#include "replay_evidence.h"
#include "replay_json.h"
#include "replay_names.h"

#include <stdlib.h>
#include <string.h>

#define EPOCH_MS 1577836800000ll

enum log_table { MAIL, RECIPIENT, CHECK, QUESTION, EDIT, EVIDENCE, TABLE_COUNT };

/* A statement that walks in the order of ids. */
struct stream {
    sqlite3_stmt *stmt;
    int64_t id; /* of the row that it stands on; INT64_MAX: at the end */
};

struct replay_reader {
    struct logdb *log;
    struct replay_dicts *dicts;
    struct stream streams[TABLE_COUNT];
    struct message *message;
    struct client client;
    const char *variables[9]; /* what char(1) to char(8) stand for */
    struct buf text;
    struct recorded *recorded;
};

static const char *const queries[TABLE_COUNT] = {
    [MAIL] = "SELECT id, clock_ms, direction, client, helo, login, sender, verdict, us, queue_id, "
             "message_id, policy, circumstance FROM mail WHERE id >= ?1 AND id < ?2 ORDER BY id",
    [RECIPIENT] = "SELECT id, n, address, verdict FROM mail_recipient "
                  "WHERE id >= ?1 AND id < ?2 ORDER BY id, n",
    [CHECK] = "SELECT id, list FROM mail_check WHERE id >= ?1 AND id < ?2 ORDER BY id",
    [QUESTION] = "SELECT id, list, signatures FROM mail_question WHERE id >= ?1 AND id < ?2 "
                 "ORDER BY id",
    [EDIT] = "SELECT id, list FROM mail_edit WHERE id >= ?1 AND id < ?2 ORDER BY id",
    [EVIDENCE] = "SELECT id, text FROM mail_evidence WHERE id >= ?1 AND id < ?2 ORDER BY id",
};

enum { ROW_ID, ROW_CLOCK, ROW_DIRECTION, ROW_CLIENT, ROW_HELO, ROW_LOGIN, ROW_SENDER, ROW_VERDICT,
       ROW_US, ROW_QUEUE_ID, ROW_MESSAGE_ID, ROW_POLICY, ROW_CIRCUMSTANCE };

struct replay_reader *replay_reader_new(struct logdb *log, struct err *err)
{
    struct replay_reader *r = xcalloc(1, sizeof(*r));
    bool good;

    r->log = log;
    r->dicts = replay_dicts_new(log, err);
    r->recorded = recorded_new(log, err);
    good = r->dicts != NULL && r->recorded != NULL;
    for (int i = 0; i < TABLE_COUNT && good; i++) {
        r->streams[i].stmt = logdb_prepare(log, queries[i], err);
        r->streams[i].id = INT64_MAX;
        good = r->streams[i].stmt != NULL;
    }
    if (good)
        return r;
    replay_reader_free(r);
    return NULL;
}

void replay_reader_free(struct replay_reader *r)
{
    if (r == NULL)
        return;
    for (int i = 0; i < TABLE_COUNT; i++)
        sqlite3_finalize(r->streams[i].stmt);
    replay_dicts_free(r->dicts);
    message_free(r->message);
    recorded_free(r->recorded);
    buf_free(&r->text);
    free(r);
}

static bool failed(const struct replay_reader *r, struct err *err)
{
    return err_set(err, "%s: %s", r->log->path, sqlite3_errmsg(r->log->db));
}

static bool step(struct replay_reader *r, struct stream *s, struct err *err)
{
    int rc = sqlite3_step(s->stmt);

    s->id = rc == SQLITE_ROW ? sqlite3_column_int64(s->stmt, 0) : INT64_MAX;
    return rc == SQLITE_ROW || rc == SQLITE_DONE || failed(r, err);
}

bool replay_reader_seek(struct replay_reader *r, int64_t from, int64_t until, struct err *err)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        struct stream *s = &r->streams[i];

        sqlite3_reset(s->stmt);
        sqlite3_bind_int64(s->stmt, 1, from);
        sqlite3_bind_int64(s->stmt, 2, until != 0 ? until : INT64_MAX);
        if (!step(r, s, err))
            return false;
    }
    return true;
}

/* True when the stream stands on a row of this id. */
static bool reach(struct replay_reader *r, enum log_table table, int64_t id, struct err *err)
{
    struct stream *s = &r->streams[table];

    while (s->id < id)
        if (!step(r, s, err))
            return false;
    return s->id == id;
}

/* --- texts ------------------------------------------------------------------------------------ */

static const char *domain_of(const char *address)
{
    const char *at = address != NULL ? strchr(address, '@') : NULL;

    return at != NULL ? at + 1 : NULL;
}

static void set_recipient(struct replay_reader *r, const struct recipient *recipient)
{
    r->variables[6] = recipient != NULL ? recipient->address.text : NULL;
    r->variables[8] = domain_of(r->variables[6]);
}

static void set_variables(struct replay_reader *r)
{
    const struct message *m = r->message;

    r->variables[1] = r->client.name;
    r->variables[2] = r->client.addr_text;
    r->variables[3] = r->client.helo;
    r->variables[4] = m->login;
    r->variables[5] = m->has_mail ? m->sender.text : NULL;
    r->variables[7] = domain_of(r->variables[5]);
    set_recipient(r, NULL);
}

/* The text with variables filled in; the dictionary's own where there are none. */
static const char *filled(struct replay_reader *r, const char *text)
{
    static const char variables[] = "\1\2\3\4\5\6\7\10";
    size_t len;

    if (text == NULL || text[len = strcspn(text, variables)] == '\0')
        return text;
    buf_clear(&r->text);
    for (;;) {
        buf_add(&r->text, text, len);
        text += len;
        if (*text == '\0')
            break;
        if (r->variables[(int)*text] != NULL)
            buf_adds(&r->text, r->variables[(int)*text]);
        len = strcspn(++text, variables);
    }
    return arena_strndup(r->message->arena, r->text.ptr, r->text.len);
}

static const char *text_of(struct replay_reader *r, enum replay_dict dict, sqlite3_stmt *stmt,
                           int column, const char *none)
{
    const struct replay_entry *e =
        replay_dict_find(r->dicts, dict, sqlite3_column_int64(stmt, column));

    return e != NULL && e->text[0] != NULL ? e->text[0] : none;
}

static struct rule_ref rule_of(struct replay_reader *r, int64_t id)
{
    const struct replay_entry *e = replay_dict_find(r->dicts, RDICT_RULE, id);

    if (e == NULL)
        return (struct rule_ref){{NULL, 0}, NULL};
    return (struct rule_ref){{e->text[0], (int)e->number[1]}, e->text[2]};
}

static enum entry_action read_verdict(struct replay_reader *r, int64_t id, struct verdict *v)
{
    static const enum act acts[] = {[ENTRY_REJECT] = ACT_REJECT, [ENTRY_TEMPFAIL] = ACT_DEFER,
                                    [ENTRY_DISCARD] = ACT_DISCARD, [ENTRY_ACCEPT] = ACT_DUNNO,
                                    [ENTRY_ABORTED] = ACT_DUNNO};
    const struct replay_entry *e = replay_dict_find(r->dicts, RDICT_VERDICT, id);
    enum entry_action action = replay_action(e != NULL ? e->text[0] : NULL);

    *v = (struct verdict){.act = acts[action]};
    if (e == NULL)
        return action;
    v->stage = replay_stage(e->text[1]);
    v->enforced = e->number[2] != 0;
    v->code = (int)e->number[3];
    v->dsn = e->text[4];
    v->text = filled(r, e->text[5]);
    v->rule = rule_of(r, e->number[6]);
    return action;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void read_circumstance(struct replay_reader *r, int64_t id)
{
    const struct replay_entry *e = replay_dict_find(r->dicts, RDICT_CIRCUMSTANCE, id);
    struct client *c = &r->client;
    struct message *m = r->message;

    m->auth_method = "";
    if (e == NULL)
        return;
    if (e->text[0] != NULL)
        c->ptr = e->text[0];
    c->resolve = e->text[1];
    c->daemon_name = e->text[2];
    c->daemon_addr = e->text[3];
    if (e->text[4] != NULL)
        c->daemon_port = (int)e->number[4];
    c->local = e->number[5] != 0;
    c->tls_version = e->text[6];
    c->cipher = e->text[7];
    c->cipher_bits = e->text[8];
    c->cert_subject = e->text[9];
    c->cert_issuer = e->text[10];
    if (e->text[11] != NULL)
        m->auth_method = e->text[11];
    m->smtputf8 = e->number[12] != 0;
    c->mta_version = e->text[13];
    c->mta_host = e->text[14];
}

static void read_client(struct replay_reader *r, sqlite3_stmt *row)
{
    const struct replay_entry *e =
        replay_dict_find(r->dicts, RDICT_CLIENT, sqlite3_column_int64(row, ROW_CLIENT));
    struct client *c = &r->client;

    *c = (struct client){.name = "unknown", .addr_text = "", .port = -1, .daemon_port = -1};
    if (e != NULL) {
        c->addr_text = e->text[0];
        c->name = e->text[1];
    }
    c->ptr = c->name;
    if (!addr_parse(slice_of(c->addr_text), &c->addr))
        c->addr = (struct addr){.family = AF_UNSPEC};
    c->helo = text_of(r, RDICT_NAME, row, ROW_HELO, NULL);
    read_circumstance(r, sqlite3_column_int64(row, ROW_CIRCUMSTANCE));
}

static const char *column_text(struct replay_reader *r, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    return text != NULL ? arena_strdup(r->message->arena, text) : "";
}

/* What the client sent where it is not recorded: as it would be written. */
static const char *argument_of(struct replay_reader *r, const char *text)
{
    struct arena *arena = r->message->arena;

    return arena_printf(arena, "<%s>", address_quote(text, arena));
}

static void read_mail(struct replay_reader *r, sqlite3_stmt *row, struct replay_facts *facts)
{
    int64_t id = sqlite3_column_int64(row, ROW_ID), us = sqlite3_column_int64(row, ROW_US);
    int64_t ms = (id >> 22) + EPOCH_MS + sqlite3_column_int64(row, ROW_CLOCK);
    struct message *m;

    message_free(r->message);
    replay_dicts_tidy(r->dicts);
    m = r->message = message_new(ms * 1000 - us);
    m->mail_us = m->time_us;
    m->direction = sqlite3_column_int(row, ROW_DIRECTION) ? DIR_OUTGOING : DIR_INCOMING;
    m->queue_id = column_text(r, row, ROW_QUEUE_ID);
    m->message_id = column_text(r, row, ROW_MESSAGE_ID);
    m->login = text_of(r, RDICT_NAME, row, ROW_LOGIN, "");
    m->has_mail = sqlite3_column_type(row, ROW_SENDER) != SQLITE_NULL;
    m->sender.text = text_of(r, RDICT_ADDRESS, row, ROW_SENDER, "");
    m->sender.arg = argument_of(r, m->sender.text);
    read_client(r, row);
    set_variables(r);
    *facts = (struct replay_facts){.message = m,
                                   .client = &r->client,
                                   .duration_us = (uint64_t)us,
                                   .id = id,
                                   .policy = sqlite3_column_int64(row, ROW_POLICY)};
}

static bool read_recipients(struct replay_reader *r, int64_t id, struct err *err)
{
    struct stream *s = &r->streams[RECIPIENT];

    while (reach(r, RECIPIENT, id, err)) {
        struct address address = {.text = text_of(r, RDICT_ADDRESS, s->stmt, 2, "")};
        struct recipient *recipient;
        const struct verdict *v;

        address.arg = argument_of(r, address.text);
        recipient = message_add_recipient(r->message, &address);
        recipient->number = sqlite3_column_int(s->stmt, 1);
        set_recipient(r, recipient);
        read_verdict(r, sqlite3_column_int64(s->stmt, 3), &recipient->verdict);
        v = &recipient->verdict;
        recipient->refused_by_mta = verdict_refuses(v) && v->code == 0;
        if (!verdict_refuses(v))
            r->message->accepted_count++;
        if (!step(r, s, err))
            return false;
    }
    return err->text[0] == '\0';
}

static const struct recipient *recipient_of(const struct message *m, int64_t number)
{
    for (const struct recipient *r = m->recipients; number > 0 && r != NULL; r = r->next)
        if (r->number == number)
            return r;
    return NULL;
}

static void read_checks(struct replay_reader *r, const char *list)
{
    struct json json = {list};
    int64_t number, id, us;

    for (json_take(&json, '['); json_take(&json, '['); json_take(&json, ',')) {
        const struct replay_entry *e;
        struct check_record *c;

        if (!json_number(&json, &number) || !json_take(&json, ',') || !json_number(&json, &id) ||
            !json_take(&json, ',') || !json_number(&json, &us) || !json_take(&json, ']'))
            return;
        e = replay_dict_find(r->dicts, RDICT_STEP, id);
        if (e == NULL)
            continue;
        set_recipient(r, recipient_of(r->message, number));
        c = message_add_check(r->message);
        c->recipient = (int)number;
        c->restriction = e->text[0];
        c->question = filled(r, e->text[1]);
        c->answer = filled(r, e->text[2]);
        c->result = e->text[3];
        c->rule = rule_of(r, e->number[4]);
        c->us = (unsigned)us;
    }
}

static void read_questions(struct replay_reader *r, const char *list)
{
    struct json json = {list};
    int64_t id, us;

    set_recipient(r, NULL);
    for (json_take(&json, '['); json_take(&json, '['); json_take(&json, ',')) {
        const struct replay_entry *e;
        struct finding *f;

        if (!json_number(&json, &id) || !json_take(&json, ',') || !json_number(&json, &us) ||
            !json_take(&json, ']'))
            return;
        e = replay_dict_find(r->dicts, RDICT_ASKED, id);
        if (e == NULL || e->text[0] == NULL)
            continue;
        f = message_add_finding(r->message, filled(r, e->text[0]));
        f->state = replay_state(e->text[1]);
        f->answer = e->text[2] != NULL ? filled(r, e->text[2]) : "";
        f->us = (unsigned)us;
    }
}

/* What the mail came with; not what was made here. */
static void read_signatures(struct replay_reader *r, const char *list)
{
    struct arena *arena = r->message->arena;
    struct dkim_verdict *v = arena_alloc(arena, sizeof(*v));
    struct dkim_signature *found = arena_alloc(arena, (strlen(list) / 2 + 1) * sizeof(*found));
    struct json json = {list};
    int64_t id;

    json_take(&json, '[');
    for (; json_number(&json, &id); json_take(&json, ',')) {
        const struct replay_entry *e = replay_dict_find(r->dicts, RDICT_DKIM, id);

        if (e != NULL && e->number[4] == 0)
            found[v->count++] = (struct dkim_signature){
                .result = replay_result(e->text[3]), .d = e->text[0], .s = e->text[1],
                .a = e->text[2], .t = -1, .x = -1};
    }
    v->signature = found;
    v->result = dkim_result_of(found, v->count);
    r->message->dkim = v;
}

/* What no rule wanted, tamis did of its own accord. */
static void read_edits(struct replay_reader *r, const char *list)
{
    struct message *m = r->message;
    struct json json = {list};
    int64_t id;

    set_recipient(r, NULL);
    json_take(&json, '[');
    for (; json_number(&json, &id); json_take(&json, ',')) {
        const struct replay_entry *e = replay_dict_find(r->dicts, RDICT_EDIT, id);
        enum act act = replay_act(e != NULL ? e->text[0] : NULL);
        struct header *header;
        struct rule_ref rule;
        const char *text;

        if (e != NULL && e->text[0] != NULL && strcmp(e->text[0], "more") == 0)
            m->edits_left_out++;
        if (act == ACT_DUNNO || e->number[3] == 0)
            continue;
        rule = rule_of(r, e->number[3]);
        text = filled(r, e->text[2]);
        if (act == ACT_PREPEND || act == ACT_REPLACE)
            text = arena_printf(m->arena, "%s: %s", e->text[1] != NULL ? e->text[1] : "",
                                text != NULL ? text : "");
        header = arena_alloc(m->arena, sizeof(*header));
        header->name = e->text[1];
        message_edit_header(m, act, e->text[1] != NULL ? header : NULL, EDIT_HEADER, text, &rule);
    }
}

static const char *list_of(struct replay_reader *r, enum log_table table, int column)
{
    const char *text = (const char *)sqlite3_column_text(r->streams[table].stmt, column);

    return text != NULL ? text : "";
}

bool replay_reader_next(struct replay_reader *r, struct replay_facts *facts, struct err *err)
{
    struct stream *mail = &r->streams[MAIL];

    err->text[0] = '\0';
    if (mail->id == INT64_MAX)
        return false;
    read_mail(r, mail->stmt, facts);
    if (!read_recipients(r, facts->id, err))
        return false;
    if (reach(r, CHECK, facts->id, err))
        read_checks(r, list_of(r, CHECK, 1));
    if (reach(r, QUESTION, facts->id, err))
        read_questions(r, list_of(r, QUESTION, 1));
    if (reach(r, EDIT, facts->id, err))
        read_edits(r, list_of(r, EDIT, 1));
    if (reach(r, EVIDENCE, facts->id, err))
        evidence_read(r->message, list_of(r, EVIDENCE, 1));
    read_signatures(r, reach(r, QUESTION, facts->id, err) ? list_of(r, QUESTION, 2) : "");
    recorded_set(r->recorded, r->message, facts);
    set_recipient(r, NULL);
    for (const struct recipient *last = r->message->recipients; last != NULL; last = last->next)
        set_recipient(r, last);
    facts->action = read_verdict(r, sqlite3_column_int64(mail->stmt, ROW_VERDICT),
                                 &r->message->verdict);
    return step(r, mail, err) && err->text[0] == '\0';
}

bool replay_reader_find(struct replay_reader *r, int64_t id, struct replay_facts *facts,
                        struct err *err)
{
    return replay_reader_seek(r, id, id + 1, err) && replay_reader_next(r, facts, err);
}
