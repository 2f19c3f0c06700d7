/* control_ask - the other side of the control socket */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int dial(const char *path, struct err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || strlen(path) >= sizeof(to.sun_path)) {
        err_set(err, "%s: %s", path, fd < 0 ? strerror(errno) : "path too long");
    } else {
        snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
        if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
            return fd;
        err_set(err, "no filter answers at %s: %s%s", path, strerror(errno),
                errno == EACCES ? "; ask as root or as a member of the filter's group"
                                : "; is tamis milter running with this configuration?");
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool wait_for(int fd, short events, uint64_t until)
{
    struct pollfd polled = {.fd = fd, .events = events};
    uint64_t now = now_us();

    return now < until && poll(&polled, 1, (int)((until - now) / 1000) + 1) > 0;
}

static bool converse(int fd, const char *request, uint64_t until, struct buf *answer)
{
    char bytes[4096];
    ssize_t got = 1;

    int len = snprintf(bytes, sizeof(bytes), "%s\n", request);
    if (send(fd, bytes, (size_t)len, MSG_NOSIGNAL) != len)
        return false;
    while (got > 0 && wait_for(fd, POLLIN, until)) {
        got = recv(fd, bytes, sizeof(bytes), 0);
        if (got > 0)
            buf_add(answer, bytes, (size_t)got);
    }
    return got == 0;
}

int control_ask(const char *path, const char *request, uint64_t timeout_us, struct buf *out,
                struct err *err)
{
    struct buf answer = {0};
    const char *newline;
    long status = -1;
    int fd = dial(path, err);
    bool whole;

    if (fd < 0)
        return -1;
    whole = converse(fd, request, now_us() + timeout_us, &answer);
    newline = strchr(buf_text(&answer), '\n');
    if (whole && newline != NULL &&
        parse_long((struct slice){answer.ptr, (size_t)(newline - answer.ptr)}, 0, 255, &status)) {
        buf_adds(out, newline + 1);
    } else {
        err_set(err, "the filter at %s hung up without an answer%s", path,
                answer.len ? "" : ": you may have to ask as root or as a member of its group");
    }
    buf_free(&answer);
    close(fd);
    return (int)status;
}
