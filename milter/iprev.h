/* iprev - does the client's address have a name that leads back to it? RFC 8601, 2.7.3 */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_IPREV_H
#define TAMIS_IPREV_H

#include "check.h"

enum iprev_result {
    IPREV_NONE,      /* no SMTP client, or one without an address */
    IPREV_PASS,      /* a name of the address, and the name has the address */
    IPREV_FAIL,      /* a name, but it has other addresses, or none */
    IPREV_TEMPERROR, /* nobody knows at present */
    IPREV_PERMERROR, /* the address has no name */
};
enum { IPREV_COUNT = IPREV_PERMERROR + 1 };

enum { IPREV_NAMES_MAX = 10 }; /* of an address that has more, the others are not looked at */

struct iprev {
    enum iprev_result result;
    const char *name; /* that leads back if IPREV_PASS, else an unverified one; NULL: none known */
    const char *reason; /* one line for people; NULL if IPREV_PASS */
    const char *question; /* to the DNS, whose answer decided; NULL: the MTA told */
};

const char *iprev_result_name(enum iprev_result result); /* "none", "pass" … as in RFC 8601 */

/* What the MTA told is not asked again: {client_resolve}, or else a verified name. Else the PTR
 * record is asked for, and the A or AAAA records of its names. False: *need is what the judge is to
 * return. Pure; texts are in the scene's arena, the client's, or static. */
bool iprev_judge(const struct scene *scene, struct iprev *iprev, struct outcome *need);

/* The same with weaker conditions for IPREV_PASS: that the address has a name at all, and that one
 * of its names has any address, IPv4 or IPv6. Never IPREV_FAIL from iprev_reverse. */
bool iprev_reverse(const struct scene *scene, struct iprev *iprev, struct outcome *need);
bool iprev_forward(const struct scene *scene, struct iprev *iprev, struct outcome *need);

#endif
