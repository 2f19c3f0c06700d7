/* replay_print - the result of `tamis replay` as text and as JSON */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_PRINT_H
#define TAMIS_REPLAY_PRINT_H

#include "buf.h"
#include "replay_rules.h"
#include "replay_tally.h"

struct replay_report {
    const struct tally *tally; /* sorted */
    const char *policy;        /* the configuration that it was judged by */
    const char *log;
    int64_t first_ms, last_ms; /* the first and the last message, since 1970; 0: none */
    int64_t logged_policy;     /* the newest one in the log that can be compared; 0: none */
    const struct rule_difference *rules;
    int status;                /* of the command */
};

/* Adds it to `out`: for a person; one JSON object. */
void replay_print_text(const struct replay_report *report, struct buf *out);
void replay_print_json(const struct replay_report *report, struct buf *out);

#endif
