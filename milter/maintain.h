/* maintain - the maintenance thread: reloads, records of keys, policies that nobody holds */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_MAINTAIN_H
#define TAMIS_MAINTAIN_H

#include "journal.h"
#include "key_watch.h"
#include "policy.h"

/* Tells the journal (NULL: none) of a policy that is about to be published, and takes over what it
 * says of the log. `why` is who loaded it. Reads its files. */
void maintain_note_policy(struct policy *policy, const struct policy_source *source,
                          struct journal *journal, const char *why);

/* Starts the thread over the published policy. `source` must live as long as the thread; so must
 * `keys`, whose records the thread asks for, at each load and then from time to time, and the
 * journal, which learns of each policy. */
void maintain_start(const struct policy_source *source, struct key_watch *keys,
                    struct journal *journal);

/* Stops it, after the reload that is going on. */
void maintain_stop(void);

/* Asks for a reload and returns at once, with the ticket of the one that begins after this call.
 * Any thread; requests that come while one runs are served by one. `why` is for the log,
 * and copied. */
unsigned maintain_reload(const char *why);

/* How the last reload ended. */
struct reload_report {
    unsigned served;     /* tickets up to this one */
    bool refused;        /* the policy before stays in force */
    unsigned generation; /* in force */
    size_t files;        /* that the policy was read from */
    int64_t at;          /* seconds since 1970; 0: there was none since the start */
    size_t errors, warnings;
    char first_error[1024]; /* "" when not refused */
    char *problems;      /* every problem, one a line; the caller frees it */
};

/* Any thread; takes a leaf lock only. */
void maintain_report(struct reload_report *report);

/* A descriptor that can be read (8 bytes) when a reload has ended; for one reader. */
int maintain_event_fd(void);

#endif
