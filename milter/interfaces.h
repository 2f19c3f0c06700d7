/* interfaces - the addresses that this host receives mail on, and the networks around them */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_INTERFACES_H
#define TAMIS_INTERFACES_H

#include "arena.h"
#include "net.h"
#include "problems.h"

struct interface {
    struct addr addr;
    unsigned bits; /* of its network */
};

/* In the arena; no address twice. */
struct interfaces {
    struct interface *list;
    size_t count;
};

/* Which networks count as ours, mynetworks_style of postconf(5). */
enum network_style { NETWORKS_HOST, NETWORKS_SUBNET, NETWORKS_CLASS };

/* What inet_interfaces and inet_protocols mean: "all", "loopback-only", or addresses and host
 * names. Names are looked up and may block; one that is not found is an error in `problems`, placed
 * at `at`. */
struct interfaces interfaces_find(const char *inet_interfaces, const char *inet_protocols,
                                  struct where at, struct arena *arena, struct problems *problems);

/* The preset of mynetworks: "127.0.0.0/8 192.0.2.0/24 [::1]/128". In the arena. */
const char *interfaces_networks(const struct interfaces *interfaces, enum network_style style,
                                struct arena *arena);

/* Does this host receive mail on the address? */
bool interfaces_have(const struct interfaces *interfaces, const struct addr *addr);

#endif
