/* notify - tells systemd how we are (sd_notify(3) without its library) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path != NULL ? strlen(path) : 0;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    int fd;

    if (len == 0 || (path[0] != '/' && path[0] != '@') || len >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to, size);
    close(fd);
}

void notify_reloading(void)
{
    char text[80];

    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_us());
    notify_send(text);
}

/* True when the variable is absent or names this process. */
static bool is_for_us(const char *variable, bool when_absent)
{
    const char *pid = getenv(variable);
    long value;

    if (pid == NULL)
        return when_absent;
    return parse_long(slice_of(pid), 1, LONG_MAX, &value) && value == (long)getpid();
}

uint64_t notify_watchdog_us(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    long value;

    if (usec == NULL || !is_for_us("WATCHDOG_PID", true) ||
        !parse_long(slice_of(usec), 1, LONG_MAX, &value))
        return 0;
    return (uint64_t)value / 2;
}

int notify_listen_fds(void)
{
    const char *count = getenv("LISTEN_FDS");
    long value = 0;

    if (count == NULL || !is_for_us("LISTEN_PID", false) ||
        !parse_long(slice_of(count), 0, 1000, &value))
        value = 0;
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    return (int)value;
}
