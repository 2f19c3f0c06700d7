/* facts - what Postfix works out by itself where main.cf is silent: host name, domain, networks */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *preset;
} presets[] = {
    {"alias_database", "hash:/etc/aliases"},
    {"alias_maps", "hash:/etc/aliases, nis:mail.aliases"},
    {"command_directory", "/usr/sbin"},
    {"daemon_directory", "/usr/lib/postfix/sbin"},
    {"data_directory", "/var/lib/postfix"},
    {"default_database_type", "hash"},
    {"mail_name", "Postfix"},
    {"mail_owner", "postfix"},
    {"multi_instance_name", ""},
    {"meta_directory", "/etc/postfix"},
    {"process_name", "tamis"},
    {"queue_directory", "/var/spool/postfix"},
    {"relay_recipient_maps", ""},
    {"setgid_group", "postdrop"},
    {"transport_maps", ""},
    {"virtual_maps", ""},
};

const char *fact_preset(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        if (strcmp(presets[i].name, name) == 0)
            return presets[i].preset;
    return NULL;
}

const char *fact_hostname(const char *domain, struct arena *arena)
{
    char name[256];

    if (gethostname(name, sizeof(name)) != 0 || name[0] == '\0')
        snprintf(name, sizeof(name), "localhost");
    name[sizeof(name) - 1] = '\0';
    if (strchr(name, '.') != NULL)
        return arena_strdup(arena, name);
    return arena_printf(arena, "%s.%s", name, domain != NULL ? domain : "localdomain");
}

const char *fact_domain(const char *hostname)
{
    const char *dot = strchr(hostname, '.');

    return dot != NULL ? dot + 1 : "localdomain";
}
