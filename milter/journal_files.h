/* journal_files - the log's three files: made, shared with the group, found moved, set aside */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_FILES_H
#define TAMIS_JOURNAL_FILES_H

#include "base.h"

#include <sys/types.h>

/* The database, -wal and -shm, as they were when they were opened. */
struct journal_files {
    struct journal_file {
        dev_t device;
        ino_t inode;
        off_t size;
    } files[3];
};

/* Makes the database with mode 0640 and the group (or NULL) if it is not there; no umask has a say.
 * False: it cannot be made, or is no regular file. */
bool journal_files_make(const char *path, const char *group, struct err *err);

/* Gives -wal and -shm the mode and the group. Failure is let pass: a log that the group cannot read
 * is better than none. */
void journal_files_share(const char *path, const char *group);

/* Remembers which file the database is: before it is opened, so that one that comes meanwhile is
 * found to be another. The rest: what SQLite has made then. */
void journal_files_note(struct journal_files *files, const char *path);
void journal_files_note_rest(struct journal_files *files, const char *path);

/* "", "-wal" or "-shm": this file is no longer the one that was noted: deleted, replaced. NULL: all
 * are in their places. */
const char *journal_files_moved(const struct journal_files *files, const char *path);

/* Renames the (closed) database and its WAL to PATH.corrupt-YYYYMMDD-HHMMSS[-N]; the name in
 * `aside`. */
bool journal_files_set_aside(const char *path, char *aside, size_t size, struct err *err);

/* Removes -shm of the (closed) database: who opens it next makes it anew from the WAL. */
void journal_files_drop_index(const char *path);

/* -shm, which only grows while it is open, is smaller than it was when it was noted. */
bool journal_files_is_cut(const struct journal_files *files, const char *path);

#endif
