/* explain_find - which transaction of the log is meant */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain.h"

#include "span.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

/* 2020-01-01 00:00:00 UTC: where ids begin. */
#define EPOCH_MS 1577836800000ll

enum { ID_DIGITS = 15 };

enum { FREQUENT = 2000 };

/* What a search is led by; the rest is looked at row by row. A bare address may be a Message-ID, a
 * sender or a recipient: each has an index of its own. */
enum lead {
    LEAD_ANY,
    LEAD_MESSAGE_ID,
    LEAD_SENDER,
    LEAD_RECIPIENT,
};

/* A statement under construction. */
struct search {
    const struct explain_query *query;
    struct logdb *log;
    struct arena *arena;
    const char *from, *rcpt, *message_id; /* NULL: not named */
    bool any_of_three;                    /* query->what stands for one of these */
    bool any_case;
    bool by_recipient; /* the recipient is the rarer one */
    char token[TOKEN_SIZE];
    int64_t first_id, last_id;
    struct buf where;
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

/* How the text is spelled in the dictionary, letter by letter: whoever is spelled otherwise is
 * found by the index of the spelling that there is. */
#define SPELLINGS(name)                                                                            \
    "(WITH RECURSIVE letter_case (is_upper) AS (VALUES (0), (1)), spelled (text) AS"               \
    " (SELECT '' WHERE :any_case UNION"                                                            \
    " SELECT s.text || iif(is_upper, upper(substr(" name ", length(s.text) + 1, 1)),"              \
    " lower(substr(" name ", length(s.text) + 1, 1))) AS more"                                     \
    " FROM spelled AS s JOIN letter_case WHERE length(s.text) < length(" name ") AND EXISTS"       \
    " (SELECT 1 FROM address WHERE text >= more AND text < more || char(1114111)))"                \
    " SELECT text FROM spelled WHERE length(text) = length(" name "))"

/* Addresses are kept as they were typed; a domain is all that ends with it, and the whole
 * dictionary is read for it. */
#define ADDRESS_IDS(name)                                                                          \
    "(SELECT id FROM address WHERE text IN (" name ", lower(" name "))"                            \
    " UNION SELECT id FROM address WHERE text IN " SPELLINGS(name)                                 \
    " UNION SELECT id FROM address WHERE instr(" name ", '@') < 2"                                 \
    " AND substr(text, -length('@' || ltrim(" name ", '@')))"                                      \
    " = ('@' || ltrim(" name ", '@')) COLLATE NOCASE)"

#define MAIL_OF_RECIPIENT                                                                          \
    "(SELECT id FROM mail_recipient WHERE address IN " ADDRESS_IDS(":rcpt") ")"

/* Without the + SQLite would put the text in place of the column, and so not see its index. */
static const char message_id_is[] =
    "m.id IN (SELECT id FROM mail INDEXED BY mail_message_id WHERE message_id IS NOT NULL"
    " AND substr(message_id, 2, 12) = substr(:message_id, 2, 12) AND +message_id = :message_id)";

static void add_word(struct search *s, const char *what)
{
    if (is_id(what))
        add_condition(s, "m.id = CAST(:what AS INTEGER)");
    else if (token_read(what, s->token))
        add_condition(s, "m.id IN (SELECT id FROM token WHERE token = :token"
                         " UNION SELECT id FROM mail WHERE queue_id = :what)");
    else
        add_condition(s, "m.queue_id = :what");
}

static void add_sender(struct search *s, enum lead lead)
{
    if (s->from != NULL && (!s->any_of_three || lead == LEAD_SENDER))
        add_condition(s, s->by_recipient ? "+m.sender IN " ADDRESS_IDS(":from")
                                         : "m.sender IN " ADDRESS_IDS(":from"));
}

static void add_recipient(struct search *s, enum lead lead)
{
    if (s->rcpt == NULL || (s->any_of_three && lead != LEAD_RECIPIENT))
        return;
    if (s->from == NULL || s->by_recipient || s->any_of_three)
        add_condition(s, "m.id IN " MAIL_OF_RECIPIENT);
    else
        add_condition(s, "EXISTS (SELECT 1 FROM mail_recipient AS r WHERE r.id = m.id"
                         " AND r.address IN " ADDRESS_IDS(":rcpt") ")");
}

static void add_all(struct search *s, enum lead lead)
{
    const struct explain_query *q = s->query;

    if (q->what != NULL && !s->any_of_three)
        add_word(s, q->what);
    if (s->message_id != NULL && (!s->any_of_three || lead == LEAD_MESSAGE_ID))
        add_condition(s, message_id_is);
    add_sender(s, lead);
    add_recipient(s, lead);
    if (q->client != NULL)
        add_condition(s,
                      "m.client IN (SELECT id FROM client WHERE addr = :client UNION"
                      " SELECT id FROM client WHERE :any_case AND name = :client COLLATE NOCASE"
                      " AND name <> 'unknown' UNION SELECT id FROM client WHERE :any_case"
                      " AND :client = 'unknown' AND name = 'unknown')");
    if (q->time != NULL)
        add_condition(s, "m.id BETWEEN :first AND :last");
}

static bool read_time(struct search *s, struct err *err)
{
    int64_t from, to;

    if (s->query->time == NULL)
        return true;
    if (!span_parse(s->query->time, span_now(), &from, &to))
        return err_set(err, "--time %s: write 2026-11-22, 2026-11-22 14:02 (UTC), or 1h",
                       s->query->time);
    s->first_id = from > EPOCH_MS ? (from - EPOCH_MS) << 22 : 0;
    s->last_id = to > EPOCH_MS ? ((to - EPOCH_MS + 1) << 22) - 1 : 0;
    return true;
}

static void bind_text(sqlite3_stmt *stmt, const char *name, const char *text)
{
    int number = sqlite3_bind_parameter_index(stmt, name);

    if (number > 0 && text != NULL)
        sqlite3_bind_text(stmt, number, text, -1, SQLITE_STATIC);
}

static void bind(sqlite3_stmt *stmt, const struct search *s)
{
    int number = sqlite3_bind_parameter_index(stmt, ":any_case");

    if (number > 0)
        sqlite3_bind_int(stmt, number, s->any_case);
    bind_text(stmt, ":what", s->query->what);
    bind_text(stmt, ":token", s->token);
    bind_text(stmt, ":message_id", s->message_id);
    bind_text(stmt, ":from", s->from);
    bind_text(stmt, ":rcpt", s->rcpt);
    bind_text(stmt, ":client", s->query->client);
    if ((number = sqlite3_bind_parameter_index(stmt, ":limit")) > 0)
        sqlite3_bind_int(stmt, number, s->query->last ? 1 : EXPLAIN_CANDIDATES + 1);
    if ((number = sqlite3_bind_parameter_index(stmt, ":first")) > 0) {
        sqlite3_bind_int64(stmt, number, s->first_id);
        sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, ":last"), s->last_id);
    }
}

static struct report_table *run(struct search *s, const char *sql, struct err *err)
{
    sqlite3_stmt *stmt = logdb_prepare(s->log, sql, err);
    struct report_table *found;

    if (stmt == NULL)
        return NULL;
    bind(stmt, s);
    found = report_read(stmt, s->arena);
    if (sqlite3_finalize(stmt) == SQLITE_OK)
        return found;
    err_set(err, "%s: %s", s->log->path, sqlite3_errmsg(s->log->db));
    return NULL;
}

/* Somebody who writes much is a bad lead to a recipient who is written to seldom. */
static bool is_frequent(struct search *s, const char *rows)
{
    char *sql = xasprintf("SELECT count(*) AS n FROM (SELECT 1 FROM %s LIMIT %d)", rows, FREQUENT);
    const struct report_table *table = run(s, sql, NULL);

    free(sql);
    return table != NULL && report_number(table, 0, "n") >= FREQUENT;
}

static void choose_lead(struct search *s)
{
    s->by_recipient = s->from != NULL && s->rcpt != NULL && !s->any_of_three &&
                      is_frequent(s, "mail WHERE sender IN " ADDRESS_IDS(":from")) &&
                      !is_frequent(s, "mail_recipient WHERE address IN " ADDRESS_IDS(":rcpt"));
}

static void add_select(struct buf *sql, struct search *s, enum lead lead)
{
    buf_clear(&s->where);
    add_all(s, lead);
    buf_addf(sql,
             "SELECT id FROM (SELECT m.id AS id FROM mail AS m%s ORDER BY m.id DESC"
             " LIMIT :limit)",
             buf_text(&s->where));
}

static struct report_table *search(struct search *s, struct err *err)
{
    struct report_table *found;
    struct buf sql = {0};

    choose_lead(s);
    buf_adds(&sql, "SELECT d.*, (SELECT recipient FROM token WHERE id = d.id AND token = :token)"
                   " AS token_recipient FROM (");
    for (enum lead lead = s->any_of_three ? LEAD_MESSAGE_ID : LEAD_ANY; lead <= LEAD_RECIPIENT;
         lead++) {
        add_select(&sql, s, lead);
        if (!s->any_of_three)
            break;
        buf_adds(&sql, lead < LEAD_RECIPIENT ? " UNION " : "");
    }
    buf_adds(&sql, " ORDER BY id DESC LIMIT :limit) AS f JOIN decision AS d ON d.id = f.id"
                   " ORDER BY d.id DESC");
    found = run(s, sql.ptr, err);
    buf_free(&sql);
    return found;
}

/* Addresses may be given with < and >, as they stand in logs; a Message-ID has them always. */
static const char *bare(const char *text, struct arena *arena)
{
    size_t len = text != NULL ? strlen(text) : 0;

    if (len >= 2 && text[0] == '<' && text[len - 1] == '>')
        return arena_strndup(arena, text + 1, len - 2);
    return text;
}

static const char *bracketed(const char *text, struct arena *arena)
{
    return text == NULL || text[0] == '<' ? text : arena_printf(arena, "<%s>", text);
}

struct report_table *explain_find(struct logdb *log, const struct explain_query *query,
                                  struct arena *arena, struct err *err)
{
    bool address = query->what != NULL && strchr(query->what, '@') != NULL;
    bool three = address && query->from == NULL && query->rcpt == NULL && query->message_id == NULL;
    struct search s = {.query = query, .log = log, .arena = arena, .any_of_three = three};
    struct report_table *found = NULL;

    s.from = bare(three ? query->what : query->from, arena);
    s.rcpt = bare(three ? query->what : query->rcpt, arena);
    s.message_id = bracketed(address ? query->what : query->message_id, arena);
    if (address && !three)
        err_set(err, "%s: say which: --from, --rcpt or --message-id", query->what);
    else if (read_time(&s, err) && (found = search(&s, err)) != NULL && found->rows == 0) {
        s.any_case = true;
        found = search(&s, err);
    }
    buf_free(&s.where);
    return found;
}

static const char * or (const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

void explain_add_candidates(struct buf *b, const struct report_table *found)
{
    size_t rows = found->rows > EXPLAIN_CANDIDATES ? EXPLAIN_CANDIDATES : found->rows;

    buf_addf(b, "%s%zu transactions fit, the newest first; name one by its id, or add --last:\n",
             found->rows > rows ? "more than " : "", rows);
    for (size_t i = 0; i < rows; i++) {
        buf_addf(b, "%s %s ", or (report_get(found, i, "id"), "-"),
                 or (report_get(found, i, "time"), "-"));
        report_add_printable(b, or (report_get(found, i, "queue_id"), "NOQUEUE"));
        buf_addf(b, " %s ", or (report_get(found, i, "action"), "-"));
        report_add_printable(b, or (report_get(found, i, "client_name"), "unknown"));
        buf_addc(b, '[');
        report_add_printable(b, or (report_get(found, i, "client_addr"), ""));
        buf_adds(b, "] <");
        report_add_printable(b, or (report_get(found, i, "sender"), "-"));
        buf_adds(b, "> -> ");
        report_add_printable(b, or (report_get(found, i, "recipients"), "-"));
        buf_addc(b, '\n');
    }
}
