/* cmd_dkim - what the subcommands of `tamis dkim` share */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CMD_DKIM_H
#define TAMIS_CMD_DKIM_H

#include "buf.h"
#include "dns.h"
#include "keys.h"
#include "options.h"

/* Each takes its own name as argv[0] and returns the exit status. */
int dkim_genkey(int argc, char **argv);
int dkim_check(int argc, char **argv);
int dkim_zone(int argc, char **argv);
int dkim_verify_mail(int argc, char **argv);

/* How a record is printed. */
enum dkim_form { DKIM_FORM_BIND, DKIM_FORM_LINE, DKIM_FORM_JSON };

/* "bind", "line", "json"; NULL is the first. False: it is none of these. */
bool dkim_form_find(const char *name, enum dkim_form *form);

/* Adds the record in this form and a newline: a line of a zone file; NAME, a tab, the text; an
 * object. `name` without a dot at the end; ttl 0: none. */
void dkim_form_add(struct buf *out, enum dkim_form form, const char *name, unsigned ttl,
                   const char *record);

/* The settings and the keys that their tables name. */
struct dkim_tables {
    struct settings *settings;
    struct keys *keys;
    struct problems problems;
};

/* Problems of all files are printed; EX_CONFIG when there is an error, else EX_OK. What could be
 * read is there in any case, but for settings and keys NULL if there is no configuration. Give it
 * back with dkim_tables_close. */
int dkim_tables_open(struct dkim_tables *tables, const struct options *options);
void dkim_tables_close(struct dkim_tables *tables);

/* The DNS as configured, or a zone file in its place (NULL: none). NULL after a message. The caller
 * closes it, before the arena goes. */
struct dns *dkim_dns_open(const struct settings *settings, const char *zone, struct arena *arena);

#endif
