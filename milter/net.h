/* net - addresses and networks: reading, printing, matching by tree */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_NET_H
#define TAMIS_NET_H

#include "base.h"

#include <sys/socket.h>

/* An IPv4 or IPv6 address; family AF_UNSPEC: none. IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) is always
 * held as IPv4. */
struct addr {
    int family; /* AF_INET, AF_INET6 or AF_UNSPEC */
    unsigned char bytes[16]; /* network order; the first 4 for IPv4, the others zero */
};

/* A network; host bits are zero. One inside ::ffff:0:0/96 is held as IPv4, as its addresses are. */
struct net {
    struct addr addr;
    unsigned bits; /* 0 to 32, 0 to 128 */
};

enum { ADDR_TEXT_SIZE = 48 };

/* "192.0.2.1", "2001:db8::1", also "IPv6:2001:db8::1" (RFC 5321, 4.1.3); not with [ ]. False, with
 * family AF_UNSPEC, if it is no address. */
bool addr_parse(struct slice text, struct addr *addr);
bool addr_of_sockaddr(const struct sockaddr *sa, struct addr *addr);
bool addr_equal(const struct addr *a, const struct addr *b);
unsigned addr_bits(const struct addr *addr); /* 32, 128; 0 for AF_UNSPEC */

/* The usual text (inet_ntop); "unknown" for AF_UNSPEC. Returns buf. */
const char *addr_text(const struct addr *addr, char buf[ADDR_TEXT_SIZE]);

/* "192.0.2.0/24", "[2001:db8::]/32", "[2001:db8::/32]", "2001:db8::1"; strict as cidr_table(5):
 * host bits that are not zero, too many bits and anything behind are errors (why: a text for the
 * administrator, with the network to write instead where one can be guessed). */
bool net_parse(struct slice text, struct net *net, struct err *why);

/* The same for what Postfix reads, too: ::ffff:192.0.2.0/120 stays a network of IPv6, and no
 * client is in it, for none is IPv4 in IPv6's clothes. */
bool net_parse_apart(struct slice text, struct net *net, struct err *why);

/* False when the families differ. */
bool net_matches(const struct net *net, const struct addr *addr);

/* Many networks, each with a number; the answer is the smallest number whose network holds the
 * address. Built once, then read by many threads at once. A lookup walks at most 129 nodes, and
 * with networks spread at random about as many as the logarithm of their count. */
struct net_tree;
struct net_tree *net_tree_new(void);
void net_tree_free(struct net_tree *tree); /* NULL is allowed */

/* False when the network can never give the answer, because a network around it has a smaller or
 * equal number (*covered_by, may be NULL); it is not kept then. */
bool net_tree_add(struct net_tree *tree, const struct net *net, unsigned number,
                  unsigned *covered_by);

/* Makes lookups in a large tree faster; not needed. Call it when the last network is added. */
void net_tree_finish(struct net_tree *tree);
bool net_tree_find(const struct net_tree *tree, const struct addr *addr, unsigned *number);

#endif
