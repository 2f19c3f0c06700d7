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
    MATCH_NETWORKS = 1 << 1, /* patterns are networks: [v6]/n, a.b.c.d/n */
};

/* One list: patterns separated by commas and blanks; `!pattern` negates; `/file` is replaced by the
 * patterns of that file; `TYPE:TABLE` matches when the table has the key. First match wins. */
struct match_list;

/* Never NULL; every pattern that cannot be used is reported in `problems` (errors for bad networks
 * and missing files). A list that holds a table of a type that tamis does not read answers
 * MATCH_ERROR for whatever no earlier pattern matches. Belongs to the caller; tables to `tables`. */
struct match_list *match_list_new(const char *text, enum match_flags flags, const char *dir,
                                  struct where at, struct tables *tables, struct problems *problems);
void match_list_free(struct match_list *list);
bool match_list_is_empty(const struct match_list *list);

/* A domain or host name (any case), or a plain string. */
enum match_result match_domain(const struct match_list *list, struct slice name, struct arena *arena);

/* A client: patterns that look like names are compared with `name` (may be empty). */
enum match_result match_client(const struct match_list *list, struct slice name,
                               const struct addr *addr, struct arena *arena);

#endif
