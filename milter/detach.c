/* detach - becomes a daemon whose starter waits until it is ready */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "detach.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static int ready_fd = -1;

static _Noreturn void wait_for_child(int fd, pid_t pid)
{
    char byte;
    int status;
    ssize_t got;

    do {
        got = read(fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    if (got == 1)
        _exit(EX_OK);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    _exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

bool detach(struct err *err)
{
    int fds[2];
    pid_t pid = pipe2(fds, O_CLOEXEC) < 0 ? -1 : fork();

    if (pid < 0)
        return err_set(err, "cannot become a daemon: %s", strerror(errno));
    if (pid > 0) {
        close(fds[1]);
        wait_for_child(fds[0], pid);
    }
    close(fds[0]);
    setsid();
    ready_fd = fds[1];
    return true;
}

void detach_ready(void)
{
    ssize_t ignored;
    int null;

    if (ready_fd < 0)
        return;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    ignored = write(ready_fd, "", 1);
    (void)ignored;
    close(ready_fd);
    ready_fd = -1;
}
