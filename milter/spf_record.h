/* spf_record - the grammar of an SPF record, on its bytes (RFC 7208, 12) */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SPF_RECORD_H
#define TAMIS_SPF_RECORD_H

#include "net.h"

enum spf_kind {
    SPF_TERM_ALL,
    SPF_TERM_INCLUDE,
    SPF_TERM_A,
    SPF_TERM_MX,
    SPF_TERM_PTR,
    SPF_TERM_IP4,
    SPF_TERM_IP6,
    SPF_TERM_EXISTS,
    SPF_TERM_REDIRECT,
    SPF_TERM_EXP,
    SPF_TERM_UNKNOWN /* a modifier that means nothing */
};

struct spf_term {
    enum spf_kind kind;
    char qualifier;        /* + - ~ ?; of a mechanism */
    struct slice text;     /* the whole term, into the record */
    struct slice spec;     /* domain-spec, into the record; len 0: none */
    struct net net;        /* of ip4 and ip6; host bits may be set */
    unsigned bits4, bits6; /* of a and mx: 0 to 32, 0 to 128 */
};

/* Whether a TXT record claims to be one of SPF: "v=spf1" and a blank or its end (4.5). */
bool spf_record_is(struct slice text);

/* The whole record; false with the first thing that is wrong (why: one line, printable). */
bool spf_record_check(struct slice record, struct err *why);

/* The terms of a record that was checked: start with *rest = the record behind "v=spf1". False at
 * the end, or at a term that is wrong (why is set then). */
bool spf_record_next(struct slice *rest, struct spf_term *term, struct err *why);

/* The record without its version. */
struct slice spf_record_terms(struct slice record);

#endif
