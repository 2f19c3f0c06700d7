/* room - how many connections the process has room for */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ROOM_H
#define TAMIS_ROOM_H

#include "base.h"

/* What is scarcest, and how to have more of it. */
struct room {
    unsigned connections;
    const char *mend; /* "raise the number of open files (ulimit -n, LimitNOFILE=)" */
};

/* Raises the soft limit of open files (getrlimit(2)), then counts: a connection takes a descriptor
 * and, while it is served, a thread (RLIMIT_NPROC for who is not root; pids.max of the control
 * groups, cgroups(7)). What tamis needs itself is left out. At least 1. As the service user. */
struct room room_of_process(void);

#endif
