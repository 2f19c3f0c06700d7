/* holder - which process has a port, as far as /proc shows it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "holder.h"

#include "rights.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A listening socket of /proc/net/tcp. */
struct found {
    unsigned long inode;
    unsigned uid;
};

void holder_of_pid(pid_t pid, char *text, size_t size)
{
    char path[64], name[64] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
    file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(name, sizeof(name), file) != NULL)
            name[strcspn(name, "\n")] = '\0';
        fclose(file);
    }
    snprintf(text, size, "%s (process %ld)", name[0] ? name : "a program", (long)pid);
}

/* proc_pid_net(5): local_address is ADDR:PORT in hexadecimal, state 0A is LISTEN. */
static bool find_listener(const char *table, unsigned port, struct found *found)
{
    FILE *file = fopen(table, "re");
    char line[512];
    bool seen = false;

    while (file != NULL && !seen && fgets(line, sizeof(line), file) != NULL) {
        unsigned local, state, uid;
        unsigned long inode;

        if (sscanf(line,
                   " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %u %*d %lu",
                   &local, &state, &uid, &inode) == 4 &&
            local == port && state == 0x0a) {
            *found = (struct found){inode, uid};
            seen = true;
        }
    }
    if (file != NULL)
        fclose(file);
    return seen;
}

static bool has_socket(const char *pid, const char *link)
{
    char path[300], target[64];
    struct dirent *entry;
    bool seen = false;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    dir = opendir(path);
    while (dir != NULL && !seen && (entry = readdir(dir)) != NULL) {
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

        if (len > 0) {
            target[len] = '\0';
            seen = strcmp(target, link) == 0;
        }
    }
    if (dir != NULL)
        closedir(dir);
    return seen;
}

static pid_t pid_of_socket(unsigned long inode)
{
    char link[64];
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    pid_t pid = 0;

    snprintf(link, sizeof(link), "socket:[%lu]", inode);
    while (dir != NULL && pid == 0 && (entry = readdir(dir)) != NULL)
        if (is_digit((unsigned char)entry->d_name[0]) && has_socket(entry->d_name, link))
            pid = (pid_t)strtol(entry->d_name, NULL, 10);
    if (dir != NULL)
        closedir(dir);
    return pid;
}

void holder_of_port(const struct sockaddr_storage *addr, char *text, size_t size)
{
    bool six = addr->ss_family == AF_INET6;
    unsigned port = ntohs(six ? ((const struct sockaddr_in6 *)addr)->sin6_port
                              : ((const struct sockaddr_in *)addr)->sin_port);
    struct found found;
    char owner[64];
    pid_t pid;

    snprintf(text, size, "another program");
    /* A socket for every IPv6 address may hold the port of IPv4, too. */
    if (!find_listener(six ? "/proc/net/tcp6" : "/proc/net/tcp", port, &found) &&
        !find_listener(six ? "/proc/net/tcp" : "/proc/net/tcp6", port, &found))
        return;
    pid = pid_of_socket(found.inode);
    if (pid != 0)
        holder_of_pid(pid, text, size);
    else if (rights_user_name(found.uid, owner, sizeof(owner)))
        snprintf(text, size, "a program of user %s", owner);
}
