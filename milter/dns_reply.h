/* dns_reply - an answer as it is shared and remembered: counted, never changed, checked */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_REPLY_H
#define TAMIS_DNS_REPLY_H

#include "dns.h"

struct dns_reply;

/* The data of one record as it travels, names uncompressed. */
struct dns_rdata {
    const unsigned char *data;
    size_t len;
};

/* Is it well-formed data of this type? RFC 1035, 3.3 and 3.4; RFC 3596, 2.2. */
bool dns_rdata_ok(enum dns_type type, struct dns_rdata rdata);

/* DNS_FOUND over a copy of the records; temperror if one of them is malformed, or if they take more
 * than a message can hold; DNS_NODATA without records. One reference. */
struct dns_reply *dns_reply_found(enum dns_type type, const struct dns_rdata *records, size_t count,
                                  uint32_t ttl, bool secure);
struct dns_reply *dns_reply_none(enum dns_state state, uint32_t ttl, bool secure);

/* `why`, at most 200 bytes of it, with all that is not printable ASCII replaced. */
struct dns_reply *dns_reply_temperror(const char *why);

struct dns_reply *dns_reply_acquire(struct dns_reply *reply); /* the same; any thread */
void dns_reply_release(struct dns_reply *reply);               /* the last one frees it */

enum dns_state dns_reply_state(const struct dns_reply *reply);
uint32_t dns_reply_ttl(const struct dns_reply *reply); /* as the source said */
size_t dns_reply_size(const struct dns_reply *reply);  /* bytes of memory */

/* As the asker gets it, with this TTL. */
void dns_reply_decode(const struct dns_reply *reply, uint32_t ttl, struct arena *arena,
                      struct dns_answer *answer);

#endif
