/* place_check - what the filter writes, and whether its user may */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PLACE_CHECK_H
#define TAMIS_PLACE_CHECK_H

#include "problems.h"
#include "settings.h"

/* Adds what keeps the effective user, who is called `user`, from writing log_file (a warning: such
 * a filter runs without its log) and from making control_socket (an error: it does not start). Most
 * often a run as root has left them. A missing directory is no problem: root makes it. Without
 * `presets` only of those that are set: a file given with -c may be meant for another host. */
void place_check(const struct settings *settings, const char *user, bool presets,
                 struct problems *problems);

#endif
