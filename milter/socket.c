/* socket - where the MTA reaches us: every spelling that administrators know, and clear errors */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "socket.h"

#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPELLINGS "write inet:PORT@HOST, unix:/PATH or fd:N"

static bool parse_unix(struct slice path, const char *dir, struct socket_spec *spec,
                       struct err *err)
{
    const char *base = dir != NULL && path.len > 0 && path.ptr[0] != '/' ? dir : "";
    int len;

    if (path.len == 0)
        return err_set(err, "a path is missing: write unix:/PATH");
    if (memchr(path.ptr, ',', path.len) != NULL) {
        return err_set(err, "%.*s: there is one socket only; give the MTA and tamis the same one",
                       (int)path.len, path.ptr);
    }
    len = snprintf(spec->path, sizeof(spec->path), "%s%s%.*s", base, base[0] != '\0' ? "/" : "",
                   (int)path.len, path.ptr);
    if (len < 0 || (size_t)len >= sizeof(spec->path)) {
        return err_set(err, "the socket's path is longer than %zu bytes: use a shorter one",
                       sizeof(spec->path) - 1);
    }
    spec->kind = SOCKET_UNIX;
    return true;
}

static bool parse_fd(struct slice number, struct socket_spec *spec, struct err *err)
{
    long value;

    if (!parse_long(number, 0, 1000000, &value)) {
        return err_set(err, "fd:%.*s: a descriptor's number is wanted, as in fd:3", (int)number.len,
                       number.ptr);
    }
    spec->kind = SOCKET_FD;
    spec->fd = (int)value;
    return true;
}

/* Takes [ ] off. */
static struct slice bare_host(struct slice host)
{
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        return (struct slice){host.ptr + 1, host.len - 2};
    return host;
}

/* port@host, host:port or port. A lone number or service is a port. */
static void split_inet(struct slice rest, struct slice *host, struct slice *port)
{
    const char *at = memchr(rest.ptr, '@', rest.len);
    const char *colon = memrchr(rest.ptr, ':', rest.len);
    const char *bracket = memrchr(rest.ptr, ']', rest.len);
    const char *end = rest.ptr + rest.len;

    if (at != NULL) {
        *port = (struct slice){rest.ptr, (size_t)(at - rest.ptr)};
        *host = (struct slice){at + 1, (size_t)(end - at - 1)};
    } else if (colon != NULL && (bracket == NULL || colon > bracket)) {
        *host = (struct slice){rest.ptr, (size_t)(colon - rest.ptr)};
        *port = (struct slice){colon + 1, (size_t)(end - colon - 1)};
    } else {
        *host = (struct slice){rest.ptr, 0};
        *port = rest;
    }
}

static int resolve(const char *host, const char *port, int family, struct socket_spec *spec)
{
    struct addrinfo hints = {
        .ai_family = family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE,
    };
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, port, &hints, &found);

    if (failed == 0) {
        memcpy(&spec->addr, found->ai_addr, found->ai_addrlen);
        spec->addr_len = found->ai_addrlen;
        freeaddrinfo(found);
    }
    return failed;
}

static bool parse_inet(struct slice rest, bool six, struct socket_spec *spec, struct err *err)
{
    struct slice host, port;
    char host_text[256], port_text[64];
    long number;
    int failed;
    bool any;

    split_inet(rest, &host, &port);
    any = host.len == 0 || slice_is(host, "*");
    host = bare_host(host);
    if (port.len == 0 || port.len >= sizeof(port_text) || host.len >= sizeof(host_text)) {
        return err_set(err, "inet%s:%.*s: a port is missing: write inet:8894@localhost",
                       six ? "6" : "", (int)rest.len, rest.ptr);
    }
    snprintf(host_text, sizeof(host_text), "%.*s", (int)host.len, host.ptr);
    snprintf(port_text, sizeof(port_text), "%.*s", (int)port.len, port.ptr);
    if (is_digit(port.ptr[0]) && !parse_long(port, 1, 65535, &number))
        return err_set(err, "%s is no port: ports are 1 to 65535", port_text);
    spec->kind = SOCKET_INET;
    failed = resolve(any ? NULL : host_text, port_text, six ? AF_INET6 : AF_INET, spec);
    if (failed && !six)
        failed = resolve(any ? NULL : host_text, port_text, AF_INET6, spec);
    if (failed == EAI_SERVICE) {
        return err_set(err, "%s is no port and no name in /etc/services: write a number",
                       port_text);
    }
    if (failed) {
        return err_set(err, "%s: %s; write the address, as in inet:%s@%s", host_text,
                       gai_strerror(failed), port_text, six ? "[::1]" : "127.0.0.1");
    }
    return true;
}

bool socket_parse(const char *text, const char *dir, struct socket_spec *spec, struct err *err)
{
    struct slice all = slice_trim(slice_of(text)), type, rest;
    const char *colon = all.len > 0 ? memchr(all.ptr, ':', all.len) : NULL;

    memset(spec, 0, sizeof(*spec));
    spec->fd = -1;
    if (all.len > 0 && all.ptr[0] == '/')
        return parse_unix(all, NULL, spec, err);
    if (colon == NULL)
        return err_set(err, "\"%.*s\" is no socket: " SPELLINGS, (int)all.len, all.ptr);
    type = (struct slice){all.ptr, (size_t)(colon - all.ptr)};
    rest = slice_trim((struct slice){colon + 1, all.len - type.len - 1});
    if (slice_is_nocase(type, "unix") || slice_is_nocase(type, "local"))
        return parse_unix(rest, dir, spec, err);
    if (slice_is_nocase(type, "inet") || slice_is_nocase(type, "inet6"))
        return parse_inet(rest, type.len == 5, spec, err);
    if (slice_is_nocase(type, "fd"))
        return parse_fd(rest, spec, err);
    return err_set(err, "\"%.*s\": unknown kind of socket \"%.*s\": " SPELLINGS, (int)all.len,
                   all.ptr, (int)type.len, type.ptr);
}

void socket_text(const struct socket_spec *spec, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "", port[8] = "";

    if (spec->kind == SOCKET_FD) {
        snprintf(text, size, "fd:%d", spec->fd);
    } else if (spec->kind == SOCKET_UNIX) {
        snprintf(text, size, "unix:%s", spec->path);
    } else {
        getnameinfo((const struct sockaddr *)&spec->addr, spec->addr_len, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
        snprintf(text, size, "%s:%s@[%s]", spec->addr.ss_family == AF_INET6 ? "inet6" : "inet",
                 port, host);
    }
}

static bool claim_fd(int fd, struct err *err)
{
    int listening = 0, type = 0;
    socklen_t size = sizeof(int);

    if (fcntl(fd, F_GETFD) < 0) {
        return err_set(err,
                       "fd:%d is not open: it must be passed by systemd (tamis.socket) or the "
                       "shell; else use inet: or unix:",
                       fd);
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM)
        return err_set(err, "fd:%d is no listening stream socket: check the socket unit", fd);
    return true;
}

static bool claim_inet(const struct socket_spec *spec, const char *name, struct err *err)
{
    char holder[256];
    int on = 1, failed;
    int fd = socket(spec->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_set(err, "%s: %s", name, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    failed = bind(fd, (const struct sockaddr *)&spec->addr, spec->addr_len) < 0 ? errno : 0;
    if (!failed)
        failed = listen(fd, 1) < 0 ? errno : 0;
    close(fd);
    if (failed == EADDRINUSE) {
        holder_of_port(&spec->addr, holder, sizeof(holder));
        return err_set(err, "%s is in use by %s: stop that, or choose another port", name, holder);
    }
    if (failed == EACCES)
        return err_set(err, "%s: ports below 1024 need root: choose another, 8894 is usual", name);
    if (failed)
        return err_set(err, "%s: %s", name, strerror(failed));
    return true;
}

/* "opendkim (process 1234)" of the process on the other side of a connected unix socket. */
static void peer_text(int fd, char *text, size_t size)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid > 0)
        holder_of_pid(cred.pid, text, size);
    else
        snprintf(text, size, "another program");
}

/* 0: somebody answers there; else the errno of the attempt. */
static int try_connect(const char *path, char *peer, size_t size)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed = 0;

    if (fd < 0)
        return errno;
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        failed = errno;
    else
        peer_text(fd, peer, size);
    close(fd);
    return failed;
}

static bool claim_unix(const char *path, struct err *err)
{
    struct stat st;
    char peer[128] = "another program";
    int failed;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? true : err_set(err, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode)) {
        return err_set(err,
                       "%s exists and is not a socket: it is left alone; move it away or "
                       "choose another path",
                       path);
    }
    failed = try_connect(path, peer, sizeof(peer));
    if (failed == 0 || failed == EAGAIN)
        return err_set(err, "%s is in use by %s: stop that, or choose another path", path, peer);
    if (failed != ECONNREFUSED)
        return err_set(err, "%s: is the socket stale? %s", path, strerror(failed));
    if (unlink(path) < 0 && errno != ENOENT)
        return err_set(err, "%s is stale but cannot be removed: %s", path, strerror(errno));
    return true;
}

bool socket_claim(const struct socket_spec *spec, struct err *err)
{
    char name[160];

    socket_text(spec, name, sizeof(name));
    switch (spec->kind) {
    case SOCKET_FD:
        return claim_fd(spec->fd, err);
    case SOCKET_UNIX:
        return claim_unix(spec->path, err);
    case SOCKET_INET:
        break;
    }
    return claim_inet(spec, name, err);
}

void socket_hurry(void)
{
    for (int fd = 0; fd < 256; fd++) {
        int listening = 0, on = 1;
        socklen_t size = sizeof(listening);
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening) {
            /* a unix socket refuses it */
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        }
    }
}

bool socket_park(int fd)
{
    struct sockaddr_un nameless = {.sun_family = AF_UNIX};
    int quiet = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* unix(7), autobind: the kernel finds a name that nobody knows */
    bool parked = quiet >= 0 &&
                  bind(quiet, (const struct sockaddr *)&nameless, sizeof(sa_family_t)) == 0 &&
                  listen(quiet, 1) == 0 && dup3(quiet, fd, O_CLOEXEC) == fd;
    if (quiet >= 0)
        close(quiet);
    return parked;
}
