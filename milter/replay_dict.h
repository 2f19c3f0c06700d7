/* replay_dict - the log's dictionaries, read when they are needed and remembered */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_DICT_H
#define TAMIS_REPLAY_DICT_H

#include "arena.h"
#include "logdb.h"

enum replay_dict {
    RDICT_NAME,         /* text */
    RDICT_ADDRESS,      /* text */
    RDICT_CLIENT,       /* addr, name */
    RDICT_CIRCUMSTANCE, /* ptr … mta_host */
    RDICT_RULE,         /* file, line, text */
    RDICT_VERDICT,      /* action, stage, enforced, code, dsn, text, rule */
    RDICT_STEP,         /* restriction, question, answer, result, rule */
    RDICT_ASKED,        /* question, state, answer */
    RDICT_DKIM,         /* domain, selector, algorithm, result, signed */
    RDICT_EDIT,         /* op, field, value, rule */
    RDICT_COUNT,
};

/* One entry: its columns as text and, where it is one, as a number. */
struct replay_entry {
    const char *const *text; /* NULL where the column is */
    const int64_t *number;
};

/* For one thread, and as long as the log is open. */
struct replay_dicts;

/* NULL with err when the log's tables are not as expected. */
struct replay_dicts *replay_dicts_new(struct logdb *log, struct err *err);
void replay_dicts_free(struct replay_dicts *dicts); /* NULL is allowed */

/* NULL for id 0 and for what is not there. The texts live until replay_dicts_tidy. */
const struct replay_entry *replay_dict_find(struct replay_dicts *dicts, enum replay_dict dict,
                                            int64_t id);

/* Forgets all when it has become much. */
void replay_dicts_tidy(struct replay_dicts *dicts);

#endif
