/* journal_db - the log's file as its writer holds it: opened, migrated, found moved or broken */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_DB_H
#define TAMIS_JOURNAL_DB_H

#include "buf.h"
#include "journal_dict.h"
#include "journal_files.h"
#include "message.h"

/* What an error of SQLite means for the writer. */
enum db_result {
    DB_OK,
    DB_BUSY,    /* somebody else holds the lock: again, soon */
    DB_BROKEN,  /* disk full, not readable, gone …: close, open again later */
    DB_STALE,   /* -shm, kept alive by a reader, tells of a WAL that is gone: close, remove it */
    DB_CORRUPT, /* no database any more: set it aside, begin a new one */
    DB_BAD_ROW, /* this entry cannot be stored, others can */
};

enum db_stmt {
    DB_BEGIN,
    DB_COMMIT,
    DB_ROLLBACK,
    DB_ADD_MAIL,
    DB_ADD_RECIPIENT,
    DB_ADD_CHECKS,
    DB_ADD_QUESTIONS,
    DB_ADD_EDITS,
    DB_ADD_TOKEN,
    DB_ADD_EVIDENCE,
    DB_ADD_SHADOW,
    DB_ADD_SHADOW_RULESET,
    DB_SHADOW_RULESET_ID,
    DB_OLD_ID,
    DB_PRUNE_MAIL,
    DB_PRUNE_RECIPIENT,
    DB_PRUNE_CHECKS,
    DB_PRUNE_QUESTIONS,
    DB_PRUNE_EDITS,
    DB_PRUNE_TOKENS,
    DB_PRUNE_EVIDENCE,
    DB_PRUNE_SHADOW,
    DB_FIRST_ID,
    DB_FIRST_EVIDENCE,
    DB_OLD_EVIDENCE,
    DB_RULESET_ID,
    DB_AMEND_MAIL,
    DB_AMEND_RECIPIENT,
    DB_ADD_RULESET,
    DB_DEAD_GENERATION,
    DB_PAGE_COUNT,
    DB_FREE_COUNT,
    DB_DATA_VERSION,
    DB_LAST_ID,
    DB_LAST_GENERATION,
    DB_FORGET_GENERATIONS,
    DB_STMT_COUNT,
};

struct counts;

/* For one thread. Closed: db is NULL. */
struct journal_db {
    const char *path;
    const char *group; /* or NULL */
    const char *node_name; /* or NULL */
    unsigned node;
    bool sync;    /* as the connection is set */
    char ruleset_hash[80]; /* the last one that was looked up, and its id */
    int64_t ruleset;
    char shadow_hash[80]; /* the same of the shadow's */
    int64_t shadow_ruleset;
    bool has_ruleset; /* the file knows the policy in force */
    sqlite3 *db;
    unsigned faults; /* of shm_guard, when it was opened */
    struct journal_files files;
    int64_t page_size;
    int64_t data_version; /* changes when somebody else has written */
    sqlite3_stmt *stmts[DB_STMT_COUNT];
    struct dicts *dicts;
    struct counts *counts;
    struct buf scratch[4];      /* kept from row to row */
    uint64_t empty_since_us;    /* the file is empty and locked by somebody; 0: it is not */
    int64_t last_id;            /* of the newest row */
    int64_t generation;         /* of the dictionaries */
    uint64_t generation_rows;   /* written in it */
    int64_t sweep_last;         /* generation being swept, and how far; position -1: no sweep */
    int64_t sweep_position;
    int64_t pruned_hour;        /* the counters of the hours before are gone */
    int64_t swept;              /* all generations up to this one are */
};

/* Opens, or creates with mode 0640 and the group; brings an older schema forward; refuses a
 * database that is newer or not ours. Waits at most a fraction of a second for locks. A file of no
 * bytes that somebody holds, for a second: DB_CORRUPT. */
enum db_result journal_db_open(struct journal_db *db, struct err *err);

/* Moves what is in the WAL into the database; NULL statements, closed database: allowed. */
void journal_db_close(struct journal_db *db);

/* Are the files that are open still those at the path, and whole? False: to go on would lose rows,
 * or damage the database; it must be closed. */
bool journal_db_check(const struct journal_db *db, struct err *err);

/* From the next transaction on: is what was committed on the disk at once? */
enum db_result journal_db_set_sync(struct journal_db *db, bool sync, struct err *err);

/* Begins a write transaction; knows afterwards what another filter wrote into the same file
 * meanwhile. */
enum db_result journal_db_begin(struct journal_db *db, struct err *err);
void journal_db_rollback(struct journal_db *db);

/* Runs a statement that returns no row. err may be NULL. */
enum db_result journal_db_run(struct journal_db *db, enum db_stmt stmt, struct err *err);

/* The first column of the first row; 0 if there is none. Binds are kept. */
enum db_result journal_db_number(struct journal_db *db, enum db_stmt stmt, int64_t *number,
                                 struct err *err);

/* The meaning of an SQLite result code of this connection, and its text. */
enum db_result journal_db_result(const struct journal_db *db, int rc, struct err *err);

/* A new generation of dictionary entries begins. Inside a transaction. */
enum db_result journal_db_new_generation(struct journal_db *db, struct err *err);

#endif
