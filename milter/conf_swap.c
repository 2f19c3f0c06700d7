/* conf_swap - a configuration file replaced by another text, and what it was kept beside it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_swap.h"

#include "lines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool fail(struct err *err, const char *path)
{
    err_set(err, "%s: %s", path, strerror(errno));
    return false;
}

bool conf_swap_read(const char *path, struct buf *text, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char chunk[65536];
    ssize_t len = 0;

    if (fd < 0)
        return fail(err, path);
    while (text->len < LINES_FILE_MAX && (len = read(fd, chunk, sizeof(chunk))) > 0)
        buf_add(text, chunk, (size_t)len);
    if (len < 0)
        fail(err, path);
    else if (text->len >= LINES_FILE_MAX)
        err_set(err, "%s: too large", path);
    close(fd);
    return len == 0;
}

/* "/etc/tamis" of "/etc/tamis/milter.conf"; malloc'd. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xasprintf("%.*s", (int)(slash - path), path);
}

/* A name that is not on the disk may be gone when the power is. */
static void sync_directory(const char *path)
{
    char *directory = directory_of(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(directory);
}

bool conf_swap_keep(const char *path, const char *word, char **kept, struct err *err)
{
    time_t now = time(NULL);
    struct tm tm;
    char stamp[32];

    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
    for (int n = 1; n < 10; n++) {
        *kept = n == 1 ? xasprintf("%s.%s-%s", path, word, stamp)
                       : xasprintf("%s.%s-%s-%d", path, word, stamp, n);
        if (link(path, *kept) == 0)
            return true;
        if (errno != EEXIST)
            break;
        free(*kept);
        *kept = NULL;
        errno = EEXIST;
    }
    fail(err, *kept != NULL ? *kept : path);
    free(*kept);
    *kept = NULL;
    return false;
}

static bool fill(int fd, const struct buf *text, const struct stat *as)
{
    for (size_t done = 0; done < text->len;) {
        ssize_t len = write(fd, text->ptr + done, text->len - done);

        if (len < 0)
            return false;
        done += (size_t)len;
    }
    return fchown(fd, as->st_uid, as->st_gid) == 0 && fchmod(fd, as->st_mode & 07777) == 0 &&
           fsync(fd) == 0;
}

bool conf_swap_write(const char *path, const struct buf *text, struct err *err)
{
    char *name = xasprintf("%s.new-%ld", path, (long)getpid());
    struct stat as;
    int fd = stat(path, &as) == 0 ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool done = fd >= 0 && fill(fd, text, &as) && rename(name, path) == 0;

    if (!done)
        fail(err, fd >= 0 ? name : path);
    if (fd >= 0) {
        close(fd);
        if (!done)
            unlink(name);
    }
    if (done)
        sync_directory(path);
    free(name);
    return done;
}

bool conf_swap_move(const char *from, const char *path, struct err *err)
{
    if (rename(from, path) < 0)
        return fail(err, from);
    sync_directory(path);
    return true;
}

char *conf_swap_newest(const char *path, const char *word)
{
    char *directory = directory_of(path), *newest = NULL, *found;
    const char *slash = strrchr(path, '/');
    char *begin = xasprintf("%s.%s-", slash != NULL ? slash + 1 : path, word);
    DIR *dir = opendir(directory);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, begin, strlen(begin)) != 0 ||
            (newest != NULL && strcmp(entry->d_name, newest) <= 0))
            continue;
        free(newest);
        newest = xstrdup(entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    found = newest != NULL ? xasprintf("%s/%s", directory, newest) : NULL;
    free(newest);
    free(begin);
    free(directory);
    return found;
}
