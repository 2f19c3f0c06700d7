/* session_macros - what the MTA's macros say, kept as long as an arena and fit to be shown */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_macros.h"

#include "fold.h"

const char *macro_get(const struct macros *macros, const char *name)
{
    const char *value = macros && macros->get ? macros->get(macros->arg, name) : NULL;

    return value && value[0] ? value : NULL;
}

char *printable_copy(struct arena *arena, const char *text, char replacement)
{
    char *copy = arena_strdup(arena, text ? text : "");

    fold_printable(copy, replacement);
    return copy;
}

const char *macro_keep(struct arena *arena, const struct macros *macros, const char *name)
{
    const char *value = macro_get(macros, name);

    return value ? printable_copy(arena, value, '?') : NULL;
}

int macro_port(const struct macros *macros, const char *name)
{
    const char *value = macro_get(macros, name);
    long port;

    return value && parse_long(slice_of(value), 0, 65535, &port) ? (int)port : -1;
}
