/* keys - the private keys of a policy, and which of them sign for whom */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_KEYS_H
#define TAMIS_KEYS_H

#include "dkim_key.h"
#include "settings.h"

/* Part of a policy: immutable, asked by any number of threads. */
struct keys;

/* Reads key_table, signing_table, key_list and signing_key with all key files that they name;
 * each file is read once. Never NULL. Every problem is in `problems` with its place and mend:
 * what cannot be read, understood or found is an error, and so is a key file that others may
 * read or replace. Files are judged with the rights of the caller, who becomes the filter's user
 * first. Blocks for files. The settings must outlive the keys. */
struct keys *keys_load(const struct settings *settings, struct problems *problems);
void keys_free(struct keys *keys); /* NULL is allowed */

bool keys_are_empty(const struct keys *keys); /* nothing is ever signed */

/* One signature that may be made. Texts and key live as long as the keys, but for `domain` and
 * `identity`, which may be in the arena. */
struct key_choice {
    const char *domain;      /* d=, A-labels in lower case */
    const char *selector;    /* s=, as written */
    const char *identity;    /* i=, within d=; NULL: none */
    const struct dkim_key *key;
    const char *path;        /* of its file; of a key within a table: FILE:LINE */
    int64_t not_before;      /* seconds since 1970; 0: always */
    int64_t not_after;       /* the last second; 0: for ever */
    int64_t made;            /* when the file was last written */
    struct where where;      /* the row that names the key */
    struct where rule; /* the row that chose it for the sender; of an enumeration: file NULL */
};

/* What may sign for mail From `address` (sign_who.h: "user@domain" in lower case with A-labels),
 * in the order of the tables; *list is in the arena, and the count is returned. The first of
 * signing_table, key_list, signing_key that has anything for the sender decides. In each, rows
 * with the same pattern belong together; with multiple_signatures = yes all rows that match do.
 * Whether a key is within its time and published is not looked at: key_watch.h. No key twice. */
size_t keys_select(const struct keys *keys, const char *address, struct arena *arena,
                   const struct key_choice **list);

/* Each key with each domain that it signs for, once, in the order of the tables. Of a row that
 * signs for any domain with one key ("%") the domain is "%". */
void keys_each(const struct keys *keys,
               void (*visit)(const struct key_choice *choice, void *arg), void *arg);

/* RFC 6376, 3.1, and underscores, which many selectors have; labels of at most 63, with dots
 * between them. Domains in A-labels; "%" is none. */
bool keys_is_selector(const char *text);
bool keys_is_domain(const char *text);

/* The files of keys and tables, and the directories that paths with % stand for: to watch them. */
void keys_each_file(const struct keys *keys, void (*visit)(const char *path, void *arg), void *arg);

#endif
