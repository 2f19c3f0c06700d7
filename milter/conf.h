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
    struct where where; /* file "-o", line 0: the command line */
    bool replaces;      /* another value that the same name had before */
};

/* The assignments of one file and of -o options; the last of a name wins (with a warning, unless
 * it comes from the command line). One thread at a time while it is filled; then any number. */
struct conf;

struct conf *conf_new(void); /* empty; the caller's */
void conf_free(struct conf *conf); /* NULL is allowed; every setting found goes with it */

/* Adds the assignments of a file / of a text that `name` stands for in messages / of one
 * "name=value" (the -o option; its place is "-o"). False when the file cannot be read or a line is
 * no assignment; every problem is in `problems`, and what could be read is kept. postconf(5) */
bool conf_read(struct conf *conf, const char *path, struct problems *problems);
bool conf_read_text(struct conf *conf, const char *name, const char *text, size_t len,
                    struct problems *problems);
bool conf_set(struct conf *conf, const char *assignment, struct problems *problems);

/* NULL when nobody set it. */
const struct setting *conf_find(const struct conf *conf, const char *name);

/* In the order in which the names first appeared. */
size_t conf_count(const struct conf *conf);
const struct setting *conf_get(const struct conf *conf, size_t index);

/* The directory to which a relative path given at this place belongs: that of the file; "." for
 * the command line and for presets. In the arena. */
const char *conf_dir(struct where where, struct arena *arena);

/* `path` as seen from the working directory: itself if absolute or empty, else below `dir`. */
const char *conf_path(const char *dir, const char *path, struct arena *arena);

/* How names in an expansion are looked up: the value before expansion, or NULL if undefined, which
 * expands to nothing. */
struct conf_names {
    const char *(*find)(void *arg, const char *name);
    void *arg;
    bool *undefined; /* becomes true when the value of an undefined name is wanted; may be NULL */
};

/* Expands $name, ${name}, $(name), ${name?text}, ${name:text}, ${name?{text}:{text}},
 * ${{a} == {b} ? {x} : {y}} (== != < <= > >=, each also as <level) and $$ as postconf(5) says;
 * `text` and the values of names are expanded in turn. NULL with err set when the text is
 * malformed, when a name needs itself, or when the result is beyond all reason. The result is in
 * the arena. */
const char *conf_expand(const char *value, const struct conf_names *names, struct arena *arena,
                        struct err *err);

/* Calls `visit` for each name that the text refers to, without looking it up; it stops at what is
 * malformed. The name is valid during the call. */
void conf_references(const char *value, void (*visit)(const char *name, void *arg), void *arg);

/* The same for all that was assigned, values that another took the place of (-o, say), too: what
 * these refer to is no misspelt name. Repetitions are visited again. */
void conf_each_reference(const struct conf *conf, void (*visit)(const char *name, void *arg),
                         void *arg);

#endif
