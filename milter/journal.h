/* journal - the decision log: one bounded queue, one writer thread, one SQLite file */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_H
#define TAMIS_JOURNAL_H

#include "message.h"

enum entry_action { ENTRY_ACCEPT, ENTRY_REJECT, ENTRY_TEMPFAIL, ENTRY_DISCARD, ENTRY_ABORTED };

/* One finished transaction, which may outlive its session: every text it names lives in
 * message->arena or with `owner` (the policy, whose rules are named), which is given back by
 * release(owner), on any thread, when the entry is freed. release may be NULL. */
struct entry {
    struct message *message; /* owned by the entry */
    struct client client;
    enum entry_action action;
    uint64_t duration_us; /* from the first event to the last answer */
    void (*release)(void *owner);
    void *owner;
};

struct journal_options {
    const char *path;
    unsigned queue_limit;   /* entries that may wait */
    uint64_t queue_bytes;   /* memory that they may hold; 0: 64 MB */
    uint64_t size_limit;    /* bytes of the file; the oldest rows go when it is reached; 0: none */
    const char *group;      /* group that may read, or NULL */
};

/* Counters since the start; all may grow at any time. */
struct journal_status {
    uint64_t offered, written, dropped; /* transactions */
    uint64_t details_dropped;           /* check rows left out because the queue was filling */
    uint64_t errors;                    /* failed writes, opens, prunings */
    uint64_t queued;                    /* waiting now */
    bool healthy;                       /* nothing has failed since the last success */
    char last_error[256];
    uint64_t file_bytes, wal_bytes;
};

struct journal;

/* Starts the writer thread; the caller must have dropped root and forked before. Never fails
 * because of the database: what cannot be opened or written is logged (rate-limited), counted and
 * tried again, while mail goes on. journal_close writes what waits (at most 5 s) and stops the
 * thread. */
struct journal *journal_open(const struct journal_options *options);
void journal_close(struct journal *journal);

/* Takes over the entry (and frees it, and its message, when written or dropped). Never blocks
 * beyond a leaf mutex, never fails. Any thread. */
void journal_offer(struct journal *journal, struct entry *entry);

void journal_read_status(struct journal *journal, struct journal_status *status);

struct entry *entry_new(struct message *message); /* allocated in message->arena */
void entry_free(struct entry *entry);             /* its message, too */

/* "accept", "reject", "tempfail", "discard", "aborted" */
const char *entry_action_name(enum entry_action action);

#endif
