/* options - what every subcommand understands: -c FILE, -o name=value, -v, --help, --version */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_OPTIONS_H
#define TAMIS_OPTIONS_H

#include "settings.h"

/* An option of one subcommand. `takes` is what its argument is called in the help, NULL: none. */
struct option_row {
    char letter;      /* 0: long form only */
    const char *name; /* NULL: letter only */
    const char *takes;
    const char *help;
    const char **value;   /* where the argument goes; of an option without one: its own name */
    const char ***values; /* repeatable: grows a list, malloc'd and ended by NULL, instead */
};

struct options {
    const char *usage;               /* "tamis conf [OPTION…] [NAME…]" */
    const char *about;               /* one sentence */
    const struct option_row *rows;   /* of this subcommand; ended by a row of zeros; NULL: none */

    /* what the parser finds */
    const char *file;         /* -c */
    const char **assignments; /* -o, in their order */
    size_t assignment_count;
    int verbose;              /* how many -v */
    int first;                /* index in argv of the first argument that is no option */
};

/* Reads argv by the rows and the common options; options may stand between arguments, `--` ends
 * them, and argv is rearranged so that arguments come last. Returns -1 when the subcommand shall go
 * on, else the exit status: 0 after --help or --version, EX_USAGE after a message. */
int options_parse(struct options *options, int argc, char **argv);
void options_free(struct options *options);

/* The same messages for what a subcommand finds itself: "tamis conf: TEXT", a hint at --help.
 * Returns EX_USAGE. */
int options_usage_error(const struct options *options, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* -1, or EX_USAGE after a message when an argument is left that is no option. */
int options_no_arguments(const struct options *options, char **argv);

/* The frame of a subcommand that takes options only: parses, calls `run`, whose result is the exit
 * status, and frees. */
int options_run(struct options *options, int argc, char **argv,
                int (*run)(const struct options *options, void *arg), void *arg);

int options_version(void); /* prints it, returns 0 */

/* The settings that -c and -o ask for. Without -c it is the default file,
 * SYSCONFDIR/tamis/milter.conf; if that is missing: the presets, or with `required` NULL after an
 * error in `problems`. Not NULL says nothing about problems->errors. */
struct settings *options_settings(const struct options *options, bool required,
                                  struct problems *problems);

/* What policy_load needs of the options; `required` and the default file as above. False with an
 * error in `problems` when the file is required and missing. The texts live as long as the
 * options. */
struct policy_source;
bool options_source(const struct options *options, bool required, struct policy_source *source,
                    struct problems *problems);

/* Prints problems to standard error, those of at least this severity, sorted by file and line. */
void options_print_problems(const struct problems *problems, enum severity least);

/* The same, but of each file other than the configuration 20 at most, then how many more there are;
 * all of them with -v. */
void options_print_most(const struct options *options, const struct problems *problems,
                        enum severity least);

/* Where the configuration is if nobody says otherwise. */
const char *options_default_file(void);

#endif
