/* steps - reads restriction lists */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_STEPS_H
#define TAMIS_STEPS_H

#include "check.h"
#include "problems.h"

struct restriction_classes {
    struct restriction_class *list;
    size_t count;
};

const struct restriction_class *
class_find(const struct restriction_classes *classes,
           struct slice name); /* any case; NULL when there is none */

/* Where a list stands and what it may name. */
struct steps_source {
    const char *text;
    struct where where;
    const char *dir; /* relative table files are relative to it */
    enum list_id list;
    enum stage stage;   /* at which the list is evaluated */
    bool nested;        /* the value of an access table: no tables, no problems printed twice */
    bool strict;        /* what stays in Postfix is an error */
    const struct settings *settings; /* to look what Postfix has kept; NULL: do not look */
    const struct restriction_classes *classes;
    struct tables *tables; /* NULL if nested */
};

/* The parsed list, in `arena`, without what stays in Postfix or cannot be judged (each reported);
 * NULL when it holds what nobody knows or cannot work. Never NULL for an empty text. */
const struct steps *steps_parse(const struct steps_source *source, struct arena *arena,
                                struct problems *problems);

/* The parameter's name: "client_restrictions" … */
const char *list_name(enum list_id list);

#endif
