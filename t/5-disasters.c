/* 5-disasters - the log survives what disks, administrators and readers do to it, and says so */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "logged.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct slow {
    const char *path;
    atomic_bool stop;
};

static int files_like(const char *pattern)
{
    glob_t g;
    int count = glob(tap_path(pattern), 0, NULL, &g) == 0 ? (int)g.gl_pathc : 0;

    if (count > 0)
        globfree(&g);
    return count;
}

static const char *count_rows(const char *path)
{
    return logged_query(path, "SELECT count(*) FROM decision");
}

static void test_impossible_path(void)
{
    const char *path = tap_path("later/log.db");
    struct journal *j = logged_open(path);
    struct journal_status s;

    logged_offer(j, 0, 5);
    s = logged_wait_error(j);
    tap_ok(!s.healthy && strstr(s.last_error, "No such file or directory") != NULL,
           "a directory that is not there: %s", s.last_error);
    mkdir(tap_path("later"), 0755);
    logged_wait(j);
    tap_ok(logged_status(j).healthy, "made later: written");
    journal_close(j);
    tap_is(count_rows(path), "5", "and nothing is lost");
    j = logged_open(tap_path("later"));
    tap_ok(strstr(logged_wait_error(j).last_error, "not a regular file") != NULL,
           "a directory as the file");
    journal_close(j);
}

/* Root may write everywhere: the rest is for somebody else. */
static int read_only_child(const char *dir)
{
    char path[512];
    struct journal *j;

    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    snprintf(path, sizeof(path), "%s/log.db", dir);
    alarm(30);
    j = logged_open(path);
    logged_offer(j, 0, 3);
    if (strstr(logged_wait_error(j).last_error, "Permission denied") == NULL)
        return 3;
    chmod(dir, 0755);
    logged_wait(j);
    journal_close(j);
    return strcmp(count_rows(path), "3") == 0 ? 0 : 4;
}

static void test_read_only_directory(void)
{
    const char *dir = tap_path("ro");
    int status;
    pid_t pid;

    mkdir(dir, 0755);
    if (geteuid() == 0 && chown(dir, 65534, 65534) != 0)
        tap_diag("chown: %s", strerror(errno));
    chmod(dir, 0555);
    fflush(stdout);
    if ((pid = fork()) == 0)
        _exit(read_only_child(dir));
    waitpid(pid, &status, 0);
    tap_is_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0,
               "read-only directory, then writable");
}

static void test_full_disk(void)
{
    const char *path = tap_path("full.db");
    struct journal *j = logged_open(path);
    struct rlimit before, small;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 200000;
    setrlimit(RLIMIT_FSIZE, &small);
    logged_offer(j, 0, 5000);
    logged_wait_error(j);
    tap_ok(!logged_status(j).healthy, "the disk is full: %s", logged_status(j).last_error);
    logged_offer(j, 5000, 10);
    setrlimit(RLIMIT_FSIZE, &before);
    logged_wait(j);
    tap_ok(logged_status(j).healthy && logged_status(j).dropped == 0, "there is room again");
    journal_close(j);
    tap_is(count_rows(path), "5010", "all rows are there, once");
    tap_is(logged_query(path, "PRAGMA integrity_check"), "ok", "integrity");
}

static sqlite3 *other_process(const char *path, const char *sql)
{
    sqlite3 *db;

    sqlite3_open(path, &db);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die("%s: %s", sql, sqlite3_errmsg(db));
    return db;
}

/* A slow disk is the same to the producers: nothing moves. */
static void test_locked(void)
{
    struct journal_options options = {.path = tap_path("locked.db"), .queue_limit = 100};
    struct journal *j = journal_open(&options);
    uint64_t before, longest = 0;
    struct journal_status s;
    sqlite3 *other;

    logged_offer(j, 0, 1);
    logged_wait(j);
    other = other_process(options.path, "BEGIN EXCLUSIVE");
    logged_offer(j, 1, 1);
    logged_wait_health(j, false);
    tap_ok(strstr(logged_status(j).last_error, "database is locked") != NULL, "locked by another");
    for (int i = 2; i < 202; i++) {
        struct entry *entry = logged_entry(i);

        before = now_us();
        journal_offer(j, entry);
        if (now_us() - before > longest)
            longest = now_us() - before;
    }
    tap_ok(longest < 5000000, "no offer waits for the lock");
    s = logged_status(j);
    tap_is_int((long long)s.queued, 100, "100 wait");
    tap_is_int((long long)s.dropped, 100, "100 are dropped and counted");
    tap_is_int((long long)s.details_dropped, 298, "of the others, half lost their two checks");
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    logged_wait(j);
    tap_ok(logged_status(j).healthy, "unlocked");
    journal_close(j);
    tap_is(count_rows(options.path), "102", "what waited is written");
}

/* How many small allocations an entry takes until it needs another block. */
static int room_left(void)
{
    struct entry *entry = logged_entry(0);
    struct arena *arena = entry->message->arena;
    size_t size = arena_size(arena);
    int n;

    for (n = 0; arena_size(arena) == size; n++)
        arena_alloc(arena, 1);
    entry_free(entry);
    return n - 1;
}

/* Its row grows in the writer's hands, when it says that nobody waited for it. */
static struct entry *late_entry(int number, int room)
{
    struct entry *entry = logged_entry(number);

    entry->late = (struct verdict){.act = ACT_DEFER, .stage = STAGE_EOM, .code = 451,
                                   .dsn = "4.3.0", .text = "late", .enforced = true};
    entry->late.token = "K7Q4-9MZ2";
    for (int i = 0; i < room; i++)
        arena_alloc(entry->message->arena, 1);
    return entry;
}

static void test_late(void)
{
    struct journal_options options = {.path = tap_path("late.db"), .queue_limit = 100,
                                      .sync = true};
    struct journal *j = journal_open(&options);
    int room = room_left();
    bool written;
    sqlite3 *other;

    logged_offer(j, 0, 1);
    logged_wait(j);
    other = other_process(options.path, "BEGIN EXCLUSIVE");
    written = journal_commit(j, late_entry(1, room), 20000);
    tap_ok(!written, "nobody waits longer than the limit");
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    logged_wait(j);
    tap_ok(journal_has_room(j), "a late row gives back the room that it took, no more");
    logged_offer(j, 2, 1);
    logged_wait(j);
    tap_is_int((long long)logged_status(j).dropped, 0, "and later ones are written");
    other = other_process(options.path, "BEGIN EXCLUSIVE");
    logged_offer(j, 3, 1);
    logged_wait_health(j, false);
    logged_offer(j, 4, 110);
    journal_commit(j, late_entry(200, 0), 20000);
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    logged_wait(j);
    journal_close(j);
    tap_is(logged_query(options.path, "SELECT queue_id, action FROM decision WHERE queue_id IN"
                                      " ('Q0', 'Q1', 'Q2', 'Q200') ORDER BY queue_id"),
           "Q0|accept\nQ1|tempfail\nQ2|accept\nQ200|tempfail",
           "as what they are, and one whose token was told however long the queue");
}

/* Holds the lock most of the time, as a disk does that has much else to do. */
static void *be_slow(void *arg)
{
    struct slow *slow = arg;
    sqlite3 *db = other_process(slow->path, "SELECT 1");

    while (!atomic_load(&slow->stop)) {
        if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK) {
            usleep(20000);
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        }
        usleep(1000);
    }
    sqlite3_close(db);
    return NULL;
}

static void test_slow(void)
{
    struct slow slow = {.path = tap_path("slow.db")};
    struct journal *j = logged_open(slow.path);
    uint64_t before, longest = 0;
    pthread_t thread;

    logged_offer(j, 0, 1);
    logged_wait(j);
    pthread_create(&thread, NULL, be_slow, &slow);
    for (int i = 1; i <= 2000; i++) {
        struct entry *entry = logged_entry(i);

        before = now_us();
        journal_offer(j, entry);
        if (now_us() - before > longest)
            longest = now_us() - before;
        if (i % 100 == 0)
            usleep(5000);
    }
    tap_ok(longest < 5000000, "a slow disk: no offer waits for it");
    logged_wait(j);
    tap_is_int((long long)logged_status(j).dropped, 0, "all is written while it is slow");
    atomic_store(&slow.stop, true);
    pthread_join(thread, NULL);
    journal_close(j);
    tap_is(logged_query(slow.path, "SELECT count(*), count(DISTINCT queue_id) FROM decision"),
           "2001|2001", "once each");
    tap_is(logged_query(slow.path, "PRAGMA integrity_check"), "ok", "integrity");
}

/* The times of the entries are what the clock said. */
static void test_clock_back(void)
{
    const char *path = tap_path("clock.db");
    struct journal *j = logged_open(path);

    logged_offer(j, 3600000, 5);
    logged_wait(j);
    logged_offer(j, 0, 5);
    logged_wait(j);
    journal_close(j);
    j = logged_open(path);
    logged_offer(j, 5, 5);
    logged_wait(j);
    tap_ok(logged_status(j).healthy && logged_status(j).dropped == 0,
           "the clock stepped back an hour");
    journal_close(j);
    tap_is(logged_query(path, "SELECT count(*), count(DISTINCT id) FROM decision"), "15|15",
           "no id twice, nor after a restart");
    tap_is(logged_query(path, "SELECT group_concat(queue_id) FROM (SELECT queue_id FROM decision"
                              " ORDER BY id)"),
           "Q3600000,Q3600001,Q3600002,Q3600003,Q3600004,Q0,Q1,Q2,Q3,Q4,Q5,Q6,Q7,Q8,Q9",
           "ids are in the order of arrival");
    tap_is(logged_query(path, "SELECT min(time), max(time) FROM decision"),
           "2023-11-14 22:13:20|2023-11-14 23:13:20", "times are what the clock said");
}

static void test_deleted(void)
{
    const char *path = tap_path("deleted.db"), *moved = tap_path("moved.db");
    struct journal *j = logged_open(path);

    logged_offer(j, 0, 4);
    logged_wait(j);
    rename(path, moved);
    logged_offer(j, 10, 2);
    logged_wait(j);
    tap_is(count_rows(path), "2", "renamed: a new file is begun");
    tap_is(count_rows(moved), "4", "the renamed one is complete");
    unlink(path);
    logged_offer(j, 20, 3);
    logged_wait(j);
    tap_is(count_rows(path), "3", "deleted: likewise");
    journal_close(j);
    tap_is(logged_query(path, "PRAGMA integrity_check"), "ok", "integrity");
}

static void overwrite(const char *path, off_t from, size_t len)
{
    int fd = open(path, O_WRONLY);
    char garbage[4096];

    memset(garbage, 0xa5, sizeof(garbage));
    for (size_t done = 0; done < len; done += sizeof(garbage))
        if (pwrite(fd, garbage, sizeof(garbage), from + (off_t)done) < 0)
            die("%s: %s", path, strerror(errno));
    close(fd);
}

static void test_corrupt(void)
{
    const char *path = tap_path("corrupt.db");
    struct journal *j;

    tap_file("corrupt.db",
             "this is not a database, but long enough to look like a file of its own");
    overwrite(path, 0, 40960);
    j = logged_open(path);
    logged_offer(j, 0, 5);
    logged_wait(j);
    journal_close(j);
    tap_is(count_rows(path), "5", "garbage: a new log");
    tap_is_int(files_like("corrupt.db.corrupt-*[0-9]"), 1, "the garbage is kept");
    overwrite(path, 4096, 40960);
    j = logged_open(path);
    logged_offer(j, 10, 6);
    logged_wait(j);
    tap_is(count_rows(path), "6", "garbage behind a good first page: a new log");
    tap_is_int(files_like("corrupt.db.corrupt-*[0-9]"), 2, "kept, too");
    journal_close(j);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3_close(other_process(path, sql));
}

static void test_refused(void)
{
    const char *path = tap_path("newer.db"), *foreign = tap_path("foreign.db");
    struct journal *j = logged_open(path);

    logged_offer(j, 0, 2);
    journal_close(j);
    run_sql(path, "PRAGMA user_version = 99");
    run_sql(foreign, "CREATE TABLE mine (x)");
    j = logged_open(path);
    logged_wait_health(j, false);
    logged_wait_error(j);
    tap_ok(strstr(logged_status(j).last_error, "newer tamis") != NULL, "a newer log: %s",
           logged_status(j).last_error);
    journal_close(j);
    tap_is(logged_query(path, "PRAGMA user_version; SELECT count(*) FROM decision"), "99\n2",
           "is left alone");
    j = logged_open(foreign);
    tap_ok(strstr(logged_wait_error(j).last_error, "another program") != NULL,
           "another program's database");
    journal_close(j);
    tap_is(logged_query(foreign, "SELECT name FROM sqlite_master"), "mine", "is left alone, too");
}

static void test_reader(void)
{
    const char *path = tap_path("reader.db");
    struct journal *j = logged_open(path);
    struct journal_status s;
    sqlite3 *reader;
    int rows = 1;

    logged_offer(j, 0, 1);
    logged_wait(j);
    reader = other_process(path, "BEGIN; SELECT count(*) FROM decision");
    do {
        logged_offer(j, rows, 5000);
        rows += 5000;
        logged_wait(j);
        s = logged_status(j);
    } while (strstr(s.last_error, "a reader holds a transaction open") == NULL && rows < 1000000);
    tap_ok(s.wal_bytes > 16 << 20 && s.healthy, "a reader that forgets its transaction: %s",
           s.last_error);
    sqlite3_close(reader);
    while (logged_status(j).wal_bytes > 1 << 20)
        usleep(1000);
    tap_ok(logged_status(j).healthy, "when it has gone the WAL is emptied");
    journal_close(j);
}

static void test_size_limit(void)
{
    struct journal_options options = {
        .path = tap_path("limit.db"), .queue_limit = 10000, .size_limit = 2 << 20};
    struct journal *j = journal_open(&options);

    for (int i = 0; i < 60000; i += 5000) {
        logged_offer(j, i, 5000);
        logged_wait(j);
    }
    logged_offer(j, 60000, 1);
    journal_close(j);
    j = journal_open(&options);
    logged_wait_health(j, true);
    journal_close(j);
    tap_ok(atoi(logged_query(options.path, "SELECT page_count * page_size FROM pragma_page_count,"
                                           " pragma_page_size")) < 3 << 20,
           "the file keeps to its size");
    tap_is(logged_query(options.path, "SELECT queue_id FROM decision ORDER BY id DESC LIMIT 1"),
           "Q60000", "the newest row is there");
    tap_ok(atoi(count_rows(options.path)) > 1000, "with many before it");
    tap_is(logged_query(options.path, "SELECT count(*) FROM decision WHERE queue_id = 'Q0'"), "0",
           "the oldest are gone");
    tap_ok(atoi(logged_query(options.path, "SELECT count(*) FROM address")) < 24000,
           "with the addresses that nobody uses");
    tap_is(logged_query(options.path,
                        "SELECT count(*) FROM decision WHERE sender IS NULL OR recipients IS"
                        " NULL OR action IS NULL OR client_name IS NULL OR helo IS NULL"),
           "0", "but none that is used");
    tap_is(logged_query(options.path, "PRAGMA integrity_check"), "ok", "integrity");
}

/* Writes until it is killed. */
static _Noreturn void endless_child(const char *path, const char *group)
{
    struct journal_options options = {.path = path, .queue_limit = 1000, .group = group};
    struct journal *j = journal_open(&options);

    alarm(60);
    for (int i = 0;; i += 10) {
        logged_offer(j, i, 10);
        logged_wait(j);
    }
}

static void test_killed(void)
{
    const char *path = tap_path("killed.db");
    int before = 0, rows, grown = 0;
    struct journal *j;
    pid_t pid;

    for (int i = 0; i < 5; i++) {
        fflush(stdout);
        if ((pid = fork()) == 0)
            endless_child(path, NULL);
        while ((rows = atoi(count_rows(path))) < before + 50)
            usleep(1000 + (useconds_t)i * 700);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        grown += atoi(count_rows(path)) >= rows;
        before = atoi(count_rows(path));
    }
    tap_is_int(grown, 5, "killed five times: what a reader saw stays");
    j = logged_open(path);
    logged_offer(j, 0, 1);
    journal_close(j);
    tap_is_int(atoi(count_rows(path)), before + 1, "and it goes on");
    tap_is(logged_query(path, "PRAGMA integrity_check"), "ok", "integrity");
}

/* The number of rows as a group member sees it, through a shell that does not know it is
 * read-only. */
static int rows_for_member(const char *path, gid_t gid)
{
    char *command = xasprintf("setpriv --reuid=65534 --regid=65534 --groups=%d sqlite3 '%s'"
                              " 'SELECT count(*) FROM decision' 2>&1", (int)gid, path);
    FILE *f = popen(command, "r");
    char text[256] = "";

    if (f == NULL || fgets(text, sizeof(text), f) == NULL)
        text[0] = '\0';
    if (f != NULL)
        pclose(f);
    free(command);
    if (atoi(text) == 0)
        tap_diag("%s", text);
    return atoi(text);
}

static void test_group_member(void)
{
    const struct group *group = getgrnam("mail");
    struct journal_options options = {
        .path = tap_path("group.db"), .queue_limit = 100, .group = "mail"};
    struct journal *j;
    gid_t gid;
    pid_t pid;

    if (geteuid() != 0 || group == NULL || system("setpriv --version >/dev/null 2>&1") != 0) {
        tap_ok(true, "a group member reads # SKIP needs root, setpriv and the group mail");
        return;
    }
    gid = group->gr_gid;
    j = journal_open(&options);
    logged_offer(j, 0, 7);
    logged_wait(j);
    tap_is_int(rows_for_member(options.path, gid), 7, "a group member reads while the filter runs");
    journal_close(j);
    tap_is_int(rows_for_member(options.path, gid), 7, "when it has stopped");
    tap_is_int(rows_for_member(options.path, 65534), 0, "nobody else does");
    fflush(stdout);
    if ((pid = fork()) == 0)
        endless_child(options.path, options.group);
    while (rows_for_member(options.path, gid) < 50)
        usleep(1000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    tap_ok(rows_for_member(options.path, gid) >= 50, "when it was killed");
}

/* Two filters on one file, as when an old one still drains. */
static void test_two_writers(void)
{
    const char *path = tap_path("two.db");
    struct journal *a = logged_open(path), *b = logged_open(path);

    for (int i = 0; i < 20; i++) {
        logged_offer(a, i * 10, 5);
        logged_offer(b, i * 10, 5);
        if (i % 4 == 0) {
            logged_wait(a);
            logged_wait(b);
        }
    }
    logged_wait(a);
    logged_wait(b);
    journal_close(a);
    journal_close(b);
    tap_is(logged_query(path, "SELECT count(*), count(sender), count(recipients) FROM decision"),
           "200|200|200", "two writers, nothing lost");
}

int main(void)
{
    tap_start(300);
    if (system("sqlite3 -version >/dev/null 2>&1") != 0)
        tap_skip_all("no sqlite3 shell");
    chmod(tap_dir(), 0755);
    test_impossible_path();
    test_read_only_directory();
    test_full_disk();
    test_locked();
    test_late();
    test_slow();
    test_clock_back();
    test_deleted();
    test_corrupt();
    test_refused();
    test_reader();
    test_size_limit();
    test_killed();
    test_group_member();
    test_two_writers();
    return tap_done();
}
