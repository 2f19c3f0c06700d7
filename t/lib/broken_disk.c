/* broken_disk - a library to be preloaded: writing and reading files fail as a file says */
/* SPDX-License-Identifier: BSD-2-Clause */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* The file that BROKEN_DISK names begins with a word: "EIO" fails what is written, "EROFS" also what
 * is opened to be written, "read" what is read. It is gone: all goes well. Only what SQLite does to
 * its files is concerned; sockets are served by other calls. */
ssize_t pread(int fd, void *to, size_t size, off_t at);
ssize_t pwrite(int fd, const void *from, size_t size, off_t at);

static bool is_said(const char *word)
{
    const char *path = getenv("BROKEN_DISK");
    char text[16] = "";
    int kept = errno;
    int (*open_it)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = path != NULL ? open_it(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        if (read(fd, text, sizeof(text) - 1) < 0)
            text[0] = '\0';
        close(fd);
    }
    errno = kept;
    return strncmp(text, word, strlen(word)) == 0;
}

static int fail(int error)
{
    errno = error;
    return -1;
}

static int write_error(void)
{
    return is_said("EIO") ? EIO : is_said("EROFS") ? EROFS : 0;
}

#define WRITES(name, params, args) \
    ssize_t name params; \
    ssize_t name params \
    { \
        ssize_t(*real) params = dlsym(RTLD_NEXT, #name); \
        int error = write_error(); \
        return error != 0 ? fail(error) : real args; \
    }

#define READS(name, params, args) \
    ssize_t name params; \
    ssize_t name params \
    { \
        ssize_t(*real) params = dlsym(RTLD_NEXT, #name); \
        return is_said("read") ? fail(EIO) : real args; \
    }

/* A log is what ends so. */
#define OPENS(name) \
    int name(const char *path, int flags, ...); \
    int name(const char *path, int flags, ...) \
    { \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name); \
        va_list args; \
        mode_t mode; \
        va_start(args, flags); \
        mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0; \
        va_end(args); \
        if (strstr(path, "log.db") != NULL && (flags & O_ACCMODE) != O_RDONLY && is_said("EROFS")) \
            return fail(EROFS); \
        return real(path, flags, mode); \
    }

WRITES(pwrite, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
WRITES(pwrite64, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
READS(pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at))
READS(pread64, (int fd, void *to, size_t size, off_t at), (fd, to, size, at))
OPENS(open)
OPENS(open64)
