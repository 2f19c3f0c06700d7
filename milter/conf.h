/* conf - the grammar of main.cf: name = value, continuation lines, comments, $name */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CONF_H
#define TAMIS_CONF_H

#include "arena.h"
#include "base.h"
#include "problems.h"

/* One assignment as it stands in the file. */
struct setting {
    const char *name;
    const char *value; /* before $ expansion; continuation lines joined as Postfix does */
    struct where where;
};

/* The assignments of one file and of -o options; the last of a name wins (with a warning). */
struct conf;

struct conf *conf_new(void);
void conf_free(struct conf *conf);

/* Adds the assignments of a file / of one "name=value" (the -o option; its place is "-o"). False
 * when the file cannot be read or a line is no assignment; every problem is in `problems`. */
bool conf_read(struct conf *conf, const char *path, struct problems *problems);
bool conf_read_text(struct conf *conf, const char *name, const char *text, struct problems *problems);
bool conf_set(struct conf *conf, const char *assignment, struct problems *problems);

/* NULL when nobody set it. */
const struct setting *conf_find(const struct conf *conf, const char *name);
void conf_each(const struct conf *conf, void (*visit)(const struct setting *s, void *arg), void *arg);

/* $name, ${name}, $(name), ${name?text}, ${name:text}, ${name?{text}:{text}}, ${{a} == {b} ? {x} : {y}}, $$ as postconf(5); names are looked
 * up with `names` (find answers NULL: undefined, expands to nothing). Recursion is limited; a loop is an error.
 * The result is in the arena; NULL with err set when the text is malformed. */
struct conf_names {
    const char *(*find)(void *arg, const char *name);
    void *arg;
};
const char *conf_expand(const char *value, const struct conf_names *names, struct arena *arena,
                        struct err *err);

#endif
