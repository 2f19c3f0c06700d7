/* meter - what a process consumes, seen from outside */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REST_MS 100
#define REST_NS 1000000 /* this little CPU time within REST_MS is rest */

uint64_t meter_cpu_ns(pid_t pid)
{
    struct timespec ts;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
        die("process %ld cannot be measured", (long)pid);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t meter_settled_cpu_ns(pid_t pid)
{
    uint64_t before = meter_cpu_ns(pid), now = before;
    int quiet = 0;

    for (int i = 0; i < 50 && quiet < 3; i++) {
        usleep(REST_MS * 1000);
        now = meter_cpu_ns(pid);
        quiet = now - before < REST_NS ? quiet + 1 : 0;
        before = now;
    }
    return now;
}

long meter_rss_kb(pid_t pid)
{
    char path[64];
    long pages = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
    f = fopen(path, "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

uint32_t meter_percentile(uint32_t *list, size_t count, unsigned percent)
{
    qsort(list, count, sizeof(*list), compare);
    return count ? list[(count - 1) * percent / 100] : 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double meter_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return values[count / 2];
}
