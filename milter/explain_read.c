/* explain_read - what the log's views say about one transaction */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain.h"

#include <string.h>

/* How many mails of a correspondent are looked at. */
#define HISTORY "2000"

static const char sql_mail[] = "SELECT * FROM decision WHERE id = :id";
static const char sql_recipients[] =
    "SELECT r.*, v.stage, v.enforced, u.text AS rule_text FROM recipient AS r"
    " JOIN mail_recipient AS k ON k.id = r.id AND k.n = r.n"
    " LEFT JOIN verdict AS v ON v.id = k.verdict LEFT JOIN rule AS u ON u.id = v.rule"
    " WHERE r.id = :id ORDER BY r.n";
static const char sql_steps[] = "SELECT * FROM check_result WHERE id = :id ORDER BY n";
static const char sql_questions[] = "SELECT * FROM question WHERE id = :id ORDER BY n";
static const char sql_signatures[] = "SELECT * FROM signature WHERE id = :id ORDER BY n";
static const char sql_edits[] = "SELECT * FROM header_edit WHERE id = :id ORDER BY n";
static const char sql_tokens[] = "SELECT * FROM token WHERE id = :id ORDER BY recipient";

static const char sql_policy[] =
    "SELECT policy, loaded, loaded_by FROM policy WHERE policy = (SELECT policy FROM mail"
    " WHERE id = :id) AND loaded <= (SELECT time FROM decision WHERE id = :id)"
    " ORDER BY loaded DESC LIMIT 1";

/* The rule as it stands in the policy that was loaded last, since when; and since when the file had
 * been as it was at that time. */
static const char sql_rule[] =
    "WITH d AS (SELECT u.file, u.text AS rule_text, m.policy,"
    "            (m.id >> 22) + 1577836800000 AS ms"
    "           FROM mail AS m JOIN verdict AS v ON v.id = ifnull("
    "            (SELECT r.verdict FROM mail_recipient AS r JOIN verdict AS o ON o.id = r.verdict"
    "             WHERE r.id = m.id AND r.n = :focus AND o.action NOT IN ('accept', 'aborted')),"
    "            m.verdict)"
    "           JOIN rule AS u ON u.id = v.rule WHERE m.id = :id),"
    " t AS (SELECT f.text FROM ruleset_file AS f, d WHERE f.ruleset = d.policy AND f.path = d.file)"
    " SELECT (SELECT datetime(min(since_ms) / 1000, 'unixepoch') FROM ruleset_rule AS r"
    "         WHERE r.file IS d.file AND r.text IS d.rule_text) AS since,"
    "  (SELECT datetime(min(l.loaded_ms) / 1000, 'unixepoch') FROM ruleset_load AS l"
    "   WHERE l.loaded_ms <= d.ms AND EXISTS (SELECT 1 FROM t) AND l.id > ifnull("
    "    (SELECT max(o.id) FROM ruleset_load AS o WHERE o.loaded_ms <= d.ms AND NOT EXISTS"
    "     (SELECT 1 FROM ruleset_file AS f WHERE f.ruleset = o.ruleset AND f.path = d.file"
    "      AND f.text = (SELECT text FROM t))), 0)) AS file_since"
    " FROM d WHERE d.file IS NOT NULL";

/* Between the sender and the recipient in focus, and the other way. */
static const char sql_history[] =
    "WITH pair (way, sender, recipient) AS ("
    "  SELECT 'same', m.sender, r.address FROM mail AS m JOIN mail_recipient AS r"
    "   ON r.id = m.id AND r.n = :focus WHERE m.id = :id AND m.sender IS NOT NULL"
    "  UNION ALL SELECT 'back', r.address, m.sender FROM mail AS m JOIN mail_recipient AS r"
    "   ON r.id = m.id AND r.n = :focus WHERE m.id = :id AND m.sender <> ifnull("
    "    (SELECT id FROM address WHERE text = ''), 0))"
    " SELECT p.way, sum(v.action = 'accept') AS accepted,"
    "  sum(v.action IN ('reject', 'tempfail')) AS refused,"
    "  datetime(((max(r.id) >> 22) + 1577836800000) / 1000, 'unixepoch') AS last"
    " FROM pair AS p JOIN mail_recipient AS r ON r.address = p.recipient AND r.id <> :id"
    "  AND r.id IN (SELECT o.id FROM mail AS o WHERE o.sender = p.sender"
    "               ORDER BY o.id DESC LIMIT " HISTORY ")"
    " JOIN verdict AS v ON v.id = r.verdict GROUP BY p.way ORDER BY p.way DESC";

void explain_add_line(struct explain_line **list, struct arena *arena, const char *kind,
                      const char *text)
{
    while (*list != NULL)
        list = &(*list)->next;
    *list = arena_alloc(arena, sizeof(**list));
    **list = (struct explain_line){NULL, kind, text};
}

static const struct report_table *read(struct logdb *log, const struct explanation *e,
                                       const char *sql, struct err *err)
{
    sqlite3_stmt *stmt = logdb_prepare(log, sql, err);
    const struct report_table *table;
    int focus;

    if (stmt == NULL)
        return NULL;
    sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, ":id"), e->id);
    if ((focus = sqlite3_bind_parameter_index(stmt, ":focus")) > 0)
        sqlite3_bind_int64(stmt, focus, e->focus);
    table = report_read(stmt, e->arena);
    if (sqlite3_finalize(stmt) == SQLITE_OK)
        return table;
    err_set(err, "%s: %s", log->path, sqlite3_errmsg(log->db));
    return NULL;
}

const char *explain_decided(const struct explanation *e, const char *name)
{
    size_t row = e->focus > 0 ? (size_t)e->focus - 1 : 0;
    const char *action = e->focus > 0 ? report_get(e->recipients, row, "action") : NULL;
    bool taken = action == NULL || strcmp(action, "accept") == 0 || strcmp(action, "aborted") == 0;

    return taken ? report_get(e->mail, 0, name) : report_get(e->recipients, row, name);
}

static bool is_refusal(const char *action)
{
    return action != NULL && (strcmp(action, "reject") == 0 || strcmp(action, "tempfail") == 0);
}

static int64_t choose_focus(const struct report_table *recipients)
{
    for (size_t i = 0; i < recipients->rows; i++)
        if (is_refusal(report_get(recipients, i, "action")))
            return report_number(recipients, i, "n");
    return recipients->rows > 0 ? 1 : 0;
}

struct explanation *explain_read(struct logdb *log, int64_t id, int64_t focus, struct arena *arena,
                                 struct err *err)
{
    struct explanation *e = arena_alloc(arena, sizeof(*e));

    *e = (struct explanation){.arena = arena, .path = log->path, .id = id, .focus = focus};
    if ((e->recipients = read(log, e, sql_recipients, err)) == NULL)
        return NULL;
    if (focus <= 0 || (size_t)focus > e->recipients->rows)
        e->focus = choose_focus(e->recipients);
    if ((e->mail = read(log, e, sql_mail, err)) == NULL ||
        (e->steps = read(log, e, sql_steps, err)) == NULL ||
        (e->questions = read(log, e, sql_questions, err)) == NULL ||
        (e->signatures = read(log, e, sql_signatures, err)) == NULL ||
        (e->edits = read(log, e, sql_edits, err)) == NULL ||
        (e->tokens = read(log, e, sql_tokens, err)) == NULL ||
        (e->policy = read(log, e, sql_policy, err)) == NULL ||
        (e->rule = read(log, e, sql_rule, err)) == NULL ||
        (e->history = read(log, e, sql_history, err)) == NULL)
        return NULL;
    return e;
}

static bool decides(const char *result)
{
    static const char *const results[] = {"reject", "defer", "discard"};

    for (size_t i = 0; i < ARRAY_LEN(results) && result != NULL; i++)
        if (strcmp(result, results[i]) == 0)
            return true;
    return false;
}

size_t explain_deciding_step(const struct explanation *e)
{
    for (size_t i = e->steps->rows; i-- > 0;) {
        int64_t recipient = report_number(e->steps, i, "recipient");

        if ((recipient == 0 || recipient == e->focus) && decides(report_get(e->steps, i, "result")))
            return i;
    }
    return e->steps->rows;
}

bool explain_is_mta(const struct explanation *e)
{
    size_t row = e->focus > 0 ? (size_t)e->focus - 1 : 0;

    return e->focus > 0 && is_refusal(report_get(e->recipients, row, "action")) &&
           report_get(e->recipients, row, "file") == NULL &&
           report_get(e->recipients, row, "code") == NULL;
}
