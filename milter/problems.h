/* problems - what is wrong with the files that were read: all of it, with place and mend */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PROBLEMS_H
#define TAMIS_PROBLEMS_H

#include "base.h"

enum severity {
    SEV_NOTE,    /* worth knowing */
    SEV_WARNING, /* probably not what was meant; the filter runs */
    SEV_ERROR,   /* the filter does not start, or keeps its old policy */
};

struct problem {
    enum severity severity;
    char *file; /* NULL: no place */
    int line;   /* 0: the file as a whole */
    char *text;
};

/* A growing list in the order of discovery. Start with `struct problems p = {0};`. */
struct problems {
    struct problem *list;
    size_t count, cap;
    size_t errors, warnings;
    char **files; /* that what was refused for them was read from, or would have been */
    size_t file_count;
};

void problems_free(struct problems *p);

/* Adds one; the text says what is wrong and what to do, without place and severity. An exact
 * repetition is dropped. p may be NULL: then nothing is kept. Always returns false. */
bool problems_add(struct problems *p, enum severity severity, struct where at, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Adds a file that a policy names which is refused: when it changes, it may be right. Copied. */
void problems_add_file(struct problems *p, const char *path);

const char *severity_name(enum severity severity); /* "note", "warning", "error" */

/* "FILE:LINE: SEVERITY: TEXT" of one problem; malloc'd. */
char *problem_text(const struct problem *problem);

/* The first error as one line, for syslog and `tamis status`; "" when there is none. */
void problems_first_error(const struct problems *p, struct err *err);

#endif
