/* status_keys - for `tamis status`: which DKIM key signs, which waits, which is retired */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_STATUS_KEYS_H
#define TAMIS_STATUS_KEYS_H

#include "buf.h"
#include "key_watch.h"

enum { KEY_ROLES = KEY_RETIRED + 1 };

/* One key of one domain, copied out of the policy. */
struct status_key {
    const char *name, *path, *algorithm, *why;
    unsigned bits;
    enum key_role role;
    enum key_state state;
    int64_t asked_at, age; /* struct key_report */
    bool trouble;
};

struct status_keys {
    struct arena *arena;
    struct status_key *list;
    size_t count, cap;
    size_t roles[KEY_ROLES]; /* how many sign, wait, are retired */
    size_t troubles;
};

/* Reads what is known; the keys need not be there any more when it is rendered. Waits for no DNS.
 * status_keys_free gives everything back. */
void status_keys_read(struct status_keys *status, struct key_watch *watch, const struct keys *keys,
                      int64_t now);
void status_keys_free(struct status_keys *status); /* a zeroed one is allowed */

/* A line for each key that is a reason to call the filter degraded. */
void status_keys_reasons(const struct status_keys *status, struct buf *out);

/* A line with the numbers, then the keys, the first hundred of them; nothing if there is none.
 * `observes`: tamis does, so that none of them really signs. */
void status_keys_text(const struct status_keys *status, int64_t now, bool observes,
                      struct buf *out);

/* The member "dkim" of the object, with a comma behind it. */
void status_keys_json(const struct status_keys *status, struct buf *out);

#endif
