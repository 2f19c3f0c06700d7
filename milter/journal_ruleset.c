/* journal_ruleset - policies in the log: their texts, when they were loaded, their rules */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_ruleset.h"

#include <stdio.h>
#include <string.h>

static sqlite3_stmt *prepare(struct journal_db *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    sqlite3_prepare_v2(db->db, sql, -1, &stmt, NULL);
    return stmt;
}

static void bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
    if (text != NULL)
        sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(stmt, column);
}

static int find(struct journal_db *db, const char *hash, int64_t *id)
{
    sqlite3_stmt *stmt = db->stmts[DB_RULESET_ID];

    *id = 0;
    bind_text(stmt, 1, hash);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *id = sqlite3_column_int64(stmt, 0);
    return sqlite3_reset(stmt);
}

static int find_or_add(struct journal_db *db, const char *hash, const char *version, int64_t *id,
                       bool *added)
{
    sqlite3_stmt *stmt = db->stmts[DB_ADD_RULESET];
    int rc = find(db, hash, id);

    *added = rc == SQLITE_OK && *id == 0;
    if (!*added)
        return rc;
    bind_text(stmt, 1, hash);
    bind_text(stmt, 2, version);
    rc = run_stmt(stmt);
    *id = sqlite3_last_insert_rowid(db->db);
    return rc;
}

int ruleset_find(struct journal_db *db, const char *hash, int64_t *id)
{
    bool added;
    int rc;

    *id = 0;
    if (hash == NULL || hash[0] == '\0')
        return SQLITE_OK;
    if (strcmp(db->ruleset_hash, hash) == 0) {
        *id = db->ruleset;
        return SQLITE_OK;
    }
    rc = find_or_add(db, hash, NULL, id, &added);
    if (rc == SQLITE_OK) {
        snprintf(db->ruleset_hash, sizeof(db->ruleset_hash), "%s", hash);
        db->ruleset = *id;
    }
    return rc;
}

static int add_file(struct journal_db *db, int64_t ruleset, int n, const struct ruleset_file *f)
{
    sqlite3_stmt *text = prepare(db, "INSERT INTO ruleset_text (hash, size, text) VALUES"
                                     " (?1, ?2, ?3) ON CONFLICT DO NOTHING");
    sqlite3_stmt *file = prepare(db, "INSERT INTO ruleset_file (ruleset, n, path, text) VALUES (?1,"
                                     " ?2, ?3, (SELECT id FROM ruleset_text WHERE hash = ?4))");
    int rc = SQLITE_ERROR;

    if (text != NULL && file != NULL) {
        bind_text(text, 1, f->hash);
        sqlite3_bind_int64(text, 2, f->size);
        bind_text(text, 3, f->text);
        rc = run_stmt(text);
        sqlite3_bind_int64(file, 1, ruleset);
        sqlite3_bind_int64(file, 2, n);
        bind_text(file, 3, f->path);
        bind_text(file, 4, f->hash);
        if (rc == SQLITE_OK)
            rc = run_stmt(file);
    }
    sqlite3_finalize(text);
    sqlite3_finalize(file);
    return rc;
}

static int add_files(struct journal_db *db, int64_t id, const struct ruleset *r)
{
    sqlite3_stmt *version = prepare(db, "UPDATE ruleset SET version = ?2 WHERE id = ?1");
    int rc = SQLITE_ERROR, n = 0;

    if (version != NULL) {
        sqlite3_bind_int64(version, 1, id);
        bind_text(version, 2, r->version);
        rc = run_stmt(version);
    }
    sqlite3_finalize(version);
    for (const struct ruleset_file *f = r->files; f != NULL && rc == SQLITE_OK; f = f->next)
        rc = add_file(db, id, ++n, f);
    return rc;
}

/* Told again when the file was opened again. */
static int add_load(struct journal_db *db, int64_t id, const struct ruleset *r)
{
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO ruleset_load (ruleset, loaded_ms, loaded_by)"
                                     " SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM"
                                     " ruleset_load WHERE ruleset = ?1 AND loaded_ms = ?2)");
    int rc = SQLITE_ERROR;

    if (stmt != NULL) {
        sqlite3_bind_int64(stmt, 1, id);
        sqlite3_bind_int64(stmt, 2, r->loaded_ms);
        bind_text(stmt, 3, r->loaded_by);
        rc = run_stmt(stmt);
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* A rule that the policy before had, too, is in force since then. */
static int add_rules(struct journal_db *db, const struct ruleset *r)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_exec(db->db,
                          "CREATE TEMP TABLE rule_before AS SELECT file, text, min(since_ms) AS"
                          " since_ms FROM ruleset_rule GROUP BY file, text;"
                          "CREATE INDEX temp.rule_before_content ON rule_before (file, text);"
                          "DELETE FROM ruleset_rule", NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return rc;
    stmt = prepare(db, "INSERT INTO ruleset_rule (file, line, text, since_ms) VALUES (?1, ?2, ?3,"
                       " ifnull((SELECT since_ms FROM rule_before WHERE file IS ?1 AND text IS ?3),"
                       " ?4))");
    if (stmt == NULL)
        return SQLITE_ERROR;
    for (const struct ruleset_rule *rule = r->rules; rule != NULL && rc == SQLITE_OK;
         rule = rule->next) {
        bind_text(stmt, 1, rule->file);
        sqlite3_bind_int64(stmt, 2, rule->line);
        bind_text(stmt, 3, rule->text);
        sqlite3_bind_int64(stmt, 4, r->loaded_ms);
        rc = run_stmt(stmt);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? sqlite3_exec(db->db, "DROP TABLE rule_before", NULL, NULL, NULL) : rc;
}

/* A day more than the rows are old: a connection keeps the policy that it began with. */
static const char forget[] =
    "DELETE FROM ruleset_load WHERE id < (SELECT max(id) FROM ruleset_load WHERE loaded_ms <"
    " (SELECT (min(id) >> 22) + 1577836800000 - 86400000 FROM mail));"
    "DELETE FROM ruleset WHERE id NOT IN (SELECT ruleset FROM ruleset_load)"
    " AND id < (SELECT min(ruleset) FROM ruleset_load);"
    "DELETE FROM ruleset_file WHERE ruleset NOT IN (SELECT id FROM ruleset);"
    "DELETE FROM ruleset_text WHERE id NOT IN (SELECT text FROM ruleset_file)";

static bool has_files(struct journal_db *db, int64_t id)
{
    sqlite3_stmt *stmt = prepare(db, "SELECT 1 FROM ruleset_file WHERE ruleset = ?1");
    bool found = false;

    if (stmt != NULL) {
        sqlite3_bind_int64(stmt, 1, id);
        found = sqlite3_step(stmt) == SQLITE_ROW;
    }
    sqlite3_finalize(stmt);
    return found;
}

enum db_result ruleset_write(struct journal_db *db, const struct ruleset *r, struct err *err)
{
    bool added;
    int64_t id;
    int rc = find_or_add(db, r->hash, r->version, &id, &added);

    if (rc == SQLITE_OK && !has_files(db, id))
        rc = add_files(db, id, r);
    if (rc == SQLITE_OK)
        rc = add_load(db, id, r);
    if (rc == SQLITE_OK)
        rc = add_rules(db, r);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db->db, forget, NULL, NULL, NULL);
    db->ruleset_hash[0] = '\0';
    return journal_db_result(db, rc, err);
}
