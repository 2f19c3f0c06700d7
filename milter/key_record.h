/* key_record - does the DNS hold the public half of a key, and does it say what it should? */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_KEY_RECORD_H
#define TAMIS_KEY_RECORD_H

#include "dkim_key.h"
#include "dns.h"
#include "problems.h"

/* How far a key is from being of use to those who verify. */
enum key_state {
    KEY_UNKNOWN,   /* the DNS could not be asked, or not yet */
    KEY_READY,     /* the record is there and fits */
    KEY_ABSENT,    /* there is no record */
    KEY_DIFFERENT, /* it belongs to another key */
    KEY_REVOKED,   /* its p= is empty */
    KEY_FAULTY,    /* it says what makes signatures fail */
};
const char *key_state_name(enum key_state state); /* "ready", "no record" … */

/* "SELECTOR._domainkey.DOMAIN" (RFC 6376, 3.6.2.1); in the arena. */
const char *key_record_name(const char *selector, const char *domain, struct arena *arena);

/* Judges the TXT records found at the name (RFC 6376, 3.6.1; RFC 8301; RFC 8463, 4). What is wrong,
 * and what is odd but does no harm, goes to `problems` (NULL: nobody wants it) without a place,
 * each beginning with the name. The answer may hold any bytes. */
enum key_state key_record_judge(const struct dkim_key *key, const char *name,
                                const struct dns_answer *answer, struct problems *problems);

/* A record for the key: "v=DKIM1; k=rsa; p=…"; `extra` stands behind k= ("t=y; "), it may be "". In
 * the arena. */
const char *key_record_text(const struct dkim_key *key, const char *extra, struct arena *arena);

/* The same as a line of a zone file: NAME IN TXT ( "…" "…" ), strings of at most 255 bytes; `ttl`
 * 0: none. `name` ends in a dot or is relative to the zone. In the arena. */
const char *key_record_bind(const char *name, unsigned ttl, const char *record,
                            struct arena *arena);

#endif
