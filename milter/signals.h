/* signals - HUP, INT, TERM and USR1 belong to the main thread, whatever libmilter thinks */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SIGNALS_H
#define TAMIS_SIGNALS_H

#include "base.h"

/* Blocks the four for this thread and all that it will start, and ignores SIGPIPE. Call before the
 * first thread. */
void signals_claim(void);

/* Waits for one of the four, at most timeout_us: its number, or 0. The main thread only. */
int signals_wait(uint64_t timeout_us);

#endif
