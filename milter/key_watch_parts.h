/* key_watch_parts - what the files key_watch* share */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_KEY_WATCH_PARTS_H
#define TAMIS_KEY_WATCH_PARTS_H

#include "key_watch.h"

/* A record's name and the public half that should be there. */
struct key_entry {
    char *name, *public, *selector;
    char *why;          /* of the last answer; NULL before */
    enum key_state state;
    int64_t asked_at;
    bool failed;        /* the last time nobody answered */
    bool wanted;        /* a lookup made it */
    unsigned told;      /* what key_watch_changes told last; 0: nothing */
    unsigned round;     /* in which a key named it last */
};

/* A copy of what is known, in the arena. */
struct key_known {
    enum key_state state;
    int64_t asked_at;
    const char *why;
};

/* False: nothing is known of it. `want`: then it is put down for the next run. */
bool key_watch_look(struct key_watch *watch, const struct key_choice *choice, bool want,
                    struct arena *arena, struct key_known *known);

/* Is this another role or state than the last time? It is remembered. The first time only a record
 * that is not ready counts. False of a key that nothing is known of. */
bool key_watch_tell(struct key_watch *watch, const struct key_choice *choice, enum key_role role,
                    enum key_state state);

#endif
