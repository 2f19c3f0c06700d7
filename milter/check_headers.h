/* check_headers - header_checks(5): the tables of one list, and what their values mean */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CHECK_HEADERS_H
#define TAMIS_CHECK_HEADERS_H

#include "check.h"
#include "mime.h"
#include "param.h"

/* The lists; the first three are those of enum mime_class. */
enum checks_id { CHECKS_HEADER, CHECKS_MIME, CHECKS_NESTED, CHECKS_BODY };
enum { CHECKS_COUNT = CHECKS_BODY + 1 };

const char *checks_name(enum checks_id id); /* "header_checks" … */

/* One list, asked in its order. */
struct checks {
    enum checks_id id;
    const struct table **tables;
    size_t count;
};

/* Reads a list of TYPE:TABLE, separated by blanks and commas; relative names belong to `dir`. What
 * cannot be opened is an error in `problems`. The list lives in the arena, the tables with
 * `tables`. Blocks for the files. */
const struct checks *checks_parse(enum checks_id id, const struct param_text *text, const char *dir,
                                  struct tables *tables, struct arena *arena,
                                  struct problems *problems);

/* May a rule of the list want to change a header? */
bool checks_may_edit(const struct checks *checks);

/* What is wrong with the values of a list's tables, each at its place: what a milter cannot do,
 * what cannot work. */
void checks_check_values(const struct checks *checks, struct problems *problems);

/* What a list of outgoing mail wants with Received fields, against what can be done with the one
 * that the MTA itself writes: `shown` to these rules (outgoing_hide_client = rules), or not. */
void checks_check_received(const struct checks *checks, bool shown, struct problems *problems);

/* What the list says of one header ("Name:value") or line: ACT_DUNNO when no table has it (question
 * is NULL then) or its action is to do nothing. ACT_REJECT and ACT_DEFER come with code, dsn and
 * text; PREPEND and REPLACE with what the rule says, captured text and all (see header_field_read).
 * What cannot be performed is logged, rate-limited, and is ACT_DUNNO. Texts live in the arena or as
 * long as the tables. Any thread; never blocks. */
struct outcome checks_judge(const struct checks *checks, struct slice text, struct arena *arena);

/* The beginning of a header or line as it is logged: 200 bytes; what is no printable UTF-8: `?`. */
const char *checks_excerpt(struct slice text, struct arena *arena);

#endif
