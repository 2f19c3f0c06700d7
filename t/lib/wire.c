/* wire - milter packets over a socket that never blocks; the caller waits */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

uint32_t wire_get32(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

void wire_set32(char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(value >> (24 - 8 * i));
}

/* Unix sockets connect at once or wait for a place in the backlog, so they may block here. */
static int open_unix(const char *path, struct err *err)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(sun.sun_path)) {
        err_set(err, "%s: too long for a socket", path);
        return -1;
    }
    strcpy(sun.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
        err_set(err, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static int open_tcp(const char *host, const char *port, int family, struct err *err)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *list, *ai;
    int fd = -1, one = 1, rc = getaddrinfo(host, port, &hints, &list);

    if (rc != 0) {
        err_set(err, "%s port %s: %s", host, port, gai_strerror(rc));
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 || errno == EINPROGRESS))
            break;
        err_set(err, "%s port %s: %s", host, port, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* PORT@HOST as libmilter writes it, HOST:PORT as Postfix does. */
static int open_inet(const char *place, int family, struct err *err)
{
    char *copy = xstrdup(place), *split = strchr(copy, '@');
    const char *host = copy, *port = copy;
    int fd = -1;

    if (split != NULL)
        host = split + 1;
    else if ((split = strrchr(copy, ':')) != NULL)
        port = split + 1;
    if (split == NULL) {
        err_set(err, "inet:%s: PORT@HOST or HOST:PORT is needed", place);
    } else {
        *split = '\0';
        fd = open_tcp(host, port, family, err);
    }
    free(copy);
    return fd;
}

bool wire_open(struct wire *w, const char *socket_name, struct err *err)
{
    const char *colon = strchr(socket_name, ':');
    struct slice kind = {socket_name, colon != NULL ? (size_t)(colon - socket_name) : 0};

    *w = (struct wire){.fd = -1};
    if (socket_name[0] == '/')
        w->fd = open_unix(socket_name, err);
    else if (slice_is(kind, "unix") || slice_is(kind, "local"))
        w->fd = open_unix(colon + 1, err);
    else if (slice_is(kind, "inet"))
        w->fd = open_inet(colon + 1, AF_UNSPEC, err);
    else if (slice_is(kind, "inet6"))
        w->fd = open_inet(colon + 1, AF_INET6, err);
    else
        err_set(err, "%s: inet:, inet6:, unix: or local: is needed", socket_name);
    return w->fd >= 0;
}

void wire_close(struct wire *w)
{
    if (w->fd >= 0)
        close(w->fd);
    buf_free(&w->in);
    buf_free(&w->out);
    *w = (struct wire){.fd = -1};
}

void wire_put(struct wire *w, char command, const void *data, size_t len)
{
    char head[5];

    wire_set32(head, (uint32_t)len + 1);
    head[4] = command;
    buf_add(&w->out, head, sizeof(head));
    buf_add(&w->out, data, len);
}

void wire_put_raw(struct wire *w, const void *data, size_t len)
{
    buf_add(&w->out, data, len);
}

size_t wire_pending(const struct wire *w)
{
    return w->out.len - w->out_at;
}

static bool must_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINPROGRESS || errno == ENOTCONN;
}

enum wire_state wire_flush(struct wire *w)
{
    while (wire_pending(w) > 0) {
        ssize_t n = send(w->fd, w->out.ptr + w->out_at, wire_pending(w), MSG_NOSIGNAL);

        if (n > 0)
            w->out_at += (size_t)n;
        else if (n < 0 && must_wait())
            return WIRE_AGAIN;
        else if (n == 0 || errno != EINTR)
            return WIRE_CLOSED;
    }
    buf_clear(&w->out);
    w->out_at = 0;
    return WIRE_READY;
}

/* READY here means that bytes were added. */
static enum wire_state fill(struct wire *w)
{
    char chunk[16384];
    ssize_t n;

    if (w->in_at > 0 && w->in_at == w->in.len) {
        buf_clear(&w->in);
        w->in_at = 0;
    }
    do {
        n = recv(w->fd, chunk, sizeof(chunk), 0);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 && must_wait() ? WIRE_AGAIN : WIRE_CLOSED;
    buf_add(&w->in, chunk, (size_t)n);
    return WIRE_READY;
}

enum wire_state wire_take(struct wire *w, char *command, struct slice *data)
{
    for (;;) {
        size_t have = w->in.len - w->in_at;
        const char *head = have ? w->in.ptr + w->in_at : NULL;
        uint32_t len = have >= 4 ? wire_get32(head) : 1;
        enum wire_state state;

        if (len == 0 || len > WIRE_LIMIT)
            return WIRE_BAD;
        if (have >= 5 && have - 4 >= len) {
            *command = head[4];
            *data = (struct slice){head + 5, len - 1};
            w->in_at += 4 + (size_t)len;
            return WIRE_READY;
        }
        state = fill(w);
        if (state != WIRE_READY)
            return state;
    }
}

bool wire_wait(const struct wire *w, uint64_t deadline)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    uint64_t now = now_us();
    int n;

    if (wire_pending(w) > 0)
        p.events |= POLLOUT;
    if (now >= deadline)
        return false;
    do {
        n = poll(&p, 1, (int)((deadline - now + 999) / 1000));
    } while (n < 0 && errno == EINTR);
    return n > 0;
}
