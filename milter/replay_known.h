/* replay_known - the correspondents of a log: to whom mail went out */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_KNOWN_H
#define TAMIS_REPLAY_KNOWN_H

#include "logdb.h"

struct correspondents;

/* Everybody to whom outgoing mail of the log was taken. One pass over it. Never NULL; what cannot
 * be read is empty. */
struct correspondents *correspondents_read(struct logdb *log);
void correspondents_free(struct correspondents *c); /* NULL is allowed */

/* Any case. */
bool correspondents_has(const struct correspondents *c, const char *address);

#endif
