/* net - addresses and networks: reading, printing, matching by tree */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_NET_H
#define TAMIS_NET_H

#include "base.h"

#include <sys/socket.h>

/* An IPv4 or IPv6 address; family AF_UNSPEC: none. IPv4-mapped IPv6 is always held as IPv4. */
struct addr {
    int family; /* AF_INET, AF_INET6 or AF_UNSPEC */
    unsigned char bytes[16]; /* network order; the first 4 for IPv4 */
};

struct net {
    struct addr addr; /* host bits are zero */
    unsigned bits;
};

enum { ADDR_TEXT_SIZE = 48 };

/* "192.0.2.1", "2001:db8::1", also "IPv6:2001:db8::1"; not with [ ]. False if it is no address. */
bool addr_parse(struct slice text, struct addr *addr);
bool addr_of_sockaddr(const struct sockaddr *sa, struct addr *addr);
bool addr_equal(const struct addr *a, const struct addr *b);

/* The usual text (inet_ntop); "unknown" for AF_UNSPEC. Returns buf. */
const char *addr_text(const struct addr *addr, char buf[ADDR_TEXT_SIZE]);

/* "192.0.2.0/24", "[2001:db8::]/32", "2001:db8::1"; strict as Postfix's cidr_match: host bits that are
 * not zero, too many bits and anything behind are errors (why: a text for the administrator). */
bool net_parse(struct slice text, struct net *net, struct err *why);
bool net_matches(const struct net *net, const struct addr *addr);

/* Many networks, each with a number; the answer is the smallest number whose network holds the
 * address. Built once, then read by many threads. Lookup walks at most 128 nodes. */
struct net_tree;
struct net_tree *net_tree_new(void);
void net_tree_free(struct net_tree *tree);
void net_tree_add(struct net_tree *tree, const struct net *net, unsigned number);
bool net_tree_find(const struct net_tree *tree, const struct addr *addr, unsigned *number);

#endif
