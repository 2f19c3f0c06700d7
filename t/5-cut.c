/* 5-cut - the files beside the log are cut short or taken away while it is written and read */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "logdb.h"
#include "logged.h"
#include "shm_guard.h"
#include "tap.h"

#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CUTS = 20 };

struct load {
    struct journal *journal;
    atomic_bool stop;
    int offered;
};

static const char *path_of(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", tap_dir(), name);
    return path;
}

static struct journal_status status_of(struct journal *j)
{
    struct journal_status s;

    journal_read_status(j, &s);
    return s;
}

static int files_like(const char *pattern)
{
    glob_t g;
    int count = glob(path_of(pattern), 0, NULL, &g) == 0 ? (int)g.gl_pathc : 0;

    if (count > 0)
        globfree(&g);
    return count;
}

static bool is_there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static void cut(const char *name)
{
    if (truncate(path_of(name), 0) != 0)
        tap_diag("%s cannot be cut", name);
}

static const char *rows_of(const char *path)
{
    return logged_query(path, "SELECT count(*), count(DISTINCT queue_id) FROM decision;"
                              " PRAGMA integrity_check");
}

static void test_once(void)
{
    const char *path = path_of("once.db");
    struct journal *j = logged_open(path);

    logged_offer(j, 0, 100);
    logged_wait(j);
    cut("once.db-shm");
    logged_offer(j, 100, 100);
    logged_wait(j);
    tap_ok(status_of(j).errors >= 1 && strstr(status_of(j).last_error, "was cut short") != NULL,
           "-shm cut to nothing: %s", status_of(j).last_error);
    tap_ok(status_of(j).healthy && status_of(j).dropped == 0, "and well again");
    tap_is(rows_of(path), "200|200\nok", "a reader sees all rows at once");
    journal_close(j);
    tap_is(rows_of(path), "200|200\nok", "and when it is closed");
}

/* Keeps the writer at work. */
static void *offer_all(void *arg)
{
    struct load *load = arg;

    while (!atomic_load(&load->stop)) {
        logged_offer(load->journal, load->offered, 20);
        load->offered += 20;
        usleep(status_of(load->journal).queued > 5000 ? 10000 : 500);
    }
    return NULL;
}

/* Whatever SQLite is doing at that moment. */
static void test_under_load(const char *name, off_t size)
{
    char *db = xasprintf("%s.db", name), *shm = xasprintf("%s/%s.db-shm", tap_dir(), name);
    char *aside = xasprintf("%s.db.corrupt-*", name), *path = xstrdup(path_of(db));
    struct load load = {.journal = logged_open(path)};
    unsigned before = shm_guard_faults();
    pthread_t thread;

    pthread_create(&thread, NULL, offer_all, &load);
    for (int i = 0; i < CUTS; i++) {
        uint64_t written = status_of(load.journal).written, errors = status_of(load.journal).errors;

        while (status_of(load.journal).written < written + 100)
            usleep(100 + (useconds_t)i * 37);
        if (truncate(shm, size) != 0)
            break;
        while (status_of(load.journal).errors == errors)
            usleep(1000);
    }
    atomic_store(&load.stop, true);
    pthread_join(thread, NULL);
    logged_wait(load.journal);
    tap_ok(shm_guard_faults() - before >= CUTS, "%s: each cut was felt (%u pages)", name,
           shm_guard_faults() - before);
    tap_ok(status_of(load.journal).healthy && status_of(load.journal).dropped == 0,
           "%s: all is written", name);
    journal_close(load.journal);
    tap_is(logged_query(path, "SELECT count(*) - count(DISTINCT queue_id) FROM decision;"
                              " PRAGMA integrity_check"), "0\nok", "%s: no row twice", name);
    tap_is_int(atoi(rows_of(path)), load.offered, "%s: no row is missing", name);
    tap_is_int(files_like(aside), 0, "%s: nothing was taken for damaged", name);
    free(db), free(shm), free(aside), free(path);
}

static void test_gone(const char *suffix)
{
    char *db = xasprintf("gone%s.db", suffix), *file = xasprintf("%s%s", db, suffix);
    char *path = xstrdup(path_of(db));
    struct journal *j = logged_open(path);

    logged_offer(j, 0, 10);
    logged_wait(j);
    unlink(path_of(file));
    logged_offer(j, 10, 10);
    logged_wait(j);
    tap_ok(is_there(file), "%s is removed: there is another", suffix);
    tap_is(rows_of(path), "20|20\nok", "%s is removed: a reader sees all rows", suffix);
    logged_offer(j, 20, 10);
    journal_close(j);
    tap_is(rows_of(path), "30|30\nok", "%s is removed: and all when it is closed", suffix);
    free(db), free(file), free(path);
}

/* Rows that were in what was cut off are gone; those that come are where a reader finds them. */
static void test_cut(const char *suffix, off_t size)
{
    char *db = xasprintf("cut%s%d.db", suffix, (int)size), *path = xstrdup(path_of(db));
    char *file = xasprintf("%s%s", path, suffix);
    struct journal *j = logged_open(path);

    logged_offer(j, 0, 500);
    journal_close(j);
    j = logged_open(path);
    logged_offer(j, 500, 500);
    logged_wait(j);
    if (truncate(file, size) != 0)
        tap_diag("%s cannot be cut", file);
    logged_offer(j, 1000, 10);
    logged_wait(j);
    tap_ok(status_of(j).errors >= 1 && status_of(j).healthy, "log.db%s cut to %d: noted (%s)", suffix,
           (int)size, status_of(j).last_error);
    tap_is(logged_query(path, "SELECT count(*) FROM decision WHERE queue_id LIKE 'Q10__';"
                              " PRAGMA integrity_check"), "10\nok",
           "log.db%s cut to %d: a reader sees what came after it", suffix, (int)size);
    journal_close(j);
    tap_is(logged_query(path, "SELECT count(*) FROM decision WHERE queue_id LIKE 'Q10__';"
                              " PRAGMA integrity_check"), "10\nok",
           "log.db%s cut to %d: and when it is closed", suffix, (int)size);
    free(db), free(path), free(file);
}

/* Another process: reads once when it is told, keeps the file open until it is told again. */
static _Noreturn void stay(const char *path, int told, int done)
{
    char byte;
    sqlite3 *db;

    if (read(told, &byte, 1) == 1 && sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_exec(db, "SELECT count(*) FROM decision", NULL, NULL, NULL) == SQLITE_OK &&
        write(done, "r", 1) == 1 && read(told, &byte, 1) == 1)
        _exit(0);
    _exit(1);
}

/* A reader that stays keeps the index of the WAL as it was. */
static void test_cut_before_reader(void)
{
    const char *path = path_of("stays.db");
    int tell[2], done[2], status = 1;
    struct journal *j;
    bool read_once;
    pid_t pid;
    char byte;

    if (pipe(tell) != 0 || pipe(done) != 0)
        return;
    fflush(stdout);
    if ((pid = fork()) == 0)
        stay(path, tell[0], done[1]);
    j = logged_open(path);
    logged_offer(j, 0, 500);
    journal_close(j);
    j = logged_open(path);
    logged_offer(j, 500, 500);
    logged_wait(j);
    read_once = write(tell[1], "r", 1) == 1 && read(done[0], &byte, 1) == 1;
    cut("stays.db-wal");
    logged_offer(j, 1000, 10);
    logged_wait(j);
    tap_ok(read_once && status_of(j).healthy && status_of(j).dropped == 0,
           "-wal is cut while a reader stays: written again");
    tap_is(rows_of(path), "510|510\nok", "with all that was in the database");
    if (write(tell[1], "e", 1) == 1)
        waitpid(pid, &status, 0);
    tap_is_int(status, 0, "the reader has gone");
    journal_close(j);
    tap_is(rows_of(path), "510|510\nok", "and closed");
    tap_is_int(files_like("stays.db.corrupt-*"), 0, "nothing was taken for damaged");
}

/* The whole database is cut while a reader has it open, who stays as long as he likes. */
static void test_cut_under_reader(off_t size)
{
    char *db = xasprintf("held%d.db", (int)size), *path = xstrdup(path_of(db));
    char *aside = xasprintf("%s.corrupt-*[0-9]", db);
    int tell[2], done[2], status = 1;
    struct journal *j;
    bool read_once;
    pid_t pid;
    char byte;

    if (pipe(tell) != 0 || pipe(done) != 0)
        return;
    fflush(stdout);
    if ((pid = fork()) == 0)
        stay(path, tell[0], done[1]);
    j = logged_open(path);
    logged_offer(j, 0, 500);
    logged_wait(j);
    journal_close(j);
    j = logged_open(path);
    logged_offer(j, 500, 10);
    logged_wait(j);
    read_once = write(tell[1], "r", 1) == 1 && read(done[0], &byte, 1) == 1;
    if (truncate(path, size) != 0)
        tap_diag("%s cannot be cut", path);
    logged_offer(j, 1000, 10);
    logged_wait(j);
    tap_ok(read_once && status_of(j).healthy && status_of(j).dropped == 0,
           "log.db cut to %d while a reader stays: written again", (int)size);
    tap_is(rows_of(path), "10|10\nok", "into a new file");
    tap_is_int(files_like(aside), 1, "the other is kept");
    if (write(tell[1], "e", 1) == 1)
        waitpid(pid, &status, 0);
    tap_is_int(status, 0, "the reader has gone");
    logged_offer(j, 1010, 10);
    journal_close(j);
    tap_is(rows_of(path), "20|20\nok", "which is nothing to the new one");
    free(db), free(path), free(aside);
    for (int i = 0; i < 2; i++)
        close(tell[i]), close(done[i]);
}

static void test_reader(void)
{
    const char *path = path_of("read.db");
    struct journal *j = logged_open(path);
    struct logdb log, again;
    sqlite3_stmt *stmt;
    struct err err;
    int rc;

    logged_offer(j, 0, 50);
    journal_close(j);
    tap_ok(logdb_open(&log, path, &err), "a reader");
    stmt = logdb_prepare(&log, "SELECT count(*) FROM decision", &err);
    tap_ok(sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) == 50, "reads");
    sqlite3_reset(stmt);
    cut("read.db-shm");
    rc = sqlite3_step(stmt);
    tap_ok(rc == SQLITE_IOERR, "-shm is cut: an error, not the end (%d)", rc);
    sqlite3_reset(stmt);
    rc = sqlite3_step(stmt);
    tap_is_int(rc, SQLITE_IOERR, "which stays");
    sqlite3_reset(stmt);
    tap_ok(!logdb_open(&again, path, &err), "nor are its pages anybody else's");
    sqlite3_finalize(stmt);
    logdb_close(&log);
    tap_ok(logdb_open(&log, path, &err), "until it is opened again");
    stmt = logdb_prepare(&log, "SELECT count(*) FROM decision", &err);
    tap_ok(stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) == 50,
           "and reads all");
    sqlite3_finalize(stmt);
    logdb_close(&log);
}

/* What others do wrong still ends the process. */
static int signal_of_child(bool mapped)
{
    int fd = open(path_of("other"), O_RDWR | O_CREAT, 0600), status = 0;
    pid_t pid;

    shm_guard_vfs();
    fflush(stdout);
    if ((pid = fork()) == 0) {
        char *page = ftruncate(fd, 4096) != 0
                         ? NULL : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

        signal(SIGALRM, SIG_DFL);
        alarm(10);
        if (!mapped)
            raise(SIGBUS);
        else if (page != NULL && ftruncate(fd, 0) == 0)
            _exit(*(volatile char *)page);
        _exit(1);
    }
    close(fd);
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_others(void)
{
    tap_is_int(signal_of_child(true), SIGBUS, "a page of another file that was cut");
    tap_is_int(signal_of_child(false), SIGBUS, "a signal that somebody sent");
}

int main(void)
{
    tap_start(180);
    signal(SIGBUS, SIG_DFL); /* a sanitizer has a handler of its own, which is no end by a signal */
    if (system("sqlite3 -version >/dev/null 2>&1") != 0)
        tap_skip_all("no sqlite3 shell");
    test_once();
    test_under_load("nothing", 0);
    test_under_load("a-page", 4096);
    test_gone("-shm");
    test_gone("-wal");
    test_cut("", 0);
    test_cut("", 5000);
    test_cut("-wal", 0);
    test_cut("-wal", 50000);
    test_cut("-shm", 100);
    test_cut_before_reader();
    test_cut_under_reader(0);
    test_cut_under_reader(5000);
    test_reader();
    test_others();
    return tap_done();
}
