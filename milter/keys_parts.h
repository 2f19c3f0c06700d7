/* keys_parts - what the files of `keys` share: rows, key files, rules */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_KEYS_PARTS_H
#define TAMIS_KEYS_PARTS_H

#include "keys.h"

/* A key file that was read; shared by all rows that name it. */
struct key_file {
    const char *path; /* of one within a table: FILE:LINE */
    bool is_inline;
    struct dkim_key *key; /* NULL: unusable, and said so */
    int64_t made;
};

/* One of the keys that a row stands for. */
struct key_held {
    const char *domain; /* the From domain that it is for; NULL: any */
    const struct key_file *file;
};

/* A row that names a key. */
struct key_row {
    const char *name;     /* in key_table; "" elsewhere */
    const char *domain;   /* "%": the From domain */
    const char *selector;
    struct key_held *held; /* sorted by domain */
    size_t held_count;
    int64_t not_before, not_after;
    struct where where;
};

/* A row that says who signs. */
struct key_rule {
    const char *pattern;         /* folded, domains in A-labels */
    const struct key_row **rows; /* a NULL is "%": the row named as the From domain */
    size_t row_count;
    const char *identity; /* may hold %; NULL */
    struct where where;
};

struct key_rules {
    struct key_rule *list;
    size_t count, cap;
    size_t
        *sorted; /* indices by pattern, then by place; NULL: patterns are globs, in their order */
};

struct keys {
    struct arena *arena;
    const struct settings *settings;
    struct problems *problems; /* while loading */
    struct key_file **files;   /* sorted by path */
    size_t file_count, file_cap;
    const char **watched;      /* other files and directories */
    size_t watched_count, watched_cap;
    struct key_row **table;    /* key_table, sorted by name */
    struct key_row **rows;     /* all of them, in the order of the tables */
    size_t table_count, row_count, row_cap;
    struct key_rules signing, lists, plain; /* signing_table, key_list, signing_key */
};

/* keys_file.c */

void keys_watch_file(struct keys *keys, const char *path); /* the text is copied */
/* Fills in row->held from a path, which may hold %, or from a key written in its place. */
void keys_hold(struct keys *keys, struct key_row *row, struct slice source, const char *dir);
/* May others read or replace the file? False after an error that names what to do. */
bool keys_judge_file(struct keys *keys, const char *path, struct where at);

/* keys_data.c: one row of a list, from a file or from the value itself */
struct key_data {
    struct slice text;    /* without its comment */
    struct slice comment; /* behind the #; empty: none */
    struct where where;
};
enum key_data_form { KEY_DATA_FILE, KEY_DATA_REFILE, KEY_DATA_CSL };

/* Reads "file:PATH", "refile:PATH", "csl:ROW,ROW" or a PATH; false after an error. *dir is what
 * relative paths in the rows belong to. */
bool keys_read(struct keys *keys, const struct param_text *value, const char *name,
               enum key_data_form *form, const char **dir,
               void (*row)(struct keys *keys, const struct key_data *data, void *arg), void *arg);

/* The words not-before=, not-after= of a row's comment. */
bool keys_read_times(struct keys *keys, const struct key_data *data, struct key_row *row);

/* A folded pattern or domain in the arena: its domain with A-labels. */
const char *keys_fold(struct keys *keys, struct slice text);

/* A new one, zeroed but for its place (and the name "" of a row); the row in the arena, the rule
 * good until the next is added. */
struct key_row *keys_add_row(struct keys *keys, struct where where);
struct key_rule *keys_add_rule(struct key_rules *rules, struct where where);

/* Reports patterns that no address can match. */
void keys_check_globs(struct keys *keys, const struct key_rules *rules);

/* keys_table.c, keys_signing.c, keys_list.c: each reads its parameter */
void keys_load_table(struct keys *keys);
void keys_load_signing(struct keys *keys);
void keys_load_list(struct keys *keys);
void keys_load_plain(struct keys *keys);

/* Where `name` is among `count` names in ascending order, the first if it is there several times,
 * or where it belongs. */
size_t keys_slot(const struct keys *keys, size_t count, const char *name,
                 const char *(*name_at)(const struct keys *keys, size_t index));

/* A row of key_table by its name; NULL: none. */
const struct key_row *keys_find_row(const struct keys *keys, const char *name);

#endif
