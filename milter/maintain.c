/* maintain - the maintenance thread: reloads, records of keys, policies that nobody holds */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "maintain.h"

#include "buf.h"
#include "counters.h"
#include "log.h"
#include "notify.h"
#include "policy_record.h"
#include "rule_tests.h"
#include "shadow.h"
#include "watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 500, KEYS_TOLD = 20 };
#define STILL_US 2000000

static const struct policy_source *source;
static struct journal *journal; /* NULL: none */
static struct key_watch *key_watch;
static int64_t keys_due; /* seconds since 1970; the thread's alone */
static pthread_t thread;
static int event_fd = -1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wakeup;
static bool stopping;
static unsigned requested;
static char reason[80];
static struct reload_report last;

unsigned maintain_reload(const char *why)
{
    unsigned ticket;

    pthread_mutex_lock(&lock);
    ticket = ++requested;
    snprintf(reason, sizeof(reason), "%s", why);
    pthread_cond_signal(&wakeup);
    pthread_mutex_unlock(&lock);
    return ticket;
}

void maintain_report(struct reload_report *report)
{
    pthread_mutex_lock(&lock);
    *report = last;
    report->problems = xstrdup(last.problems != NULL ? last.problems : "");
    pthread_mutex_unlock(&lock);
}

int maintain_event_fd(void)
{
    return event_fd;
}

static void add_file(const char *path, void *arg)
{
    watch_add(arg, path);
}

/* Watches what the policy was read from and, since a refused one is mended in files that the
 * policy in force need not know, those that have problems, and those that it names. */
static void watch_files(struct watch *watch, const struct problems *problems)
{
    struct policy *policy = policy_acquire();

    if (policy != NULL) {
        policy_each_file(policy, add_file, watch);
        policy_release(policy);
    }
    for (size_t i = 0; i < problems->count; i++) {
        const char *file = problems->list[i].file;
        watch_add(watch, file);
    }
    for (size_t i = 0; i < problems->file_count; i++)
        watch_add(watch, problems->files[i]);
    watch_end(watch);
}

static char *problems_text(const struct problems *problems)
{
    struct buf text = {0};

    for (size_t i = 0; i < problems->count; i++) {
        char *line = problem_text(&problems->list[i]);
        buf_adds(&text, line);
        buf_addc(&text, '\n');
        free(line);
    }
    return text.ptr != NULL ? buf_steal(&text) : xstrdup("");
}

/* What a running filter cannot change is said once, or it would be looked for elsewhere. */
static void tell_restart_needed(const struct settings *old, const struct settings *new,
                                struct problems *problems)
{
    const struct {
        const char *name, *old, *new;
    } rows[] = {
        {"socket", old->socket, new->socket},
        {"control_socket", old->control_socket, new->control_socket},
        {"pid_file", old->pid_file, new->pid_file},
        {"user", old->user, new->user},
        {"log_file", old->log_file, new->log_file},
        {"syslog_name", old->syslog_name, new->syslog_name},
        {"dns_servers", old->dns_servers.text, new->dns_servers.text},
        {"dns_trust_anchor", old->dns_trust_anchor, new->dns_trust_anchor},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].old, rows[i].new) != 0) {
            log_line(LOG_WARNING, "%s changed to \"%s\": takes effect when tamis is restarted",
                     rows[i].name, rows[i].new);
            problems_add(problems, SEV_NOTE, settings_place(new, rows[i].name),
                         "%s changed to \"%s\": takes effect when tamis is restarted",
                         rows[i].name, rows[i].new);
        }
    }
}

void maintain_note_policy(struct policy *policy, const struct policy_source *from,
                          struct journal *to, const char *why)
{
    const struct settings *s = policy->settings;
    struct journal_limits limits = {
        .size = (uint64_t)s->log_size_limit,
        .retention = s->log_retention,
        .evidence_retention = s->evidence_retention,
        .rollup_retention = s->log_rollup_retention,
        .sync = s->log_sync == LOG_SYNC_MESSAGE,
    };

    shadow_announce(policy);
    if (to == NULL)
        return;
    journal_offer(to, policy_record(policy, from, why));
    journal_set_limits(to, &limits);
}

static void publish(struct policy *policy, const char *why, struct problems *problems)
{
    struct policy *old = policy_acquire();

    if (old != NULL) {
        tell_restart_needed(old->settings, policy->settings, problems);
        policy_release(old);
    }
    maintain_note_policy(policy, source, journal, why);
    policy_publish(policy);
}

static unsigned generation_in_force(void)
{
    struct policy *policy = policy_acquire();
    unsigned generation = policy != NULL ? policy->generation : 0;

    if (policy != NULL)
        policy_release(policy);
    return generation;
}

static void log_report(const struct reload_report *report, const char *why)
{
    if (report->refused) {
        log_line(LOG_ERR,
                 "reload refused (%s), generation %u stays in force: %zu error%s, first: %s", why,
                 report->generation, report->errors, report->errors == 1 ? "" : "s",
                 report->first_error);
    } else if (report->warnings) {
        log_line(LOG_INFO,
                 "reloaded (%s): generation %u, %zu files, %zu warning%s: see tamis check", why,
                 report->generation, report->files, report->warnings,
                 report->warnings == 1 ? "" : "s");
    } else {
        log_line(LOG_INFO, "reloaded (%s): generation %u, %zu files", why, report->generation,
                 report->files);
    }
}

static void store_report(struct reload_report *report)
{
    uint64_t one = 1;
    ssize_t ignored;

    pthread_mutex_lock(&lock);
    free(last.problems);
    last = *report;
    pthread_mutex_unlock(&lock);
    ignored = write(event_fd, &one, sizeof(one));
    (void)ignored;
}

/* A name server that goes down must not fill syslog. */
static void log_key(const struct key_report *report, void *arg)
{
    const struct key_choice *choice = report->choice;
    size_t *told = arg;

    if (++*told > KEYS_TOLD)
        return;
    log_line(report->trouble ? LOG_WARNING : LOG_INFO,
             "dkim: the key %s._domainkey.%s %s%s%s%s", choice->selector, choice->domain,
             report->role == KEY_RETIRED ? "is " : "", key_role_name(report->role),
             report->why[0] != '\0' ? ": " : "", report->why);
}

/* Before a policy is in force: which of its keys are published decides who signs. */
static void look_for_keys(const struct policy *policy, bool loaded)
{
    int64_t now = (int64_t)time(NULL);
    size_t told = 0;

    keys_due = INT64_MAX;
    if (keys_are_empty(policy->keys))
        return;
    keys_due = now + key_watch_run(key_watch, policy->keys, now, loaded);
    key_watch_changes(key_watch, policy->keys, now, log_key, &told);
    if (told > KEYS_TOLD)
        log_line(LOG_INFO, "dkim: %zu more keys have changed: see tamis status", told - KEYS_TOLD);
}

static void look_for_keys_again(void)
{
    struct policy *policy;

    if ((int64_t)time(NULL) < keys_due || (policy = policy_acquire()) == NULL)
        return;
    look_for_keys(policy, false);
    policy_release(policy);
}

static void reload(struct watch *watch, unsigned ticket, const char *why)
{
    struct problems problems = {0};
    struct reload_report report = {.served = ticket, .at = (int64_t)time(NULL)};
    struct policy *policy;
    struct err first;

    notify_reloading();
    watch_begin(watch);
    policy = rule_tests_load(source, &problems);
    report.refused = policy == NULL;
    if (policy != NULL) {
        shadow_load(policy, source, &problems);
        look_for_keys(policy, true);
        publish(policy, why, &problems);
    } else {
        problems_first_error(&problems, &first);
        memcpy(report.first_error, first.text, sizeof(report.first_error));
    }
    watch_files(watch, &problems);
    report.generation = generation_in_force();
    report.files = watch_count(watch);
    report.errors = problems.errors;
    report.warnings = problems.warnings;
    report.problems = problems_text(&problems);
    counter_add(report.refused ? COUNT_RELOADS_REFUSED : COUNT_RELOADS);
    log_report(&report, why);
    notify_send("READY=1");
    store_report(&report);
    problems_free(&problems);
}

/* Under the lock. */
static void wait_for_work(unsigned served)
{
    struct timespec until;

    if (stopping || requested != served)
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&wakeup, &lock, &until);
}

static bool reloads_on_change(void)
{
    struct policy *policy = policy_acquire();
    bool wanted = policy != NULL && policy->settings->reload_on_change;

    if (policy != NULL)
        policy_release(policy);
    return wanted;
}

static void *run(void *arg)
{
    struct watch *watch = arg;
    unsigned ticket, served = 0;
    char why[sizeof(reason)];
    bool stop = false;

    while (!stop) {
        pthread_mutex_lock(&lock);
        wait_for_work(served);
        ticket = requested;
        snprintf(why, sizeof(why), "%s", reason);
        stop = stopping;
        pthread_mutex_unlock(&lock);
        if (!stop && ticket != served) {
            reload(watch, ticket, why);
            served = ticket;
        } else if (!stop && reloads_on_change() && watch_due(watch, now_us())) {
            reload(watch, ticket, "a file changed");
        }
        if (!stop)
            look_for_keys_again();
        policy_reap();
    }
    watch_free(watch);
    return NULL;
}

void maintain_start(const struct policy_source *from, struct key_watch *keys, struct journal *to)
{
    struct watch *watch = watch_new(STILL_US);
    struct problems none = {0};
    pthread_condattr_t attr;

    source = from;
    journal = to;
    key_watch = keys;
    event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&wakeup, &attr);
    pthread_condattr_destroy(&attr);
    last.generation = generation_in_force();
    watch_begin(watch);
    watch_files(watch, &none);
    last.files = watch_count(watch);
    if (event_fd < 0 || pthread_create(&thread, NULL, run, watch) != 0)
        die("no maintenance thread: too many threads or descriptors");
}

void maintain_stop(void)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&wakeup);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    free(last.problems);
    last.problems = NULL;
    close(event_fd);
}
