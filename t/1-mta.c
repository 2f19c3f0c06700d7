/* 1-mta - the mail server that tests and benchmarks play, against a filter that does nothing */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "mta.h"
#include "tap.h"
#include "wire.h"

#include <libmilter/mfdef.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LONG_MS 20000

struct filter {
    pid_t pid;
    char *socket;
};

/* Starts t/bench/null_filter and waits until it listens. The list of options ends with NULL. */
static struct filter filter_start(const char *name, const char *const *options)
{
    const char *builddir = getenv("builddir");
    char *path = xasprintf("%s/t/bench/null_filter", builddir != NULL ? builddir : ".");
    struct filter f = {.socket = xasprintf("unix:%s/%s", tap_dir(), name)};
    const char *args[16] = {path, "--socket", f.socket};
    char ready[6] = "";
    int fds[2], n = 3;

    while (*options != NULL)
        args[n++] = *options++;
    if (pipe(fds) != 0 || (f.pid = fork()) < 0)
        die("cannot start a filter");
    if (f.pid == 0) {
        dup2(fds[1], 1);
        execv(path, (char *const *)(uintptr_t)args);
        _exit(127);
    }
    close(fds[1]);
    tap_ok(read(fds[0], ready, 5) == 5 && strcmp(ready, "ready") == 0, "filter %s is ready", name);
    close(fds[0]);
    free(path);
    return f;
}

static void filter_stop(struct filter *f)
{
    kill(f->pid, SIGKILL);
    free(f->socket);
}

static void is_action(const struct mta_reply *reply, const char *want, const char *name)
{
    tap_is(mta_action_name(reply->action), want, "%s", name);
}

static const char *const sender[] = {"<a@b.example>", "SIZE=10", NULL};
static const char *const recipient[] = {"<c@d.example>", NULL};

static struct mta *connect_to(const char *socket_name, unsigned ms)
{
    struct err err = {{0}};
    struct mta *m = mta_open(socket_name, NULL, ms, &err);

    if (m == NULL)
        die("%s", err.text);
    return m;
}

static void test_answers_all(void)
{
    struct filter f = filter_start("a", (const char *const[]){"--mode", "A", NULL});
    struct mta *m = connect_to(f.socket, LONG_MS);
    char *body = xcalloc(1, 100000);

    tap_is_int(mta_terms(m)->version, 6, "version");
    tap_is_int(mta_terms(m)->steps, 0, "everything is wanted and answered");
    is_action(mta_connect(m, "mail.example", '4', 25, "192.0.2.7"), "continue", "connect");
    is_action(mta_helo(m, "mail.example"), "continue", "helo");
    is_action(mta_mail(m, sender), "continue", "mail");
    is_action(mta_rcpt(m, recipient), "continue", "rcpt");
    is_action(mta_unknown(m, "XYZZY"), "continue", "unknown");
    is_action(mta_data(m), "continue", "data");
    is_action(mta_header(m, "Subject", " x"), "continue", "header");
    is_action(mta_eoh(m), "continue", "eoh");
    is_action(mta_body(m, body, 100000), "continue", "body in two pieces");
    is_action(mta_eom(m), "continue", "eom");
    mta_abort(m);
    is_action(mta_mail(m, sender), "continue", "a second message");
    tap_ok(mta_quit(m), "quit");
    mta_close(m);
    free(body);
    filter_stop(&f);
}

static void test_steps(void)
{
    struct filter f = filter_start("b", (const char *const[]){"--mode", "B", "--actions", "0x1",
                                                              "--steps", "0x1c7390", "--symbols",
                                                              "0=j {client_addr}", NULL});
    struct mta *m = connect_to(f.socket, LONG_MS);

    tap_is_int(mta_terms(m)->actions, 1, "actions as negotiated");
    tap_is_int(mta_terms(m)->steps, 0x1c7390, "steps as negotiated");
    tap_is(mta_terms(m)->symbols[MTA_AT_CONNECT], "j {client_addr}", "list of symbols");
    tap_ok(mta_terms(m)->symbols[MTA_AT_MAIL] == NULL, "no list for MAIL");
    is_action(mta_connect(m, "mail.example", '6', 25, "2001:db8::1"), "none", "connect, NR_CONN");
    is_action(mta_helo(m, "mail.example"), "none", "helo, NR_HELO");
    is_action(mta_mail(m, sender), "none", "mail, NR_MAIL");
    is_action(mta_rcpt(m, recipient), "continue", "rcpt is answered");
    is_action(mta_data(m), "none", "data is not wanted");
    is_action(mta_header(m, "Subject", " x"), "none", "header, NR_HDR");
    is_action(mta_eoh(m), "none", "eoh, NR_EOH");
    is_action(mta_body(m, "x", 1), "none", "body is not wanted");
    is_action(mta_eom(m), "continue", "eom is answered");
    tap_ok(mta_quit(m), "quit");
    mta_close(m);
    filter_stop(&f);
}

/* A filter that reads all it gets and sends what the test gave it, once per event. */
struct puppet {
    int listener;
    const char *answers[8];
    size_t lens[8];
    size_t count;
    bool stays; /* after the last answer it reads on, else it closes */
    struct buf got;
    pthread_t thread;
    char *socket;
};

static void *puppet_play(void *arg)
{
    struct puppet *p = arg;
    struct wire w = {.fd = accept(p->listener, NULL, NULL)};
    struct slice data;
    size_t next = 0;
    char command;

    while ((next < p->count || p->stays) && wire_take(&w, &command, &data) == WIRE_READY) {
        buf_addc(&p->got, command);
        if (command == SMFIC_MACRO)
            for (size_t i = 0; i < data.len; i++)
                buf_addc(&p->got, data.ptr[i] ? data.ptr[i] : '|');
        if (command == SMFIC_MACRO || next == p->count)
            continue;
        wire_put_raw(&w, p->answers[next], p->lens[next]);
        next++;
        wire_flush(&w);
    }
    wire_close(&w);
    return NULL;
}

#define TERMS "\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\x10\4\0"

static void puppet_add(struct puppet *p, const char *answer, size_t len)
{
    p->answers[p->count] = answer;
    p->lens[p->count++] = len;
}

static struct mta *puppet_start(struct puppet *p, unsigned ms)
{
    static int serial;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/puppet%d", tap_dir(), serial++);
    p->socket = xasprintf("unix:%s", sun.sun_path);
    p->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(p->listener, (struct sockaddr *)&sun, sizeof(sun)) != 0 || listen(p->listener, 1) != 0)
        die("%s cannot be bound", sun.sun_path);
    if (pthread_create(&p->thread, NULL, puppet_play, p) != 0)
        die("no thread");
    return connect_to(p->socket, ms);
}

static void puppet_end(struct puppet *p, struct mta *m)
{
    mta_close(m);
    pthread_join(p->thread, NULL);
    close(p->listener);
    buf_free(&p->got);
    free(p->socket);
}

static void test_replies(void)
{
    static const struct {
        const char *packet;
        size_t len;
        const char *action, *text;
    } rows[] = {
        {"\0\0\0\1c", 5, "continue", NULL},
        {"\0\0\0\1a", 5, "accept", NULL},
        {"\0\0\0\1r", 5, "reject", NULL},
        {"\0\0\0\1t", 5, "tempfail", NULL},
        {"\0\0\0\1d", 5, "discard", NULL},
        {"\0\0\0\1s", 5, "skip", NULL},
        {"\0\0\0\1" "4", 5, "shutdown", NULL},
        {"\0\0\0\1f", 5, "conn_fail", NULL},
        {"\0\0\0\x15y550 5.7.1 100%% %ok\0", 25, "replycode", "550 5.7.1 100% ok"},
        {"\0\0\0\x0cy250 2.0.0 \0", 16, "broken", "malformed reply: 250 2.0.0 "},
        {"\0\0\0\x0cy550 4.7.1 \0", 16, "broken", "malformed reply: 550 4.7.1 "},
        {"\0\0\0\4y550", 8, "broken", "reply text without an end"},
        {"\0\0\0\2cx", 6, "broken", "reply 'c' with 1 bytes of data"},
        {"\0\0\0\1!", 5, "broken", "unknown reply 0x21"},
        {"\0\0\0\4ha\0b", 8, "broken", "edit 'h' with wrong data"},
        {"\0\0\0\0", 4, "broken", "packet of an impossible length"},
        {"\xff\xff\xff\xff", 4, "broken", "packet of an impossible length"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct puppet p = {.stays = true};
        const struct mta_reply *reply;
        struct mta *m;

        puppet_add(&p, TERMS, sizeof(TERMS) - 1);
        puppet_add(&p, rows[i].packet, rows[i].len);
        m = puppet_start(&p, LONG_MS);
        reply = mta_eom(m);
        is_action(reply, rows[i].action, "reply");
        tap_is(reply->text, rows[i].text, "its text");
        puppet_end(&p, m);
    }
}

static void test_edits(void)
{
    static const char packets[] = "\0\0\0\1p\0\0\0\6hA\0 b\0\0\0\0\6q1234\0\0\0\0\x0ai\0\0\0\1C\0 d\0"
                                  "\0\0\0\x09" "2<a>\0X=Y\0\0\0\0\4bxyz\0\0\0\1a";
    struct puppet p = {.stays = true};
    const struct mta_reply *reply;
    struct mta *m;

    puppet_add(&p, TERMS, sizeof(TERMS) - 1);
    puppet_add(&p, packets, sizeof(packets) - 1);
    m = puppet_start(&p, LONG_MS);
    reply = mta_eom(m);
    is_action(reply, "accept", "edits, then accept");
    tap_is_int((long long)reply->mod_count, 5, "five edits");
    tap_is_int(reply->progress, 1, "one request for patience");
    if (reply->mod_count == 5) {
        const struct mta_mod *e = reply->mods;

        tap_ok(e[0].op == 'h' && !strcmp(e[0].name, "A") && !strcmp(e[0].value, " b"), "add");
        tap_ok(e[1].op == 'q' && !strcmp(e[1].name, "1234"), "quarantine");
        tap_ok(e[2].op == 'i' && e[2].index == 1 && !strcmp(e[2].value, " d"), "insert");
        tap_ok(e[3].op == '2' && !strcmp(e[3].name, "<a>") && !strcmp(e[3].value, "X=Y"), "rcpt");
        tap_ok(e[4].op == 'b' && e[4].value_len == 3, "body");
    }
    puppet_end(&p, m);
}

static void test_macros(void)
{
    static const char terms[] = "\0\0\0\x1eO\0\0\0\6\0\0\1\xff\0\0\x20\x80\0\0\0\2i {x} {none}\0";
    struct puppet p = {.stays = true};
    struct mta *m;

    puppet_add(&p, terms, sizeof(terms) - 1);
    puppet_add(&p, "", 0);
    puppet_add(&p, "\0\0\0\1c", 5);
    m = puppet_start(&p, LONG_MS);
    mta_macro(m, "j", "mx");
    mta_macro(m, "{x}", "y");
    mta_macro(m, "i", "Q1");
    mta_macro(m, "i", "Q2");
    is_action(mta_helo(m, "h"), "none", "helo is not answered");
    is_action(mta_mail(m, sender), "continue", "mail is");
    mta_quit(m);
    pthread_join(p.thread, NULL);
    tap_is(buf_text(&p.got), "ODHHDMi|Q2|{x}|y|MQ",
           "macro packets in front, empty ones too; the filter's list instead of the preset");
    close(p.listener);
    buf_free(&p.got);
    free(p.socket);
    mta_close(m);
}

static void test_faults(void)
{
    struct puppet p = {.stays = true}, q = {.stays = false};
    struct err err = {{0}};
    struct mta *m;

    puppet_add(&p, TERMS, sizeof(TERMS) - 1);
    m = puppet_start(&p, 200);
    is_action(mta_helo(m, "h"), "timeout", "a filter that says nothing");
    is_action(mta_mail(m, sender), "timeout", "there is no second try");
    puppet_end(&p, m);
    puppet_add(&q, TERMS, sizeof(TERMS) - 1);
    m = puppet_start(&q, LONG_MS);
    pthread_join(q.thread, NULL);
    is_action(mta_helo(m, "h"), "closed", "a filter that is gone");
    is_action(mta_eom(m), "closed", "it stays away");
    close(q.listener);
    buf_free(&q.got);
    free(q.socket);
    mta_close(m);
    tap_ok(mta_open("unix:/nonexistent/socket", NULL, LONG_MS, &err) == NULL, "nobody there");
    tap_is(err.text, "/nonexistent/socket: No such file or directory", "and why");
    tap_ok(mta_open("tcp:1@x", NULL, LONG_MS, &err) == NULL, "no such kind of socket");
}

int main(void)
{
    tap_start(60);
    signal(SIGPIPE, SIG_IGN);
    test_answers_all();
    test_steps();
    test_replies();
    test_edits();
    test_macros();
    test_faults();
    return tap_done();
}
