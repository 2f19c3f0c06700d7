/* journal_db - the log's file as its writer holds it: opened, migrated, found moved or broken */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_db.h"

#include "journal_count.h"
#include "schema.h"
#include "shm_guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT_SHORT "%s, its -wal or -shm was cut short by somebody"

enum { BUSY_MS = 100, EMPTY_US = 1000000 };

/* The cache holds what is written at random, the index of queue ids above all; the more the WAL
 * takes before a checkpoint, the more often a page of it is written once for many changes. */
static const char settings[] = "PRAGMA auto_vacuum = INCREMENTAL;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = NORMAL;"
                               "PRAGMA cache_size = -16000;"
                               "PRAGMA wal_autocheckpoint = 3000;"
                               "PRAGMA journal_size_limit = 8388608";

/* migrations[n] makes the tables of version n + 1 of those of version n; 0 is an empty file. */
static const char *const migrations[SCHEMA_VERSION] = {schema_tables, schema_migrate_2};

static const char *const statements[DB_STMT_COUNT] = {
    [DB_BEGIN] = "BEGIN IMMEDIATE",
    [DB_COMMIT] = "COMMIT",
    [DB_ROLLBACK] = "ROLLBACK",
    [DB_ADD_MAIL] =
        ("INSERT INTO mail (id, clock_ms, direction, client, helo, login, sender, verdict,"
         " us, held, redirected, queue_id, message_id, policy, circumstance, size)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"),
    [DB_ADD_RECIPIENT] =
        "INSERT INTO mail_recipient (id, n, address, verdict) VALUES (?1, ?2, ?3, ?4)",
    [DB_ADD_CHECKS] = "INSERT INTO mail_check (id, list) VALUES (?1, ?2)",
    [DB_ADD_QUESTIONS] =
        "INSERT INTO mail_question (id, list, signatures) VALUES (?1, ?2, ?3)",
    [DB_ADD_EDITS] = "INSERT INTO mail_edit (id, list) VALUES (?1, ?2)",
    [DB_ADD_TOKEN] = "INSERT INTO mail_token (id, n, token) VALUES (?1, ?2, ?3)",
    [DB_ADD_EVIDENCE] = "INSERT INTO mail_evidence (id, text) VALUES (?1, ?2)",
    [DB_ADD_SHADOW] =
        ("INSERT OR REPLACE INTO mail_shadow (id, n, ruleset, change, verdict, missing)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
    [DB_ADD_SHADOW_RULESET] = ("INSERT INTO shadow_ruleset (hash, file) VALUES (?1, ?2)"
                               " ON CONFLICT (hash) DO NOTHING"),
    [DB_SHADOW_RULESET_ID] = "SELECT id FROM shadow_ruleset WHERE hash = ?1",
    [DB_OLD_ID] = "SELECT id FROM mail ORDER BY id LIMIT 1 OFFSET ?1",
    [DB_PRUNE_MAIL] = "DELETE FROM mail WHERE id < ?1",
    [DB_PRUNE_RECIPIENT] = "DELETE FROM mail_recipient WHERE id < ?1",
    [DB_PRUNE_CHECKS] = "DELETE FROM mail_check WHERE id < ?1",
    [DB_PRUNE_QUESTIONS] = "DELETE FROM mail_question WHERE id < ?1",
    [DB_PRUNE_EDITS] = "DELETE FROM mail_edit WHERE id < ?1",
    [DB_PRUNE_TOKENS] = "DELETE FROM mail_token WHERE id < ?1",
    [DB_PRUNE_EVIDENCE] = "DELETE FROM mail_evidence WHERE id < ?1",
    [DB_PRUNE_SHADOW] = "DELETE FROM mail_shadow WHERE id < ?1",
    [DB_FIRST_ID] = "SELECT min(id) FROM mail",
    [DB_FIRST_EVIDENCE] = "SELECT min(id) FROM mail_evidence",
    [DB_OLD_EVIDENCE] = "SELECT id FROM mail_evidence ORDER BY id LIMIT 1 OFFSET ?1",
    [DB_AMEND_MAIL] = "UPDATE mail SET verdict = ?2 WHERE id = ?1",
    [DB_AMEND_RECIPIENT] = "UPDATE mail_recipient SET verdict = ?2 WHERE id = ?1 AND n = ?3",
    [DB_RULESET_ID] = "SELECT id FROM ruleset WHERE hash = ?1",
    [DB_ADD_RULESET] = "INSERT INTO ruleset (hash, version) VALUES (?1, ?2)",
    [DB_DEAD_GENERATION] = ("SELECT max(number) - 1 FROM generation WHERE first_id <="
                            " (SELECT ifnull(min(id), 0) FROM mail)"),
    [DB_PAGE_COUNT] = "PRAGMA page_count",
    [DB_FREE_COUNT] = "PRAGMA freelist_count",
    [DB_DATA_VERSION] = "PRAGMA data_version",
    [DB_LAST_ID] = "SELECT max(id) FROM mail",
    [DB_LAST_GENERATION] = "SELECT max(number) FROM generation",
    [DB_FORGET_GENERATIONS] = "DELETE FROM generation WHERE number <= ?1",
};

static enum db_result meaning_of(int rc)
{
    if (rc == SQLITE_IOERR_SHORT_READ)
        return DB_STALE;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return DB_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return DB_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return DB_CORRUPT;
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        return DB_BAD_ROW;
    case SQLITE_NOMEM:
        die("out of memory");
    default:
        return DB_BROKEN;
    }
}

enum db_result journal_db_result(const struct journal_db *db, int rc, struct err *err)
{
    enum db_result result = meaning_of(rc);
    int code;

    if (result == DB_OK)
        return result;
    /* Whatever it says then, it says of pages that are none. */
    if (db->db != NULL && db->faults != shm_guard_faults()) {
        err_set(err, CUT_SHORT, db->path);
        return DB_BROKEN;
    }
    if (result == DB_STALE) {
        err_set(err, "%s-wal is shorter than -shm says; -shm is made anew", db->path);
        return result;
    }
    code = db->db != NULL && (rc & 0xff) != SQLITE_BUSY ? sqlite3_system_errno(db->db) : 0;
    err_set(err, "%s: %s%s%s", db->path,
            db->db != NULL ? sqlite3_errmsg(db->db) : sqlite3_errstr(rc), code ? ": " : "",
            code ? strerror(code) : "");
    return result;
}

enum db_result journal_db_run(struct journal_db *db, enum db_stmt stmt, struct err *err)
{
    sqlite3_step(db->stmts[stmt]);
    return journal_db_result(db, sqlite3_reset(db->stmts[stmt]), err);
}

enum db_result journal_db_number(struct journal_db *db, enum db_stmt stmt, int64_t *number,
                                 struct err *err)
{
    *number = 0;
    if (sqlite3_step(db->stmts[stmt]) == SQLITE_ROW)
        *number = sqlite3_column_int64(db->stmts[stmt], 0);
    return journal_db_result(db, sqlite3_reset(db->stmts[stmt]), err);
}

static enum db_result exec(struct journal_db *db, const char *sql, struct err *err)
{
    return journal_db_result(db, sqlite3_exec(db->db, sql, NULL, NULL, NULL), err);
}

static enum db_result read_number(struct journal_db *db, const char *sql, int64_t *number,
                                  struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->db, sql, -1, &stmt, NULL);
    enum db_result result;

    *number = 0;
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        *number = sqlite3_column_int64(stmt, 0);
    result = journal_db_result(db, rc != SQLITE_OK ? rc : sqlite3_reset(stmt), err);
    sqlite3_finalize(stmt);
    return result;
}

static enum db_result drop_views(struct journal_db *db, struct err *err)
{
    static const char list[] = "SELECT group_concat('DROP VIEW \"' || name || '\";', ' ')"
                               " FROM sqlite_master WHERE type = 'view'";
    enum db_result result;
    sqlite3_stmt *stmt = NULL;
    char *sql = NULL;
    int rc = sqlite3_prepare_v2(db->db, list, -1, &stmt, NULL);

    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
        sql = xstrdup((const char *)sqlite3_column_text(stmt, 0));
    result = journal_db_result(db, rc != SQLITE_OK ? rc : sqlite3_reset(stmt), err);
    sqlite3_finalize(stmt);
    if (result == DB_OK && sql != NULL)
        result = exec(db, sql, err);
    free(sql);
    return result;
}

/* From an empty file straight to this version, from an older one step by step. */
static enum db_result migrate_from(struct journal_db *db, int64_t version, struct err *err)
{
    enum db_result result = drop_views(db, err);

    if (version == 0 && result == DB_OK) {
        result = exec(db, migrations[0], err);
        version = SCHEMA_VERSION;
    }
    for (; version < SCHEMA_VERSION && result == DB_OK; version++)
        result = exec(db, migrations[version], err);
    return result == DB_OK ? exec(db, schema_views, err) : result;
}

static enum db_result migrate(struct journal_db *db, struct err *err)
{
    int64_t version, objects, application;
    enum db_result result;

    if ((result = read_number(db, "PRAGMA user_version", &version, err)) != DB_OK ||
        (result = read_number(db, "PRAGMA application_id", &application, err)) != DB_OK ||
        (result = read_number(db, "SELECT count(*) FROM sqlite_master", &objects, err)) != DB_OK)
        return result;
    if (objects > 0 && application != SCHEMA_APPLICATION) {
        err_set(err, "%s: a database of another program; name another log file", db->path);
        return DB_BROKEN;
    }
    if (version > SCHEMA_VERSION) {
        err_set(err, "%s: written by a newer tamis (schema %lld, this one knows %d); left alone",
                db->path, (long long)version, SCHEMA_VERSION);
        return DB_BROKEN;
    }
    return version < SCHEMA_VERSION ? migrate_from(db, version, err) : DB_OK;
}

/* One transaction, so that a kill leaves the old schema or the new one. */
static enum db_result bring_forward(struct journal_db *db, struct err *err)
{
    enum db_result result = exec(db, "BEGIN IMMEDIATE", err);

    if (result != DB_OK)
        return result;
    result = migrate(db, err);
    if (result == DB_OK)
        return exec(db, "COMMIT", err);
    exec(db, "ROLLBACK", NULL);
    return result;
}

static enum db_result prepare_all(struct journal_db *db, struct err *err)
{
    int rc;

    for (int i = 0; i < DB_STMT_COUNT; i++) {
        rc = sqlite3_prepare_v3(db->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmts[i],
                                NULL);
        if (rc != SQLITE_OK)
            return journal_db_result(db, rc, err);
    }
    db->dicts = dicts_new(db->db);
    db->counts = counts_new(db->db);
    return db->dicts != NULL && db->counts != NULL
               ? DB_OK
               : journal_db_result(db, sqlite3_errcode(db->db), err);
}

static enum db_result configure(struct journal_db *db, struct err *err)
{
    int persist = 1;

    sqlite3_extended_result_codes(db->db, 1);
    sqlite3_busy_timeout(db->db, BUSY_MS);
    /* Without the files a group member's read-only reader fails once the filter has gone. */
    sqlite3_file_control(db->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    return exec(db, settings, err);
}

enum db_result journal_db_new_generation(struct journal_db *db, struct err *err)
{
    char sql[160];
    enum db_result result;

    snprintf(sql, sizeof(sql), "INSERT INTO generation (number, first_id) VALUES (%lld, %lld)",
             (long long)db->generation + 1, (long long)db->last_id + 1);
    result = exec(db, sql, err);
    if (result == DB_OK) {
        db->generation++;
        db->generation_rows = 0;
        dicts_set_generation(db->dicts, db->generation);
    }
    return result;
}

/* A second filter on the same file (an old one that still drains) may have added and swept. */
static enum db_result catch_up(struct journal_db *db, struct err *err)
{
    int64_t last_id;
    enum db_result result;

    if ((result = journal_db_number(db, DB_LAST_ID, &last_id, err)) != DB_OK ||
        (result = journal_db_number(db, DB_LAST_GENERATION, &db->generation, err)) != DB_OK)
        return result;
    if (last_id > db->last_id)
        db->last_id = last_id;
    dicts_forget(db->dicts);
    counts_forget(db->counts);
    db->ruleset_hash[0] = db->shadow_hash[0] = '\0';
    dicts_set_generation(db->dicts, db->generation);
    return DB_OK;
}

enum db_result journal_db_begin(struct journal_db *db, struct err *err)
{
    enum db_result result = journal_db_run(db, DB_BEGIN, err);
    int64_t version;

    if (result != DB_OK)
        return result;
    result = journal_db_number(db, DB_DATA_VERSION, &version, err);
    if (result == DB_OK && version != db->data_version) {
        result = catch_up(db, err);
        db->data_version = version;
    }
    if (result != DB_OK)
        journal_db_rollback(db);
    return result;
}

void journal_db_rollback(struct journal_db *db)
{
    /* SQLite has rolled back by itself after some errors. */
    if (!sqlite3_get_autocommit(db->db))
        journal_db_run(db, DB_ROLLBACK, NULL);
    dicts_forget(db->dicts);
    counts_forget(db->counts);
    db->ruleset_hash[0] = db->shadow_hash[0] = '\0';
    db->has_ruleset = false;
}

enum db_result journal_db_set_sync(struct journal_db *db, bool sync, struct err *err)
{
    enum db_result result = DB_OK;

    if (db->sync != sync)
        result = exec(db, sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
    if (result == DB_OK)
        db->sync = sync;
    return result;
}

static enum db_result note_node(struct journal_db *db, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc;

    if (db->node_name == NULL)
        return DB_OK;
    rc = sqlite3_prepare_v2(db->db, "INSERT INTO node (number, name) VALUES (?1, ?2) ON CONFLICT"
                                    " DO UPDATE SET name = excluded.name", -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(stmt, 1, db->node);
        sqlite3_bind_text(stmt, 2, db->node_name, -1, SQLITE_STATIC);
        sqlite3_step(stmt);
        rc = sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    return journal_db_result(db, rc, err);
}

static enum db_result read_state(struct journal_db *db, struct err *err)
{
    enum db_result result;

    db->sweep_position = -1;
    db->swept = 0;
    db->pruned_hour = 0;
    db->has_ruleset = false;
    db->last_id = 0;
    db->data_version = -1;
    if ((result = read_number(db, "PRAGMA page_size", &db->page_size, err)) != DB_OK ||
        (result = journal_db_begin(db, err)) != DB_OK)
        return result;
    if ((result = note_node(db, err)) == DB_OK &&
        (result = journal_db_new_generation(db, err)) == DB_OK)
        return journal_db_run(db, DB_COMMIT, err);
    return result;
}

static enum db_result open_connection(struct journal_db *db, struct err *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    enum db_result result;
    int rc;

    journal_files_note(&db->files, db->path);
    db->faults = shm_guard_faults();
    rc = sqlite3_open_v2(db->path, &db->db, flags, shm_guard_vfs());
    if (rc != SQLITE_OK)
        return journal_db_result(db, rc, err);
    if ((result = configure(db, err)) != DB_OK || (result = bring_forward(db, err)) != DB_OK ||
        (result = prepare_all(db, err)) != DB_OK)
        return result;
    return read_state(db, err);
}

/* A file that was cut to nothing while a reader has it open: SQLite wants it alone to begin it, and
 * the reader may stay for ever. A filter that is beginning one holds it only for a moment. */
static enum db_result judge_empty(struct journal_db *db, enum db_result result, struct err *err)
{
    journal_files_note(&db->files, db->path);
    if (result != DB_BUSY || db->files.files[0].size != 0) {
        db->empty_since_us = 0;
        return result;
    }
    if (db->empty_since_us == 0)
        db->empty_since_us = now_us();
    if (now_us() - db->empty_since_us < EMPTY_US)
        return result;
    db->empty_since_us = 0;
    err_set(err, "%s is empty, and somebody who reads it holds it", db->path);
    return DB_CORRUPT;
}

enum db_result journal_db_open(struct journal_db *db, struct err *err)
{
    enum db_result result;

    /* Nobody asks how much memory SQLite has; to count it takes a lock for each piece. Once SQLite
     * is in use this changes nothing. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (!journal_files_make(db->path, db->group, err))
        return DB_BROKEN;
    result = judge_empty(db, open_connection(db, err), err);
    if (result != DB_OK) {
        journal_db_close(db);
        return result;
    }
    journal_files_share(db->path, db->group);
    journal_files_note_rest(&db->files, db->path);
    return DB_OK;
}

bool journal_db_check(const struct journal_db *db, struct err *err)
{
    const char *suffix = journal_files_moved(&db->files, db->path);

    if (suffix != NULL)
        return err_set(err, "%s%s was removed or replaced; opened again", db->path, suffix);
    if (!journal_files_is_cut(&db->files, db->path))
        return true;
    shm_guard_lose();
    return err_set(err, CUT_SHORT, db->path);
}

void journal_db_close(struct journal_db *db)
{
    if (db->db == NULL)
        return;
    for (int i = 0; i < DB_STMT_COUNT; i++) {
        sqlite3_finalize(db->stmts[i]);
        db->stmts[i] = NULL;
    }
    dicts_free(db->dicts);
    counts_free(db->counts);
    db->dicts = NULL;
    db->counts = NULL;
    db->sync = false;
    for (size_t i = 0; i < ARRAY_LEN(db->scratch); i++)
        buf_free(&db->scratch[i]);
    /* SQLite does not do it when the file was renamed, and then its last rows would be lost. */
    sqlite3_wal_checkpoint_v2(db->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_close(db->db);
    db->db = NULL;
}
