/* explain - one transaction of the log: found, read, judged again, told */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_EXPLAIN_H
#define TAMIS_EXPLAIN_H

#include "report.h"

/* What the transaction is known by; NULL: not named. All that is named must hold. */
struct explain_query {
    const char *what; /* a token, queue id, Message-ID, address, or id of the log */
    const char *message_id, *from, *rcpt, *client, *time;
    bool last; /* the newest one that fits */
};

/* The rows of the views about one transaction; each table is there, maybe without rows. All texts
 * are in the arena. */
struct explanation {
    struct arena *arena;
    const char *path; /* of the log */
    int64_t id;
    int64_t focus;                   /* the recipient whose steps are told; 0: none */
    const struct report_table *mail; /* decision: one row */
    const struct report_table *recipients; /* with stage, enforced, rule_text */
    const struct report_table *steps, *questions, *signatures, *edits, *tokens;
    const struct report_table *policy;  /* in force then: policy, loaded, loaded_by */
    const struct report_table *rule;    /* of what explain_decided names: since, file_since */
    const struct report_table *history; /* way, accepted, refused, last */
    const bool *unused; /* by question: no rule needed the answer; NULL: not known */
    struct explain_line *again, *advice;
};

/* One finding of explain_again.h or piece of advice. */
struct explain_line {
    struct explain_line *next;
    const char *kind; /* "without", "now"; "next", "elsewhere" */
    const char *text;
};

/* Appends at the end of the list; the text must live in the arena. */
void explain_add_line(struct explain_line **list, struct arena *arena, const char *kind,
                      const char *text);

/* The transactions that fit, the newest first, with the columns of the view decision and, where a
 * token was asked for, recipient; at most EXPLAIN_CANDIDATES + 1. NULL with err. */
enum { EXPLAIN_CANDIDATES = 20 };
struct report_table *explain_find(struct logdb *log, const struct explain_query *query,
                                  struct arena *arena, struct err *err);

/* Reads all there is about one transaction. focus 0: the first recipient that was refused, else the
 * first. NULL with err. */
struct explanation *explain_read(struct logdb *log, int64_t id, int64_t focus, struct arena *arena,
                                 struct err *err);

/* stage, enforced, file, line or rule_text of what decided for the recipient in focus: its own
 * refusal, else the verdict on the whole message. NULL: none. */
const char *explain_decided(const struct explanation *e, const char *name);

/* The step that decided for the recipient in focus, or the row beyond the last. */
size_t explain_deciding_step(const struct explanation *e);

/* Was it the mail server that refused the recipient in focus, and not a rule? */
bool explain_is_mta(const struct explanation *e);

/* Each adds the whole explanation. Unless `all`, the text has at most EXPLAIN_LINES lines. */
enum { EXPLAIN_LINES = 40 };
void explain_add_text(struct buf *b, const struct explanation *e, bool all);
void explain_add_json(struct buf *b, const struct explanation *e);

/* The transactions among which the caller must choose. */
void explain_add_candidates(struct buf *b, const struct report_table *found);

#endif
