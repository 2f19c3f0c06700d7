/* host_lookup - what Postfix makes of the DNS's answers about a host */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_HOST_LOOKUP_H
#define TAMIS_HOST_LOOKUP_H

#include "check.h"

/* Of several answers the last one counts (Postfix's dns_lookup_l). */
enum host_state {
    HOST_UNKNOWN,   /* no such name, none of this type, or not the name of a host at all */
    HOST_NULL_MX,   /* "." among the mail exchangers: RFC 7505 */
    HOST_MALFORMED, /* records, but each names what cannot be a host */
    HOST_TEMPERROR,
    HOST_FOUND,
};

/* Raises *state to what the answer says. A name that cannot be a host's (an address, bytes that are
 * no ASCII, a dot at the end) is HOST_UNKNOWN, unasked. False: *need. */
bool host_look_up(const struct scene *scene, const char *name, enum dns_type type,
                  enum host_state *state, struct outcome *need);

/* The same for MX and NS, with the names of the hosts, in the order of the answer; those that can
 * be none are left out. */
enum { HOSTS_MAX = 60 }; /* more are not looked at: each is two questions */
struct hosts {
    enum host_state state;
    const char *list[HOSTS_MAX];
    size_t count;
};
bool host_list(const struct scene *scene, const char *name, enum dns_type type,
               struct hosts *hosts, struct outcome *need);

/* "192.0.2.1" where a host's name is expected. */
bool is_host_address(const char *name);

/* A domain with A-labels if it has others; what cannot be converted stays as it is. In the
 * arena. */
const char *host_ascii(struct slice domain, struct arena *arena);

#endif
