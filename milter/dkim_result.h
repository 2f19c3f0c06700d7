/* dkim_result - what is known about each DKIM signature of a mail, and about the mail */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_RESULT_H
#define TAMIS_DKIM_RESULT_H

#include "base.h"

/* RFC 8601, 2.7.1. */
enum dkim_result {
    DKIM_NONE,
    DKIM_PASS,
    DKIM_FAIL,
    DKIM_POLICY,
    DKIM_NEUTRAL,
    DKIM_TEMPERROR,
    DKIM_PERMERROR
};

enum dkim_match { DKIM_UNTESTED, DKIM_MATCH, DKIM_MISMATCH };

/* Texts live as long as the verifier's arena. d, s, a, i, b are NULL when they are missing or hold
 * a character that could mean something else in Authentication-Results: then the property is to be
 * left out. They and `why` may be printed as they are, b within quotes. */
struct dkim_signature {
    enum dkim_result result;
    const char *why; /* printable, no quote or backslash in it; NULL for a plain pass */
    const char *d;   /* signing domain, lower case; letters, digits, "-", "_", "." */
    const char *s;   /* selector: the same characters */
    const char *a;   /* "rsa-sha256", "ed25519-sha256", "rsa-sha1" */
    const char *i;   /* as it stands in the field, never decoded; "@d" when there is none */
    const char *b;   /* how the signature begins: 8 characters, more if need be (RFC 6008) */
    const char *c;   /* canonicalization: "relaxed/simple"; NULL: unknown */
    const char *question; /* where its key is: "s._domainkey.d"; NULL: nobody asks */
    unsigned bits;        /* of the key; 0: unknown */
    bool testing;         /* the key says t=y */
    bool secure;          /* the key's answer was validated by DNSSEC */
    bool has_length;      /* there is an l= */
    bool partial;         /* it covers less than the whole body */
    bool expired;
    bool capped;          /* one too many: not evaluated, not counted */
    bool aligned_strict;  /* its domain is that of the only From */
    bool aligned;         /* it is, or one of both is below the other */
    int64_t t, x;         /* seconds since 1970; -1: not given */
    uint64_t length;      /* of the body, canonicalized, as far as l= lets it be covered */
    enum dkim_match header_match; /* of the signature with the header */
    enum dkim_match body_match;   /* of bh= with the body */
    const char *body_hash;        /* computed, Base64; NULL: it was not */
    const char *bh;               /* as signed, Base64; NULL: malformed */
    const char *header_hash;      /* computed, Base64; NULL: it was not */
    const char *whole;            /* all of b=, without white space; NULL: malformed */
    const char *record;           /* the key: "k=rsa; p=…"; NULL: there is none of use */
    const struct slice *names;    /* h=, as far as it could be read */
    size_t name_count;
};

struct dkim_verdict {
    /* The first that any counted signature has, of: pass, temperror, fail, policy, permerror,
     * neutral; none: there is no signature. */
    enum dkim_result result;
    const struct dkim_signature *signature; /* in the order of the mail, from its top */
    size_t count;
    size_t unlisted; /* more fields than anybody should look at; none of them was */
    /* 1 in a proper mail. With any other number nothing is aligned. */
    unsigned from_count;
    const char *from_domain; /* A-labels, lower case; NULL: not exactly one address in From */
};

/* "pass", "temperror" … */
const char *dkim_result_name(enum dkim_result result);

/* The mail's result from those of its signatures. */
enum dkim_result dkim_result_of(const struct dkim_signature *signature, size_t count);

#endif
