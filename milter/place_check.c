/* place_check - what the filter writes, and whether its user may */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "place_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_denied(const char *path, int how)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) != 0 && (errno == EACCES || errno == EPERM);
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xasprintf("%.*s", (int)(slash - path), path);
}

/* True, with the problem added: the directory of `path` is there and closed to us. */
static bool is_closed(const char *name, const char *path, const char *user, enum severity severity,
                      struct where at, struct problems *problems)
{
    char *directory = directory_of(path);
    bool closed = is_denied(directory, W_OK | X_OK);

    if (closed)
        problems_add(problems, severity, at,
                     "%s = %s: %s may not write in %s: chown %s %s, or name a directory of its own",
                     name, path, user, directory, user, directory);
    free(directory);
    return closed;
}

static void check_log(const char *path, const char *user, struct where at,
                      struct problems *problems)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    bool denied = false;

    if (*path == '\0' || is_closed("log_file", path, user, SEV_WARNING, at, problems))
        return;
    for (size_t i = 0; i < ARRAY_LEN(suffixes) && !denied; i++) {
        char *file = xasprintf("%s%s", path, suffixes[i]);

        denied = is_denied(file, R_OK | W_OK);
        free(file);
    }
    if (denied)
        problems_add(problems, SEV_WARNING, at,
                     "log_file = %s: %s may not write it, so nothing would be logged: chown %s %s*",
                     path, user, user, path);
}

void place_check(const struct settings *settings, const char *user, bool presets,
                 struct problems *problems)
{
    struct where log = settings_place(settings, "log_file");
    struct where control = settings_place(settings, "control_socket");

    if (presets || log.file != NULL)
        check_log(settings->log_file, user, log, problems);
    if (*settings->control_socket != '\0' && (presets || control.file != NULL))
        is_closed("control_socket", settings->control_socket, user, SEV_ERROR, control, problems);
}
