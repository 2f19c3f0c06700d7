/* keys_check - what `tamis check` says of keys that can be read, and are in danger or of no use */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_KEYS_CHECK_H
#define TAMIS_KEYS_CHECK_H

#include "keys.h"

#include <stdio.h>

/* Where keys sign for whoever reaches the socket: an inet socket that others reach, or, with local
 * users on this host, any inet socket, is worth a warning. `users`: has this host any
 * (keys_check_users)? May ask the resolver for the socket's host. */
void keys_check_socket(const struct keys *keys, const struct settings *settings, bool users,
                       struct problems *problems);

/* Does passwd(5) name anybody but root and `own` who can log in? */
bool keys_check_users(FILE *passwd, unsigned own);

/* Keys that are past their time, or never come to it. `now` is seconds since 1970. */
void keys_check_times(const struct keys *keys, int64_t now, struct problems *problems);

#endif
