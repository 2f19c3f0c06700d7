/* milter_bench - plays many SMTP sessions to a filter and measures what they cost the filter */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "eml.h"
#include "meter.h"
#include "mta.h"

#include <errno.h>
#include <getopt.h>
#include <libmilter/mfdef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define TIMEOUT_MS 30000

struct plan {
    const char *socket;
    pid_t pid;
    unsigned connections, messages, headers, body_size;
    char *body;
    char **fields; /* of a given mail: name, NUL, value, NUL; NULL: they are made up */
    size_t *field_sizes;
};

/* One slot plays one session after the other, as one smtpd process does. */
struct slot {
    struct mta *mta;
    unsigned number; /* of the message */
    unsigned step;
    uint64_t started;
    bool wrote; /* epoll watches for writing too */
};

struct bench {
    const struct plan *plan;
    struct slot *slots;
    int epoll;
    unsigned begun, ended, failed;
    uint32_t *latency_us;
    long rss_kb; /* half-way, under load */
};

enum step {
    AT_OFFER,
    AT_CONNECT,
    AT_HELO,
    AT_MAIL,
    AT_RCPT,
    AT_DATA,
    AT_HEADER /* and as many more as there are headers, then EOH, body, EOM */
};

static void set_macros(struct mta *m, unsigned n)
{
    char text[64];

    mta_macro(m, "j", "mx.example.com");
    mta_macro(m, "{daemon_name}", "smtpd");
    mta_macro(m, "{daemon_addr}", "192.0.2.1");
    mta_macro(m, "{daemon_port}", "25");
    mta_macro(m, "v", "Postfix 3.7.11");
    mta_macro(m, "{client_port}", "40000");
    mta_macro(m, "{client_connections}", "1");
    mta_macro(m, "{client_resolve}", "OK");
    snprintf(text, sizeof(text), "198.51.%u.%u", n / 250 % 250, n % 250 + 1);
    mta_macro(m, "{client_addr}", text);
    snprintf(text, sizeof(text), "mail%u.client.example", n % 5000);
    mta_macro(m, "{client_name}", text);
    mta_macro(m, "{client_ptr}", text);
    snprintf(text, sizeof(text), "sender%u@domain%u.example", n % 7000, n % 900);
    mta_macro(m, "{mail_addr}", text);
    mta_macro(m, "{mail_host}", strchr(text, '@') + 1);
    mta_macro(m, "{mail_mailer}", "smtp");
    snprintf(text, sizeof(text), "user%u@example.com", n % 3000);
    mta_macro(m, "{rcpt_addr}", text);
    mta_macro(m, "{rcpt_host}", "example.com");
    mta_macro(m, "{rcpt_mailer}", "local");
    snprintf(text, sizeof(text), "4Q%09u", n);
    mta_macro(m, "i", text);
}

static void add_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text) + 1);
}

static void add_connect(struct buf *b, unsigned n)
{
    buf_addf(b, "mail%u.client.example", n % 5000);
    buf_add(b, "\0004\x9c\x40", 4);
    buf_addf(b, "198.51.%u.%u", n / 250 % 250, n % 250 + 1);
    buf_addc(b, '\0');
}

static void add_header(struct buf *b, unsigned n, unsigned index)
{
    static const char *const names[] = {"From",       "To",           "Subject", "Date",
                                        "Message-Id", "MIME-Version", "Content-Type"};

    if (index < ARRAY_LEN(names))
        add_text(b, names[index]);
    else
        buf_addf(b, "X-Header-%u%c", index, '\0');
    buf_addf(b, " some value %u of a usual length, as headers go in the world (%u)", index, n);
    buf_addc(b, '\0');
}

static bool put_envelope(struct slot *s, struct buf *b)
{
    switch (s->step) {
    case AT_CONNECT:
        add_connect(b, s->number);
        return mta_put(s->mta, SMFIC_CONNECT, b->ptr, b->len);
    case AT_HELO:
        buf_addf(b, "mail%u.client.example%c", s->number % 5000, '\0');
        return mta_put(s->mta, SMFIC_HELO, b->ptr, b->len);
    case AT_MAIL:
        buf_addf(b, "<sender%u@domain%u.example>%c", s->number % 7000, s->number % 900, '\0');
        add_text(b, "SIZE=5000");
        return mta_put(s->mta, SMFIC_MAIL, b->ptr, b->len);
    case AT_RCPT:
        buf_addf(b, "<user%u@example.com>%c", s->number % 3000, '\0');
        return mta_put(s->mta, SMFIC_RCPT, b->ptr, b->len);
    default:
        return mta_put(s->mta, SMFIC_DATA, NULL, 0);
    }
}

static bool put_content(struct slot *s, const struct plan *plan, struct buf *b)
{
    unsigned index = s->step - AT_HEADER;

    if (index < plan->headers) {
        if (plan->fields != NULL)
            return mta_put(s->mta, SMFIC_HEADER, plan->fields[index], plan->field_sizes[index]);
        add_header(b, s->number, index);
        return mta_put(s->mta, SMFIC_HEADER, b->ptr, b->len);
    }
    if (index == plan->headers)
        return mta_put(s->mta, SMFIC_EOH, NULL, 0);
    if (index == plan->headers + 1)
        return mta_put(s->mta, SMFIC_BODY, plan->body, plan->body_size);
    return mta_put(s->mta, SMFIC_BODYEOB, NULL, 0);
}

/* Queues events up to one that is answered; false at the session's end. */
static bool advance(struct slot *s, const struct plan *plan)
{
    struct buf b = {0};
    bool expects = false;

    while (!expects && s->step < AT_HEADER + plan->headers + 2) {
        s->step++;
        buf_clear(&b);
        expects = s->step < AT_HEADER ? put_envelope(s, &b) : put_content(s, plan, &b);
    }
    buf_free(&b);
    return expects;
}

static void watch(struct bench *bench, struct slot *s, int op)
{
    bool writes = mta_wants_write(s->mta);
    struct epoll_event ev = {.events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.ptr = s};

    if (op == EPOLL_CTL_MOD && writes == s->wrote)
        return;
    s->wrote = writes;
    if (epoll_ctl(bench->epoll, op, mta_fd(s->mta), &ev) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void begin(struct bench *bench, struct slot *s)
{
    struct err err = {{0}};

    if (bench->begun == bench->plan->messages)
        return;
    s->number = bench->begun++;
    s->step = AT_OFFER;
    s->started = now_us();
    s->mta = mta_start(bench->plan->socket, NULL, TIMEOUT_MS, &err);
    if (s->mta == NULL)
        die("%s", err.text);
    set_macros(s->mta, s->number);
    s->wrote = false;
    watch(bench, s, EPOLL_CTL_ADD);
}

static void end(struct bench *bench, struct slot *s, bool good)
{
    bench->latency_us[bench->ended++] = (uint32_t)(now_us() - s->started);
    bench->failed += !good;
    if (bench->ended == (bench->plan->messages + 1) / 2)
        bench->rss_kb = meter_rss_kb(bench->plan->pid);
    if (good) {
        mta_abort(s->mta);
        mta_quit(s->mta);
    }
    mta_close(s->mta);
    s->mta = NULL;
    begin(bench, s);
}

/* Access rules may refuse: that is a reply like another, the session goes on or ends. */
static void play(struct bench *bench, struct slot *s)
{
    const struct mta_reply *reply;

    while (s->mta != NULL && (reply = mta_poll(s->mta)) != NULL) {
        if (reply->action >= MTA_CLOSED)
            end(bench, s, false);
        else if (reply->action != MTA_CONTINUE && reply->action != MTA_NEGOTIATED &&
                 reply->action != MTA_SKIP)
            end(bench, s, true);
        else if (!advance(s, bench->plan))
            end(bench, s, true);
    }
    if (s->mta != NULL)
        watch(bench, s, EPOLL_CTL_MOD);
}

static void play_all(struct bench *bench)
{
    struct epoll_event ready[64];

    for (unsigned i = 0; i < bench->plan->connections; i++)
        begin(bench, &bench->slots[i]);
    while (bench->ended < bench->plan->messages) {
        int n = epoll_wait(bench->epoll, ready, ARRAY_LEN(ready), 1000);

        for (int i = 0; i < n; i++)
            play(bench, ready[i].data.ptr);
        for (unsigned i = 0; n == 0 && i < bench->plan->connections; i++)
            if (bench->slots[i].mta != NULL)
                play(bench, &bench->slots[i]);
    }
}

static int measure(const struct plan *plan)
{
    struct bench bench = {.plan = plan, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    uint64_t cpu = meter_cpu_ns(plan->pid), start = now_us(), wall;

    bench.slots = xcalloc(plan->connections, sizeof(*bench.slots));
    bench.latency_us = xcalloc(plan->messages, sizeof(*bench.latency_us));
    play_all(&bench);
    wall = now_us() - start;
    cpu = meter_settled_cpu_ns(plan->pid) - cpu;
    printf("cpu_us=%.2f p50_ms=%.3f p99_ms=%.3f rss_kb=%ld failed=%u seconds=%.2f\n",
           (double)cpu / 1000 / plan->messages,
           meter_percentile(bench.latency_us, plan->messages, 50) / 1000.0,
           meter_percentile(bench.latency_us, plan->messages, 99) / 1000.0, bench.rss_kb,
           bench.failed, (double)wall / 1e6);
    close(bench.epoll);
    free(bench.slots);
    free(bench.latency_us);
    return bench.failed ? 1 : 0;
}

static struct mta *open_or_die(const struct plan *plan)
{
    struct err err = {{0}};
    struct mta *m = mta_open(plan->socket, NULL, TIMEOUT_MS, &err);

    if (m == NULL)
        die("%s", err.text);
    return m;
}

static int show_terms(const struct plan *plan)
{
    struct mta *m = open_or_die(plan);
    const struct mta_terms *t = mta_terms(m);

    printf("actions=0x%x\nsteps=0x%x\n", (unsigned)t->actions, (unsigned)t->steps);
    for (int i = 0; i < MTA_STAGES; i++)
        if (t->symbols[i] != NULL)
            printf("symbols=%d=%s\n", i, t->symbols[i]);
    mta_quit(m);
    mta_close(m);
    return 0;
}

/* Connections that said HELO and then nothing. */
static int measure_idle(const struct plan *plan)
{
    struct mta **list = xcalloc(plan->connections, sizeof(struct mta *));
    long rest_kb = meter_rss_kb(plan->pid);

    for (unsigned i = 0; i < plan->connections; i++) {
        list[i] = open_or_die(plan);
        set_macros(list[i], i);
        mta_connect(list[i], "mail.client.example", '4', 40000, "198.51.100.7");
        mta_helo(list[i], "mail.client.example");
    }
    printf("rest_kb=%ld idle_kb=%ld\n", rest_kb, meter_rss_kb(plan->pid));
    for (unsigned i = 0; i < plan->connections; i++) {
        mta_quit(list[i]);
        mta_close(list[i]);
    }
    free(list);
    return 0;
}

/* --- the mail ---------------------------------------------------------------------------------- */

static void take_field(void *arg, const char *name, const char *value)
{
    struct plan *plan = arg;
    struct buf b = {0};

    add_text(&b, name);
    add_text(&b, value);
    plan->fields = xreallocarray(plan->fields, plan->headers + 1, sizeof(*plan->fields));
    plan->field_sizes = xreallocarray(plan->field_sizes, plan->headers + 1,
                                      sizeof(*plan->field_sizes));
    plan->field_sizes[plan->headers] = b.len;
    plan->fields[plan->headers++] = buf_steal(&b);
}

static void take_body(void *arg, const char *data, size_t len)
{
    struct plan *plan = arg;

    if (plan->body_size + len > MILTER_CHUNK_SIZE)
        die("the mail's body is too large");
    plan->body = xreallocarray(plan->body, plan->body_size + len, 1);
    memcpy(plan->body + plan->body_size, data, len);
    plan->body_size += (unsigned)len;
}

static void read_mail(struct plan *plan, const char *path)
{
    struct eml_events events = {.header = take_field, .body = take_body, .arg = plan};
    struct err err;

    plan->headers = plan->body_size = 0;
    if (!eml_read(path, &events, &err))
        die("%s", err.text);
}

static void make_body(struct plan *plan)
{
    plan->body = xmalloc(plan->body_size + 1);
    for (unsigned i = 0; i < plan->body_size; i++)
        plan->body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : (char)('a' + i % 26);
}

static unsigned number(const char *text)
{
    long n;

    if (!parse_long(slice_of(text), 0, 10000000, &n))
        die("%s: not a number of use", text);
    return (unsigned)n;
}

static int run(struct plan *plan, char mode)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (mode == 't')
        return show_terms(plan);
    if (mode == 'i')
        return measure_idle(plan);
    return measure(plan);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'},   {"pid", required_argument, NULL, 'p'},
        {"connections", required_argument, NULL, 'c'}, {"messages", required_argument, NULL, 'm'},
        {"headers", required_argument, NULL, 'h'},  {"body", required_argument, NULL, 'b'},
        {"mail", required_argument, NULL, 'M'},
        {"terms", no_argument, NULL, 't'},          {"idle", no_argument, NULL, 'i'},
        {NULL, 0, NULL, 0},
    };
    struct plan plan = {.connections = 8, .messages = 1000, .headers = 20, .body_size = 4096};
    unsigned *numbers[] = {['c'] = &plan.connections, ['m'] = &plan.messages,
                           ['h'] = &plan.headers, ['b'] = &plan.body_size};
    const char *mail = NULL;
    char mode = 'm';
    int c, rc;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 's')
            plan.socket = optarg;
        else if (c == 'p')
            plan.pid = (pid_t)number(optarg);
        else if (c == 'M')
            mail = optarg;
        else if (c == 't' || c == 'i')
            mode = (char)c;
        else if (c == '?')
            return 64;
        else
            *numbers[c] = number(optarg);
    }
    if (plan.socket == NULL || optind != argc || plan.body_size > MILTER_CHUNK_SIZE) {
        fputs("usage: milter_bench --socket SOCKET --terms\n"
              "       milter_bench --socket SOCKET --pid PID [--connections N] --idle\n"
              "       milter_bench --socket SOCKET --pid PID [--connections N] [--messages N]\n"
              "                    [--headers N] [--body BYTES] | [--mail FILE.eml]\n",
              stderr);
        return 64;
    }
    if (mail != NULL)
        read_mail(&plan, mail);
    else
        make_body(&plan);
    rc = run(&plan, mode);
    for (unsigned i = 0; plan.fields != NULL && i < plan.headers; i++)
        free(plan.fields[i]);
    free(plan.fields);
    free(plan.field_sizes);
    free(plan.body);
    return rc;
}
