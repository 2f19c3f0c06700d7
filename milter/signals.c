/* signals - HUP, INT, TERM and USR1 belong to the main thread, whatever libmilter thinks */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGUSR1);
}

void signals_claim(void)
{
    sigset_t set;

    fill(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a full disk, and no end */
}

int signals_wait(uint64_t timeout_us)
{
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_us / 1000000),
        .tv_nsec = (long)(timeout_us % 1000000) * 1000,
    };
    sigset_t set;
    int sig;

    fill(&set);
    sig = sigtimedwait(&set, NULL, &timeout);
    return sig > 0 ? sig : 0;
}

/* libmilter starts a thread that waits for HUP, TERM and INT and then stops the filter at once,
 * with mail under way. The kernel gives a signal of the process to any thread that waits for it,
 * so no mask and no handler of ours keeps that thread from taking some of them. It waits with
 * sigwait(3), which is called nowhere else: this definition stands in front of the C library's,
 * and never returns. */
int sigwait(const sigset_t *restrict set, int *restrict sig)
{
    (void)set;
    (void)sig;
    for (;;)
        pause();
}
