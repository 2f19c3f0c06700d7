/* postconf - what postconf(1) tells of a Postfix: parameters, services, milter lists */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_POSTCONF_H
#define TAMIS_POSTCONF_H

#include "arena.h"
#include "base.h"

struct postfix_param {
    struct postfix_param *next;
    const char *service; /* "smtp/inet" for an -o of master.cf; NULL for main.cf */
    const char *name, *value;
};

/* A word of the argument part of a master.cf entry; for `-o X` the word is X and option is set. */
struct postfix_word {
    struct postfix_word *next;
    bool option;
    const char *text; /* as printed, with its braces */
};

/* One entry of master.cf. */
struct postfix_service {
    struct postfix_service *next;
    const char *name, *type; /* "127.0.0.1:10025", "inet" */
    const char *key;         /* "127.0.0.1:10025/inet", as postconf -P prints it */
    const char *fields;      /* private to maxproc, separated by one blank */
    char chroot;             /* 'y', 'n' or '-' */
    const char *command;     /* "smtpd" */
    struct postfix_word *words;
};

/* Everything lives in the arena, which is the caller's. Start with `{.arena = arena}`. */
struct postfix {
    struct arena *arena;
    struct postfix_param *params;
    struct postfix_service *services, **services_tail;
};

/* Read what postconf printed: `-n` or `postconf NAME…`; `-P`; `-M`. Lines of another shape are
 * skipped: later versions of Postfix may print more. */
void postfix_read_params(struct postfix *postfix, const char *text);
void postfix_read_overrides(struct postfix *postfix, const char *text);
void postfix_read_services(struct postfix *postfix, const char *text);

/* The value in main.cf, "" when it is not set there. */
const char *postfix_param(const struct postfix *postfix, const char *name);
/* The value of the service's -o option; NULL when it has none of that name. */
const char *postfix_override(const struct postfix *postfix, const struct postfix_service *service,
                             const char *name);
/* What holds for the service: its own -o, else main.cf's. */
const char *postfix_effective(const struct postfix *postfix, const struct postfix_service *service,
                              const char *name);

/* The service's entry of master.cf with `-o name=value` set (in its old place, or added), one
 * option a line, ready to replace the entry. */
const char *postfix_entry_with(const struct postfix *postfix, const struct postfix_service *service,
                               const char *name, const char *value);

/* One milter of a list as in postconf(5), smtpd_milters. */
struct milter_item {
    struct milter_item *next;
    const char *text;           /* as written, with its braces */
    const char *address;        /* "inet:localhost:8891" */
    const char *default_action; /* NULL: not given */
};
struct milter_item *milter_items(struct arena *arena, const char *list);

/* tamis's `socket` (any spelling that it accepts) as Postfix must write it. A path below
 * queue_directory becomes relative to it, which is right with and without chroot; a relative one is
 * below the working directory. NULL for fd:N. */
const char *milter_address(struct arena *arena, const char *socket, const char *queue_directory);

/* The same listener? localhost, 127.0.0.1 and [::1] are one host. */
bool milter_address_same(const char *a, const char *b);

/* Runs `postconf -c DIR ARG…` (without -c when dir is NULL), all that it prints in *text (the
 * arena's). Its standard error is ours unless `quiet`. False with err set when it cannot be run or
 * fails. Blocks until it ends; for programs with one thread. */
bool postconf_run(struct arena *arena, const char *dir, const char *const *args, bool quiet,
                  const char **text, struct err *err);

#endif
