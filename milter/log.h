/* log - one line to syslog and, in the foreground, to standard error; rate-limited where asked */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_LOG_H
#define TAMIS_LOG_H

#include "base.h"

#include <syslog.h>

/* Before the first call: standard error only. `facility` as "mail", "local3"; false if unknown.
 * `name` must live as long as the program. */
bool log_open(const char *facility, const char *name, bool to_stderr);
void log_close(void);
void log_verbose(bool verbose); /* LOG_DEBUG lines, too */

/* One line; control characters are printed as `?`. Any thread. priority: LOG_INFO, LOG_WARNING … */
void log_line(int priority, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same, at most once in 60 s for one `limit` object (static at the place of the call); says how
 * many were left out before. */
struct log_limit {
    uint64_t next_us;
    uint64_t left_out;
};
void log_limited(struct log_limit *limit, int priority, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
