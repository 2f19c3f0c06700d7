/* serve - the life of `tamis milter`: load, listen, detach, drop root, serve, drain, end */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SERVE_H
#define TAMIS_SERVE_H

#include "policy.h"

struct serve_options {
    const struct policy_source *source;
    bool daemon;
};

/* Runs the filter to its end in a process of one thread; returns the exit status (sysexits.h): 0
 * stopped by INT or TERM, 69 the socket is in use or cannot be had, 70 libmilter gave up, 73 the
 * control socket cannot be made, 77 no right to become the user, 78 unusable configuration (each
 * problem is printed). */
int serve(const struct serve_options *options);

#endif
