/* 1-log - what a line looks like, and how often it comes */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int real_stderr, file = -1;

/* From here on standard error goes to a file. */
static void listen_to_stderr(void)
{
    const char *path = tap_file("stderr", "");

    file = open(path, O_RDWR | O_TRUNC | O_APPEND);
    real_stderr = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
}

/* What was written since the last call; static. */
static const char *heard(void)
{
    static char text[8192];
    ssize_t len = pread(file, text, sizeof(text) - 1, 0);

    text[len > 0 ? len : 0] = '\0';
    if (ftruncate(file, 0) != 0)
        text[0] = '\0';
    return text;
}

static void test_lines(void)
{
    log_line(LOG_INFO, "x %s", "y");
    tap_is(heard(), "tamis: x y\n", "before log_open: standard error");
    log_line(LOG_WARNING, "odd");
    tap_is(heard(), "tamis: warning: odd\n", "a warning");
    log_line(LOG_ERR, "bad");
    tap_is(heard(), "tamis: error: bad\n", "an error");
    log_line(LOG_CRIT, "over");
    tap_is(heard(), "tamis: fatal: over\n", "a fatal error");
    log_line(LOG_INFO, "a\nb\tc\033[1m\177 \xc3\xa9 \xc2\x9b \xe9.");
    tap_is(heard(), "tamis: a?b?c?[1m? \xc3\xa9 ?? ?.\n", "controls and bytes that are no UTF-8");
    log_line(LOG_DEBUG, "detail");
    tap_is(heard(), "", "debugging lines are not printed");
    log_verbose(true);
    log_line(LOG_DEBUG, "detail");
    tap_is(heard(), "tamis: detail\n", "but when asked for");
    log_verbose(false);
    errno = ENOENT;
    log_line(LOG_INFO, "x");
    tap_is_int(errno, ENOENT, "errno is kept");
    heard();
}

static void test_long_line(void)
{
    char text[5000];
    const char *got;

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_line(LOG_WARNING, "%s", text);
    got = heard();
    tap_ok(strlen(got) > 1900 && strlen(got) < 2200, "a long line is cut");
    tap_ok(got[strlen(got) - 1] == '\n', "and ends in a line feed");
}

static void test_limit(void)
{
    struct log_limit limit = {0};

    for (int i = 0; i < 5; i++)
        log_limited(&limit, LOG_WARNING, "disk %d", i);
    tap_is(heard(), "tamis: warning: disk 0\n", "once");
    limit.next_us = 1;
    log_limited(&limit, LOG_WARNING, "disk %d", 9);
    tap_is(heard(), "tamis: warning: disk 9 (4 more like this before)\n", "later: how many not");
    limit.next_us = 1;
    log_limited(&limit, LOG_WARNING, "disk %d", 10);
    tap_is(heard(), "tamis: warning: disk 10\n", "counted anew");
}

static void test_limit_of(void)
{
    static const char *const texts[] = {"full", "gone", "3", "4", "5", "6", "7", "8", "9", "full",
                                        "gone", "9", "10"};
    struct log_limits limits = {0};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        log_limited(log_limit_of(&limits, texts[i]), LOG_INFO, "%s", texts[i]);
    tap_is(heard(), "tamis: full\ntamis: gone\ntamis: 3\ntamis: 4\ntamis: 5\ntamis: 6\ntamis: 7\n"
                    "tamis: 8\n", "each text once; from the eighth on they share");
}

static void *log_often(void *arg)
{
    for (int i = 0; i < 100; i++)
        log_limited(arg, LOG_INFO, "t");
    return NULL;
}

static void test_threads(void)
{
    struct log_limit limit = {0};
    pthread_t threads[4];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, log_often, &limit);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    tap_is(heard(), "tamis: t\n", "one line of 400 in four threads");
    tap_is_int((long long)limit.left_out, 399, "the others are counted");
}

static void test_open(void)
{
    tap_ok(!log_open("nonsense", "x", true), "an unknown facility");
    tap_ok(log_open("local7", "tamis-test", false), "a known one");
    log_line(LOG_DEBUG, "silent");
    tap_is(heard(), "", "in the background nothing goes to standard error");
    tap_ok(log_open("local7", "tamis-test", true), "opened again");
    log_close();
    log_line(LOG_INFO, "again");
    tap_is(heard(), "tamis-test: again\n", "after log_close: standard error");
}

int main(void)
{
    tap_start(30);
    listen_to_stderr();
    test_lines();
    test_long_line();
    test_limit();
    test_limit_of();
    test_threads();
    test_open();
    dup2(real_stderr, STDERR_FILENO);
    return tap_done();
}
