/* match - Postfix's match lists: mynetworks, mydestination and their like */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_MATCH_H
#define TAMIS_MATCH_H

#include "net.h"
#include "table.h"

enum match_result { MATCH_NO, MATCH_YES, MATCH_ERROR };

enum match_flags {
    MATCH_PARENT = 1 << 0, /* `dom` also matches its subdomains (parent_domain_matches_subdomains);
                            * without it `.dom` does */
    MATCH_NETWORKS = 1 << 1, /* patterns are networks, too: [v6]/n, a.b.c.d/n */
    MATCH_EXACT = 1 << 2,    /* nothing matches subdomains (mydestination, virtual_…_domains) */
};

/* One list: patterns separated by commas and white space; `!pattern` negates; `/file` is replaced
 * by the patterns of that file, where a # in front makes a comment of a line; `TYPE:TABLE` matches
 * when the table has the key, or without MATCH_EXACT a parent of it. First match wins, none is
 * MATCH_NO. */
struct match_list;

/* Never NULL; every pattern that cannot be used is reported in `problems`: errors for bad networks,
 * missing files and unusable tables, a warning for a table of a type that Postfix, but not tamis,
 * reads. Whatever no pattern before such a one matches is answered MATCH_ERROR. Relative table
 * names belong to `dir`. The list belongs to the caller, its tables to `tables`, which must outlive
 * it. */
struct match_list *match_list_new(const char *text, unsigned flags, const char *dir,
                                  struct where at, struct tables *tables,
                                  struct problems *problems);
void match_list_free(struct match_list *list); /* NULL is allowed */

/* A domain or host name, or a plain string; case does not matter. Any number of threads at once;
 * never blocks. */
enum match_result match_domain(const struct match_list *list, struct slice name,
                               struct arena *arena);

/* A client: networks and tables are asked for `addr`, tables and patterns that look like names for
 * `name`, too (it may be empty). */
enum match_result match_client(const struct match_list *list, struct slice name,
                               const struct addr *addr, struct arena *arena);

/* As slice_word, but blanks and commas inside { } do not separate: inline:{ a=b, c=d } is one. */
bool match_word(struct slice *rest, struct slice *word);

/* The files that /file patterns named. */
void match_list_each_file(const struct match_list *list, void (*visit)(const char *path, void *arg),
                          void *arg);

#endif
