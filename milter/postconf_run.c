/* postconf_run - postconf(1) as a child process, and what it prints */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "postconf.h"

#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 32 };

/* sbin is not in every user's PATH, so the usual places are tried, too. */
static _Noreturn void become_postconf(char *const *argv)
{
    execvp("postconf", argv);
    if (errno == ENOENT || errno == EACCES)
        execv("/usr/sbin/postconf", argv);
    if (errno == ENOENT)
        execv("/usr/local/sbin/postconf", argv);
    _exit(127);
}

static _Noreturn void child(int out, char *const *argv, bool quiet)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(127);
    if (quiet && dup2(null, STDERR_FILENO) < 0)
        _exit(127);
    become_postconf(argv);
}

static bool read_all(int fd, struct buf *out)
{
    char chunk[16384];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n > 0)
            buf_add(out, chunk, (size_t)n);
        else if (errno != EINTR)
            return false;
    }
    return true;
}

static bool wait_for(pid_t pid, struct err *err)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, "waiting for postconf: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return err_set(err,
                       "postconf cannot be run: install Postfix, or put its directory in PATH");
    return err_set(err, "postconf failed: mend what it says, or name another configuration "
                        "directory of Postfix with -c DIR");
}

static bool run(char *const *argv, bool quiet, struct buf *out, struct err *err)
{
    int fds[2];
    bool complete;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_set(err, "pipe: %s", strerror(errno));
    pid = fork();
    if (pid == 0)
        child(fds[1], argv, quiet);
    close(fds[1]);
    complete = pid > 0 && read_all(fds[0], out);
    close(fds[0]);
    if (pid < 0)
        return err_set(err, "fork: %s", strerror(errno));
    return wait_for(pid, err) && (complete || err_set(err, "reading from postconf failed"));
}

bool postconf_run(struct arena *arena, const char *dir, const char *const *args, bool quiet,
                  const char **text, struct err *err)
{
    char *argv[ARGS_MAX + 4];
    struct buf out = {0};
    size_t n = 0;
    bool good;

    argv[n++] = arena_strdup(arena, "postconf");
    if (dir != NULL) {
        argv[n++] = arena_strdup(arena, "-c");
        argv[n++] = arena_strdup(arena, dir);
    }
    for (size_t i = 0; args[i] != NULL && i < ARGS_MAX; i++)
        argv[n++] = arena_strdup(arena, args[i]);
    argv[n] = NULL;
    good = run(argv, quiet, &out, err);
    *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return good;
}
