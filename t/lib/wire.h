/* wire - milter packets over a socket that never blocks; the caller waits */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_T_WIRE_H
#define TAMIS_T_WIRE_H

#include "buf.h"

/* One connection. Packets are a length of four bytes (network order), a command byte, and data. */
struct wire {
    int fd;
    struct buf in, out;
    size_t in_at, out_at; /* what of them is done */
};

enum wire_state {
    WIRE_READY,  /* done; a packet is there */
    WIRE_AGAIN,  /* wait for the socket, then call again */
    WIRE_CLOSED, /* the other side is gone */
    WIRE_BAD,    /* the other side sent a packet of length 0 or beyond WIRE_LIMIT */
};

#define WIRE_LIMIT (1U << 20)

/* Connects to inet:PORT@HOST, inet:HOST:PORT, inet6: alike, unix:PATH, local:PATH or /PATH. A TCP
 * connection may still be under way when this returns; the first wire_flush shows how it ended. */
bool wire_open(struct wire *w, const char *socket_name, struct err *err);
void wire_close(struct wire *w);

/* Queues a packet, or bytes as they are; nothing is sent before wire_flush. */
void wire_put(struct wire *w, char command, const void *data, size_t len);
void wire_put_raw(struct wire *w, const void *data, size_t len);
size_t wire_pending(const struct wire *w); /* bytes queued and not yet sent */

/* WIRE_READY when all that was queued is sent. */
enum wire_state wire_flush(struct wire *w);

/* The next packet; *data is valid until the next call with this wire. */
enum wire_state wire_take(struct wire *w, char *command, struct slice *data);

/* Waits for the socket (for writing too if something is queued) until now_us() is `deadline`. */
bool wire_wait(const struct wire *w, uint64_t deadline);

/* Four bytes in network order. */
uint32_t wire_get32(const char *bytes);
void wire_set32(char *bytes, uint32_t value);

#endif
