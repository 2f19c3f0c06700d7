/* dns_master - the entries of a master file, word by word, and what their data says */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_MASTER_H
#define TAMIS_DNS_MASTER_H

#include "buf.h"
#include "dns.h"
#include "problems.h"

/* A word, escapes as written. */
struct dns_word {
    struct slice text;
    bool quoted; /* without its quotes */
};

/* One entry (RFC 1035, 5.1): a line, or more in parentheses. */
struct dns_entry {
    struct dns_word *words;
    size_t count, cap;
    bool indented; /* the owner is that of the entry before */
    struct where at;
};

/* Start with {.name = …, .text = …, .line = 1}; the text must stay. */
struct dns_master {
    const char *name; /* of the file, for messages */
    struct slice text; /* what is yet to be read */
    int line;
};

/* The next entry that is not empty; start with `struct dns_entry entry = {0}`, end with
 * dns_entry_free. What has an open quote or parenthesis is reported and left out. */
bool dns_master_next(struct dns_master *master, struct dns_entry *entry, struct problems *problems);
void dns_entry_free(struct dns_entry *entry);

/* The words behind the type as data on the wire (RFC 1035, 3.3; for addresses as addr_parse), added
 * to `rdata`. Names without a dot at the end are below `origin`. */
bool dns_rdata_read(enum dns_type type, const struct dns_word *words, size_t count,
                    const struct dns_name *origin, struct buf *rdata, struct err *err);

/* Seconds: "300", "5m", "1h30m"; at most 2^31-1 (RFC 2181, 8). */
bool dns_ttl_read(struct slice text, uint32_t *ttl);

#endif
