/* logdb - the decision log opened for reading, by commands that look into it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_LOGDB_H
#define TAMIS_LOGDB_H

#include "journal_files.h"

#include <sqlite3.h>

struct logdb {
    sqlite3 *db;
    const char *path;
    struct journal_files files; /* those that were opened */
};

/* Opens read-only; works while the filter writes, after it has gone, and for a member of the file's
 * group, even where -wal and -shm, which he may not make, are gone. The path must live as long as
 * the logdb. Waits up to 2 s for a lock. On failure err says what is wrong and what to do: no such
 * file, no permission, no log of ours, a newer one. */
bool logdb_open(struct logdb *log, const char *path, struct err *err);
void logdb_close(struct logdb *log); /* closed already: allowed */

/* There is another database, -wal or -shm at the path now, or none. */
bool logdb_is_replaced(const struct logdb *log);

/* A statement, or NULL with the error. The caller finalizes it. */
sqlite3_stmt *logdb_prepare(struct logdb *log, const char *sql, struct err *err);

#endif
