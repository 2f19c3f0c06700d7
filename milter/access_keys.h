/* access_keys - the keys that access(5) looks up for a client, a name, an address, in order */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ACCESS_KEYS_H
#define TAMIS_ACCESS_KEYS_H

#include "arena.h"
#include "base.h"

/* How keys are made, and who asks for them. Shared by the judges and by `tamis query --as`. */
struct access_keys {
    /* Asks for one key, never an empty one; true ends the search. The key is part of what was
     * given, or in the arena. */
    bool (*ask)(void *arg, struct slice key);
    void *arg;
    bool whole_only;         /* tables with patterns: no parents, no parts */
    bool bare_parents;       /* `parent.tld`; false: `.parent.tld` */
    const char *delimiters;  /* recipient_delimiter */
    const char *null_sender; /* smtpd_null_access_lookup_key */
    struct arena *arena;     /* for keys that are no part of what was given */
};

/* All return true when ask did. Nothing else fails or waits. */

/* A host name, then its parents; of an address in place of a name only itself. */
bool access_keys_name(const struct access_keys *keys, const char *name);

/* An IP address as text, then what is left when it is cut at the last `.` or `:`, again and
 * again. */
bool access_keys_address(const struct access_keys *keys, const char *address);

/* user+ext@dom, user@dom, dom and its parents, user+ext@, user@; what has a local part in its
 * quoted form first. `key` is struct address's; without an @, as some MTAs resolve local users, it
 * has no keys. */
bool access_keys_mail(const struct access_keys *keys, const char *key);

/* The same for a sender, who may be null: its key is "" then. */
bool access_keys_sender(const struct access_keys *keys, const char *key);

#endif
