/* session_macros - what the MTA's macros say, kept as long as an arena and fit to be shown */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_macros.h"

#include "fold.h"

#include <string.h>

const char *macro_get(const struct macros *macros, const char *name)
{
    const char *value =
        macros != NULL && macros->get != NULL ? macros->get(macros->arg, name) : NULL;

    return value != NULL && value[0] ? value : NULL;
}

char *printable_copy(struct arena *arena, const char *text, char replacement)
{
    char *copy = arena_strdup(arena, text != NULL ? text : "");

    fold_printable(copy, replacement);
    return copy;
}

char *helo_copy(struct arena *arena, const char *name)
{
    char *copy = printable_copy(arena, name, '?');

    for (char *p = copy; (p = strpbrk(p, " <>()\\\";@")) != NULL;)
        *p = '?';
    return copy;
}

/* A copy of it in the arena, with ? for control characters; NULL when it is not set. */
static const char *macro_keep(struct arena *arena, const struct macros *macros, const char *name)
{
    const char *value = macro_get(macros, name);

    return value != NULL ? printable_copy(arena, value, '?') : NULL;
}

/* A port's number; -1: none. */
static int macro_port(const struct macros *macros, const char *name)
{
    const char *value = macro_get(macros, name);
    long port;

    return value != NULL && parse_long(slice_of(value), 0, 65535, &port) ? (int)port : -1;
}

/* `sendmail -bs`, for whoever talks to it through a pipe: Sendmail then knows no address. */
static bool is_on_pipe(const struct client *c, const char *name)
{
    return client_is_sendmail(c) && name != NULL && strcmp(name, "localhost") == 0 &&
           strcmp(c->addr_text, "unknown") == 0;
}

void client_of_connect(struct client *c, const char *name, const char *addr, int port,
                       const struct macros *macros, struct arena *arena)
{
    const char *real = macro_get(macros, "{client_name}");
    char usual[ADDR_TEXT_SIZE];

    c->addr_text = printable_copy(arena, addr != NULL ? addr : "unknown", '?');
    if (addr_parse(slice_of(c->addr_text), &c->addr))
        c->addr_text = arena_strdup(arena, addr_text(&c->addr, usual));
    else
        c->addr = (struct addr){.family = AF_UNSPEC};
    if (real == NULL)
        real = name;
    c->name =
        real != NULL && real[0] && real[0] != '[' ? printable_copy(arena, real, '?') : "unknown";
    c->ptr = macro_keep(arena, macros, "{client_ptr}");
    if (c->ptr == NULL)
        c->ptr = c->name; /* verified, or unknown as well */
    else if (c->ptr[0] == '[')
        c->ptr = "unknown"; /* as Sendmail says it */
    c->resolve = macro_keep(arena, macros, "{client_resolve}");
    c->daemon_name = macro_keep(arena, macros, "{daemon_name}");
    c->daemon_addr = macro_keep(arena, macros, "{daemon_addr}");
    c->mta_version = macro_keep(arena, macros, "v");
    c->mta_host = macro_keep(arena, macros, "j");
    c->daemon_port = macro_port(macros, "{daemon_port}");
    c->port = port;
    c->local = port == 0 || c->daemon_port == 0 || is_on_pipe(c, name);
}

void client_of_helo(struct client *c, const struct macros *macros, struct arena *arena)
{
    c->tls_version = macro_keep(arena, macros, "{tls_version}");
    c->cipher = macro_keep(arena, macros, "{cipher}");
    c->cipher_bits = macro_keep(arena, macros, "{cipher_bits}");
    c->cert_subject = macro_keep(arena, macros, "{cert_subject}");
    c->cert_issuer = macro_keep(arena, macros, "{cert_issuer}");
}
