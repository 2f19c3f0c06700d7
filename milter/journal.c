/* journal - the decision log: one bounded queue, one writer thread, one SQLite file */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"

#include "journal_prune.h"
#include "journal_write.h"
#include "log.h"
#include "queue.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    BATCH = 1024,
    PRUNE_STEPS = 4,
    IDLE_US = 1000000,
    LINGER_US = 200000,
    PAUSE_MIN_US = 50000,
    PAUSE_MAX_US = 2000000,
    CLOSE_US = 5000000,
    CLOSE_GRACE_US = 1000000,
    QUEUE_BYTES = 64 << 20,
    WAL_BYTES = 16 << 20,   /* larger than SQLite leaves it by itself */
};

struct journal {
    char *path, *group;
    unsigned queue_limit;
    uint64_t bytes_limit; /* messages with large headers count for what they hold */
    uint64_t size_limit;
    struct queue *queue;
    pthread_t thread;
    atomic_uint_fast64_t offered, dropped, details_dropped, queue_bytes;
    struct log_limit full_limit, error_limit, wal_limit, again_limit;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t closing;
    uint64_t close_by_us;         /* 0: not closing */
    bool finished;                /* the writer is about to end */
    struct journal_status status; /* what the writer knows */

    struct journal_db db; /* the writer's alone */
    uint64_t wal_next_us; /* the WAL is not tried again before */
    uint64_t dropped_before; /* the last success */
};

const char *entry_action_name(enum entry_action action)
{
    static const char *const names[] = {
        [ENTRY_ACCEPT] = "accept",   [ENTRY_REJECT] = "reject",   [ENTRY_TEMPFAIL] = "tempfail",
        [ENTRY_DISCARD] = "discard", [ENTRY_ABORTED] = "aborted",
    };

    return (size_t)action < ARRAY_LEN(names) ? names[action] : "aborted";
}

struct entry *entry_new(struct message *message)
{
    struct entry *entry = arena_alloc(message->arena, sizeof(*entry));

    entry->message = message;
    return entry;
}

void entry_free(struct entry *entry)
{
    if (entry == NULL)
        return;
    if (entry->release != NULL)
        entry->release(entry->owner);
    message_free(entry->message);
}

static void drop_details(struct journal *j, struct message *m)
{
    uint64_t count = 0;

    for (const struct check_record *check = m->checks; check != NULL; check = check->next)
        count++;
    m->checks = NULL;
    m->checks_tail = &m->checks;
    j->details_dropped += count;
}

void journal_offer(struct journal *j, struct entry *entry)
{
    uint64_t bytes = arena_size(entry->message->arena);

    j->offered++;
    if (queue_length(j->queue) > j->queue_limit / 2)
        drop_details(j, entry->message);
    if (atomic_fetch_add(&j->queue_bytes, bytes) + bytes <= j->bytes_limit &&
        queue_offer(j->queue, entry))
        return;
    j->queue_bytes -= bytes;
    j->dropped++;
    entry_free(entry);
    log_limited(&j->full_limit, LOG_WARNING, "%s: the writer is behind, a decision is not logged",
                j->path);
}

/* Sleeps, but not beyond the end of a close. */
static void pause_us(struct journal *j, uint64_t us)
{
    uint64_t until = now_us() + us;
    struct timespec ts;

    pthread_mutex_lock(&j->mutex);
    if (j->close_by_us != 0 && until > j->close_by_us)
        until = j->close_by_us;
    ts = (struct timespec){(time_t)(until / 1000000), (long)(until % 1000000) * 1000};
    pthread_cond_timedwait(&j->closing, &j->mutex, &ts);
    pthread_mutex_unlock(&j->mutex);
}

static bool close_is_over(struct journal *j)
{
    bool over;

    pthread_mutex_lock(&j->mutex);
    over = j->close_by_us != 0 && now_us() >= j->close_by_us;
    pthread_mutex_unlock(&j->mutex);
    return over;
}

static uint64_t size_of(const char *path, const char *suffix)
{
    char *name = xasprintf("%s%s", path, suffix);
    struct stat st;
    uint64_t size = stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;

    free(name);
    return size;
}

static void note_sizes(struct journal *j)
{
    uint64_t file = size_of(j->path, ""), wal = size_of(j->path, "-wal");

    pthread_mutex_lock(&j->mutex);
    j->status.file_bytes = file;
    j->status.wal_bytes = wal;
    pthread_mutex_unlock(&j->mutex);
}

static void note_error(struct journal *j, bool healthy, const struct err *err)
{
    pthread_mutex_lock(&j->mutex);
    j->status.errors++;
    j->status.healthy = healthy;
    snprintf(j->status.last_error, sizeof(j->status.last_error), "%.255s", err->text);
    pthread_mutex_unlock(&j->mutex);
}

static void note_written(struct journal *j, uint64_t count)
{
    uint64_t dropped = j->dropped;
    bool recovered;

    pthread_mutex_lock(&j->mutex);
    recovered = !j->status.healthy && j->status.errors > 0;
    j->status.healthy = true;
    j->status.written += count;
    pthread_mutex_unlock(&j->mutex);
    if (recovered)
        log_limited(&j->again_limit, LOG_INFO,
                    "%s: written again; %" PRIu64 " decisions were not logged", j->path,
                    dropped - j->dropped_before);
    j->dropped_before = dropped;
}

static void set_aside(struct journal *j)
{
    char aside[4096];
    struct err err;

    if (journal_db_set_aside(j->path, aside, sizeof(aside), &err))
        log_line(LOG_ERR, "%s is damaged; kept as %s; a new log begins", j->path, aside);
    else
        log_limited(&j->error_limit, LOG_ERR, "%s", err.text);
}

/* After a failure of any kind: everything is undone, and what is needed to go on is prepared. */
static void fail(struct journal *j, enum db_result result, const struct err *err)
{
    note_error(j, false, err);
    log_limited(&j->error_limit, LOG_WARNING, "decision log: %s", err->text);
    if (j->db.db != NULL)
        journal_db_rollback(&j->db);
    if (result == DB_BROKEN || result == DB_CORRUPT)
        journal_db_close(&j->db);
    if (result == DB_CORRUPT)
        set_aside(j);
}

static enum db_result ready(struct journal *j, struct err *err)
{
    if (j->db.db != NULL && journal_db_is_moved(&j->db)) {
        log_line(LOG_WARNING, "%s was removed or replaced; opened again", j->path);
        journal_db_close(&j->db);
    }
    return j->db.db != NULL ? DB_OK : journal_db_open(&j->db, err);
}

static void free_item(struct journal *j, void **item)
{
    struct entry *entry = *item;

    j->queue_bytes -= arena_size(entry->message->arena);
    entry_free(entry);
    *item = NULL;
}

/* An entry that cannot be stored is lost, so that it does not keep back the others. */
static enum db_result insert(struct journal *j, void **items, size_t count, struct err *err)
{
    enum db_result result = journal_db_begin(&j->db, err);

    for (size_t i = 0; i < count && result == DB_OK; i++) {
        if (items[i] == NULL)
            continue;
        result = journal_write(&j->db, items[i], err);
        if (result == DB_BAD_ROW) {
            free_item(j, &items[i]);
            j->dropped++;
        }
    }
    return result == DB_OK ? journal_db_run(&j->db, DB_COMMIT, err) : result;
}

static bool try_batch(struct journal *j, void **items, size_t count)
{
    uint64_t written = 0;
    struct err err = {""};
    enum db_result result = ready(j, &err);

    if (result == DB_OK)
        result = insert(j, items, count, &err);
    if (result != DB_OK) {
        fail(j, result, &err);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i] != NULL) {
            written++;
            free_item(j, &items[i]);
        }
    }
    note_written(j, written);
    return true;
}

static void write_batch(struct journal *j, void **items, size_t count)
{
    uint64_t pause = PAUSE_MIN_US;

    while (!try_batch(j, items, count)) {
        note_sizes(j);
        if (close_is_over(j)) {
            for (size_t i = 0; i < count; i++)
                if (items[i] != NULL)
                    free_item(j, &items[i]), j->dropped++;
            return;
        }
        pause_us(j, pause);
        pause = pause * 2 < PAUSE_MAX_US ? pause * 2 : PAUSE_MAX_US;
    }
}

static void prune(struct journal *j)
{
    struct err err = {""};
    enum db_result result = DB_OK;
    bool more = true;

    for (int i = 0; i < PRUNE_STEPS && more && result == DB_OK; i++)
        result = journal_prune(&j->db, j->size_limit, &more, &err);
    if (result != DB_OK && result != DB_BUSY)
        fail(j, result, &err);
}

static void shrink_wal(struct journal *j)
{
    struct err err = {""};
    uint64_t wal = size_of(j->path, "-wal");
    enum db_result result;

    if (wal <= WAL_BYTES || now_us() < j->wal_next_us)
        return;
    j->wal_next_us = now_us() + IDLE_US;
    result = journal_shrink_wal(&j->db, wal, &err);
    if (result == DB_BUSY) {
        note_error(j, true, &err);
        log_limited(&j->wal_limit, LOG_WARNING, "decision log: %s", err.text);
    } else if (result != DB_OK) {
        fail(j, result, &err);
    }
}

/* Between batches. When idle, also finds out whether the file can be opened, or was taken away. */
static void tidy(struct journal *j)
{
    struct err err = {""};
    bool was_open = j->db.db != NULL;
    enum db_result result = ready(j, &err);

    if (result != DB_OK) {
        fail(j, result, &err);
    } else {
        if (!was_open)
            note_written(j, 0);
        prune(j);
    }
    if (j->db.db != NULL)
        shrink_wal(j);
    note_sizes(j);
}

static void *write_all(void *arg)
{
    struct journal *j = arg;
    void *items[BATCH];
    size_t count;

    tidy(j);
    for (;;) {
        bool closed = queue_is_closed(j->queue);

        count = queue_take(j->queue, items, BATCH, IDLE_US, LINGER_US);
        if (count > 0)
            write_batch(j, items, count);
        else if (closed)
            break;
        if (!closed)
            tidy(j);
    }
    journal_db_close(&j->db);
    pthread_mutex_lock(&j->mutex);
    j->finished = true;
    pthread_mutex_unlock(&j->mutex);
    pthread_cond_broadcast(&j->closing);
    return NULL;
}

/* Signals are the main thread's. */
static void start_thread(struct journal *j)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&j->thread, NULL, write_all, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        die("cannot start the log's writer: %s", strerror(error));
}

struct journal *journal_open(const struct journal_options *options)
{
    struct journal *j = xcalloc(1, sizeof(*j));
    pthread_condattr_t attr;

    j->path = xstrdup(options->path);
    j->group = options->group ? xstrdup(options->group) : NULL;
    j->queue_limit = options->queue_limit > 0 ? options->queue_limit : 1;
    j->bytes_limit = options->queue_bytes > 0 ? options->queue_bytes : QUEUE_BYTES;
    j->size_limit = options->size_limit;
    j->queue = queue_new(j->queue_limit);
    j->status.healthy = true;
    j->db.path = j->path;
    j->db.group = j->group;
    pthread_mutex_init(&j->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->closing, &attr);
    pthread_condattr_destroy(&attr);
    start_thread(j);
    return j;
}

/* Not by the wall clock, which may be set: rows that wait would be lost, or the end not come. */
static bool join_thread(struct journal *j)
{
    uint64_t until = now_us() + CLOSE_US + CLOSE_GRACE_US;
    struct timespec ts = {(time_t)(until / 1000000), (long)(until % 1000000) * 1000};
    bool finished;

    pthread_mutex_lock(&j->mutex);
    while (!j->finished && now_us() < until)
        pthread_cond_timedwait(&j->closing, &j->mutex, &ts);
    finished = j->finished;
    pthread_mutex_unlock(&j->mutex);
    return finished && pthread_join(j->thread, NULL) == 0;
}

void journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    pthread_mutex_lock(&j->mutex);
    j->close_by_us = now_us() + CLOSE_US;
    pthread_mutex_unlock(&j->mutex);
    pthread_cond_broadcast(&j->closing);
    queue_close(j->queue);
    if (!join_thread(j)) {
        /* It hangs in a disk; what it uses must stay. */
        log_line(LOG_ERR, "%s: the disk does not answer; what waits is not logged", j->path);
        return;
    }
    if (j->dropped > 0)
        log_line(LOG_WARNING, "%s: %" PRIu64 " decisions of %" PRIu64 " were not logged", j->path,
                 (uint64_t)j->dropped, (uint64_t)j->offered);
    queue_free(j->queue);
    pthread_cond_destroy(&j->closing);
    pthread_mutex_destroy(&j->mutex);
    free(j->path);
    free(j->group);
    free(j);
}

void journal_read_status(struct journal *j, struct journal_status *status)
{
    pthread_mutex_lock(&j->mutex);
    *status = j->status;
    pthread_mutex_unlock(&j->mutex);
    status->offered = j->offered;
    status->dropped = j->dropped;
    status->details_dropped = j->details_dropped;
    status->queued = queue_length(j->queue);
}
