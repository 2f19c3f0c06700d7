/* notify - tells systemd how we are (sd_notify(3) without its library) */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_NOTIFY_H
#define TAMIS_NOTIFY_H

#include "base.h"

/* Sends "READY=1", "STOPPING=1" … to $NOTIFY_SOCKET; does nothing without it. Where nobody reads,
 * "WATCHDOG=1" is lost at once, anything else after a second, which is no error. Any thread. */
void notify_send(const char *state);

/* "RELOADING=1" with the monotonic time that Type=notify-reload asks for. */
void notify_reloading(void);

/* Half of $WATCHDOG_USEC, the time between two "WATCHDOG=1"; 0: nobody watches this process. */
uint64_t notify_watchdog_us(void);

/* $LISTEN_FDS (sd_listen_fds(3)): the number of descriptors passed to this process from 3 on. The
 * variables are removed, so that no child takes them for its own. Before the first thread. */
int notify_listen_fds(void);

#endif
