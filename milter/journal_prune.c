/* journal_prune - the log kept within its size: old rows, unused entries, a grown WAL */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_prune.h"

#include <stdio.h>

/* A step takes more rows away than a batch brings, and is over in some milliseconds. */
enum { PRUNE_ROWS = 512, VACUUM_PAGES = 256, MAIL_BYTES = 250, GENERATIONS = 8 };

struct space {
    int64_t bytes; /* of the file, once the WAL is in it */
    int64_t used;  /* of these */
};

static enum db_result measure(struct journal_db *db, struct space *space, struct err *err)
{
    int64_t pages, vacant;
    enum db_result result;

    if ((result = journal_db_number(db, DB_PAGE_COUNT, &pages, err)) != DB_OK ||
        (result = journal_db_number(db, DB_FREE_COUNT, &vacant, err)) != DB_OK)
        return result;
    space->bytes = pages * db->page_size;
    space->used = (pages - vacant) * db->page_size;
    return DB_OK;
}

/* With some eight generations in a full file, what nobody uses any more is gone soon enough. */
static uint64_t generation_size(uint64_t size_limit)
{
    const uint64_t most = 1000000;
    uint64_t rows = size_limit / MAIL_BYTES / GENERATIONS;

    return size_limit == 0 || rows > most ? most : rows + 1;
}

static enum db_result delete_before(struct journal_db *db, int64_t id, struct err *err)
{
    static const enum db_stmt stmts[] = {DB_PRUNE_MAIL, DB_PRUNE_RECIPIENT, DB_PRUNE_CHECKS};
    enum db_result result = DB_OK;

    for (size_t i = 0; i < ARRAY_LEN(stmts) && result == DB_OK; i++) {
        sqlite3_bind_int64(db->stmts[stmts[i]], 1, id);
        result = journal_db_run(db, stmts[i], err);
    }
    return result;
}

static enum db_result delete_oldest(struct journal_db *db, struct err *err)
{
    enum db_result result;
    int64_t id;

    sqlite3_bind_int64(db->stmts[DB_OLD_ID], 1, PRUNE_ROWS);
    result = journal_db_number(db, DB_OLD_ID, &id, err);
    if (result != DB_OK || id == 0)
        return result;
    return delete_before(db, id, err);
}

/* Dictionary entries of generations whose rows are all gone. */
static enum db_result sweep(struct journal_db *db, struct err *err)
{
    enum db_result result = DB_OK;
    int64_t dead;

    if (db->sweep_position < 0) {
        result = journal_db_number(db, DB_DEAD_GENERATION, &dead, err);
        if (result != DB_OK || dead <= db->swept)
            return result;
        db->sweep_last = dead;
        db->sweep_position = 0;
    }
    result =
        journal_db_result(db, dicts_sweep(db->dicts, db->sweep_last, &db->sweep_position), err);
    if (result != DB_OK || db->sweep_position >= 0)
        return result;
    db->swept = db->sweep_last;
    sqlite3_bind_int64(db->stmts[DB_FORGET_GENERATIONS], 1, db->swept);
    return journal_db_run(db, DB_FORGET_GENERATIONS, err);
}

static enum db_result vacuum(struct journal_db *db, struct err *err)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
    return journal_db_result(db, sqlite3_exec(db->db, sql, NULL, NULL, NULL), err);
}

static enum db_result step(struct journal_db *db, uint64_t size_limit, bool too_large, bool sparse,
                           struct err *err)
{
    enum db_result result = DB_OK;

    if (db->generation_rows >= generation_size(size_limit))
        result = journal_db_new_generation(db, err);
    if (result == DB_OK && too_large)
        result = delete_oldest(db, err);
    if (result == DB_OK && size_limit > 0)
        result = sweep(db, err);
    if (result == DB_OK && sparse)
        result = vacuum(db, err);
    return result;
}

enum db_result journal_prune(struct journal_db *db, uint64_t size_limit, bool *more,
                             struct err *err)
{
    uint64_t target = size_limit - size_limit / 10;
    struct space space;
    bool too_large, sparse;
    enum db_result result = measure(db, &space, err);

    *more = false;
    if (result != DB_OK)
        return result;
    too_large = size_limit > 0 && (uint64_t)space.used > target;
    sparse = size_limit > 0 && (uint64_t)space.bytes > size_limit && space.bytes > space.used;
    if (!too_large && !sparse && db->sweep_position < 0 &&
        db->generation_rows < generation_size(size_limit))
        return DB_OK;
    if ((result = journal_db_begin(db, err)) != DB_OK)
        return result;
    result = step(db, size_limit, too_large, sparse, err);
    if (result == DB_OK)
        result = journal_db_run(db, DB_COMMIT, err);
    if (result != DB_OK) {
        db->sweep_position = -1;
        journal_db_rollback(db);
    }
    *more = result == DB_OK && (too_large || sparse);
    return result;
}

enum db_result journal_shrink_wal(struct journal_db *db, uint64_t wal_bytes, struct err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(db->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    if ((rc & 0xff) == SQLITE_BUSY)
        err_set(err, "%s-wal has grown to %llu bytes: a reader holds a transaction open", db->path,
                (unsigned long long)wal_bytes);
    return (rc & 0xff) == SQLITE_BUSY ? DB_BUSY : journal_db_result(db, rc, err);
}
