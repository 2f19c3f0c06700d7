/* rows - tests of table files written as rows: rules, key, answer, problem */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ROWS_H
#define TAMIS_ROWS_H

#include "table.h"

/* What a row expects instead of a value. */
#define NONE NULL /* not found */
#define ERROR "\a" /* TABLE_ERROR */
#define UNUSABLE "\f" /* table_open gives NULL */

struct row {
    const char *name;
    const char *rules; /* the file */
    const char *key;
    const char *want;
    int line;            /* of the rule that answers; 0: do not look */
    const char *problem; /* "LINE:SEVERITY: PART OF THE TEXT" of one problem; NULL: there is none;
                          * "*": do not look */
};

/* Writes the rules to a file, opens it as `type`, asks, compares: two test lines a row. */
void check_rows(const char *type, const struct row *rows, size_t count);

/* Opens the rules with strict limits and closes them again; the caller frees the problems. */
struct problems open_strictly(const char *type, const char *rules);

#endif
