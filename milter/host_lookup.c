/* host_lookup - what Postfix makes of the DNS's answers about a host */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "host_lookup.h"

#include "address.h"
#include "fold.h"

#include <string.h>

bool is_host_address(const char *name)
{
    struct addr addr;

    return addr_parse(slice_of(name), &addr);
}

/* A name that Postfix would look up; "*.example" is one, too. */
static bool is_host_name(const char *name)
{
    if (name[0] == '*' && name[1] == '.')
        name += 2;
    return is_hostname(slice_of(name)) && !is_host_address(name);
}

const char *host_ascii(struct slice domain, struct arena *arena)
{
    char *text = arena_strndup(arena, domain.ptr, domain.len);

    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p >= 0x80)
            return fold_domain_ascii(text, arena);
    return text;
}

static const char *host_of(const struct dns_record *record)
{
    return record->type == DNS_MX ? record->mx.host : record->name;
}

static void add_hosts(struct hosts *hosts, const struct dns_answer *answer)
{
    hosts->state = HOST_MALFORMED;
    for (size_t i = 0; i < answer->count; i++) {
        const char *host = host_of(&answer->records[i]);

        if (answer->records[i].type == DNS_MX && strcmp(host, ".") == 0) {
            hosts->state = HOST_NULL_MX;
            hosts->count = 0;
            return;
        }
        if (!is_host_address(host) && !is_host_name(host))
            continue;
        hosts->state = HOST_FOUND;
        if (hosts->count < HOSTS_MAX)
            hosts->list[hosts->count++] = host;
    }
}

bool host_list(const struct scene *scene, const char *name, enum dns_type type,
               struct hosts *hosts, struct outcome *need)
{
    struct dns_answer answer;

    hosts->state = HOST_UNKNOWN;
    hosts->count = 0;
    if (!is_host_name(name))
        return true;
    if (!check_dns(scene, name, type, &answer, need))
        return false;
    if (answer.state == DNS_TEMPERROR)
        hosts->state = HOST_TEMPERROR;
    else if (answer.state == DNS_FOUND && (type == DNS_A || type == DNS_AAAA))
        hosts->state = HOST_FOUND;
    else if (answer.state == DNS_FOUND)
        add_hosts(hosts, &answer);
    return true;
}

bool host_look_up(const struct scene *scene, const char *name, enum dns_type type,
                  enum host_state *state, struct outcome *need)
{
    struct hosts hosts;

    if (!host_list(scene, name, type, &hosts, need))
        return false;
    if (hosts.state > *state)
        *state = hosts.state;
    return true;
}
