/* log - one line to syslog and, in the foreground, to standard error; rate-limited where asked */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_LOG_H
#define TAMIS_LOG_H

#include "base.h"

#include <syslog.h>

/* Before the first call: standard error only. `facility` as "mail", "local3"; false if unknown
 * (then nothing changes). `name` must live as long as the program. */
bool log_open(const char *facility, const char *name, bool to_stderr);
void log_close(void);
void log_verbose(bool verbose); /* LOG_DEBUG lines, too */
void log_silence(bool silent);  /* nothing at all: for commands that only try things */

/* One line of at most 2 kB (longer: cut); a control character or a byte that is no UTF-8 is
 * printed as `?`. As in Postfix's log "warning: ", "error: " or "fatal: " stands in front where
 * the priority (LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR, LOG_CRIT) says so. Any thread; errno is
 * kept. */
void log_line(int priority, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same, at most once in 60 s for one `limit` object (zeroed before its first use; often static
 * at the place of the call); says how many were left out before. */
struct log_limit {
    uint64_t next_us; /* monotonic: not before then */
    uint64_t left_out;
};
void log_limited(struct log_limit *limit, int priority, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A limit for each text, so that one trouble does not hide another; the eighth and all later ones
 * have one together. Zeroed before its first use; for one thread. */
struct log_limits {
    struct {
        uint64_t hash; /* of the text; 0: free */
        struct log_limit limit;
    } texts[8];
};
struct log_limit *log_limit_of(struct log_limits *limits, const char *text);

#endif
