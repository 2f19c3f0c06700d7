/* restriction - every restriction that can stand in a list: one row each */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RESTRICTION_H
#define TAMIS_RESTRICTION_H

#include "check.h"

enum restriction_arg {
    ARG_NONE,
    ARG_TABLE, /* TYPE:TABLE */
    ARG_NAME,  /* a word: a zone, a service … */
};

enum restriction_kind {
    KIND_OURS,    /* judged here */
    KIND_MODIFIER, /* warn_if_reject */
    KIND_MTA,     /* stays in Postfix; skipped with a note */
    KIND_LATER,   /* ours by name, judged by a later release; skipped with a warning */
    KIND_OLD,     /* an old name for `instead` */
};

struct restriction {
    const char *name;
    enum restriction_kind kind;
    enum restriction_arg arg;
    enum stage first_stage; /* from which its subject is known */
    judge_fn *judge;        /* KIND_OURS */
    const char *instead;    /* KIND_OLD: the name to use */
    const char *help;       /* one line */
};

/* By name, any case; NULL when nobody knows it. */
const struct restriction *restriction_find(struct slice name);

/* The rows, for documentation and its tests. */
extern const struct restriction restriction_rows[];
extern const size_t restriction_count;

/* Tables of rows, one a family of checks (check_*.c). */
extern const struct restriction rows_access[], rows_client[], rows_address[], rows_login[], rows_rest[];

#endif
