/* journal - the decision log: one bounded queue, one writer thread, one SQLite file */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"

#include "journal_batch.h"
#include "journal_prune.h"
#include "journal_room.h"
#include "journal_wait.h"
#include "log.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    WAL_BYTES = 16 << 20,   /* larger than SQLite leaves it by itself */
};

struct journal {
    char *path, *group, *node_name;
    struct journal_room room;
    pthread_t thread;
    atomic_uint_fast64_t offered, dropped, details_dropped;
    struct log_limit full_limit, wal_limit, again_limit;
    struct log_limits error_limits;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t closing;
    uint64_t close_by_us;         /* 0: not closing */
    bool finished;                /* the writer is about to end */
    struct journal_status status; /* what the writer knows */
    struct journal_limits limits;

    bool (*written)(struct entry *entry);
    struct journal_db db; /* the writer's alone */
    struct entry *ruleset; /* the last one, for a file that is begun anew; NULL: none yet */
    unsigned opened;      /* so often the file was */
    uint64_t wal_next_us; /* the WAL is not tried again before */
    uint64_t dropped_before; /* the last success */
};

bool journal_has_room(struct journal *j)
{
    return room_has_promise(&j->room);
}

void journal_offer(struct journal *j, struct entry *entry)
{
    if (entry->ruleset == NULL)
        j->offered++;
    if (room_is_half_full(&j->room))
        j->details_dropped += entry_drop_details(entry);
    if (room_take(&j->room, &entry))
        return;
    if (entry->ruleset == NULL)
        j->dropped++;
    entry_free(entry);
    log_limited(&j->full_limit, LOG_WARNING, "%s: the writer is behind, a decision is not logged",
                j->path);
}

bool journal_offer_shadow(struct journal *j, struct entry *entry)
{
    if (!room_is_half_full(&j->room) && room_take(&j->room, &entry))
        return true;
    entry_free(entry);
    return false;
}

bool journal_commit(struct journal *j, struct entry *entry, uint64_t limit_us)
{
    struct waiter *waiter = waiter_new();
    bool written;

    entry->waiter = waiter;
    journal_offer(j, entry);
    queue_hurry(j->room.queue);
    written = waiter_wait(waiter, limit_us);
    waiter_release(waiter);
    return written;
}

void journal_set_limits(struct journal *j, const struct journal_limits *limits)
{
    pthread_mutex_lock(&j->mutex);
    j->limits = *limits;
    pthread_mutex_unlock(&j->mutex);
}

static struct journal_limits limits_of(struct journal *j)
{
    struct journal_limits limits;

    pthread_mutex_lock(&j->mutex);
    limits = j->limits;
    pthread_mutex_unlock(&j->mutex);
    return limits;
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

static void note_sizes(struct journal *j)
{
    uint64_t file = journal_size(j->path, ""), wal = journal_size(j->path, "-wal");

    pthread_mutex_lock(&j->mutex);
    j->status.file_bytes = file;
    j->status.wal_bytes = wal;
    pthread_mutex_unlock(&j->mutex);
}

static void note_error(struct journal *j, bool failed, const struct err *err)
{
    pthread_mutex_lock(&j->mutex);
    j->status.errors++;
    if (failed)
        j->status.healthy = false;
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

    if (journal_files_set_aside(j->path, aside, sizeof(aside), &err))
        log_line(LOG_ERR, "%s is damaged; kept as %s; a new log begins", j->path, aside);
    else
        log_limited(log_limit_of(&j->error_limits, err.text), LOG_ERR, "%s", err.text);
}

/* After a failure of any kind: everything is undone, and what is needed to go on is prepared. */
static void fail(struct journal *j, enum db_result result, const struct err *err)
{
    note_error(j, true, err);
    log_limited(log_limit_of(&j->error_limits, err->text), LOG_WARNING, "decision log: %s",
                err->text);
    if (j->db.db != NULL)
        journal_db_rollback(&j->db);
    if (result == DB_BROKEN || result == DB_STALE || result == DB_CORRUPT)
        journal_db_close(&j->db);
    if (result == DB_STALE)
        journal_files_drop_index(j->path);
    if (result == DB_CORRUPT)
        set_aside(j);
}

static enum db_result ready(struct journal *j, struct err *err)
{
    if (j->db.db != NULL && !journal_db_check(&j->db, err))
        fail(j, DB_BROKEN, err);
    if (j->db.db != NULL)
        return DB_OK;
    j->opened++;
    return journal_db_open(&j->db, err);
}

/* The batch's place for it is empty afterwards. */
static void take_out(struct journal *j, void **item)
{
    struct entry *entry = *item;

    room_give_back(&j->room, entry);
    *item = NULL;
}

static void free_item(struct journal *j, void **item)
{
    struct entry *entry = *item;

    take_out(j, item);
    entry_free(entry);
}

/* Written: the last policy is kept, all else is done with. */
static void finish(struct journal *j, void **item)
{
    struct entry *entry = *item;
    enum db_result result;
    struct err err = {""};

    if (entry->ruleset != NULL) {
        take_out(j, item);
        entry_free(j->ruleset);
        j->ruleset = entry;
        return;
    }
    /* Its row is there, whatever befell the file since. */
    if (entry->shadow == NULL && (result = batch_tell(&j->db, entry, &err)) != DB_OK)
        fail(j, result, &err);
    take_out(j, item);
    if (entry->shadow != NULL || j->written == NULL || !j->written(entry))
        entry_free(entry);
}

/* True: one more decision is in the log. */
static bool finish_one(struct journal *j, void **item)
{
    struct entry *entry = *item;
    bool counts = entry_is_mail(entry) && !entry->is_bad;

    j->dropped += entry->is_bad && entry_is_mail(entry);
    if (entry->is_bad)
        free_item(j, item);
    else
        finish(j, item);
    return counts;
}

static bool try_batch(struct journal *j, void **items, size_t count)
{
    uint64_t written = 0;
    struct err err = {""};
    enum db_result result = ready(j, &err);

    if (result == DB_OK)
        result = journal_db_set_sync(&j->db, limits_of(j).sync, &err);
    if (result == DB_OK)
        result = batch_write(&j->db, j->ruleset != NULL ? j->ruleset->ruleset : NULL,
                             (struct entry *const *)items, count, &err);
    if (result != DB_OK) {
        fail(j, result, &err);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        written += items[i] != NULL && finish_one(j, &items[i]);
    note_written(j, written);
    return true;
}

static void drop_all(struct journal *j, void **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = items[i];

        if (entry == NULL)
            continue;
        j->dropped += entry_is_mail(entry);
        free_item(j, &items[i]);
    }
}

static void write_batch(struct journal *j, void **items, size_t count)
{
    uint64_t pause = PAUSE_MIN_US;

    while (!try_batch(j, items, count)) {
        note_sizes(j);
        if (close_is_over(j)) {
            drop_all(j, items, count);
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
    struct journal_limits limits = limits_of(j);
    int64_t now = (int64_t)time(NULL) * 1000000;
    bool more = true;

    for (int i = 0; i < PRUNE_STEPS && more && result == DB_OK; i++)
        result = journal_prune(&j->db, &limits, now, &more, &err);
    if (result != DB_OK && result != DB_BUSY)
        fail(j, result, &err);
}

static void shrink_wal(struct journal *j)
{
    struct err err = {""};
    uint64_t wal = journal_size(j->path, "-wal");
    enum db_result result;

    if (wal <= WAL_BYTES || now_us() < j->wal_next_us)
        return;
    j->wal_next_us = now_us() + IDLE_US;
    result = journal_shrink_wal(&j->db, wal, &err);
    if (result == DB_BUSY) {
        note_error(j, false, &err);
        log_limited(&j->wal_limit, LOG_WARNING, "decision log: %s", err.text);
    } else if (result != DB_OK) {
        fail(j, result, &err);
    }
}

/* Between batches. When idle, also finds out whether the file can be opened, or was taken away. */
static void tidy(struct journal *j)
{
    struct err err = {""};
    unsigned opened = j->opened;
    enum db_result result = ready(j, &err);

    if (result != DB_OK)
        fail(j, result, &err);
    else if (j->opened != opened)
        note_written(j, 0);
    if (result == DB_OK)
        prune(j);
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
        bool closed = queue_is_closed(j->room.queue);

        count = queue_take(j->room.queue, items, BATCH, IDLE_US, LINGER_US);
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
    j->group = options->group != NULL ? xstrdup(options->group) : NULL;
    room_init(&j->room, options->queue_limit, options->queue_bytes);
    j->limits = (struct journal_limits){options->size_limit, options->retention,
                                        options->evidence_retention, options->rollup_retention,
                                        options->sync};
    j->node_name = options->node_name != NULL ? xstrdup(options->node_name) : NULL;
    j->written = options->written;
    j->status.healthy = true;
    j->db = (struct journal_db){.path = j->path, .group = j->group, .node = options->node,
                                .node_name = j->node_name};
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
    queue_close(j->room.queue);
    if (!join_thread(j)) {
        /* It hangs in a disk; what it uses must stay. */
        log_line(LOG_ERR, "%s: the disk does not answer; what waits is not logged", j->path);
        return;
    }
    if (j->dropped > 0)
        log_line(LOG_WARNING, "%s: %" PRIu64 " decisions of %" PRIu64 " were not logged", j->path,
                 (uint64_t)j->dropped, (uint64_t)j->offered);
    entry_free(j->ruleset);
    room_close(&j->room);
    pthread_cond_destroy(&j->closing);
    pthread_mutex_destroy(&j->mutex);
    free(j->path);
    free(j->group);
    free(j->node_name);
    free(j);
}

void journal_read_status(struct journal *j, struct journal_status *status)
{
    pthread_mutex_lock(&j->mutex);
    *status = j->status;
    pthread_mutex_unlock(&j->mutex);
    status->offered = j->offered;
    status->dropped = j->dropped;
    status->details_dropped = j->details_dropped + j->room.details_dropped;
    status->queued = queue_length(j->room.queue);
}
