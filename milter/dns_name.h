/* dns_name - names of the DNS: as text, as it is written in zone files, as it travels */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_NAME_H
#define TAMIS_DNS_NAME_H

#include "arena.h"
#include "net.h"

enum { DNS_WIRE_MAX = 255, DNS_LABEL_MAX = 63 };

/* An uncompressed name as in RFC 1035, 3.1: labels with their lengths in front, the root's empty
 * label last. A name held here is whole and within the limits. */
struct dns_name {
    unsigned char wire[DNS_WIRE_MAX];
    size_t len; /* 1 is the root; 0: no name */
};

/* A name from mail or configuration: dots separate labels, each other byte stands for itself (so
 * there is no escape for a dot), one dot at the end is allowed, "." is the root. False for an empty
 * name, an empty label, a label of more than 63 and a name of more than 253 octets. */
bool dns_name_of_text(struct slice text, struct dns_name *name);

/* A name as dns_name_text and zone files write it (RFC 1035, 5.1): `\DDD` is the octet with that
 * number, `\X` is X. Without a dot at the end it is below `origin`; NULL is the root. "@" is the
 * origin itself. False as above, and for a broken escape. `name` and `origin` may be the same. */
bool dns_name_read(struct slice text, const struct dns_name *origin, struct dns_name *name);

/* The name that begins at `data`, at most `len` bytes. Compression pointers are refused. Returns
 * how many bytes the name takes, 0 when it is none. */
size_t dns_name_of_wire(const unsigned char *data, size_t len, struct dns_name *name);

/* As zone files have it, without the dot at the end ("." for the root). Printable ASCII without
 * blanks: a dot inside a label and a backslash get a backslash, all that is not printable is
 * `\DDD`. From the arena. */
char *dns_name_text(const struct dns_name *name, struct arena *arena);

void dns_name_lower(struct dns_name *name); /* ASCII letters */

/* The text behind the first label; NULL behind the last. */
const char *dns_name_parent(const char *text);

/* "1.2.0.192.ZONE" for 192.0.2.1, 32 nibbles for IPv6; `zone` NULL: in-addr.arpa or ip6.arpa
 * (RFC 1035, 3.5; RFC 3596, 2.5; RFC 5782 for lists). From the arena; NULL for AF_UNSPEC. */
const char *dns_reverse_name(const struct addr *addr, const char *zone, struct arena *arena);

#endif
