/* control - the control socket of the running filter: `tamis reload` and `tamis status` */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include "maintain.h"
#include "rights.h"
#include "socket.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { CLIENTS_MAX = 16, LINE_MAX_BYTES = 64, GROUPS_MAX = 256 };
#define TALK_US   5000000   /* a client may take so long to ask, and to read */
#define RELOAD_US 300000000 /* and wait so long for a reload */

/* One client; fd -1: none. */
struct caller {
    int fd;
    uint64_t deadline_us;
    char line[LINE_MAX_BYTES];
    size_t len;
    unsigned ticket; /* waits for this reload; 0: for none */
    bool json;
    struct buf answer; /* being sent */
    size_t sent;
};

static int listen_fd = -1, stop_fd = -1;
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static pthread_t thread;
static const struct status_source *source;
static struct caller callers[CLIENTS_MAX];

bool control_open(const char *path, struct err *err)
{
    struct socket_spec spec = {.kind = SOCKET_UNIX};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd, error;
    mode_t mask;
    bool bound;

    if (strlen(path) >= sizeof(addr.sun_path)) {
        return err_set(err, "%s: longer than %zu bytes: use a shorter path", path,
                       sizeof(addr.sun_path) - 1);
    }
    snprintf(spec.path, sizeof(spec.path), "%s", path);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    if (!socket_claim(&spec, err))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mask = umask(0117);
    bound = fd >= 0 && bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0;
    error = errno;
    umask(mask);
    if (!bound || listen(fd, 8) < 0) {
        error = bound ? errno : error;
        if (fd >= 0)
            close(fd);
        return err_set(err, "%s: %s", path, strerror(error));
    }
    listen_fd = fd;
    snprintf(socket_path, sizeof(socket_path), "%s", path);
    return true;
}

static bool may_ask(int fd)
{
    struct ucred cred;
    socklen_t size = sizeof(cred);
    gid_t groups[GROUPS_MAX];
    socklen_t groups_size = sizeof(groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
        return false;
    if (cred.uid == 0 || cred.uid == geteuid() || cred.gid == getegid())
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) < 0)
        return false;
    for (size_t i = 0; i < groups_size / sizeof(gid_t); i++)
        if (groups[i] == getegid())
            return true;
    return false;
}

static void hang_up(struct caller *caller)
{
    close(caller->fd);
    buf_free(&caller->answer);
    *caller = (struct caller){.fd = -1};
}

/* A free place, else that of whoever has been there longest without having asked. */
static struct caller *place_for_caller(void)
{
    struct caller *oldest = NULL;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct caller *caller = &callers[i];

        if (caller->fd < 0)
            return caller;
        if (caller->ticket == 0 && (oldest == NULL || caller->deadline_us < oldest->deadline_us))
            oldest = caller;
    }
    if (oldest != NULL)
        hang_up(oldest);
    return oldest;
}

static void accept_caller(void)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct caller *caller = fd >= 0 && may_ask(fd) ? place_for_caller() : NULL;

    if (caller != NULL)
        *caller = (struct caller){.fd = fd, .deadline_us = now_us() + TALK_US};
    else if (fd >= 0)
        close(fd);
}

static void send_answer(struct caller *caller)
{
    size_t left = caller->answer.len - caller->sent;
    ssize_t sent = send(caller->fd, caller->answer.ptr + caller->sent, left, MSG_NOSIGNAL);

    if (sent > 0)
        caller->sent += (size_t)sent;
    if ((sent < 0 && errno != EAGAIN && errno != EINTR) || caller->sent == caller->answer.len)
        hang_up(caller);
}

static void set_answer(struct caller *caller, int status, const struct buf *text)
{
    buf_addf(&caller->answer, "%d\n", status);
    buf_add(&caller->answer, buf_text(text), text->len);
    caller->ticket = 0;
    caller->deadline_us = now_us() + TALK_US;
    send_answer(caller);
}

static void render_reload(const struct reload_report *report, bool json, struct buf *out)
{
    const char *comma = "";

    if (!json) {
        buf_adds(out, report->problems);
        buf_addf(out,
                 report->refused ? "reload refused: generation %u stays in force\n"
                                 : "reloaded: generation %u\n",
                 report->generation);
        return;
    }
    buf_addf(out, "{\"reloaded\":%s,\"generation\":%u,\"files\":%zu,\"problems\":[",
             report->refused ? "false" : "true", report->generation, report->files);
    for (const char *line = report->problems; *line != '\0'; comma = ",") {
        size_t len = strcspn(line, "\n");

        buf_adds(out, comma);
        buf_add_json(out, line, len);
        line += len + (line[len] == '\n');
    }
    buf_adds(out, "]}\n");
}

static void answer_reload(struct caller *caller)
{
    struct reload_report report;
    struct buf text = {0};

    maintain_report(&report);
    if ((int)(report.served - caller->ticket) >= 0) {
        render_reload(&report, caller->json, &text);
        set_answer(caller, report.refused ? EX_CONFIG : EX_OK, &text);
    }
    buf_free(&text);
    free(report.problems);
}

/* "reload by root (uid 0)" */
static const char *name_caller(int fd, char *text, size_t size)
{
    struct ucred cred;
    socklen_t cred_size = sizeof(cred);
    char name[33] = "somebody";

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_size) < 0)
        return "tamis reload";
    rights_user_name(cred.uid, name, sizeof(name));
    snprintf(text, size, "reload by %s (uid %u)", name, cred.uid);
    return text;
}

static void answer_line(struct caller *caller)
{
    struct buf text = {0};
    char *space = strchr(caller->line, ' ');

    caller->json = space != NULL && strcmp(space, " json") == 0;
    if (space != NULL)
        *space = '\0';
    if (strcmp(caller->line, "reload") == 0) {
        char who[64];

        caller->ticket = maintain_reload(name_caller(caller->fd, who, sizeof(who)));
        caller->deadline_us = now_us() + RELOAD_US;
        return;
    }
    if (strcmp(caller->line, "status") == 0) {
        set_answer(caller, status_render(source, caller->json, &text), &text);
    } else {
        buf_adds(&text, "unknown request: ask for reload or status\n");
        set_answer(caller, EX_USAGE, &text);
    }
    buf_free(&text);
}

static void read_line(struct caller *caller)
{
    size_t room = sizeof(caller->line) - 1 - caller->len;
    ssize_t got = recv(caller->fd, caller->line + caller->len, room, 0);
    char *end;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        hang_up(caller);
        return;
    }
    caller->len += (size_t)got;
    caller->line[caller->len] = '\0';
    end = memchr(caller->line, '\n', caller->len);
    if (end != NULL) {
        *end = '\0';
        answer_line(caller);
    } else if (caller->len == sizeof(caller->line) - 1) {
        hang_up(caller);
    }
}

static void serve_caller(struct caller *caller, short events)
{
    if (caller->answer.len) {
        send_answer(caller);
    } else if (caller->ticket) {
        if (events & (POLLHUP | POLLERR))
            hang_up(caller);
    } else {
        read_line(caller);
    }
}

/* Fills what poll waits for; the first three are our own descriptors. Returns the time to wait. */
static int prepare(struct pollfd *polled)
{
    uint64_t now = now_us(), wait = 60000000;

    polled[0] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = listen_fd, .events = POLLIN};
    polled[2] = (struct pollfd){.fd = maintain_event_fd(), .events = POLLIN};
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct caller *caller = &callers[i];
        short events = caller->answer.len ? POLLOUT : caller->ticket ? 0 : POLLIN;

        if (caller->fd >= 0 && caller->deadline_us <= now)
            hang_up(caller);
        if (caller->fd >= 0 && caller->deadline_us - now < wait)
            wait = caller->deadline_us - now;
        polled[3 + i] = (struct pollfd){.fd = caller->fd, .events = events};
    }
    return (int)(wait / 1000) + 1;
}

static void reload_ended(void)
{
    uint64_t count;
    ssize_t ignored = read(maintain_event_fd(), &count, sizeof(count));

    (void)ignored;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (callers[i].fd >= 0 && callers[i].ticket)
            answer_reload(&callers[i]);
}

static void *run(void *arg)
{
    struct pollfd polled[3 + CLIENTS_MAX];

    (void)arg;
    for (;;) {
        int timeout = prepare(polled);

        if (poll(polled, ARRAY_LEN(polled), timeout) <= 0)
            continue;
        if (polled[0].revents)
            return NULL;
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            if (polled[3 + i].revents && callers[i].fd == polled[3 + i].fd)
                serve_caller(&callers[i], polled[3 + i].revents);
        if (polled[2].revents)
            reload_ended();
        if (polled[1].revents)
            accept_caller();
    }
}

void control_start(const struct status_source *from)
{
    source = from;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        callers[i] = (struct caller){.fd = -1};
    stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (stop_fd < 0 || pthread_create(&thread, NULL, run, NULL) != 0)
        die("no control thread: too many threads or descriptors");
}

void control_stop(void)
{
    uint64_t one = 1;

    if (stop_fd >= 0) {
        ssize_t ignored = write(stop_fd, &one, sizeof(one));

        (void)ignored;
        pthread_join(thread, NULL);
        close(stop_fd);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            if (callers[i].fd >= 0)
                hang_up(&callers[i]);
    }
    if (listen_fd >= 0) {
        close(listen_fd);
        unlink(socket_path);
    }
    listen_fd = stop_fd = -1;
}
