/* advice - what main.cf and master.cf should say so that each mail passes tamis once */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ADVICE_H
#define TAMIS_ADVICE_H

#include "postconf.h"
#include "problems.h"

/* One change: a line of main.cf, or a whole entry of master.cf, that replaces what is there. */
struct advice_line {
    struct advice_line *next;
    const char *file;    /* "main.cf" or "master.cf" */
    const char *service; /* "127.0.0.1:10025/inet"; NULL in main.cf */
    const char *name, *value;
    const char *text; /* ready to paste; no newline at its end */
    const char *why;
};

/* What tamis's own configuration says. Texts are the caller's. */
struct advice_side {
    const char *socket; /* the parameter of milter.conf */
    const char *missing; /* where milter.conf was looked for in vain; NULL: it was read */
    bool enforces;      /* mode = enforce */
    /* A parameter of milter.conf as text; NULL or "" when it is not set. */
    const char *(*setting)(void *arg, const char *name);
    void *arg;
};

/* The question and the answer; everything in it lives in postfix->arena except `problems`. */
struct advice {
    const struct postfix *postfix;
    const struct advice_side *side;
    struct problems *problems; /* findings: warnings and notes, each with its mend */
    struct advice_line *lines, **tail;
    const char *address;         /* of tamis, as Postfix writes it */
    bool filter_returns_locally; /* a content filter run by pipe(8) that comes back through
                                    sendmail(1) */
};

/* Fills in the answer; pure: reads nothing but its arguments, changes nothing outside. */
void advice_give(struct advice *advice, const struct postfix *postfix,
                 const struct advice_side *side, struct problems *problems);

/* Parts of advice_give, one file each: the lists of milters; the services of master.cf; rules that
 * both sides have; other signers, and what changes mail behind the milters. */
void advice_lists(struct advice *advice);
void advice_services(struct advice *advice);
void advice_doubles(struct advice *advice);
void advice_signing(struct advice *advice);

/* The value in main.cf, "" when it is not set there. */
const char *advice_param(const struct advice *advice, const char *name);

/* Adds a line of main.cf / an entry of master.cf; why is a text without newline. */
void advice_main(struct advice *advice, const char *name, const char *value, const char *why);
void advice_master(struct advice *advice, const struct postfix_service *service, const char *name,
                   const char *value, const char *why);

/* Where tamis listened before `socket` was changed, by its look: nobody answers there now. */
bool advice_is_former(const struct advice *advice, const char *address);

/* A list of milters with its other elements kept and tamis last (or left out); its former sockets
 * go. */
const char *advice_list_with(const struct advice *advice, const char *list);
const char *advice_list_without(const struct advice *advice, const char *list);
size_t advice_count(const struct advice *advice,
                    const char *list); /* how often tamis stands in it */
bool advice_is_last(const struct advice *advice, const char *list);

#endif
