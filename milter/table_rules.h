/* table_rules - the rules of a table side by side in memory, found with few cache lines read */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_TABLE_RULES_H
#define TAMIS_TABLE_RULES_H

#include "base.h"

/* One rule. Places are counted from the beginning of its text. */
struct table_rule {
    uint32_t key, key_len; /* what is compared */
    uint32_t head_len;     /* the key as it is written, from the beginning of the text on */
    uint32_t value;
    int line;
    char text[]; /* as it stands in the file; behind its NUL a key that is spelt otherwise */
};

/* Added to while a file is read, by one thread; then read by any number. Each rule has a number,
 * larger than those before; the first one's is not 0. */
struct table_rules {
    char *memory;
    size_t used, cap;
    uint32_t *numbers; /* of all rules, in their order */
    size_t count, numbers_cap;
};

enum { TABLE_RULE_UNIT = 8 };

/* Copies the text; `folded` is the key when it is not spelt as in the text, else NULL; `rule` says
 * the rest, but for the place of a folded key. Returns the number. */
uint32_t table_rules_add(struct table_rules *rules, const struct table_rule *rule,
                         const char *text, const char *folded);

/* The last rule was added: to where they can be reached with the least effort. */
void table_rules_finish(struct table_rules *rules);
void table_rules_free(struct table_rules *rules);

/* The rule of a number, until the next one is added. */
static inline const struct table_rule *table_rules_at(const struct table_rules *rules,
                                                      uint32_t number)
{
    return (const void *)(rules->memory + (size_t)number * TABLE_RULE_UNIT);
}

#endif
