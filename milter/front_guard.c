/* front_guard - what libmilter calls of the C library, made safe: accept and read */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "front_guard.h"

#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 100000000 /* until libmilter may try to accept again */

enum {
    HEAD_BYTES = 5,    /* of a packet: its length, its letter */
    COUNTERS = 1 << 16 /* more connections there are not at a time */
};

/* The packet that a thread is reading. libmilter reads its head, then all the rest, in one function
 * that no other reading interrupts: so it belongs to the thread, although a connection does not.
 * It may give up between the two, when poll(2) tells of an error, and then the next connection
 * with this descriptor begins with a packet of its own. */
struct packet {
    int fd;
    unsigned connection; /* of this descriptor: the number of it */
    unsigned char head[HEAD_BYTES];
    size_t have, left; /* bytes of the head; bytes that are to come behind it */
    size_t nuls;       /* among those that came */
};

static atomic_bool started;
static _Thread_local struct packet packet;
static atomic_uint accepted_by_fd[COUNTERS];

void guard_start(void)
{
    atomic_store(&started, true);
}

static atomic_uint *connection_of(int fd)
{
    return &accepted_by_fd[(unsigned)fd % COUNTERS];
}

static bool is_short_of_something(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int accept(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len)
{
    static struct log_limit limit;
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int accepted = accept4(fd, addr, len, 0), error = errno;

    if (accepted < 0 && atomic_load(&started) && is_short_of_something(error)) {
        log_limited(&limit, LOG_ERR,
                    "a connection of the MTA has to wait: %s; raise the number of open files "
                    "(ulimit -n, LimitNOFILE=)",
                    strerror(error));
        nanosleep(&pause, NULL);
    }
    if (accepted >= 0)
        atomic_fetch_add(connection_of(accepted), 1);
    errno = error;
    return accepted;
}

static size_t count_nuls(const unsigned char *bytes, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += bytes[i] == '\0';
    return count;
}

static void read_head(struct packet *p, const unsigned char *bytes, size_t len)
{
    uint32_t announced;

    memcpy(p->head + p->have, bytes, len);
    p->have += len;
    if (p->have < HEAD_BYTES)
        return;
    memcpy(&announced, p->head, sizeof(announced));
    announced = ntohl(announced);
    p->left = announced > 1 ? announced - 1 : 0;
    if (p->left == 0)
        *p = (struct packet){.fd = -1};
}

/* Behind the letter and that of the stage: NAME NUL VALUE NUL, and so on. */
static bool read_rest(struct packet *p, const unsigned char *bytes, size_t len)
{
    bool sound;

    if (p->head[HEAD_BYTES - 1] == 'D')
        p->nuls += count_nuls(bytes, len);
    p->left -= len;
    sound = p->left > 0 || p->nuls % 2 == 0;
    if (p->left == 0)
        *p = (struct packet){.fd = -1};
    return sound;
}

/* What was read from `fd`, at most `size` bytes of which were wanted. False: not to be given to
 * libmilter. */
static bool is_sound(int fd, const unsigned char *bytes, size_t len, size_t size)
{
    struct packet *p = &packet;
    size_t wanted = p->have < HEAD_BYTES ? HEAD_BYTES - p->have : p->left;
    unsigned connection = atomic_load(connection_of(fd));

    if (p->fd != fd || p->connection != connection || size != wanted) {
        if (size != HEAD_BYTES)
            return true; /* no packet, or none that was followed from its beginning */
        *p = (struct packet){.fd = fd, .connection = connection};
    }
    if (p->have == HEAD_BYTES)
        return read_rest(p, bytes, len);
    read_head(p, bytes, len);
    return true;
}

ssize_t read(int fd, void *buf, size_t size)
{
    static struct log_limit limit;
    ssize_t got = syscall(SYS_read, fd, buf, size);

    if (!atomic_load_explicit(&started, memory_order_relaxed))
        return got;
    if (got <= 0)
        packet = (struct packet){.fd = -1}; /* there will be no rest, but others with this fd */
    if (got <= 0 || is_sound(fd, buf, (size_t)got, size))
        return got;
    log_limited(&limit, LOG_ERR, "the MTA sent a macro without a value: its connection is closed");
    errno = EBADMSG;
    return -1;
}
