/* dns - questions to the DNS: asked side by side, waited for with a deadline, remembered */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_H
#define TAMIS_DNS_H

#include "arena.h"
#include "dns_name.h"

/* The numbers of RFC 1035, 3.2.2, RFC 3596 and RFC 7208, 3.1 (SPF: read as TXT). */
enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SPF = 99,
};

enum dns_state {
    DNS_FOUND,     /* records of this type, behind CNAMEs if there are any */
    DNS_NODATA,    /* the name is there, but has none of this type */
    DNS_NXDOMAIN,  /* there is no such name */
    DNS_TEMPERROR, /* nobody knows: no answer in time, SERVFAIL, forged, malformed … */
};

/* `name` as dns_name_text writes it, in lower case, so that equal questions have equal names. Make
 * it with one of the functions below. */
struct dns_question {
    const char *name;
    enum dns_type type;
};

/* False when `name` (dns_name_of_text) cannot be a name in the DNS: nothing is to be asked then. */
bool dns_question_make(struct slice name, enum dns_type type, struct arena *arena,
                       struct dns_question *question);

/* The same about a name that an answer gave. */
bool dns_question_about(const char *name, enum dns_type type, struct arena *arena,
                        struct dns_question *question);

const char *dns_type_name(enum dns_type type); /* "A", "MX" … */
bool dns_type_find(struct slice name, enum dns_type *type); /* whatever the case */
struct buf;
void dns_type_list(struct buf *b); /* adds "A, NS …": all that dns_type_find knows */

/* Character-strings of TXT are any bytes. Names as dns_name_text writes them. */
struct dns_record {
    enum dns_type type;
    union {
        struct addr addr;  /* A, AAAA (IPv4-mapped: as IPv4) */
        const char *name;  /* NS, CNAME, PTR */
        struct {
            unsigned preference;
            const char *host; /* "." is the null MX of RFC 7505 */
        } mx;
        struct {
            struct slice joined;         /* without a blank between, as RFC 7208, 3.3 wants */
            const struct slice *strings; /* one by one; at least one */
            size_t count;
        } txt; /* TXT, SPF */
        struct {
            const char *mname, *rname;
            uint32_t serial, refresh, retry, expire, minimum;
        } soa;
    };
};

/* All of it is in the asker's arena. Records of one type, in the order of their octets on the wire
 * (so MX by preference), so that equal answers look equal. */
struct dns_answer {
    enum dns_state state;
    uint32_t ttl;  /* seconds that it is still good for; 0 for DNS_TEMPERROR */
    bool secure;   /* validated by DNSSEC */
    const char *why; /* of DNS_TEMPERROR: "SERVFAIL", "timeout", "bogus: …"; else NULL */
    const struct dns_record *records;
    size_t count; /* not 0 exactly if DNS_FOUND */
};

/* The canonical texts of the log: "dns A host.example"; "192.0.2.1, 192.0.2.2", "10 mx.example",
 * "\"v=spf1 \" \"-all\"", "no data", "no such name", "temperror: SERVFAIL". Printable ASCII. */
const char *dns_question_text(const struct dns_question *question, struct arena *arena);
const char *dns_answer_text(const struct dns_answer *answer, struct arena *arena);

struct dns_limits {
    size_t cache_size;      /* bytes of answers that are remembered; 0: none */
    size_t cache_entries;   /* and how many; 0: as many as fit */
    uint32_t max_ttl, max_negative_ttl; /* seconds; a TTL of 0 is not remembered */
    size_t under_way;       /* lookups at the same time; more are answered with temperror */
    uint64_t timeout_us;    /* how long anybody waits for one lookup */
};

struct dns_stats {
    uint64_t cached, shared, sent; /* questions: how they were answered */
    uint64_t refused;              /* for too many under way */
    uint64_t timeouts;             /* waits that ended before the answer came */
    uint64_t under_way;            /* lookups now */
    uint64_t entries, bytes;       /* answers that are remembered */
};

struct dns;
struct dns_source; /* dns_source.h: dns_live_source, dns_zone_source */

/* Takes the source over. Any number of threads may ask. */
struct dns *dns_open(const struct dns_limits *limits, const struct dns_source *source);

/* Every wait ends at once with temperror, and so does every question from now on. Does not wait for
 * answers. Any thread; a second time does nothing. */
void dns_stop(struct dns *dns);

/* dns_stop, and the end; lookups that are still held may be waited for and released later. Nobody
 * may start one any more. NULL is allowed. */
void dns_close(struct dns *dns);

/* Asks and waits until `deadline_us` (now_us; also bounded by limits.timeout_us). Always fills
 * *answer. What was not answered in time goes on and is remembered when it comes. */
void dns_ask(struct dns *dns, const struct dns_question *question, uint64_t deadline_us,
             struct arena *arena, struct dns_answer *answer);

/* The same in two steps, to ask many side by side. Starting never waits; equal questions under way
 * are one lookup. The question is copied. Never NULL; each is released once. Waiting may be
 * repeated, by any thread, by several at once. */
struct dns_job;
struct dns_job *dns_start(struct dns *dns, const struct dns_question *question);
void dns_wait(struct dns_job *job, uint64_t deadline_us, struct arena *arena,
              struct dns_answer *answer);
/* The same without giving up: false when the answer has not come by `until_us`, and there is time
 * left for it (limits.timeout_us). */
bool dns_try(struct dns_job *job, uint64_t until_us, struct arena *arena,
             struct dns_answer *answer);
void dns_release(struct dns_job *job); /* NULL is allowed */

/* Since dns_open, and what is there now. Any thread. */
struct dns_stats dns_stats(struct dns *dns);

#endif
