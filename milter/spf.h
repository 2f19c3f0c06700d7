/* spf - may this address send mail for that domain? RFC 7208's check_host() as a function */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SPF_H
#define TAMIS_SPF_H

#include "arena.h"
#include "net.h"

enum spf_result {
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR
};

enum spf_identity { SPF_MAILFROM, SPF_HELO };

/* RFC 7208, 4.6.4 and 11.1; how long an explanation may be is ours. */
enum {
    SPF_TERM_LIMIT = 10,
    SPF_VOID_LIMIT = 2,
    SPF_HOST_LIMIT = 10,
    SPF_SECONDS_MAX = 20,
    SPF_EXPLANATION_MAX = 400
};

enum spf_type { SPF_TXT, SPF_A, SPF_AAAA, SPF_MX, SPF_PTR };

enum spf_dns_status { SPF_DNS_OK, SPF_DNS_NODATA, SPF_DNS_NXDOMAIN, SPF_DNS_TEMPERROR };

/* One record: TXT has its character-strings joined without blanks, any bytes; MX and PTR the name,
 * MX without its preference, in any order; A and AAAA the address. */
struct spf_rr {
    struct slice text;
    struct addr addr;
};

struct spf_rrs {
    const struct spf_rr *rr;
    size_t count;
};

/* Where the answers come from. lookup follows aliases itself and gives only records of the type
 * asked for; it may block, but not longer than the deadline (microseconds of the clock below). The
 * name has labels of 1 to 63 bytes, at most 253 together, any bytes but NUL in them. What it
 * returns must live as long as the arena. SPF_DNS_OK without a record is taken for SPF_DNS_NODATA.
 * now: the monotonic clock; NULL: now_us(). */
struct spf_dns {
    void *ctx;
    enum spf_dns_status (*lookup)(void *ctx, const char *name, enum spf_type type,
                                  uint64_t deadline_us, struct arena *arena, struct spf_rrs *rrs);
    uint64_t (*now)(void *ctx);
};

/* Texts may hold any bytes; NULL is as empty. Domains are asked for as they are: A-labels. */
struct spf_question {
    enum spf_identity identity;
    const char *sender;   /* the envelope sender without < >; empty: postmaster at helo (2.4) */
    const char *helo;     /* what the client called itself */
    struct addr client;   /* IPv4-mapped is IPv4, as struct addr holds it */
    const char *receiver; /* %{r}; NULL: unknown */
    int64_t time;         /* %{t}: seconds since 1970 */
    uint64_t deadline_us; /* 0: SPF_SECONDS_MAX from now, and never later than that */
    int void_limit;       /* 0: SPF_VOID_LIMIT; below 0: none */
};

/* All texts are printable ASCII, live as long as the arena, and were taken from strangers. */
struct spf_answer {
    enum spf_result result;
    const char *domain;      /* that was asked about; "" if there is none to be asked about */
    const char *why;         /* one line, never NULL */
    const char *term;        /* of the last record, that decided: "-all"; NULL: none did */
    const char *explainer;   /* the domain that speaks in explanation; NULL when that is */
    const char *explanation; /* of a fail, at most SPF_EXPLANATION_MAX bytes; NULL: none */
    unsigned terms;          /* that asked the DNS, counted as in 4.6.4 */
    unsigned voids;          /* their questions that found nothing */
    unsigned lookups;        /* all questions */
};

/* Evaluates one identity. Blocks only in dns->lookup. Never more than 1 question for the first
 * record, 10 terms with at most 10 hosts each and the client's PTR, and one for the explanation.
 * What does not count as void, so that a client with IPv6 is not refused for a domain that has only
 * IPv4: AAAA that is NODATA, addresses of MX and PTR hosts, questions for %{p}. Any thread. */
void spf_evaluate(const struct spf_question *q, const struct spf_dns *dns, struct arena *arena,
                  struct spf_answer *a);

/* "pass", "temperror" ... as in Authentication-Results (RFC 8601, 2.7.2). */
const char *spf_result_name(enum spf_result result);

#endif
