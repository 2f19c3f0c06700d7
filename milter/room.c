/* room - how many connections the process has room for */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "room.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    FILES_WANTED = 65536, /* open at once, a connection each */
    FILES_OWN = 48,       /* of them for the log, rule files, the control socket, callers on hold */
    THREADS_OWN = 24,     /* ours, libmilter's, and those of it that have nothing to do */
};

/* The soft limit is that of a login shell, 1,024, nearly everywhere. */
static rlim_t raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return FILES_WANTED;
    if (files.rlim_cur < FILES_WANTED && files.rlim_cur < files.rlim_max) {
        struct rlimit more = {.rlim_max = files.rlim_max};
        more.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
        files = setrlimit(RLIMIT_NOFILE, &more) < 0 ? files : more;
    }
    return files.rlim_cur < FILES_WANTED ? files.rlim_cur : FILES_WANTED;
}

/* "max" is no number. */
static void read_pids_max(const char *group, rlim_t *least)
{
    char path[4200];
    unsigned long max;
    FILE *file;

    snprintf(path, sizeof(path), "%s/pids.max", group);
    file = fopen(path, "re");
    if (file == NULL)
        return;
    if (fscanf(file, "%9lu", &max) == 1 && max < *least)
        *least = max;
    fclose(file);
}

/* A group's limit holds for those below it, too. `line`: "0::/a/b"; in version 1 "7:pids:/a/b". */
static void read_group(char *line, rlim_t *least)
{
    char *names = strchr(line, ':'), *path = names != NULL ? strchr(names + 1, ':') : NULL;
    char group[4160];
    const char *root;

    if (path == NULL)
        return;
    *path++ = '\0';
    root = names[1] == '\0' ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    if (names[1] != '\0' && strcmp(names + 1, "pids") != 0)
        return;
    path[strcspn(path, "\n")] = '\0';
    for (char *end; (end = strrchr(path, '/')) != NULL; *end = '\0') {
        snprintf(group, sizeof(group), "%s%s", root, path);
        read_pids_max(group, least);
    }
}

static rlim_t count_threads(void)
{
    struct rlimit threads;
    rlim_t least = FILES_WANTED;
    char line[4096];
    FILE *file = fopen("/proc/self/cgroup", "re");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        read_group(line, &least);
    if (file != NULL)
        fclose(file);
    if (geteuid() != 0 && getrlimit(RLIMIT_NPROC, &threads) == 0 && threads.rlim_cur < least)
        least = threads.rlim_cur;
    return least;
}

static unsigned left(rlim_t all, unsigned own)
{
    return all > own + 1 ? (unsigned)all - own : 1;
}

struct room room_of_process(void)
{
    unsigned files = left(raise_files(), FILES_OWN), threads = left(count_threads(), THREADS_OWN);

    if (threads < files)
        return (struct room){threads, "raise the number of threads (ulimit -u, TasksMax=)"};
    return (struct room){files, "raise the number of open files (ulimit -n, LimitNOFILE=)"};
}
