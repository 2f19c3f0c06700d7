/* keys_judge - may others read a private key, or put another in its place? */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys_parts.h"

#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who it is where milter.conf names nobody. */
#define USUAL_USER "tamis"

static const char *name_of(struct keys *keys, uid_t uid)
{
    char name[64];

    return rights_user_name(uid, name, sizeof(name))
               ? arena_strdup(keys->arena, name)
               : arena_printf(keys->arena, "user %lu", (unsigned long)uid);
}

/* Who should own the keys: root reads them for the service user. */
static const char *owner_wanted(struct keys *keys)
{
    const char *user = keys->settings->user;

    if (user[0] != '\0')
        return arena_strndup(keys->arena, user, strcspn(user, ":"));
    return geteuid() == 0 ? USUAL_USER : name_of(keys, geteuid());
}

static bool is_own_group(gid_t gid)
{
    gid_t groups[NGROUPS_MAX > 1024 ? 1024 : NGROUPS_MAX];
    int count = getgroups((int)ARRAY_LEN(groups), groups);

    if (gid == getegid() || geteuid() == 0)
        return true;
    for (int i = 0; i < count; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

/* Root, who we are, and who root will be. */
static bool is_trusted(struct keys *keys, uid_t uid)
{
    const char *user = keys->settings->user;
    struct rights rights;

    if (uid == 0 || uid == geteuid())
        return true;
    return rights_of_user(user[0] != '\0' ? user : USUAL_USER, &rights, NULL) &&
           rights.uid == uid;
}

static bool complain(struct keys *keys, struct where at, const char *text)
{
    return problems_add(keys->problems, SEV_ERROR, at, "%s", text);
}

/* A directory that others may write to gives the key away: they can put another in its place.
 * With the sticky bit they cannot. */
static bool judge_directory(struct keys *keys, const char *dir, struct where at)
{
    struct stat st;

    if (stat(dir, &st) != 0)
        return true;
    if (!is_trusted(keys, st.st_uid))
        return complain(keys, at, arena_printf(keys->arena,
                        "%s belongs to %s, who could exchange the private keys below it: "
                        "chown root %s", dir, name_of(keys, st.st_uid), dir));
    if (st.st_mode & S_ISVTX)
        return true;
    if (st.st_mode & S_IWOTH)
        return complain(keys, at, arena_printf(keys->arena,
                        "%s: everybody may write there (mode %04o), and so exchange the private "
                        "keys below it: chmod o-w %s", dir, (unsigned)st.st_mode & 07777, dir));
    if ((st.st_mode & S_IWGRP) && st.st_gid != 0 && !is_own_group(st.st_gid))
        return complain(keys, at, arena_printf(keys->arena,
                        "%s: its group may write there (mode %04o), and so exchange the private "
                        "keys below it: chmod g-w %s", dir, (unsigned)st.st_mode & 07777, dir));
    return true;
}

/* Every directory from the file's own up to the root. */
static bool judge_directories(struct keys *keys, const char *path, struct where at)
{
    char *dir = arena_strdup(keys->arena, path), *slash;
    bool good = true;

    while ((slash = strrchr(dir, '/')) != NULL && good) {
        *slash = '\0';
        good = judge_directory(keys, slash == dir ? "/" : dir, at);
    }
    return good;
}

static bool judge_mode(struct keys *keys, const char *path, const struct stat *st, struct where at)
{
    unsigned mode = (unsigned)st->st_mode & 07777;
    const char *who = mode & (S_IROTH | S_IWOTH) ? "everybody" : "its group";

    if (!is_trusted(keys, st->st_uid))
        return complain(keys, at, arena_printf(keys->arena,
                        "%s belongs to %s, who can read this private key: chown %s %s", path,
                        name_of(keys, st->st_uid), owner_wanted(keys), path));
    if ((mode & (S_IROTH | S_IWOTH | S_IWGRP)) ||
        ((mode & S_IRGRP) && !is_own_group(st->st_gid)))
        return complain(keys, at, arena_printf(keys->arena,
                        "%s: %s may %s this private key (mode %04o): chmod 0600 %s", path, who,
                        mode & (S_IROTH | S_IRGRP) ? "read" : "write", mode, path));
    return true;
}

/* Somebody who looks at the filter's configuration, and is not to have its keys. */
static bool is_stranger(struct keys *keys)
{
    const char *user = keys->settings->user;
    struct rights rights;

    return user[0] != '\0' && geteuid() != 0 && rights_of_user(user, &rights, NULL) &&
           rights.uid != geteuid();
}

/* Which directory is closed, or the file. */
static bool judge_refusal(struct keys *keys, const char *path, struct where at)
{
    const char *us = name_of(keys, geteuid());

    if (is_stranger(keys))
        return complain(keys, at, arena_printf(keys->arena,
                        "%s: %s cannot read it, and need not: run this as root, or as %s", path, us,
                        owner_wanted(keys)));
    for (size_t i = 1; path[i] != '\0'; i++) {
        const char *dir = arena_strndup(keys->arena, path, i);

        if (path[i] == '/' && faccessat(AT_FDCWD, dir, X_OK, AT_EACCESS) != 0 && errno == EACCES)
            return complain(keys, at, arena_printf(keys->arena,
                            "%s: %s may not look into the directory %s: chgrp %s %s && chmod "
                            "0750 %s", path, us, dir, us, dir, dir));
    }
    return complain(keys, at, arena_printf(keys->arena, "%s: %s cannot read it: chown %s %s", path,
                                           us, us, path));
}

bool keys_judge_file(struct keys *keys, const char *path, struct where at)
{
    char real[PATH_MAX], *absolute;
    struct stat st;
    bool good;

    if (realpath(path, real) == NULL || stat(real, &st) != 0) {
        if (errno == EACCES)
            return judge_refusal(keys, path, at);
        return complain(keys, at, arena_printf(keys->arena,
                        "%s: %s: correct the path, or make the key with tamis dkim genkey", path,
                        strerror(errno)));
    }
    if (!S_ISREG(st.st_mode))
        return complain(keys, at, arena_printf(keys->arena, "%s is no file", path));
    if (!judge_mode(keys, path, &st, at) || !judge_directories(keys, real, at))
        return false;
    absolute = path[0] == '/' ? NULL : realpath(".", NULL);
    good = judge_directories(keys, absolute == NULL ? path
                             : arena_printf(keys->arena, "%s/%s", absolute, path), at);
    free(absolute);
    if (good && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
        return judge_refusal(keys, path, at);
    return good;
}
