/* journal_shadow - what a shadow would have done with a transaction, as rows of the log */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_write.h"

#include "journal_text.h"

#include <stdio.h>
#include <string.h>

/* Leaves its id with the database. */
static enum db_result find_ruleset(struct journal_db *db, const struct shadow_result *result,
                                   struct err *err)
{
    sqlite3_stmt *add = db->stmts[DB_ADD_SHADOW_RULESET], *find = db->stmts[DB_SHADOW_RULESET_ID];
    enum db_result done;

    if (strcmp(db->shadow_hash, result->hash) == 0)
        return DB_OK;
    sqlite3_bind_text(add, 1, result->hash, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 2, result->file, -1, SQLITE_STATIC);
    sqlite3_bind_text(find, 1, result->hash, -1, SQLITE_STATIC);
    done = journal_db_run(db, DB_ADD_SHADOW_RULESET, err);
    if (done == DB_OK)
        done = journal_db_number(db, DB_SHADOW_RULESET_ID, &db->shadow_ruleset, err);
    if (done == DB_OK)
        snprintf(db->shadow_hash, sizeof(db->shadow_hash), "%s", result->hash);
    sqlite3_clear_bindings(add);
    sqlite3_clear_bindings(find);
    return done;
}

static const struct recipient *find_recipient(const struct recipient *from, int number)
{
    while (from != NULL && from->number != number)
        from = from->next;
    return from;
}

static int add_outcome(struct writing *w, const struct shadow_outcome *o)
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
    sqlite3_bind_int64(stmt, 3, w->db->shadow_ruleset);
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
    enum db_result result = find_ruleset(db, entry->shadow, err);
    int rc = SQLITE_OK;

    if (result != DB_OK)
        return result;
    writing_start(&w);
    for (const struct shadow_outcome *o = entry->shadow->outcomes; o != NULL && rc == SQLITE_OK;
         o = o->next) {
        r = find_recipient(r, o->recipient);
        writing_recipient(&w, r);
        rc = add_outcome(&w, o);
    }
    return journal_db_result(db, rc, err);
}
