/* log - one line to syslog and, in the foreground, to standard error; rate-limited where asked */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include "fold.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 2048, LIMIT_US = 60 * 1000000 };

static const char *_Atomic program = "tamis";
static atomic_bool to_syslog, to_stderr = true, with_debug, is_silent;
static pthread_mutex_t limit_mutex = PTHREAD_MUTEX_INITIALIZER;

void log_open(int facility, const char *name, bool stderr_too)
{
    openlog(name, LOG_PID | LOG_NDELAY, facility);
    program = name;
    to_stderr = stderr_too;
    to_syslog = true;
}

void log_close(void)
{
    to_syslog = false;
    to_stderr = true;
    closelog();
}

void log_verbose(bool verbose)
{
    with_debug = verbose;
}

void log_silence(bool silent)
{
    is_silent = silent;
}

static const char *prefix_of(int priority)
{
    switch (priority) {
    case LOG_WARNING:
        return "warning: ";
    case LOG_ERR:
        return "error: ";
    case LOG_CRIT:
    case LOG_ALERT:
    case LOG_EMERG:
        return "fatal: ";
    default:
        return "";
    }
}

/* In a container there may be none: syslog(3) would take four calls of the system to find that out,
 * for each line. While there is one, it is looked for once a second. */
static bool has_syslogd(void)
{
    static atomic_uint_fast64_t good_until_us;
    uint64_t now = now_us();

    if (now < good_until_us)
        return true;
    if (access(_PATH_LOG, F_OK) != 0)
        return false;
    good_until_us = now + 1000000;
    return true;
}

static void print_line(int priority, const char *line)
{
    char out[LINE_SIZE + 64];
    int len;

    if (to_syslog && has_syslogd())
        syslog(priority, "%s", line);
    if (!to_stderr)
        return;
    len = snprintf(out, sizeof(out), "%.32s: %s\n", program, line);
    /* One write, so that lines of several threads and processes do not mix. */
    if (len > 0 && write(STDERR_FILENO, out, (size_t)len) < 0)
        return;
}

static void format_line(int priority, const char *note, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

static void format_line(int priority, const char *note, const char *fmt, va_list ap)
{
    int kept = errno;
    char line[LINE_SIZE];
    size_t used = (size_t)snprintf(line, sizeof(line), "%s", prefix_of(priority));
    size_t room = sizeof(line) - strlen(note);

    vsnprintf(line + used, room - used, fmt, ap);
    used = strlen(line);
    snprintf(line + used, sizeof(line) - used, "%s", note);
    fold_printable(line, '?');
    print_line(priority, line);
    errno = kept;
}

void log_line(int priority, const char *fmt, ...)
{
    va_list ap;

    if (is_silent || (priority == LOG_DEBUG && !with_debug))
        return;
    va_start(ap, fmt);
    format_line(priority, "", fmt, ap);
    va_end(ap);
}

static bool limit_passes(struct log_limit *limit, uint64_t *left_out)
{
    uint64_t now = now_us();
    bool passes;

    pthread_mutex_lock(&limit_mutex);
    passes = now >= limit->next_us;
    if (passes) {
        *left_out = limit->left_out;
        limit->left_out = 0;
        limit->next_us = now + LIMIT_US;
    } else {
        limit->left_out++;
    }
    pthread_mutex_unlock(&limit_mutex);
    return passes;
}

void log_limited(struct log_limit *limit, int priority, const char *fmt, ...)
{
    uint64_t left_out = 0;
    char note[64] = "";
    va_list ap;

    if (is_silent || (priority == LOG_DEBUG && !with_debug) || !limit_passes(limit, &left_out))
        return;
    if (left_out > 0)
        snprintf(note, sizeof(note), " (%" PRIu64 " more like this before)", left_out);
    va_start(ap, fmt);
    format_line(priority, note, fmt, ap);
    va_end(ap);
}

struct log_limit *log_limit_of(struct log_limits *limits, const char *text)
{
    size_t i, last = ARRAY_LEN(limits->texts) - 1;
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    for (i = 0; i < last && limits->texts[i].hash != 0; i++)
        if (limits->texts[i].hash == hash)
            break;
    limits->texts[i].hash = hash;
    return &limits->texts[i].limit;
}
