/* control - the control socket of the running filter: `tamis reload` and `tamis status` */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CONTROL_H
#define TAMIS_CONTROL_H

#include "status.h"

/* The protocol: the client sends one line ("reload", "reload json", "status", "status json");
 * the filter answers with a line that holds the exit status of the subcommand in decimal, then
 * the text to print, and closes. Root, the filter's own user and members of its group may ask;
 * everybody else is hung up on. */

/* Binds the socket (0660; a stale one is replaced). */
bool control_open(const char *path, struct err *err);

/* Starts the thread that answers; `source` must live as long as it. After maintain_start. */
void control_start(const struct status_source *source);
void control_stop(void); /* also when control_open failed or was never called */

/* The client's side: sends `request`, gives the answer in `out` and the exit status. -1 with err
 * set when nobody answers at `path` within timeout_us. */
int control_ask(const char *path, const char *request, uint64_t timeout_us, struct buf *out,
                struct err *err);

#endif
