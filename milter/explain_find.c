/* explain_find - which transaction of the log is meant */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain.h"

#include "span.h"
#include "token.h"

#include <string.h>

/* 2020-01-01 00:00:00 UTC: where ids begin. */
#define EPOCH_MS 1577836800000ll

enum { ID_DIGITS = 15 };

/* A statement under construction. */
struct search {
    const struct explain_query *query;
    struct buf where;
    char token[TOKEN_SIZE];
    bool by_recipient; /* the recipients' index leads */
    int64_t first_id, last_id;
};

static bool is_id(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits >= ID_DIGITS && text[digits] == '\0';
}

static void add_condition(struct search *s, const char *condition)
{
    buf_adds(&s->where, s->where.len > 0 ? " AND " : " WHERE ");
    buf_adds(&s->where, condition);
}

/* Addresses are kept as they were typed; a domain is all that ends with it. The whole dictionary is
 * read for a domain, and when nobody is spelled as asked. */
#define ADDRESS_IDS(name) \
    "(SELECT id FROM address WHERE text IN (" name ", lower(" name "))" \
    " UNION SELECT id FROM address WHERE :any_case AND text = " name " COLLATE NOCASE" \
    " UNION SELECT id FROM address WHERE instr(" name ", '@') < 2" \
    " AND lower(substr(text, instr(text, '@') + 1)) = ltrim(lower(" name "), '@'))"

#define HAS_RECIPIENT(name) \
    "EXISTS (SELECT 1 FROM mail_recipient AS r WHERE r.id = m.id AND r.address IN " \
    ADDRESS_IDS(name) ")"

static const char message_id_is[] =
    "substr(m.message_id, 2, 16) = substr(:what, 2, 16) AND m.message_id = :what";

/* What a single word may mean: the leading index is chosen by its shape. */
static void add_what(struct search *s, const char *what)
{
    if (is_id(what))
        add_condition(s, "m.id = CAST(:what AS INTEGER)");
    else if (strchr(what, '@') != NULL && what[0] == '<')
        add_condition(s, message_id_is);
    else if (strchr(what, '@') != NULL)
        add_condition(s, "m.id IN (SELECT id FROM mail WHERE message_id = '<' || :what || '>'"
                         " AND substr(message_id, 2, 16) = substr('<' || :what || '>', 2, 16)"
                         " UNION SELECT id FROM mail WHERE sender IN " ADDRESS_IDS(":what")
                         " UNION SELECT id FROM mail_recipient WHERE address IN "
                         ADDRESS_IDS(":what") ")");
    else if (token_read(what, s->token))
        add_condition(s, "m.id IN (SELECT id FROM token WHERE token = :token"
                         " UNION SELECT id FROM mail WHERE queue_id = :what)");
    else
        add_condition(s, "m.queue_id = :what");
}

static bool add_time(struct search *s, struct err *err)
{
    int64_t from, to;

    if (s->query->time == NULL)
        return true;
    if (!span_parse(s->query->time, span_now(), &from, &to))
        return err_set(err, "--time %s: write 2026-11-22, 2026-11-22 14:02 (UTC), or 1h",
                       s->query->time);
    s->first_id = from > EPOCH_MS ? (from - EPOCH_MS) << 22 : 0;
    s->last_id = to > EPOCH_MS ? ((to - EPOCH_MS + 1) << 22) - 1 : 0;
    add_condition(s, "m.id BETWEEN :first AND :last");
    return true;
}

static bool build(struct search *s, struct err *err)
{
    const struct explain_query *q = s->query;

    s->by_recipient = q->rcpt != NULL && q->from == NULL && q->what == NULL;
    if (q->what != NULL)
        add_what(s, q->what);
    if (q->message_id != NULL)
        add_condition(s, "m.message_id = :message_id"
                         " AND substr(m.message_id, 2, 16) = substr(:message_id, 2, 16)");
    if (q->from != NULL)
        add_condition(s, "m.sender IN " ADDRESS_IDS(":from"));
    if (q->client != NULL)
        add_condition(s, "m.client IN (SELECT id FROM client WHERE addr = :client UNION"
                         " SELECT id FROM client WHERE name = :client COLLATE NOCASE)");
    if (s->by_recipient)
        add_condition(s, "m.id IN (SELECT id FROM mail_recipient WHERE address IN "
                         ADDRESS_IDS(":rcpt") ")");
    else if (q->rcpt != NULL)
        add_condition(s, HAS_RECIPIENT(":rcpt"));
    return add_time(s, err);
}

static void bind_text(sqlite3_stmt *stmt, const char *name, const char *text)
{
    int number = sqlite3_bind_parameter_index(stmt, name);

    if (number > 0 && text != NULL)
        sqlite3_bind_text(stmt, number, text, -1, SQLITE_STATIC);
}

/* Addresses may be given with < and >, as they stand in logs; a Message-ID has them always. */
static const char *bare(const char *text, struct arena *arena)
{
    size_t len = text ? strlen(text) : 0;

    if (len >= 2 && text[0] == '<' && text[len - 1] == '>')
        return arena_strndup(arena, text + 1, len - 2);
    return text;
}

static const char *bracketed(const char *text, struct arena *arena)
{
    return text == NULL || text[0] == '<' ? text : arena_printf(arena, "<%s>", text);
}

static void bind(sqlite3_stmt *stmt, const struct search *s, bool any_case, struct arena *arena)
{
    const struct explain_query *q = s->query;
    int number = sqlite3_bind_parameter_index(stmt, ":any_case");

    if (number > 0)
        sqlite3_bind_int(stmt, number, any_case);

    bind_text(stmt, ":what", q->what);
    bind_text(stmt, ":token", s->token);
    bind_text(stmt, ":message_id", bracketed(q->message_id, arena));
    bind_text(stmt, ":from", bare(q->from, arena));
    bind_text(stmt, ":rcpt", bare(q->rcpt, arena));
    bind_text(stmt, ":client", q->client);
    sqlite3_bind_int(stmt, sqlite3_bind_parameter_index(stmt, ":limit"),
                     q->last ? 1 : EXPLAIN_CANDIDATES + 1);
    if (sqlite3_bind_parameter_index(stmt, ":first") > 0) {
        sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, ":first"), s->first_id);
        sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, ":last"), s->last_id);
    }
}

static struct report_table *run(struct logdb *log, const struct search *s, bool any_case,
                                struct arena *arena, struct err *err)
{
    struct report_table *found = NULL;
    struct buf sql = {0};
    sqlite3_stmt *stmt;

    buf_addf(&sql,
             "SELECT d.*, (SELECT recipient FROM token WHERE id = d.id AND token = :token)"
             " AS token_recipient FROM (SELECT m.id AS id FROM mail AS m%s"
             " ORDER BY m.id DESC LIMIT :limit) AS f JOIN decision AS d ON d.id = f.id"
             " ORDER BY d.id DESC", buf_text(&s->where));
    stmt = logdb_prepare(log, sql.ptr, err);
    buf_free(&sql);
    if (stmt == NULL)
        return NULL;
    bind(stmt, s, any_case, arena);
    found = report_read(stmt, arena);
    if (sqlite3_finalize(stmt) == SQLITE_OK)
        return found;
    err_set(err, "%s: %s", log->path, sqlite3_errmsg(log->db));
    return NULL;
}

struct report_table *explain_find(struct logdb *log, const struct explain_query *query,
                                  struct arena *arena, struct err *err)
{
    struct search s = {.query = query};
    struct report_table *found = NULL;

    if (build(&s, err)) {
        found = run(log, &s, false, arena, err);
        if (found != NULL && found->rows == 0 && strstr(buf_text(&s.where), ":any_case") != NULL)
            found = run(log, &s, true, arena, err);
    }
    buf_free(&s.where);
    return found;
}
