/* socket - where the MTA reaches us: every spelling that administrators know, and clear errors */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SOCKET_H
#define TAMIS_SOCKET_H

#include "base.h"

#include <sys/socket.h>
#include <sys/un.h>

enum socket_kind { SOCKET_INET, SOCKET_UNIX, SOCKET_FD };

/* A listening place. */
struct socket_spec {
    enum socket_kind kind;
    struct sockaddr_storage addr; /* inet */
    socklen_t addr_len;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* unix */
    int fd;
};

/* Understands `inet:port@host`, `inet:host:port` (Postfix's), `inet:port` (every address), the
 * same with `inet6:` and [ ] around addresses, `unix:/path`, `local:/path`, `/path`, `fd:N`.
 * Port and host may be names; of a host with both kinds of addresses `inet:` takes IPv4. A
 * relative path is relative to `dir`. May ask the resolver, so may block. False: err says what
 * is wrong and what to write. */
bool socket_parse(const char *text, const char *dir, struct socket_spec *spec, struct err *err);

/* The same place as libmilter spells it: "inet:8894@[127.0.0.1]", "unix:/path", "fd:3". */
void socket_text(const struct socket_spec *spec, char *text, size_t size);

/* Can we listen there? Nothing is changed, but for a stale socket (one that nobody answers)
 * which is removed. "In use" names the program that holds it, where this can be seen. Any other
 * kind of file at the path is left alone and an error. */
bool socket_claim(const struct socket_spec *spec, struct err *err);

/* Connections accepted from the listening sockets of this process, which has one at that time,
 * send at once (TCP_NODELAY, which Linux hands on): libmilter writes each edit by itself, and
 * without this the second one waits for the acknowledgement of the first, 40 ms. */
void socket_hurry(void);

/* From now on nothing is accepted from a descriptor that somebody else (systemd) holds, too:
 * clients wait in its queue for the next filter. Its place is taken by a socket at which nobody
 * calls. False: they are still accepted. */
bool socket_park(int fd);

#endif
