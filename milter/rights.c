/* rights - the service user's rights: taken on trial while reading, then for good */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rights.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool rights_user_name(uid_t uid, char *name, size_t size)
{
    struct passwd entry, *found = NULL;
    char space[4096];

    if (getpwuid_r(uid, &entry, space, sizeof(space), &found) != 0 || found == NULL)
        return false;
    snprintf(name, size, "%s", entry.pw_name);
    return true;
}

static bool find_group(const char *name, gid_t *gid)
{
    const struct group *group = getgrnam(name);
    long number;

    if (group == NULL && !parse_long(slice_of(name), 0, 0x7fffffff, &number))
        return false;
    *gid = group != NULL ? group->gr_gid : (gid_t)number;
    return true;
}

bool rights_of_user(const char *user, struct rights *rights, struct err *err)
{
    const char *colon = strchr(user, ':');
    size_t len = colon != NULL ? (size_t)(colon - user) : strlen(user);
    const struct passwd *entry;
    char name[64];
    long number;

    snprintf(name, sizeof(name), "%.*s", (int)len, user);
    entry = getpwnam(name);
    if (entry == NULL && parse_long(slice_of(name), 0, 0x7fffffff, &number))
        entry = getpwuid((uid_t)number);
    if (entry == NULL) {
        return err_set(err,
                       "user = %s: there is no such user: create it with adduser --system "
                       "--group %s",
                       user, name);
    }
    rights->uid = entry->pw_uid;
    rights->gid = entry->pw_gid;
    snprintf(name, sizeof(name), "%s", entry->pw_name);
    if (colon != NULL && !find_group(colon + 1, &rights->gid))
        return err_set(err, "user = %s: there is no group %s", user, colon + 1);
    rights->group_count = RIGHTS_GROUPS_MAX;
    if (getgrouplist(name, rights->gid, rights->groups, &rights->group_count) < 0)
        rights->group_count = RIGHTS_GROUPS_MAX; /* the first of more */
    return true;
}

bool rights_try(const struct rights *rights, struct rights *before, struct err *err)
{
    before->uid = geteuid();
    before->gid = getegid();
    before->group_count = getgroups(RIGHTS_GROUPS_MAX, before->groups);
    if (before->group_count < 0 || setgroups((size_t)rights->group_count, rights->groups) < 0 ||
        setegid(rights->gid) < 0 || seteuid(rights->uid) < 0)
        return err_set(err, "cannot take the rights of the user: %s", strerror(errno));
    return true;
}

void rights_restore(const struct rights *before)
{
    if (seteuid(before->uid) < 0 || setegid(before->gid) < 0 ||
        setgroups((size_t)before->group_count, before->groups) < 0)
        die("cannot get root's rights back: %s", strerror(errno));
}

bool rights_drop(const struct rights *rights, struct err *err)
{
    if (setgroups((size_t)rights->group_count, rights->groups) < 0 ||
        setresgid(rights->gid, rights->gid, rights->gid) < 0 ||
        setresuid(rights->uid, rights->uid, rights->uid) < 0)
        return err_set(err, "cannot drop root's rights: %s", strerror(errno));
    if (rights->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return err_set(err, "root's rights were dropped but can be had back: not starting");
    return true;
}
