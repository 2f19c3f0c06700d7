/* meter - what a process consumes, seen from outside */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_T_METER_H
#define TAMIS_T_METER_H

#include "base.h"

#include <sys/types.h>

/* User and system time of all threads of a process, those that ended included, in nanoseconds
 * (clock_getcpuclockid(3)). Dies when there is no such process. */
uint64_t meter_cpu_ns(pid_t pid);

/* The same once the process has come to rest (at most five seconds): work that it put off counts
 * too. */
uint64_t meter_settled_cpu_ns(pid_t pid);

/* Resident memory, kB; 0 when it cannot be read. */
long meter_rss_kb(pid_t pid);

/* The value that `percent` of them do not exceed. Sorts the list. */
uint32_t meter_percentile(uint32_t *list, size_t count, unsigned percent);

/* Of an odd number of values. Sorts them. */
double meter_median(double *values, size_t count);

#endif
