/* key_watch - whose records are in the DNS, and so which key of several signs */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_KEY_WATCH_H
#define TAMIS_KEY_WATCH_H

#include "key_record.h"
#include "keys.h"

/* Seconds until a record is looked for again: one that is there, one that is not, one that could
 * not be asked for. */
enum { KEY_WATCH_READY = 3600, KEY_WATCH_WAITING = 600, KEY_WATCH_UNKNOWN = 60 };

/* Who asks the DNS for TXT records. `start` never waits; each job is waited for once, on the same
 * thread, which releases it. */
struct key_asker {
    void *(*start)(void *arg, const char *name);
    void (*wait)(void *arg, void *job, struct arena *arena, struct dns_answer *answer);
    void *arg;
    uint64_t patience_us; /* of a run: what is not asked for by then is in the next; 0: no end */
};
struct key_asker key_asker_of_dns(struct dns *dns); /* which must outlive the asker */

/* What is known of each pair of record name and public key. It is no part of a policy: a reload
 * keeps it, and a new key of the same name is another pair. */
struct key_watch;

struct key_watch *key_watch_new(const struct key_asker *asker); /* which is copied */
void key_watch_free(struct key_watch *watch); /* NULL is allowed; nobody uses it any more */

/* Asks for the records that are due, after a load (`loaded`) for all of them; forgets what the
 * keys no longer name. Blocks for the DNS: one thread at a time, the maintenance thread. The
 * caller holds the keys' policy. `now` in seconds since 1970. Whose answers are the oldest are
 * asked for first, and a run ends behind the asker's patience. Returns after how many seconds to
 * call again. */
int64_t key_watch_run(struct key_watch *watch, const struct keys *keys, int64_t now, bool loaded);

/* What was found last; KEY_UNKNOWN before that. A domain that a key for any domain signs for is put
 * down to be asked for at the next run. Any thread; one short lock, no waiting. watch NULL: always
 * KEY_UNKNOWN. */
enum key_state key_watch_state(struct key_watch *watch, const struct key_choice *choice);

/* Of keys_select's list those that sign now, in their order: one for each domain and algorithm, the
 * newest within its time whose record is there. Where none is: the newest of those that could not
 * be asked for, or else that were not found, because who signs may see another DNS than those who
 * verify; never one whose record is seen to be wrong. Newer is: a later not-before, then a later
 * file, then the row further up. *chosen is in the arena; returns the count. Any thread. */
size_t key_watch_choose(struct key_watch *watch, const struct key_choice *list, size_t count,
                        int64_t now, struct arena *arena, const struct key_choice ***chosen);

enum key_role { KEY_SIGNS, KEY_WAITS, KEY_RETIRED };
const char *key_role_name(enum key_role role); /* "signs", "waits", "retired" */

/* Of each key what it does: for `tamis status`. `why` is one line, "" if there is nothing to say;
 * it lives during the call. `age` in seconds, -1: not known. */
struct key_report {
    const struct key_choice *choice;
    enum key_role role;
    enum key_state state;
    const char *why;
    int64_t asked_at; /* seconds since 1970; 0: never */
    int64_t age;
    bool trouble; /* it should sign or take its turn, and its record is seen to be wrong */
};
void key_watch_report(struct key_watch *watch, const struct keys *keys, int64_t now,
                      void (*visit)(const struct key_report *report, void *arg), void *arg);

/* Of the same keys those whose role or record is another than at the last call; of those that are
 * new only if their records are not ready. For the log; one thread at a time. */
void key_watch_changes(struct key_watch *watch, const struct keys *keys, int64_t now,
                       void (*visit)(const struct key_report *report, void *arg), void *arg);

#endif
