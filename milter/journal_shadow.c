/* journal_shadow - what a shadow would have done with a transaction, as rows of the log */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_write.h"

#include "journal_text.h"

#include <string.h>

static int add_ruleset(struct writing *w, const struct shadow_result *result)
{
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_SHADOW_RULESET];

    sqlite3_bind_text(stmt, 1, result->hash, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, result->file, -1, SQLITE_STATIC);
    return run_stmt(stmt);
}

static const struct recipient *find_recipient(const struct recipient *from, int number)
{
    while (from != NULL && from->number != number)
        from = from->next;
    return from;
}

static int add_outcome(struct writing *w, const char *hash, const struct shadow_outcome *o)
{
    sqlite3_stmt *stmt = w->db->stmts[DB_ADD_SHADOW];
    struct dict_value missing;
    int64_t verdict = 0;
    int rc = SQLITE_OK;

    if (!o->as_main)
        rc = journal_verdict_id(w, entry_action_name(o->action), &o->verdict, &verdict);
    if (rc != SQLITE_OK)
        return rc;
    missing = writing_clean_or_null(&w->texts[0], o->missing);
    sqlite3_bind_int64(stmt, 1, w->id);
    sqlite3_bind_int64(stmt, 2, o->recipient);
    sqlite3_bind_text(stmt, 3, hash, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 4, o->change);
    bind_or_null(stmt, 5, verdict);
    if (missing.ptr != NULL)
        sqlite3_bind_text(stmt, 6, missing.ptr, (int)missing.len, SQLITE_STATIC);
    else
        sqlite3_bind_null(stmt, 6);
    return run_stmt(stmt);
}

enum db_result journal_write_shadow(struct journal_db *db, const struct entry *entry,
                                    struct err *err)
{
    struct writing w = {.db = db, .entry = entry, .texts = db->scratch, .list = &db->scratch[3],
                        .id = entry->row};
    const struct recipient *r = entry->message->recipients;
    int rc = add_ruleset(&w, entry->shadow);

    writing_start(&w);
    for (const struct shadow_outcome *o = entry->shadow->outcomes; o != NULL && rc == SQLITE_OK;
         o = o->next) {
        r = find_recipient(r, o->recipient);
        writing_recipient(&w, r);
        rc = add_outcome(&w, entry->shadow->hash, o);
    }
    return journal_db_result(db, rc, err);
}
