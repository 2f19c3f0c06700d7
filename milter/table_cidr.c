/* table_cidr - networks in order, first match wins, answered by a tree */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "net.h"
#include "table_rules.h"
#include "table_type.h"

#include <stdlib.h>
#include <string.h>

/* What a tree cannot answer: a `!` rule, or an `if` with all that is inside. */
struct special {
    struct net net;
    bool negated;
    unsigned number;     /* no larger than that of any rule behind it */
    struct block *block; /* NULL: a rule */
};

/* The rules outside any `if`, or of one `if`. A lookup asks the tree for the first plain rule, and
 * tries the specials that stand before it. */
struct block {
    struct net_tree *tree;
    struct special *specials;
    size_t count, cap;
    struct block *outer; /* while the file is read */
};

struct cidr {
    char *file;
    struct table_rules rules;
    struct block *block;
};

enum { NESTING_MAX = 1000 };

struct loader {
    struct source *source;
    struct cidr *cidr;
    struct block *block;            /* the innermost one that is open */
    int if_lines[NESTING_MAX];      /* of the open ones */
    size_t depth;
    bool unusable;
};

static struct block *block_new(struct block *outer)
{
    struct block *block = xcalloc(1, sizeof(*block));

    block->tree = net_tree_new();
    block->outer = outer;
    return block;
}

static void block_free(struct block *block)
{
    for (size_t i = 0; i < block->count; i++)
        if (block->specials[i].block != NULL)
            block_free(block->specials[i].block);
    net_tree_free(block->tree);
    free(block->specials);
    free(block);
}

static void add_special(struct block *block, const struct special *special)
{
    if (block->count == block->cap) {
        block->cap = block->cap ? block->cap * 2 : 4;
        block->specials = xreallocarray(block->specials, block->cap, sizeof(*block->specials));
    }
    block->specials[block->count++] = *special;
}

/* A plain rule that an earlier, wider one hides can never answer. */
static void place_rule(struct loader *loader, const struct net *net, bool negated, unsigned number,
                       struct where at)
{
    unsigned by;

    if (negated)
        add_special(loader->block, &(struct special){*net, true, number, NULL});
    else if (!net_tree_add(loader->block->tree, net, number, &by))
        problems_add(loader->source->problems, SEV_NOTE, at,
                     "never used: line %d stands before and holds this network",
                     table_rules_at(&loader->cidr->rules, by)->line);
}

static void dropped(struct loader *loader, struct where at, const char *why, struct slice key)
{
    problems_add(loader->source->problems, loader->source->dropped, at,
                 "\"%.*s\": %s: line skipped", (int)key.len, key.ptr, why);
}

static void read_rule(struct loader *loader, struct slice text, struct where at)
{
    struct slice rest = text, key;
    bool negated = take_negations(&rest);
    struct err why;
    struct net net;

    for (key = (struct slice){rest.ptr, 0}; rest.len > 0 && !is_space((unsigned char)rest.ptr[0]);)
        rest.ptr++, rest.len--, key.len++;
    rest = skip_spaces(rest);
    check_characters(loader->source, at, text, (size_t)(key.ptr + key.len - text.ptr));
    if (key.len == 0) {
        dropped(loader, at, "no network behind !", text);
    } else if (rest.len == 0) {
        dropped(loader, at, "no result behind the network", text);
    } else if (!net_parse_apart(key, &net, &why)) {
        dropped(loader, at, why.text, key);
    } else {
        uint32_t start = (uint32_t)(key.ptr - text.ptr), len = (uint32_t)key.len;
        struct table_rule rule = {start, len, start + len, (uint32_t)(rest.ptr - text.ptr),
                                  at.line};

        place_rule(loader, &net, negated,
                   table_rules_add(&loader->cidr->rules, &rule, text.ptr, NULL), at);
    }
}

static unsigned next_number(const struct cidr *cidr)
{
    const struct table_rules *rules = &cidr->rules;

    return rules->count > 0 ? rules->numbers[rules->count - 1] + 1 : 0;
}

static void read_if(struct loader *loader, struct slice rest, struct where at)
{
    bool negated = take_negations(&rest);
    struct err why = {"no network behind it"};
    struct net net;
    struct block *block;

    if (rest.len == 0 || !net_parse_apart(rest, &net, &why)) {
        report_broken_if(loader->source, at, why.text);
        return;
    }
    if (loader->depth == NESTING_MAX) {
        loader->unusable = true;
        return;
    }
    block = block_new(loader->block);
    add_special(loader->block, &(struct special){net, negated, next_number(loader->cidr), block});
    loader->block = block;
    loader->if_lines[loader->depth++] = at.line;
}

static void read_endif(struct loader *loader, struct slice rest, struct where at)
{
    struct block *outer = loader->block->outer;

    if (rest.len > 0) {
        problems_add(loader->source->problems, loader->source->dropped, at,
                     "text behind endif: line skipped, so THE IF GOES ON to the next endif, as in "
                     "Postfix; take the text away");
    } else if (outer == NULL) {
        problems_add(loader->source->problems, loader->source->dropped, at,
                     "endif without if: line skipped");
    } else {
        loader->block = outer;
        loader->depth--;
    }
}

static void read_all(struct loader *loader)
{
    struct slice text, rest;
    struct where at;

    while (lines_next(loader->source->lines, &text, &at, loader->source->problems)) {
        rest = text;
        switch (statement_of(&rest)) {
        case STATEMENT_IF:
            read_if(loader, rest, at);
            break;
        case STATEMENT_ENDIF:
            read_endif(loader, rest, at);
            break;
        case STATEMENT_RULE:
            read_rule(loader, text, at);
        }
    }
    loader->cidr->file = xstrdup(at.file);
    table_rules_finish(&loader->cidr->rules);
    net_tree_finish(loader->cidr->block->tree);
    while (loader->depth > 0) {
        at.line = loader->if_lines[--loader->depth];
        problems_add(loader->source->problems, SEV_WARNING, at,
                     "if without endif: it goes on to the end of the file");
    }
}

static void cidr_free(void *table)
{
    struct cidr *cidr = table;

    block_free(cidr->block);
    table_rules_free(&cidr->rules);
    free(cidr->file);
    free(cidr);
}

static void *cidr_open(struct source *source)
{
    struct cidr *cidr = xcalloc(1, sizeof(*cidr));
    struct loader loader = {.source = source, .cidr = cidr};

    cidr->block = loader.block = block_new(NULL);
    read_all(&loader);
    if (!loader.unusable) {
        lines_free(source->lines);
        return cidr;
    }
    problems_add(source->problems, SEV_ERROR, (struct where){cidr->file, 0},
                 "if nests deeper than %d", NESTING_MAX);
    cidr_free(cidr);
    return NULL;
}

/* A condition is never true for an address of the other family, negated or not. */
static bool is_true(const struct special *special, const struct addr *addr)
{
    return special->net.addr.family == addr->family &&
           net_matches(&special->net, addr) != special->negated;
}

/* The first of the block's rules, in the order of the file. Recursion is as deep as `if` nests. */
static bool block_find(const struct block *block, const struct addr *addr, unsigned *number)
{
    unsigned plain;
    bool found = net_tree_find(block->tree, addr, &plain);

    for (size_t i = 0; i < block->count; i++) {
        const struct special *special = &block->specials[i];

        if (found && special->number > plain)
            break;
        if (!is_true(special, addr))
            continue;
        if (special->block == NULL) {
            *number = special->number;
            return true;
        }
        if (block_find(special->block, addr, number))
            return true;
    }
    *number = plain;
    return found;
}

static enum table_result cidr_lookup(const void *table, struct slice key, struct arena *arena,
                                     struct hit *hit)
{
    const struct cidr *cidr = table;
    const struct table_rule *rule;
    struct addr addr;
    unsigned number;

    (void)arena;
    if (key.len > 0 && (key.ptr[0] | 0x20) == 'i') /* the "IPv6:" of mail is no part of a key */
        return TABLE_NOT_FOUND;
    if (!addr_parse(key, &addr) || !block_find(cidr->block, &addr, &number))
        return TABLE_NOT_FOUND;
    rule = table_rules_at(&cidr->rules, number);
    hit->value = rule->text + rule->value;
    hit->text = rule->text;
    hit->rule = (struct where){cidr->file, rule->line};
    return TABLE_FOUND;
}

static void cidr_each(const void *table, void (*visit)(const struct rule *rule, void *arg),
                      void *arg)
{
    const struct cidr *cidr = table;
    struct buf key = {0};

    for (size_t i = 0; i < cidr->rules.count; i++) {
        const struct table_rule *rule = table_rules_at(&cidr->rules, cidr->rules.numbers[i]);

        buf_clear(&key);
        buf_add(&key, rule->text, rule->head_len);
        visit(&(struct rule){buf_text(&key), rule->text + rule->value, {cidr->file, rule->line},
                             false},
              arg);
    }
    buf_free(&key);
}

static size_t cidr_count(const void *table)
{
    return ((const struct cidr *)table)->rules.count;
}

const struct table_type type_cidr = {
    .name = "cidr",
    .has_file = true,
    .has_patterns = true,
    .open = cidr_open,
    .lookup = cidr_lookup,
    .each = cidr_each,
    .count = cidr_count,
    .free = cidr_free,
};
