/* serve - the life of `tamis milter`: load, listen, detach, drop root, serve, drain, end */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve.h"

#include "config.h"
#include "cmd_world.h"
#include "control.h"
#include "detach.h"
#include "front_milter.h"
#include "log.h"
#include "maintain.h"
#include "notify.h"
#include "pid_file.h"
#include "rights.h"
#include "room.h"
#include "rule_tests.h"
#include "shadow.h"
#include "signals.h"
#include "socket.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define TICK_US  1000000 /* how often the main thread looks up while nothing happens */
#define GRACE_US 100000  /* for libmilter to send the answers that the callbacks returned */
#define STOP_US  3000000 /* for callbacks that are still running then */

enum {
    FRESH_CACHE = 1 << 20, /* bytes, for libunbound */
    KEYS_US = 5000000,     /* what records of keys may take before the first mail, or a reload */
};

struct server {
    const struct serve_options *options;
    struct policy *policy; /* until it is published */
    struct rights rights; /* of the service user; only when started by root */
    bool has_rights;
    struct socket_spec socket;
    char place[160];
    char *control_path, *pid_path, *log_path; /* what outlives reloads */
    uint64_t drain_us;
    struct front_options front;
    struct status_source status;
    struct cmd_world world; /* that of all sessions */
    struct cmd_world fresh; /* one that remembers nothing: for the records of our own keys */
    pthread_t thread;
};

static atomic_bool front_ended;

static int fail(int status, const struct err *err)
{
    log_line(LOG_CRIT, "%s", err->text);
    return status;
}

static void print_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        if (problems->list[i].severity != SEV_NOTE) {
            char *text = problem_text(&problems->list[i]);
            fprintf(stderr, "%s\n", text);
            free(text);
        }
    }
}

static struct policy *load(const struct policy_source *source, bool print)
{
    struct problems problems = {0};
    struct policy *policy = rule_tests_load(source, &problems);

    if (policy != NULL)
        shadow_load(policy, source, &problems);
    if (print || policy == NULL)
        print_problems(&problems);
    problems_free(&problems);
    return policy;
}

/* Root reads the configuration to learn who the user is, then again with that user's rights, so
 * that a file which the running filter could not read is an error now and not at the first
 * reload. */
static int load_policy(struct server *server)
{
    const struct policy_source *source = server->options->source;
    struct policy *first = load(source, geteuid() != 0);
    struct rights before;
    struct err err;

    if (first == NULL)
        return EX_CONFIG;
    server->policy = first;
    if (geteuid() != 0)
        return EX_OK;
    if (!first->settings->user[0]) {
        log_line(LOG_WARNING, "user is empty: the filter stays root; set it, as in user = tamis");
    } else {
        if (!rights_of_user(first->settings->user, &server->rights, &err))
            return fail(EX_CONFIG, &err);
        if (!rights_try(&server->rights, &before, &err))
            return fail(EX_NOPERM, &err);
        server->has_rights = true;
    }
    server->policy = load(source, true);
    if (server->has_rights)
        rights_restore(&before);
    policy_free(first);
    return server->policy != NULL ? EX_OK : EX_CONFIG;
}

/* The umask, 077 with many an administrator, would keep the service user from its own directory,
 * and its group from the log. */
static bool make_one(const char *directory, mode_t mode)
{
    return mkdir(directory, mode) == 0 && chmod(directory, mode) == 0;
}

/* The directory of a path, if it is missing, is made for the service user, those above it for
 * all. */
static void make_directory(const struct server *server, const char *path)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');

    if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof(directory))
        return;
    snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
    for (char *p = strchr(directory + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        make_one(directory, 0755);
        *p = '/';
    }
    if (make_one(directory, 0750) && server->has_rights &&
        lchown(directory, server->rights.uid, server->rights.gid) < 0)
        log_line(LOG_WARNING, "%s: %s", directory, strerror(errno));
}

static int listen_at_socket(struct server *server)
{
    const struct settings *settings = server->policy->settings;
    int passed = notify_listen_fds();
    bool listening;
    mode_t mask;
    struct err err;

    if (passed > 0) {
        server->socket = (struct socket_spec){.kind = SOCKET_FD, .fd = 3};
        log_line(passed > 1 ? LOG_WARNING : LOG_INFO,
                 "%d socket%s passed by systemd: fd:3 is used, not socket = %s", passed,
                 passed > 1 ? "s" : "", settings->socket);
    } else if (!socket_parse(settings->socket, NULL, &server->socket, &err)) {
        log_line(LOG_CRIT, "socket = %s: %s", settings->socket, err.text);
        return EX_CONFIG;
    }
    socket_text(&server->socket, server->place, sizeof(server->place));
    if (server->socket.kind == SOCKET_UNIX)
        make_directory(server, server->socket.path);
    if (!socket_claim(&server->socket, &err))
        return fail(EX_UNAVAILABLE, &err);
    mask = umask(0117);
    listening = front_listen(server->place, &err);
    umask(mask);
    if (!listening)
        return fail(EX_UNAVAILABLE, &err);
    socket_hurry();
    if (server->socket.kind == SOCKET_UNIX && server->has_rights &&
        lchown(server->socket.path, server->rights.uid, server->rights.gid) < 0)
        log_line(LOG_WARNING, "%s: %s", server->socket.path, strerror(errno));
    return EX_OK;
}

static void open_log(const struct server *server)
{
    const struct settings *settings = server->policy->settings;

    log_open(settings->syslog_facility, xstrdup(settings->syslog_name), !server->options->daemon);
}

/* What is needed after a reload took the first policy away. */
static void keep_settings(struct server *server)
{
    const struct settings *settings = server->policy->settings;

    server->control_path = xstrdup(settings->control_socket);
    server->pid_path = xstrdup(settings->pid_file);
    server->log_path = xstrdup(settings->log_file);
    server->drain_us = (uint64_t)settings->drain_time_limit;
    make_directory(server, server->control_path);
    make_directory(server, server->log_path);
    make_directory(server, server->pid_path);
}

static int open_control(const struct server *server)
{
    struct err err;

    if (server->has_rights && !rights_drop(&server->rights, &err))
        return fail(EX_NOPERM, &err);
    if (server->control_path[0] && !control_open(server->control_path, &err)) {
        log_line(LOG_CRIT, "control_socket: %s%s%s", err.text,
                 server->has_rights ? "; its directory must belong to " : "",
                 server->has_rights ? server->policy->settings->user : "");
        return EX_CANTCREAT;
    }
    return EX_OK;
}

/* Only root may be able to open the pid_file; what is in it stays that of a filter which already
 * has the control socket. */
static int become_service(struct server *server)
{
    int pid_fd, status;
    struct err err;

    if (server->options->daemon && !detach(&err))
        return fail(EX_OSERR, &err);
    pid_fd = pid_file_open(server->pid_path, server->has_rights ? &server->rights : NULL);
    status = open_control(server);
    pid_file_close(server->pid_path, pid_fd, status == EX_OK);
    return status;
}

static void *front_thread(void *arg)
{
    const struct server *server = arg;

    if (!front_run(&server->front))
        log_line(LOG_CRIT, "libmilter has stopped: its reason is in syslog");
    atomic_store(&front_ended, true);
    kill(getpid(), SIGTERM);
    return NULL;
}

static void start_threads(struct server *server, struct journal *journal)
{
    server->front = (struct front_options){server->world.world, journal, room_of_process()};
    server->status = (struct status_source){journal, server->world.world, server->place,
                                            (int64_t)time(NULL)};
    shadow_start(journal);
    maintain_note_policy(server->policy, server->options->source, journal, "start");
    policy_publish(server->policy);
    server->policy = NULL;
    maintain_start(server->options->source, server->world.world->keys, journal);
    control_start(&server->status);
    if (pthread_create(&server->thread, NULL, front_thread, server) != 0)
        die("no thread for libmilter: too many threads");
}

static struct journal *open_journal(const struct server *server)
{
    const struct settings *settings = server->policy->settings;
    struct journal_options options = {
        .path = server->log_path,
        .queue_limit = (unsigned)settings->log_queue_limit,
        .queue_bytes = (uint64_t)settings->log_queue_size,
        .size_limit = (uint64_t)settings->log_size_limit,
        .retention = settings->log_retention,
        .evidence_retention = settings->evidence_retention,
        .rollup_retention = settings->log_rollup_retention,
        .sync = settings->log_sync == LOG_SYNC_MESSAGE,
        .node = (unsigned)settings->log_node,
        .node_name = settings->myhostname,
        .written = shadow_take,
    };

    return server->log_path[0] ? journal_open(&options) : NULL;
}

/* Opened for the first key: most hosts have none. */
static struct key_asker fresh_asker(const struct server *server)
{
    struct world *world = server->fresh.world;
    struct err err;

    if (world == NULL || !world_dns_open(world, &err))
        world = server->world.world;
    return key_asker_of_dns(world_dns_of(world));
}

static void *start_key(void *arg, const char *name)
{
    struct key_asker asker = fresh_asker(arg);

    return asker.start(asker.arg, name);
}

static void wait_key(void *arg, void *job, struct arena *arena, struct dns_answer *answer)
{
    struct key_asker asker = fresh_asker(arg);

    asker.wait(asker.arg, job, arena, answer);
}

/* Before the first mail is signed it is known whose records are in the DNS. */
static void watch_keys(struct server *server)
{
    struct world *world = server->world.world;
    struct key_asker asker = {start_key, wait_key, server, KEYS_US};

    if (cmd_world_open(&server->fresh, server->policy->settings, NULL)) {
        server->fresh.dns.limits.cache_size = 0;
        server->fresh.dns.live.max_ttl = server->fresh.dns.live.max_negative_ttl = 1;
        server->fresh.dns.live.cache_size = FRESH_CACHE;
    }
    world->keys = key_watch_new(&asker);
    if (!keys_are_empty(server->policy->keys))
        key_watch_run(world->keys, server->policy->keys, (int64_t)time(NULL), true);
}

/* After the last fork: it has threads. */
static int open_world(struct server *server)
{
    struct err err;

    if (!cmd_world_open(&server->world, server->policy->settings, NULL) ||
        !world_dns_open(server->world.world, &err))
        return fail(EX_CONFIG, &err);
    watch_keys(server);
    return EX_OK;
}

static void say_ready(const struct server *server)
{
    char state[256];

    log_line(LOG_INFO, "ready: tamis %s at %s, process %ld", PACKAGE_VERSION, server->place,
             (long)getpid());
    snprintf(state, sizeof(state), "READY=1\nMAINPID=%ld\nSTATUS=serving %s", (long)getpid(),
             server->place);
    notify_send(state);
    detach_ready();
}

/* Until INT or TERM. */
static void serve_signals(void)
{
    uint64_t beat = notify_watchdog_us();
    uint64_t wait = beat && beat < TICK_US ? beat : TICK_US;

    for (;;) {
        switch (signals_wait(wait)) {
        case SIGHUP:
            maintain_reload("SIGHUP");
            break;
        case SIGUSR1:
            maintain_reload("SIGUSR1");
            break;
        case SIGINT:
        case SIGTERM:
            return;
        default:
            break;
        }
        if (beat)
            notify_send("WATCHDOG=1");
    }
}

/* Messages under way may finish; a second INT or TERM ends the waiting. */
static void drain(const struct server *server)
{
    uint64_t until = now_us() + server->drain_us;

    log_line(LOG_INFO, "stopping: %u messages under way", front_messages());
    notify_send("STOPPING=1");
    if (server->socket.kind != SOCKET_FD || !socket_park(server->socket.fd))
        front_drain();
    while (front_messages() > 0 && now_us() < until && !atomic_load(&front_ended)) {
        int sig = signals_wait(20000);
        if (sig == SIGINT || sig == SIGTERM)
            break;
    }
    if (front_messages() > 0) {
        log_line(LOG_WARNING, "%u messages did not end in time: the MTA sees the connection closed",
                 front_messages());
    }
}

/* By which others would look for a filter that is not there. */
static void remove_files(const struct server *server)
{
    if (server->socket.kind == SOCKET_UNIX)
        unlink(server->socket.path);
    control_stop();
    if (server->pid_path[0])
        unlink(server->pid_path);
}

/* smfi_stop is not called: it waits up to 5 s for a lock of libmilter's listener, only to close
 * what the end of the process closes. Its threads may still run, so nothing that they use is
 * freed. */
static int end(struct server *server, struct journal *journal)
{
    struct timespec grace = {.tv_nsec = GRACE_US * 1000};
    bool quiet;
    int status;

    nanosleep(&grace, NULL);
    world_dns_stop(server->world.world);
    if (server->fresh.world != NULL)
        world_dns_stop(server->fresh.world);
    quiet = front_stop(STOP_US);
    remove_files(server);
    maintain_stop();
    shadow_stop();
    journal_close(journal);
    status = atomic_load(&front_ended) ? EX_SOFTWARE : EX_OK;
    log_line(LOG_INFO, "stopped");
    if (!quiet)
        _exit(status);
    return status;
}

static int prepare(struct server *server)
{
    int status = load_policy(server);

    if (status == EX_OK)
        status = listen_at_socket(server);
    if (status == EX_OK) {
        keep_settings(server);
        status = become_service(server);
        if (status != EX_OK && server->socket.kind == SOCKET_UNIX)
            unlink(server->socket.path);
    }
    return status;
}

int serve(const struct serve_options *options)
{
    static struct server server;
    struct journal *journal;
    int status;

    server.options = options;
    signals_claim();
    status = prepare(&server);
    if (status != EX_OK) {
        policy_free(server.policy);
        return status;
    }
    open_log(&server);
    status = open_world(&server);
    if (status != EX_OK) {
        remove_files(&server);
        policy_free(server.policy);
        return status;
    }
    journal = open_journal(&server);
    start_threads(&server, journal);
    say_ready(&server);
    serve_signals();
    drain(&server);
    return end(&server, journal);
}
