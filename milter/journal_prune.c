/* journal_prune - the log kept within its size: old rows, unused entries, a grown WAL */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_prune.h"

#include "journal_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

uint64_t journal_size(const char *path, const char *suffix)
{
    char *name = xasprintf("%s%s", path, suffix);
    struct stat st;
    uint64_t size = stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;

    free(name);
    return size;
}

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
    static const enum db_stmt stmts[] = {DB_PRUNE_MAIL, DB_PRUNE_RECIPIENT, DB_PRUNE_CHECKS,
                                         DB_PRUNE_QUESTIONS, DB_PRUNE_EDITS, DB_PRUNE_TOKENS,
                                         DB_PRUNE_EVIDENCE, DB_PRUNE_SHADOW};
    enum db_result result = DB_OK;

    for (size_t i = 0; i < ARRAY_LEN(stmts) && result == DB_OK; i++) {
        sqlite3_bind_int64(db->stmts[stmts[i]], 1, id);
        result = journal_db_run(db, stmts[i], err);
    }
    return result;
}

/* Not more than a step of the rows before `limit`. */
static enum db_result delete_oldest(struct journal_db *db, int64_t limit, struct err *err)
{
    enum db_result result;
    int64_t id;

    sqlite3_bind_int64(db->stmts[DB_OLD_ID], 1, PRUNE_ROWS);
    result = journal_db_number(db, DB_OLD_ID, &id, err);
    if (result != DB_OK)
        return result;
    if (id == 0 && limit == INT64_MAX)
        return DB_OK;
    return delete_before(db, id != 0 && id < limit ? id : limit, err);
}

static enum db_result delete_evidence(struct journal_db *db, int64_t limit, struct err *err)
{
    enum db_result result;
    int64_t id;

    sqlite3_bind_int64(db->stmts[DB_OLD_EVIDENCE], 1, PRUNE_ROWS);
    result = journal_db_number(db, DB_OLD_EVIDENCE, &id, err);
    if (result != DB_OK)
        return result;
    sqlite3_bind_int64(db->stmts[DB_PRUNE_EVIDENCE], 1, id != 0 && id < limit ? id : limit);
    return journal_db_run(db, DB_PRUNE_EVIDENCE, err);
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

/* What there is to do. */
struct work {
    int64_t before;          /* rows before this id are too old; INT64_MIN: none */
    int64_t evidence_before;
    int64_t hour;            /* of the counters, likewise */
    int64_t now;             /* the hour */
    bool old, old_evidence, too_large, sparse;
    bool empty; /* there are no rows, and so the counters must go */
};

static enum db_result step(struct journal_db *db, uint64_t size_limit, const struct work *w,
                           bool *more, struct err *err)
{
    enum db_result result = DB_OK;

    if (db->generation_rows >= generation_size(size_limit))
        result = journal_db_new_generation(db, err);
    if (result == DB_OK && (w->too_large || w->old))
        result = delete_oldest(db, w->too_large ? INT64_MAX : w->before, err);
    if (result == DB_OK && w->old_evidence)
        result = delete_evidence(db, w->evidence_before, err);
    if (result == DB_OK && w->too_large && w->empty)
        result = journal_db_result(db, counts_prune(db->counts, w->now - 1, more), err);
    if (result == DB_OK && w->hour != db->pruned_hour) {
        result = journal_db_result(db, counts_prune(db->counts, w->hour, more), err);
        if (!*more)
            db->pruned_hour = w->hour;
    }
    if (result == DB_OK)
        result = sweep(db, err);
    if (result == DB_OK && w->sparse)
        result = vacuum(db, err);
    return result;
}

static int64_t id_before(int64_t time_us, int64_t retention)
{
    int64_t ms = (time_us - retention) / 1000 - 1577836800000;

    return retention > 0 && ms > 0 ? ms << 22 : INT64_MIN;
}

/* The first row of a table against the limit. */
static enum db_result is_old(struct journal_db *db, enum db_stmt first, int64_t before, bool *old,
                             bool *empty, struct err *err)
{
    int64_t id;
    enum db_result result = journal_db_number(db, first, &id, err);

    *old = id != 0 && id < before;
    *empty = id == 0;
    return result;
}

static enum db_result look(struct journal_db *db, const struct journal_limits *limits,
                           int64_t time_us, struct work *w, struct err *err)
{
    uint64_t target = limits->size - limits->size / 10;
    struct space space;
    bool no_evidence;
    enum db_result result = measure(db, &space, err);

    if (result != DB_OK)
        return result;
    w->too_large = limits->size > 0 && (uint64_t)space.used > target;
    w->sparse = limits->size > 0 && (uint64_t)space.bytes > limits->size &&
                space.bytes > space.used;
    w->before = id_before(time_us, limits->retention);
    w->evidence_before = id_before(time_us, limits->evidence_retention);
    w->hour = id_before(time_us, limits->rollup_retention);
    w->hour = w->hour < 0 ? 0 : count_hour(w->hour);
    w->now = count_hour(id_before(time_us + 1, 1));
    if ((result = is_old(db, DB_FIRST_ID, w->before, &w->old, &w->empty, err)) != DB_OK)
        return result;
    return is_old(db, DB_FIRST_EVIDENCE, w->evidence_before, &w->old_evidence, &no_evidence, err);
}

enum db_result journal_prune(struct journal_db *db, const struct journal_limits *limits,
                             int64_t time_us, bool *more, struct err *err)
{
    struct work work = {0};
    enum db_result result = look(db, limits, time_us, &work, err);

    *more = false;
    if (result != DB_OK)
        return result;
    if (!work.too_large && !work.sparse && !work.old && !work.old_evidence &&
        work.hour == db->pruned_hour && db->sweep_position < 0 &&
        db->generation_rows < generation_size(limits->size))
        return DB_OK;
    if ((result = journal_db_begin(db, err)) != DB_OK)
        return result;
    result = step(db, limits->size, &work, more, err);
    if (result == DB_OK)
        result = journal_db_run(db, DB_COMMIT, err);
    if (result != DB_OK) {
        db->sweep_position = -1;
        journal_db_rollback(db);
    }
    *more = result == DB_OK &&
            (*more || work.too_large || work.sparse || work.old || work.old_evidence);
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
