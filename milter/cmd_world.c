/* cmd_world - the world of a command: a zone file, or the DNS that milter.conf names */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd_world.h"

#include "options.h"

static bool load_zone(struct dns_zone *zone, const char *path)
{
    struct problems problems = {0};
    bool good;

    dns_zone_load(zone, path, &problems);
    good = problems.errors == 0;
    options_print_problems(&problems, SEV_WARNING);
    problems_free(&problems);
    return good;
}

bool cmd_world_open(struct cmd_world *w, const struct settings *settings, const char *zone)
{
    struct world_dns_options options = {.rest_us = (uint64_t)settings->rbl_rest_time};
    struct problems problems = {0};

    *w = (struct cmd_world){.arena = arena_new()};
    options.dns = &w->dns;
    options.receiver = arena_strdup(w->arena, settings->myhostname);
    if (zone != NULL) {
        options.zone = dns_zone_new();
        if (!load_zone(options.zone, zone)) {
            dns_zone_free(options.zone);
            return false;
        }
    }
    dns_options_of(settings, w->arena, &w->dns, &problems); /* the policy's load has told them */
    problems_free(&problems);
    w->world = world_dns_new(&options);
    return true;
}

void cmd_world_close(struct cmd_world *w)
{
    world_dns_free(w->world);
    arena_free(w->arena);
}
