/* logdb - the decision log opened for reading, by commands that look into it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "logdb.h"

#include "buf.h"
#include "schema.h"
#include "shm_guard.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 2000 };

static bool explain_denied(const char *path, const struct stat *st, struct err *err)
{
    const struct group *group = st != NULL ? getgrgid(st->st_gid) : NULL;

    if (group != NULL)
        return err_set(err, "%s: permission denied; root and members of the group %s may read it",
                       path, group->gr_name);
    return err_set(err, "%s: permission denied; ask as root or as a member of the filter's group",
                   path);
}

static bool check_file(struct logdb *log, const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        if (errno == ENOENT)
            return err_set(err, "%s: no log there; the filter makes it when it starts", path);
        return errno == EACCES ? explain_denied(path, NULL, err)
                               : err_set(err, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode))
        return err_set(err, "%s: not a regular file", path);
    if (access(path, R_OK) != 0)
        return explain_denied(path, &st, err);
    journal_files_note(&log->files, path);
    return true;
}

static bool read_number(struct logdb *log, const char *sql, int *number, struct err *err)
{
    sqlite3_stmt *stmt = logdb_prepare(log, sql, err);
    int rc;

    if (stmt == NULL)
        return false;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *number = sqlite3_column_int(stmt, 0);
    rc = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? true : err_set(err, "%s: %s", log->path, sqlite3_errmsg(log->db));
}

static bool check_version(struct logdb *log, struct err *err)
{
    int application = 0, version = 0;

    if (!read_number(log, "PRAGMA application_id", &application, err) ||
        !read_number(log, "PRAGMA user_version", &version, err))
        return false;
    if (application != SCHEMA_APPLICATION)
        return err_set(err, "%s: not a log of tamis", log->path);
    if (version > SCHEMA_VERSION)
        return err_set(err, "%s: written by a newer tamis (schema %d, this one knows %d)",
                       log->path, version, SCHEMA_VERSION);
    if (version < SCHEMA_VERSION)
        return err_set(err, "%s: schema %d; the filter brings it to %d when it starts", log->path,
                       version, SCHEMA_VERSION);
    return true;
}

static bool open_as(struct logdb *log, const char *name, int flags, struct err *err)
{
    if (sqlite3_open_v2(name, &log->db, SQLITE_OPEN_READONLY | flags, shm_guard_vfs()) !=
        SQLITE_OK) {
        err_set(err, "%s: %s", log->path, log->db ? sqlite3_errmsg(log->db) : "out of memory");
        logdb_close(log);
        return false;
    }
    sqlite3_busy_timeout(log->db, BUSY_MS);
    if (check_version(log, err))
        return true;
    logdb_close(log);
    return false;
}

static void add_uri(struct buf *b, const char *path)
{
    buf_adds(b, "file:");
    for (; *path != '\0'; path++)
        buf_addf(b, strchr("%?#", *path) != NULL ? "%%%02x" : "%c", (unsigned char)*path);
    buf_adds(b, "?immutable=1");
}

/* Another program that could write has taken -wal and -shm away with it, and whoever may not make
 * them cannot read; but then nobody writes, and all there is stands in the database. A filter that
 * starts meanwhile is found by its files (logdb_is_replaced). */
static bool open_alone(struct logdb *log, struct err *err)
{
    struct err why;
    struct buf uri = {0};
    bool good;

    journal_files_note_rest(&log->files, log->path);
    if (log->files.files[1].inode != 0 || log->files.files[2].inode != 0)
        return false;
    add_uri(&uri, log->path);
    good = open_as(log, buf_text(&uri), SQLITE_OPEN_URI, &why);
    buf_free(&uri);
    if (!good || !logdb_is_replaced(log))
        return good;
    logdb_close(log);
    return open_as(log, log->path, 0, err);
}

bool logdb_open(struct logdb *log, const char *path, struct err *err)
{
    *log = (struct logdb){.path = path};
    if (!check_file(log, path, err))
        return false;
    if (!open_as(log, path, 0, err))
        return open_alone(log, err);
    journal_files_note_rest(&log->files, path);
    return true;
}

void logdb_close(struct logdb *log)
{
    sqlite3_close(log->db);
    log->db = NULL;
}

bool logdb_is_replaced(const struct logdb *log)
{
    return journal_files_moved(&log->files, log->path) != NULL;
}

sqlite3_stmt *logdb_prepare(struct logdb *log, const char *sql, struct err *err)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(log->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        err_set(err, "%s: %s", log->path, sqlite3_errmsg(log->db));
    return stmt;
}
