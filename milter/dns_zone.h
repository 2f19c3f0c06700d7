/* dns_zone - answers from zone files, for tests: RFC 1035, with failures to order */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_ZONE_H
#define TAMIS_DNS_ZONE_H

#include "dns_source.h"
#include "problems.h"

/* Master files (RFC 1035, 5) with any names and the types of dns.h; a name that does not end in
 * a dot is below $ORIGIN, which is the root at first. Records of class IN; TTL 300 s unless $TTL
 * or the record says. `*` as the first label as in RFC 4592. Four lines of ours:
 *   $TIMEOUT NAME [TYPE]    questions for it are never answered
 *   $SERVFAIL NAME [TYPE]   … are answered by a server that failed
 *   $BOGUS NAME [TYPE]      … fail validation
 *   $DELAY MS               every answer takes that many milliseconds
 * A name with nothing at or below it does not exist. */
struct dns_zone;

struct dns_zone *dns_zone_new(void); /* empty; the caller's, or a source's that was made of it */
void dns_zone_free(struct dns_zone *zone); /* NULL is allowed */

/* Adds what the file says. Every problem is in `problems`; what is wrong is left out. The file is
 * read once; blocks for it. Not while the zone is being asked. */
void dns_zone_load(struct dns_zone *zone, const char *path, struct problems *problems);
void dns_zone_read(struct dns_zone *zone, const char *name, struct slice text,
                   struct problems *problems);

/* For dns_open; takes the zone over, which nobody may change any more. It needs no thread. */
struct dns_source dns_zone_source(struct dns_zone *zone);

#endif
