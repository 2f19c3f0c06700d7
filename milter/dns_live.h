/* dns_live - answers from the network, by libunbound */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_LIVE_H
#define TAMIS_DNS_LIVE_H

#include "dns_source.h"

struct dns_live_options {
    const char *const *servers; /* ADDR or ADDR@PORT, checked; none: those of resolv.conf */
    size_t server_count;
    bool recursion;             /* ask the zones' own servers, from the root down; no forwarders */
    const char *trust_anchor;   /* file with the root's keys; "": nothing is validated */
    size_t cache_size;          /* bytes that the library may remember with */
    uint32_t max_ttl, max_negative_ttl; /* and how long, seconds; 0: as it likes */
    size_t under_way;           /* lookups at the same time */
};

/* One context with its threads. Only after the last fork: the threads would not be in the child.
 * Reads files; asks nothing yet. False with err set, which names the parameter. Pass the source to
 * dns_open. Its stop waits for its two threads, which wait for nothing themselves. */
bool dns_live_open(const struct dns_live_options *options, struct dns_source *source,
                   struct err *err);

#endif
