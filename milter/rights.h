/* rights - the service user's rights: taken on trial while reading, then for good */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RIGHTS_H
#define TAMIS_RIGHTS_H

#include "base.h"

#include <sys/types.h>

enum { RIGHTS_GROUPS_MAX = 64 };

/* A user and its groups. */
struct rights {
    uid_t uid;
    gid_t gid;
    gid_t groups[RIGHTS_GROUPS_MAX];
    int group_count;
};

/* "user" or "user:group" (names or numbers); false: nobody of that name. */
bool rights_of_user(const char *user, struct rights *rights, struct err *err);

/* The name of the user with that number, cut to `size`; false, and nothing written: nobody has it.
 * Any thread; may ask the services of nsswitch.conf(5). */
bool rights_user_name(uid_t uid, char *name, size_t size);

/* All of these need root, and a process of one thread. */

/* The effective user and groups become those of `rights`; what was is stored in `before`, and
 * rights_restore brings it back. */
bool rights_try(const struct rights *rights, struct rights *before, struct err *err);
void rights_restore(const struct rights *before); /* aborts if it cannot */

/* For good; false, too, if root could still be had back. */
bool rights_drop(const struct rights *rights, struct err *err);

#endif
