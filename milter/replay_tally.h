/* replay_tally - what a replay has found so far: counted, grouped, the worst first */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_TALLY_H
#define TAMIS_REPLAY_TALLY_H

#include "replay_read.h"

enum { TALLY_SAMPLES = 10 };

/* A recipient whose mail comes out otherwise. All texts are copies in the tally's arena. */
struct tally_sample {
    int64_t id;
    const char *queue_id, *sender, *address;
    enum entry_action was, now;
    const char *was_reply, *now_reply; /* "" where there was none */
    bool as_far_as_seen, known, asked_now;
    const char *fate; /* NULL: as before */
};

/* Changes of one direction by one rule: the one that refuses now, else the one that did. */
struct tally_group {
    struct tally_group *next;
    enum entry_action was, now;
    bool as_far_as_seen;
    const char *fate; /* where both take it; NULL: it goes where it went */
    struct rule_ref rule;
    uint64_t count;
    uint64_t known; /* of these, from correspondents */
};

/* One kind of edit that is made now, and was not, or the other way round. */
struct tally_edit {
    struct tally_edit *next;
    bool added;
    enum act act;
    const char *field; /* NULL: of none */
    struct rule_ref rule;
    uint64_t count; /* messages */
};

struct tally_gap {
    struct tally_gap *next;
    const char *kind;      /* "rbl zen.example", "header Subject", "spf" */
    const char *parameter; /* NULL: none would record it */
    uint64_t count;
};

struct tally {
    struct arena *arena;
    uint64_t messages, recipients, counts[REPLAY_UNKNOWN + 1];
    uint64_t known;     /* changed actions of mail from correspondents */
    uint64_t asked_now; /* answers of today were used */
    struct tally_group *groups;
    struct tally_gap *gaps;
    struct tally_edit *edits;
    uint64_t edited; /* messages whose edits differ */
    /* by how urgent they are: from correspondents and refused now, other changes of theirs, refused
     * now, others */
    struct tally_sample samples[4][TALLY_SAMPLES];
    size_t sample_counts[4];
    struct logdb *log;
    struct correspondents *correspondents; /* NULL before the first change */
};

/* Empties it; the log, for correspondents, must be open as long. */
void tally_init(struct tally *tally, struct logdb *log);
void tally_free(struct tally *tally);

/* Counts one transaction; what is kept of it is copied. */
void tally_add(struct tally *tally, const struct replay_facts *facts,
               const struct replay_result *result);

/* Groups and gaps in the order of their counts. */
void tally_sort(struct tally *tally);

#endif
