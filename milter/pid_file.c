/* pid_file - a file for the number of the process */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pid_file.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *trouble_with(int fd, const struct rights *rights)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        return "it is no plain file with this name only";
    if (rights != NULL && fchown(fd, rights->uid, rights->gid) < 0)
        return strerror(errno);
    return NULL;
}

int pid_file_open(const char *path, const struct rights *rights)
{
    int fd;
    const char *trouble;

    if (path[0] == '\0')
        return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    trouble = trouble_with(fd, rights);
    if (trouble == NULL)
        return fd;
    log_line(LOG_WARNING, "pid_file %s: %s", path, trouble);
    if (fd >= 0)
        close(fd);
    return -1;
}

static void write_number(const char *path, int fd)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) < 0 || write(fd, text, (size_t)len) != len)
        log_line(LOG_WARNING, "pid_file %s: %s", path, strerror(errno));
}

void pid_file_close(const char *path, int fd, bool wanted)
{
    if (fd < 0)
        return;
    if (wanted)
        write_number(path, fd);
    close(fd);
}
