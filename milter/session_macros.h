/* session_macros - what the MTA's macros say, kept as long as an arena and fit to be shown */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_MACROS_H
#define TAMIS_SESSION_MACROS_H

#include "session.h"

/* The value, as the front end has it; NULL when it is not set, or empty. `macros` may be NULL. */
const char *macro_get(const struct macros *macros, const char *name);

/* A copy of `text` (NULL: "") in the arena, with `replacement` for control characters. */
char *printable_copy(struct arena *arena, const char *text, char replacement);

/* What CONNECT tells, as session_connect gets it; mta_host stays NULL when it is not told. */
void client_of_connect(struct client *client, const char *name, const char *addr_text, int port,
                       const struct macros *macros, struct arena *arena);

/* What the macros tell at HELO: TLS. */
void client_of_helo(struct client *client, const struct macros *macros, struct arena *arena);

#endif
