/* restriction - every restriction that can stand in a list: one row each */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RESTRICTION_H
#define TAMIS_RESTRICTION_H

#include "check.h"
#include "problems.h"

enum restriction_arg {
    ARG_NONE,
    ARG_TABLE, /* TYPE:TABLE */
    ARG_NAME,  /* a word: a zone, a service … */
    ARG_COUNT, /* a whole number, which may be missing */
};

enum restriction_kind {
    KIND_OURS,    /* judged here */
    KIND_MODIFIER, /* warn_if_reject */
    KIND_MTA,     /* stays in Postfix; skipped with a note */
    KIND_UNJUDGED, /* one that this release does not judge; skipped, with a warning */
    KIND_OLD,     /* an old name for `instead` */
};

/* Reads an argument once, when its list is loaded (ARG_COUNT: only if there is one). The result,
 * in the arena, becomes the step's `data`. NULL: unusable, with every problem placed (`problems`
 * may be NULL). */
typedef const void *parse_fn(struct slice argument, struct arena *arena, struct where where,
                             struct problems *problems);

struct restriction {
    const char *name;
    enum restriction_kind kind;
    enum restriction_arg arg;
    enum stage first_stage; /* from which its subject is known */
    judge_fn *judge;        /* KIND_OURS */
    parse_fn *parse;        /* ARG_NAME, ARG_COUNT: reads the argument; NULL: nothing to read */
    const char *instead;    /* what to write instead of this old or obsolete name; else NULL */
    const char *class;      /* ARG_TABLE: the reply class of its rejections, "Sender address" … */
    bool by_server;         /* ARG_TABLE: asked for the names and addresses of hosts whatever the
                             * class; and it never permits */
    bool asks;              /* its judge may ask the world: worth being judged early */
    enum act only;          /* `asks`: what alone it decides, ACT_REJECT, ACT_DEFER, ACT_PERMIT,
                             * ACT_HOLD; ACT_DUNNO: what a table says */
    bool reads_dkim;        /* its judge reads message->dkim: incoming mail is to be verified */
    bool awaits_login;      /* its answer may change when the client logs in */
    bool own;               /* Postfix has no such name: one of restriction_classes may take it */
    const char *help;       /* one line */
};

/* By name, any case; NULL when nobody knows it. An old name finds the row of KIND_OLD. */
const struct restriction *restriction_find(struct slice name);

/* The known name that is nearest to a misspelt one; NULL when none is near. */
const char *restriction_suggest(const char *name);

/* What a name of restriction_classes is in a list. */
extern const struct restriction restriction_class_row;

/* The rows of one family of checks each (check_*.c), ended by one without a name. */
extern const struct restriction rows_list[], rows_access[], rows_client[], rows_helo[],
    rows_address[], rows_rbl[], rows_resolve[], rows_resolve_access[], rows_method[];

#endif
