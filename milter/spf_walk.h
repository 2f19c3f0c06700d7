/* spf_walk - what one SPF evaluation knows: its records, its terms, its limits, its questions */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SPF_WALK_H
#define TAMIS_SPF_WALK_H

#include "spf.h"
#include "spf_macro.h"
#include "spf_record.h"

#define SPF_LATE "the evaluation took too long"

/* The evaluator never sees a byte that a stranger wrote, except addresses. Each record is checked
 * and rewritten: terms that ask the DNS get a name of ours ("t12.x"), by which they are found again
 * when the evaluator asks for it, and hosts of an MX, too ("h3.x"); ip4 and ip6 are decided here
 * and left out, or end the record; one term beyond the limit is enough, so a record always fits.
 * "e0.x" is asked where the names of a record end, and tells that none of them matched.
 *
 * The bounds: a term counts before its record is fetched, so there are at most 11 records, with at
 * most 11 terms that ask, a redirect and an end each. */
enum {
    SPF_RECORDS_MAX = SPF_TERM_LIMIT + 1,
    SPF_SLOTS_MAX = SPF_RECORDS_MAX * (SPF_TERM_LIMIT + 3),
    SPF_HOSTS_MAX = SPF_TERM_LIMIT * SPF_HOST_LIMIT
};

/* A term that asks the DNS. */
struct spf_slot {
    enum spf_kind kind;
    struct slice spec, text;
    int record;
    bool any;     /* the prefix length is 0: any address matches */
    bool counted; /* as a term of the 10 */
};

struct spf_policy {
    const char *domain;
    struct slice exp;      /* its domain-spec; ptr NULL: none */
    struct slice terminal; /* the term that ends it: all, or a matching ip4, ip6; ptr NULL: none */
    struct slice last;     /* the term that was asked last; ptr NULL: none, or all of them were */
    bool outer;            /* the first record, or where its redirects lead */
};

struct spf_walk {
    const struct spf_question *q;
    const struct spf_dns *dns;
    struct arena *arena;
    struct spf_answer *a;
    struct spf_macros macros;
    uint64_t deadline_us;
    bool stopped; /* a->result and a->why are final */
    bool late;    /* a question was not answered for lack of time */
    struct spf_policy records[SPF_RECORDS_MAX];
    int record_count, outer;
    struct spf_slot slots[SPF_SLOTS_MAX];
    int slot_count;
    const char *hosts[SPF_HOSTS_MAX];
    int host_count;
    bool ptr_asked;
    enum spf_dns_status ptr_status;
    const char *ptrs[SPF_HOST_LIMIT];
    int ptr_count;
    signed char ptr_valid[SPF_HOST_LIMIT]; /* 0: not looked up yet, 1, -1 */
};

/* Fills the walk; false when there is nothing to evaluate (a->result is none). */
bool spf_walk_start(struct spf_walk *w, const struct spf_question *q, const struct spf_dns *dns,
                    struct arena *arena, struct spf_answer *a);

/* Ends the evaluation with a result, if nothing has ended it before. */
void spf_walk_stop(struct spf_walk *w, enum spf_result result, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The record of the first domain (slot < 0), or of the one that an include or redirect names: what
 * the evaluator should read, from the arena. NULL: the walk was stopped. */
const char *spf_walk_record(struct spf_walk *w, int slot);

/* What the evaluator asks for by one of our names. Addresses are of the client's family; MX names
 * are ours again. For ptr, exists and prefixes of 0 there is one address when they match. After a
 * stop everything is SPF_DNS_TEMPERROR. */
enum spf_dns_status spf_walk_lookup(struct spf_walk *w, const char *name, struct spf_rrs *rrs);

/* The number of the slot that a name of ours stands for; -1: none. */
int spf_walk_slot(const struct spf_walk *w, const char *name);

/* The last word: the evaluator's result, the term behind it, and the explanation of a fail. */
void spf_walk_end(struct spf_walk *w, enum spf_result result);

/* One question: counted, within the deadline. */
enum spf_dns_status spf_ask(struct spf_walk *w, const char *name, enum spf_type type,
                            struct spf_rrs *rrs);

/* The same for a term: a failure stops the walk. */
enum spf_dns_status spf_term_ask(struct spf_walk *w, const char *name, enum spf_type type,
                                 struct spf_rrs *rrs);

/* Counts the term as one of the 10; false when it is one too many, or the walk was stopped. */
bool spf_slot_enter(struct spf_walk *w, struct spf_slot *slot);

/* The domain that the term names, in its record; NULL when that is no name. */
const char *spf_slot_name(struct spf_walk *w, const struct spf_slot *slot);

/* spf_ptr: whether a name of the client, looked up both ways, is the domain or below it.
 * w->ptr_status then says how the question for the names was answered. */
bool spf_ptr_match(struct spf_walk *w, const char *domain);

/* %{p}; ctx is the walk. "unknown" if there is none. */
const char *spf_ptr_name(void *ctx, const char *domain);

#endif
