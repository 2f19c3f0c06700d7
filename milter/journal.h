/* journal - the decision log: one bounded queue, one writer thread, one SQLite file */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_H
#define TAMIS_JOURNAL_H

#include "message.h"

enum entry_action { ENTRY_ACCEPT, ENTRY_REJECT, ENTRY_TEMPFAIL, ENTRY_DISCARD, ENTRY_ABORTED };

/* How the shadow (shadow.h) would have treated a recipient; number 0: the transaction, when it had
 * none. */
enum shadow_change { SHADOW_SAME, SHADOW_CHANGED, SHADOW_UNKNOWN };
struct shadow_outcome {
    struct shadow_outcome *next;
    int recipient;
    enum shadow_change change;
    bool as_main;             /* by the same rule, too: the verdict is not told again */
    enum entry_action action; /* ENTRY_ABORTED: taken, as far as was seen */
    struct verdict verdict;
    const char *missing;      /* what nobody asked or recorded; NULL: nothing */
};
struct shadow_result {
    const char *hash, *file; /* of the shadow */
    struct shadow_outcome *outcomes;
};

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
    const char *policy; /* hash of the policy that judged; lives with the owner; NULL: unknown */
    const struct ruleset *ruleset; /* not NULL: no transaction, but this, in the message's arena */

    uint64_t bytes; /* the journal's: what it counts for in the queue, whatever it grows to */

    /* Of journal_commit; the writer's afterwards. */
    struct waiter *waiter;  /* NULL: nobody waits */
    struct verdict late;    /* what the client is told when the row is not there in time */
    int64_t row;            /* its id, once it is written */
    bool is_late;           /* the row says `late` */
    bool is_bad;            /* it cannot be stored */

    bool lacks_details;     /* entry_drop_details was there */
    const struct shadow_result *shadow; /* not NULL: nothing but this is written, for `row` */
};

/* A policy that was loaded: its files, and its rules. */
struct ruleset_file {
    struct ruleset_file *next;
    const char *path, *hash;
    const char *text; /* NULL: too large */
    int64_t size;
};
struct ruleset_rule {
    struct ruleset_rule *next;
    const char *file, *text;
    int line;
};
struct ruleset {
    const char *hash, *version, *loaded_by;
    int64_t loaded_ms; /* since 1970 */
    struct ruleset_file *files;
    struct ruleset_rule *rules;
};

/* What may be changed while the log is open. Times are microseconds, 0: for ever. */
struct journal_limits {
    uint64_t size;      /* bytes of the file; the oldest rows go when it is reached; 0: none */
    int64_t retention, evidence_retention, rollup_retention;
    bool sync;          /* a commit is on the disk when it returns */
};

struct journal_options {
    const char *path;
    unsigned queue_limit;   /* entries that may wait */
    uint64_t queue_bytes;   /* memory that they may hold; 0: 64 MB */
    uint64_t size_limit;    /* of the limits */
    int64_t retention, evidence_retention, rollup_retention;
    bool sync;
    unsigned node;          /* 0 to 1023, in each id */
    const char *node_name;  /* NULL: none is noted */
    const char *group;      /* group that may read, or NULL */

    /* Takes over a transaction that was written, on the writer's thread; false: it does not. NULL:
     * nobody wants them. Must not block. */
    bool (*written)(struct entry *entry);
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

/* For an entry with entry->shadow: false, and it is freed, when much waits already. Any thread. */
bool journal_offer_shadow(struct journal *journal, struct entry *entry);

/* The same, but an entry that carries a promise (its message has tokens, or it is a ruleset) is
 * taken when the queue is full for others. Is there room for such a promise? Any thread. */
bool journal_has_room(struct journal *journal);

/* Offers the entry and waits until it is on the disk, at most `limit_us`; the journal must be in
 * sync (journal_limits). False: it is not, the client must be told entry->late, and the row, if
 * there will be one, says so. Any thread but the writer's. */
bool journal_commit(struct journal *journal, struct entry *entry, uint64_t limit_us);

/* From now on. Any thread. */
void journal_set_limits(struct journal *journal, const struct journal_limits *limits);

/* How it is now, copied out. Any thread; one short lock. */
void journal_read_status(struct journal *journal, struct journal_status *status);

/* Is it a transaction, neither a policy nor a shadow's judgement? */
bool entry_is_mail(const struct entry *entry);

/* Must it not be lost, because somebody was told of it? It may take as much room again. */
bool entry_is_promise(const struct entry *entry);

struct entry *entry_new(struct message *message); /* allocated in message->arena */
void entry_free(struct entry *entry); /* its message, too; who waits for it is told: lost */

/* Steps, questions and evidence go, to make room; how many steps these were. */
uint64_t entry_drop_details(struct entry *entry);

/* A mail's entry in memory of its own that is as small as can be: its row, its recipients, its
 * tokens; details go as with entry_drop_details (*checks: how many), changes of the header are
 * only counted. Takes the given one over, and frees its message; the owner is the new one's. */
struct entry *entry_shed(struct entry *entry, uint64_t *checks);

/* "accept", "reject", "tempfail", "discard", "aborted" */
const char *entry_action_name(enum entry_action action);

#endif
