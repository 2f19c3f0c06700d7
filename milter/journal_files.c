/* journal_files - the log's three files: made, shared with the group, found moved, set aside */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MODE = 0640 };

static const char *const suffixes[] = {"", "-wal", "-shm"};

/* By path, never by opening the file: to close it would drop the locks that SQLite holds on it. */
static void share_file(const char *db, const char *suffix, const char *group)
{
    char *path = xasprintf("%s%s", db, suffix), space[4096];
    struct group entry, *found = NULL;
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        if (group != NULL)
            getgrnam_r(group, &entry, space, sizeof(space), &found);
        if (found != NULL && found->gr_gid != st.st_gid &&
            lchown(path, (uid_t)-1, found->gr_gid) != 0)
            found = NULL;
        if ((st.st_mode & 07777) != FILE_MODE && chmod(path, FILE_MODE) != 0)
            found = NULL;
    }
    free(path);
}

/* Made here, not by SQLite, so that the umask has no say; SQLite gives -wal and -shm the same
 * mode. */
bool journal_files_make(const char *path, const char *group, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    struct stat st;

    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST)
        return err_set(err, "%s: %s", path, strerror(errno));
    if (stat(path, &st) != 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, "%s: not a regular file", path);
    share_file(path, "", group);
    return true;
}

void journal_files_share(const char *path, const char *group)
{
    share_file(path, "-wal", group);
    share_file(path, "-shm", group);
}

/* Inode 0: there is none. */
static struct journal_file file_at(const char *db, const char *suffix)
{
    char *path = xasprintf("%s%s", db, suffix);
    struct stat st;
    bool found = stat(path, &st) == 0;

    free(path);
    return found ? (struct journal_file){st.st_dev, st.st_ino, st.st_size}
                 : (struct journal_file){0, 0, 0};
}

void journal_files_note(struct journal_files *files, const char *path)
{
    files->files[0] = file_at(path, suffixes[0]);
}

void journal_files_note_rest(struct journal_files *files, const char *path)
{
    for (size_t i = 1; i < ARRAY_LEN(suffixes); i++)
        files->files[i] = file_at(path, suffixes[i]);
}

const char *journal_files_moved(const struct journal_files *files, const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        struct journal_file now = file_at(path, suffixes[i]);

        if (now.inode != files->files[i].inode || now.device != files->files[i].device)
            return suffixes[i];
    }
    return NULL;
}

bool journal_files_is_cut(const struct journal_files *files, const char *path)
{
    return file_at(path, "-shm").size < files->files[2].size;
}

void journal_files_drop_index(const char *path)
{
    char *shm = xasprintf("%s-shm", path);

    unlink(shm);
    free(shm);
}

bool journal_files_set_aside(const char *path, char *aside, size_t size, struct err *err)
{
    char stamp[32], from[4096], to[4096];
    time_t now = time(NULL);
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
    snprintf(aside, size, "%s.corrupt-%s", path, stamp);
    for (int i = 1; access(aside, F_OK) == 0 && i < 100; i++)
        snprintf(aside, size, "%s.corrupt-%s-%d", path, stamp, i);
    if (rename(path, aside) != 0 && errno != ENOENT)
        return err_set(err, "cannot rename %s: %s", path, strerror(errno));
    snprintf(from, sizeof(from), "%s-wal", path);
    snprintf(to, sizeof(to), "%s-wal", aside);
    if (rename(from, to) != 0 && errno != ENOENT)
        return err_set(err, "cannot rename %s: %s", from, strerror(errno));
    snprintf(from, sizeof(from), "%s-shm", path);
    if (unlink(from) != 0 && errno != ENOENT)
        return err_set(err, "cannot remove %s: %s", from, strerror(errno));
    return true;
}
