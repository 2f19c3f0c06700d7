/* journal_dict - what the log says again and again is stored once; ids are remembered in memory */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_DICT_H
#define TAMIS_JOURNAL_DICT_H

#include "base.h"

#include <sqlite3.h>

/* The tables of sql/schema.sql with a column `used`; the values are their other columns but id. */
enum dict {
    DICT_NAME,
    DICT_ADDRESS,
    DICT_CLIENT,
    DICT_CIRCUMSTANCE,
    DICT_VERDICT,
    DICT_STEP,
    DICT_ASKED,
    DICT_DKIM,
    DICT_EDIT,
    DICT_RULE, /* never swept */
};
enum { DICT_COUNT = DICT_RULE + 1, DICT_VALUES_MAX = 15 };

/* A text, which must live for the call, a number, or NULL; made by the functions below. */
struct dict_value {
    enum { DICT_NULL, DICT_TEXT, DICT_NUMBER } type;
    const char *ptr;
    size_t len;
    int64_t number;
};

struct dict_value dict_null(void);
struct dict_value dict_text(const char *text, size_t len);
struct dict_value dict_number(int64_t number);
struct dict_value dict_number_or_null(int64_t number); /* 0: NULL */

/* Only for the thread and the connection that it was made for. */
struct dicts;

/* NULL when a statement cannot be prepared: sqlite3_errcode(db) tells why. */
struct dicts *dicts_new(sqlite3 *db);
void dicts_free(struct dicts *dicts); /* NULL is allowed */

/* The entry's id, new if need be; `used` becomes the current generation. Values are given in the
 * order of the schema. Inside a transaction; after a rollback call dicts_forget. Returns an SQLite
 * result code. */
int dicts_id(struct dicts *dicts, enum dict dict, const struct dict_value *values, int64_t *id);

/* The cache is emptied. */
void dicts_forget(struct dicts *dicts);

/* What is used from now on is marked with this number; it must be larger than any before. */
void dicts_set_generation(struct dicts *dicts, int64_t generation);

/* Deletes a part of the entries that were last used in generation `last` or before, `*position` (0
 * at first) telling where it goes on; -1: all is done. Returns an SQLite result code. */
int dicts_sweep(struct dicts *dicts, int64_t last, int64_t *position);

/* Runs a statement that returns no rows: an SQLite result code. */
int run_stmt(sqlite3_stmt *stmt);

#endif
