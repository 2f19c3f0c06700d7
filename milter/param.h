/* param - one row a parameter: its type, limits, preset and help; texts read into fields by rows */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PARAM_H
#define TAMIS_PARAM_H

#include "arena.h"
#include "base.h"
#include "problems.h"

enum param_type {
    PARAM_STRING, /* const char *, never NULL */
    PARAM_BOOL,   /* bool: yes or no */
    PARAM_INT,    /* long */
    PARAM_TIME,   /* int64_t, microseconds: 90, 90s, 5m, 2h, 1d, 1w; without unit: seconds */
    PARAM_SIZE,   /* int64_t, bytes: 1000, 64K, 10M, 1G (of 1024) */
    PARAM_ENUM,   /* int: the index of the word in `words` */
    PARAM_PATH,   /* const char *: as seen from the working directory; "" is none */
    PARAM_LIST,   /* struct param_text: for whoever understands the list */
};

enum param_flags {
    PARAM_DIRECTED = 1 << 0, /* also incoming_X and outgoing_X; the field is an array of two */
    PARAM_SMTPD = 1 << 1,    /* also smtpd_X */
    PARAM_FACT = 1 << 2,     /* a site fact: taken from main.cf when milter.conf does not set it */
    PARAM_RAW = 1 << 3,  /* $name is not expanded: the value is a template */
};

/* A text that is read later, and where it stands. */
struct param_text {
    const char *text;   /* after $ expansion; never NULL */
    struct where where; /* file NULL: the preset */
};

struct param {
    const char *name;
    enum param_type type;
    size_t offset;        /* of the field in its struct */
    const char *preset;   /* a text as in a file, $name included; NULL: worked out */
    int64_t min, max;     /* of PARAM_INT, PARAM_TIME (seconds), PARAM_SIZE (bytes) */
    const char *words;    /* of PARAM_ENUM, separated by blanks */
    unsigned flags;       /* enum param_flags */
    const char *fallback; /* directed: the name that stands in where this one is not set */
    const char *help;     /* one line */
};

/* Reads `value` into the field as the row says. False, with an error in `problems` that names the
 * limits or the words, when it does not fit; the field is then unchanged. A relative PARAM_PATH
 * belongs to `dir`. Texts go into the arena. */
bool param_store(const struct param *row, const char *value, struct where at, const char *dir,
                 void *field, struct arena *arena, struct problems *problems);

/* The number of single-character changes (one put in, left out, exchanged, or two neighbours
 * swapped) between two names; `limit` + 1 when it is more than `limit`. */
unsigned edit_distance(const char *a, const char *b, unsigned limit);

/* Of the names offered one after the other the nearest to `name`; start with best NULL. */
struct nearest {
    const char *name;
    const char *best; /* NULL: none is near */
    unsigned distance;
};
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
