/* pattern_index - which rules of a pattern table are worth trying on a key */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PATTERN_INDEX_H
#define TAMIS_PATTERN_INDEX_H

#include "arena.h"
#include "pattern_literal.h"

#define NO_RULE INT32_MAX

/* Made once at load, then immutable and read by any number of threads. Some 12 bytes a rule. */
struct pattern_index;

/* Names are kept in the arena, which must outlive the index; the caller frees the index. */
struct pattern_index *pattern_index_new(struct arena *arena);
void pattern_index_free(struct pattern_index *index); /* NULL is allowed */

/* Rules come in the order of their numbers, from 0. `required`: what a key must hold for the rule
 * to matter. `always`: the rule is walked past even when the key does not hold it (an if, which
 * then has to be skipped with its body). After the last one: ready. */
void pattern_index_add(struct pattern_index *index, uint32_t rule,
                       const struct pattern_required *required, bool always);
void pattern_index_ready(struct pattern_index *index);

/* A part of the index, in the order of the rules. */
struct index_entry;
struct index_list {
    const struct index_entry *at, *end;
};

enum { GRAM_BITS_MAX = 16 };

/* One walk over the rules for one key; on the stack of whoever walks. */
struct pattern_walk {
    struct index_list general, named; /* what is left */
    uint32_t mask;                    /* of the set; 0: there is none, all rules are tried */
    uint64_t set[(1 << GRAM_BITS_MAX) / 64]; /* of the short texts that the key holds, hashed */
};

/* Looks once through the key, which may go then; the index must stay. */
void pattern_walk_start(struct pattern_walk *walk, const struct pattern_index *index,
                        struct slice key);

/* The first rule from number `from` on (never less than before) that may match the key, or that was
 * added with `always`; for the latter *excluded tells whether it cannot match. NO_RULE: none. */
uint32_t pattern_walk_next(struct pattern_walk *walk, uint32_t from, bool *excluded);

#endif
