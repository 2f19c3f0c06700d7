/* table - any bytes as a rule file of any type, asked for any key */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "table_type.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    char letter;
    const struct table_type *type;
} types[] = {
    {'T', &type_hash},   {'C', &type_cidr},   {'P', &type_pcre},
    {'R', &type_regexp}, {'S', &type_static}, {'I', &type_inline},
};

/* What glibc's regexec(3) has no limits for: back references. An administrator who writes such a
 * pattern waits for it; the fuzzer must not. */
static void tame(char *text)
{
    for (char *p = text; *p != '\0'; p++)
        if (*p == '\\' && is_digit((unsigned char)p[1]))
            *p = '.';
}

static void visit(const struct rule *rule, void *arg)
{
    *(size_t *)arg += strlen(rule->key) + strlen(rule->value) + (size_t)rule->where.line;
}

/* What a lookup hands out must be readable, and stand in a line of the file. */
static void ask(const struct table_type *type, const void *table, struct slice key)
{
    struct arena *arena = arena_new();
    struct hit hit = {0};

    if (type->lookup(table, key, arena, &hit) == TABLE_FOUND &&
        strlen(hit.value) + strlen(hit.text) + (size_t)hit.rule.line == 0)
        abort();
    arena_free(arena);
}

static void try_type(const struct table_type *type, struct slice key, const char *text, size_t len,
                     bool strict)
{
    struct table_limits limits = {.pcre_match = 2000, .pcre_depth = 500, .pcre_heap_kb = 256};
    struct problems problems = {0};
    struct source source = {.name = text, .at = {"fuzz", 1}, .limits = &limits};
    size_t sum = 0;
    void *table;

    source.problems = &problems;
    source.dropped = strict ? SEV_ERROR : SEV_WARNING;
    if (type->has_file)
        source.lines = lines_of_text("fuzz", text, len);
    table = type->open(&source);
    if (table != NULL) {
        ask(type, table, key);
        ask(type, table, (struct slice){NULL, 0});
        type->each(table, visit, &sum);
        sum += type->count(table);
        type->free(table);
    } else {
        lines_free(source.lines);
        if (problems.errors == 0)
            abort();
    }
    problems_free(&problems);
}

/* A letter for the type, the key, a newline, the rules. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size > 1 ? memchr(data, '\n', size) : NULL;
    size_t start, len;
    char *text;

    if (newline == NULL || newline == data)
        return 0;
    start = (size_t)(newline - data) + 1;
    len = size - start;
    text = xcalloc(len + 1, 1);
    memcpy(text, data + start, len);
    if (data[0] == 'R')
        tame(text);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].letter == data[0] && (types[i].type->has_file || text[0] != '\0'))
            try_type(types[i].type, (struct slice){(const char *)data + 1, start - 2}, text, len,
                     size % 2 == 1);
    free(text);
    return 0;
}
