/* table_hash - keys and values found by hashing, for the types that fold keys */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_TABLE_HASH_H
#define TAMIS_TABLE_HASH_H

#include "table_type.h"

struct hash;

struct hash *hash_new(const char *file); /* what hit.rule.file will be; copied */
void hash_free(void *hash);
struct arena *hash_arena(struct hash *hash); /* lives as long as the hash */

/* Adds a copy of the rule `text`: its first key_len bytes are the key, its value starts at
 * text + value. When the key is there already nothing is changed, and the answer is
 * the line of that rule; else 0. With `replace` the later one counts. */
int hash_add(struct hash *hash, const char *text, size_t key_len, size_t value, int line,
             bool replace);

enum table_result hash_lookup(const void *hash, struct slice key, struct arena *arena,
                              struct hit *hit);
/* As each and count of struct table_type. */
void hash_each(const void *hash, void (*visit)(const struct rule *rule, void *arg), void *arg);
size_t hash_count(const void *hash);

#endif
