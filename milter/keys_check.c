/* keys_check - what `tamis check` says of keys that can be read, and are in danger or of no use */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys_check.h"

#include "socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>

enum { FIRST_USER = 1000, NOBODY = 65534, DAY_SECONDS = 24 * 60 * 60, OLD_DAYS = 180 };

static bool is_loopback(const struct socket_spec *spec)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&spec->addr;
    const struct sockaddr_in *four = (const struct sockaddr_in *)&spec->addr;

    if (spec->addr.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    return ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

void keys_check_socket(const struct keys *keys, const struct settings *settings, bool users,
                       struct problems *problems)
{
    struct where at = settings_place(settings, "socket");
    struct socket_spec spec;
    struct err ignored;

    if (keys_are_empty(keys) || strncmp(settings->socket, "inet", 4) != 0 ||
        !socket_parse(settings->socket, conf_dir(at, settings->arena), &spec, &ignored))
        return;
    if (!is_loopback(&spec))
        problems_add(problems, SEV_WARNING, at,
                     "socket = %s: whoever reaches it could ask for a signature with the keys: "
                     "unix:PATH is the answer", settings->socket);
    else if (users)
        problems_add(problems, SEV_WARNING, at,
                     "socket = %s: this host has local users, and any of them could ask for a "
                     "signature with the keys: unix:PATH is the answer", settings->socket);
}

static bool can_log_in(const struct passwd *user)
{
    const char *slash = strrchr(user->pw_shell != NULL ? user->pw_shell : "", '/');
    const char *shell = slash != NULL ? slash + 1 : "";

    return strcmp(shell, "nologin") != 0 && strcmp(shell, "false") != 0 &&
           strcmp(shell, "sync") != 0;
}

bool keys_check_users(FILE *passwd, unsigned own)
{
    struct passwd user, *found;
    char text[4096];

    while (fgetpwent_r(passwd, &user, text, sizeof(text), &found) == 0)
        if (user.pw_uid != 0 && user.pw_uid != own && user.pw_uid >= FIRST_USER &&
            user.pw_uid != NOBODY && can_log_in(&user))
            return true;
    return false;
}

struct times {
    int64_t now;
    struct problems *problems;
};

static void check_time(const struct key_choice *choice, void *arg)
{
    const struct times *t = arg;

    if (choice->not_after != 0 && choice->not_after < t->now)
        problems_add(t->problems, SEV_WARNING, choice->where,
                     "the key %s of %s is past its not-after: it signs nothing any more",
                     choice->selector, choice->domain);
    else if (choice->made > 0 && (t->now - choice->made) / DAY_SECONDS > OLD_DAYS)
        problems_add(t->problems, SEV_NOTE, choice->where,
                     "the key %s of %s is %lld days old: think of a new one (tamis dkim genkey)",
                     choice->selector, choice->domain,
                     (long long)((t->now - choice->made) / DAY_SECONDS));
}

void keys_check_times(const struct keys *keys, int64_t now, struct problems *problems)
{
    struct times t = {now, problems};

    keys_each(keys, check_time, &t);
}
