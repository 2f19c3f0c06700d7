/* table_rules - the rules of a table side by side in memory, found with few cache lines read */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "table_rules.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* Where the next rule goes: not across the end of a cache line with what a lookup reads of it, if
 * that fits into one. */
static size_t place_for(const struct table_rules *rules, size_t read)
{
    size_t at = round_up(rules->used > 0 ? rules->used : TABLE_RULE_UNIT, TABLE_RULE_UNIT);

    return read <= CACHE_LINE && at % CACHE_LINE + read > CACHE_LINE ? round_up(at, CACHE_LINE)
                                                                     : at;
}

static void reserve(struct table_rules *rules, size_t end)
{
    if (end / TABLE_RULE_UNIT >= UINT32_MAX)
        die("a table of more than %zu bytes", end);
    if (end > rules->cap) {
        rules->cap = end * 2 > 4096 ? end * 2 : 4096;
        rules->memory = xreallocarray(rules->memory, rules->cap, 1);
    }
    if (rules->count == rules->numbers_cap) {
        rules->numbers_cap = rules->numbers_cap ? rules->numbers_cap * 2 : 16;
        rules->numbers = xreallocarray(rules->numbers, rules->numbers_cap, sizeof(uint32_t));
    }
}

uint32_t table_rules_add(struct table_rules *rules, const struct table_rule *rule,
                         const char *text, const char *folded)
{
    size_t len = strlen(text) + 1, more = folded != NULL ? rule->key_len : 0;
    size_t at = place_for(rules, sizeof(*rule) + rule->value + 1);
    struct table_rule *to;

    reserve(rules, at + sizeof(*rule) + len + more);
    to = (void *)(rules->memory + at);
    *to = *rule;
    memcpy(to->text, text, len);
    if (folded != NULL) {
        to->key = (uint32_t)len;
        memcpy(to->text + len, folded, more);
    }
    rules->used = at + sizeof(*rule) + len + more;
    return rules->numbers[rules->count++] = (uint32_t)(at / TABLE_RULE_UNIT);
}

void table_rules_finish(struct table_rules *rules)
{
    char *memory;

    if (rules->used == 0)
        return;
    memory = xalloc_large(rules->used);
    memcpy(memory, rules->memory, rules->used);
    free(rules->memory);
    rules->memory = memory;
    rules->cap = rules->used;
}

void table_rules_free(struct table_rules *rules)
{
    free(rules->memory);
    free(rules->numbers);
}
