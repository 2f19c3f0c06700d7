/* dns_live - answers from the network, by libunbound */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_live.h"

#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

enum { CLASS_IN = 1, RCODE_NXDOMAIN = 3, UNDER_WAY_MIN = 64 };

struct asked {
    struct asked *next, **at; /* at: what points here */
    struct live *live;
    struct dns_job *job;
};

struct live {
    struct ub_ctx *context;
    int wake_fd;
    pthread_t dispatcher;
    pthread_mutex_t lock; /* of what follows */
    struct asked *asked;
    bool closed;
};

static const char *rcode_text(int rcode, char *text, size_t size)
{
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
                                        "REFUSED"};

    if (rcode >= 0 && (size_t)rcode < ARRAY_LEN(names))
        return names[rcode];
    snprintf(text, size, "RCODE %d", rcode);
    return text;
}

static struct dns_reply *reply_data(enum dns_type type, const struct ub_result *result,
                                    uint32_t ttl)
{
    struct dns_rdata *records;
    struct dns_reply *reply;
    size_t count = 0;

    while (result->data[count] != NULL)
        count++;
    records = xcalloc(count + 1, sizeof(*records));
    for (size_t i = 0; i < count; i++) {
        records[i].data = (const unsigned char *)result->data[i];
        records[i].len = result->len[i] > 0 ? (size_t)result->len[i] : 0;
    }
    reply = dns_reply_found(type, records, count, ttl, result->secure);
    free(records);
    return reply;
}

/* A forged answer has rcode 0 and data: that it is bogus must be looked at first. */
static struct dns_reply *reply_of(enum dns_type type, const struct ub_result *result)
{
    uint32_t ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0;
    char text[220];

    if (result->bogus) {
        snprintf(text, sizeof(text), "bogus: %s",
                 result->why_bogus == NULL ? "validation failed" : result->why_bogus);
        return dns_reply_temperror(text);
    }
    if (result->rcode == RCODE_NXDOMAIN)
        return dns_reply_none(DNS_NXDOMAIN, ttl, result->secure);
    if (result->rcode != 0)
        return dns_reply_temperror(rcode_text(result->rcode, text, sizeof(text)));
    if (!result->havedata || result->data == NULL)
        return dns_reply_none(DNS_NODATA, ttl, result->secure);
    return reply_data(type, result, ttl);
}

/* The live's lock is held. */
static void link_asked(struct live *live, struct asked *asked)
{
    asked->next = live->asked;
    asked->at = &live->asked;
    if (asked->next != NULL)
        asked->next->at = &asked->next;
    live->asked = asked;
}

static void unlink_asked(struct asked *asked)
{
    *asked->at = asked->next;
    if (asked->next != NULL)
        asked->next->at = asked->at;
}

/* Called by the dispatcher, from ub_process. */
static void on_answer(void *arg, int error, struct ub_result *result)
{
    struct asked *asked = arg;
    struct dns_reply *reply;

    if (asked != NULL) {
        pthread_mutex_lock(&asked->live->lock);
        unlink_asked(asked);
        pthread_mutex_unlock(&asked->live->lock);
        if (error != 0 || result == NULL)
            reply = dns_reply_temperror(ub_strerror(error));
        else
            reply = reply_of(dns_job_question(asked->job)->type, result);
        dns_job_done(asked->job, reply, 0);
        free(asked);
    }
    ub_resolve_free(result);
}

/* The lock is held while the library is asked, so that its context is not deleted meanwhile; it
 * only writes into a pipe that a thread of its own reads. */
static void start(void *arg, struct dns_job *job)
{
    struct live *live = arg;
    const struct dns_question *question = dns_job_question(job);
    struct asked *asked = xcalloc(1, sizeof(*asked));
    const char *why = NULL;
    int error;

    asked->live = live;
    asked->job = job;
    pthread_mutex_lock(&live->lock);
    if (live->closed) {
        why = "the resolver has stopped";
    } else {
        link_asked(live, asked);
        error = ub_resolve_async(live->context, question->name, (int)question->type, CLASS_IN,
                                 asked, on_answer, NULL);
        if (error != 0) {
            unlink_asked(asked);
            why = ub_strerror(error);
        }
    }
    pthread_mutex_unlock(&live->lock);
    if (why != NULL) {
        dns_job_done(job, dns_reply_temperror(why), 0);
        free(asked);
    }
}

/* Nothing is asked any more. */
static void shut(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->closed = true;
    pthread_mutex_unlock(&live->lock);
}

static void *dispatch(void *arg)
{
    struct live *live = arg;
    struct pollfd fds[2] = {{.fd = live->wake_fd, .events = POLLIN},
                            {.fd = ub_fd(live->context), .events = POLLIN}};
    int error;

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            die("poll: %s", strerror(errno));
        if (fds[0].revents != 0)
            return NULL;
        error = fds[1].revents == 0 ? 0 : ub_process(live->context);
        if (error != 0) {
            log_line(LOG_ERR, "no DNS until a restart: libunbound: %s", ub_strerror(error));
            shut(live);
            return NULL;
        }
    }
}

static void finish_all(struct live *live)
{
    struct asked *next;

    for (struct asked *asked = live->asked; asked != NULL; asked = next) {
        next = asked->next;
        dns_job_done(asked->job, dns_reply_temperror("shutting down"), 0);
        free(asked);
    }
    live->asked = NULL;
}

static void stop(void *arg)
{
    struct live *live = arg;
    uint64_t one = 1;

    shut(live);
    if (write(live->wake_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        die("eventfd: %s", strerror(errno));
    pthread_join(live->dispatcher, NULL);
    ub_ctx_delete(live->context);
    live->context = NULL;
    finish_all(live);
}

static void live_free(void *arg)
{
    struct live *live = arg;

    close(live->wake_fd);
    pthread_mutex_destroy(&live->lock);
    free(live);
}

static bool set(struct ub_ctx *context, const char *option, const char *value, struct err *err)
{
    int error = ub_ctx_set_option(context, option, value);

    return error == 0 || err_set(err, "libunbound: %s %s: %s", option, value, ub_strerror(error));
}

static bool set_size(struct ub_ctx *context, const char *option, size_t value, struct err *err)
{
    char text[32];

    snprintf(text, sizeof(text), "%zu", value);
    return set(context, option, text, err);
}

/* As delivered, a dead server holds a lookup for 17 s, and is left alone for long after it is back;
 * with these it is two seconds at first, and what is known of a server is forgotten after 15. A low
 * infra-cache-max-rtt would be quicker still, but then two names of a stranger's whose servers are
 * silent make the forwarder itself count as dead, for all names. */
static bool tune(struct ub_ctx *context, const struct dns_live_options *options, struct err *err)
{
    static const char *const values[][2] = {
        {"verbosity:", "0"},           {"use-syslog:", "no"},
        {"outbound-msg-retry:", "2"},  {"infra-host-ttl:", "15"},
        {"edns-buffer-size:", "1232"}, {"infra-keep-probing:", "yes"},
        {"outgoing-range:", "256"},
    };
    size_t queries = options->under_way < UNDER_WAY_MIN ? UNDER_WAY_MIN : options->under_way;

    ub_ctx_debugout(context, NULL);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (!set(context, values[i][0], values[i][1], err))
            return false;
    if ((options->max_ttl > 0 && !set_size(context, "cache-max-ttl:", options->max_ttl, err)) ||
        (options->max_negative_ttl > 0 &&
         !set_size(context, "cache-max-negative-ttl:", options->max_negative_ttl, err)))
        return false;
    return set_size(context, "num-queries-per-thread:", queries, err) &&
           set_size(context, "msg-cache-size:", options->cache_size / 3, err) &&
           set_size(context, "rrset-cache-size:", options->cache_size / 3 * 2, err);
}

static bool set_servers(struct ub_ctx *context, const struct dns_live_options *options,
                        struct err *err)
{
    int error;

    if (options->recursion)
        return true;
    for (size_t i = 0; i < options->server_count; i++) {
        error = ub_ctx_set_fwd(context, options->servers[i]);
        if (error != 0)
            return err_set(err, "dns_servers: %s: %s", options->servers[i], ub_strerror(error));
    }
    error = options->server_count > 0 ? 0 : ub_ctx_resolvconf(context, NULL);
    if (error != 0)
        return err_set(err, "/etc/resolv.conf: %s; name the servers in dns_servers",
                       ub_strerror(error));
    return set(context, "unblock-lan-zones:", "yes", err) &&
           set(context, "insecure-lan-zones:", "yes", err);
}

static bool set_validation(struct ub_ctx *context, const char *trust_anchor, struct err *err)
{
    int error;

    if (trust_anchor[0] == '\0')
        return set(context, "module-config:", "iterator", err);
    if (access(trust_anchor, R_OK) != 0)
        return err_set(err, "dns_trust_anchor: %s: %s", trust_anchor, strerror(errno));
    error = ub_ctx_add_ta_file(context, trust_anchor);
    if (error != 0)
        return err_set(err, "dns_trust_anchor: %s: %s", trust_anchor, ub_strerror(error));
    return true;
}

/* The first question settles the options and starts the library's thread; this one stays within
 * the library. */
static bool set_up(struct ub_ctx *context, const struct dns_live_options *options, struct err *err)
{
    int error;

    if (!tune(context, options, err) || !set_servers(context, options, err) ||
        !set_validation(context, options->trust_anchor, err))
        return false;
    ub_ctx_async(context, 1);
    error = options->recursion ? 0 : ub_ctx_zone_remove(context, "test.");
    if (error == 0)
        error = ub_resolve_async(context, "localhost", DNS_A, CLASS_IN, NULL, on_answer, NULL);
    return error == 0 || err_set(err, "libunbound: %s%s", ub_strerror(error),
                                 options->trust_anchor[0] == '\0' ? "" : "; dns_trust_anchor");
}

/* Signals are the main thread's. */
static bool start_threads(struct live *live, const struct dns_live_options *options,
                          struct err *err)
{
    sigset_t all, before;
    bool done;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    done = set_up(live->context, options, err);
    if (done) {
        error = pthread_create(&live->dispatcher, NULL, dispatch, live);
        done = error == 0 || err_set(err, "cannot start a thread: %s", strerror(error));
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

bool dns_live_open(const struct dns_live_options *options, struct dns_source *source,
                   struct err *err)
{
    struct live *live = xcalloc(1, sizeof(*live));

    pthread_mutex_init(&live->lock, NULL);
    live->context = ub_ctx_create();
    live->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (live->context == NULL || live->wake_fd < 0)
        die("no room for the resolver: %s", strerror(errno));
    if (!start_threads(live, options, err)) {
        ub_ctx_delete(live->context);
        live_free(live);
        return false;
    }
    *source = (struct dns_source){live, start, stop, live_free};
    return true;
}
