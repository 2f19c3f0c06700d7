/* cmd_world - the world of a command: a zone file, or the DNS that milter.conf names */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CMD_WORLD_H
#define TAMIS_CMD_WORLD_H

#include "policy.h"
#include "world_dns.h"

struct cmd_world {
    struct arena *arena;
    struct dns_options dns;
    struct world *world;
};

/* `zone`: a zone file (--zone); NULL: the DNS, opened at the first question. False after what is
 * wrong with the zone was printed. What is needed of the settings is copied. */
bool cmd_world_open(struct cmd_world *world, const struct settings *settings, const char *zone);
void cmd_world_close(struct cmd_world *world); /* a zeroed one is allowed */

#endif
