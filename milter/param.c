/* param - one row a parameter: its type, limits, preset and help; texts read into fields by rows */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "param.h"

#include "conf.h"

#include <stdio.h>
#include <string.h>

struct unit {
    char letter;
    int64_t factor;
};

static const struct unit time_units[] = {
    {'s', 1}, {'m', 60}, {'h', 60 * 60}, {'d', 24 * 60 * 60}, {'w', 7 * 24 * 60 * 60}, {0, 0},
};
static const struct unit size_units[] = {
    {'k', 1024}, {'m', 1024 * 1024}, {'g', 1024 * 1024 * 1024}, {0, 0},
};
static const struct unit no_units[] = {{0, 0}};

/* A number with or without a unit; false when it is none, or too large for int64_t. */
static bool parse_amount(struct slice s, const struct unit *unit, int64_t *amount)
{
    int64_t factor = 1;
    long number;

    if (s.len > 0 && !is_digit((unsigned char)s.ptr[s.len - 1])) {
        while (unit->letter != 0 && unit->letter != to_lower((unsigned char)s.ptr[s.len - 1]))
            unit++;
        if (unit->letter == 0)
            return false;
        factor = unit->factor;
        s.len--;
    }
    if (!parse_long(s, INT32_MIN, INT64_MAX / 1000000 / (7 * 24 * 60 * 60), &number))
        return false;
    *amount = number * factor;
    return true;
}

static void print_amount(char *text, size_t size, const struct param *row, int64_t amount)
{
    const struct unit *unit = row->type == PARAM_TIME   ? time_units
                              : row->type == PARAM_SIZE ? size_units
                                                        : no_units;
    struct unit best = {0, 1};

    for (; unit->letter != 0; unit++)
        if (amount != 0 && amount % unit->factor == 0)
            best = *unit;
    if (best.letter == 0)
        snprintf(text, size, "%lld", (long long)amount);
    else
        snprintf(text, size, "%lld%c", (long long)(amount / best.factor),
                 row->type == PARAM_SIZE ? best.letter - 'a' + 'A' : best.letter);
}

static bool store_amount(const struct param *row, const char *value, struct where at, void *field,
                         struct problems *problems)
{
    static const char *const wanted[] = {
        [PARAM_INT] = "a number",
        [PARAM_TIME] = "a time such as 30s, 5m, 2h, 1d, 1w",
        [PARAM_SIZE] = "a size such as 500, 64K, 10M, 1G",
    };
    const struct unit *units = row->type == PARAM_TIME   ? time_units
                               : row->type == PARAM_SIZE ? size_units
                                                         : no_units;
    char min[32], max[32];
    int64_t amount;

    if (!parse_amount(slice_of(value), units, &amount))
        return problems_add(problems, SEV_ERROR, at, "%s = %.60s: write %s", row->name, value,
                            wanted[row->type]);
    print_amount(min, sizeof(min), row, row->min);
    print_amount(max, sizeof(max), row, row->max);
    if (amount < row->min || amount > row->max)
        return problems_add(problems, SEV_ERROR, at, "%s = %s: write a value from %s to %s",
                            row->name, value, min, max);
    if (row->type == PARAM_INT)
        *(long *)field = (long)amount;
    else
        *(int64_t *)field = row->type == PARAM_TIME ? amount * 1000000 : amount;
    return true;
}

/* The words as a sentence would list them: "a, b or c". */
static void list_words(char *text, size_t size, const char *words)
{
    struct slice rest = slice_of(words), word, next;
    bool more = slice_word(&rest, " ", &word);
    size_t len = 0;

    text[0] = '\0';
    for (bool first = true; more && len < size; first = false, word = next) {
        const char *separator;

        more = slice_word(&rest, " ", &next);
        separator = first ? "" : more ? ", " : " or ";
        len +=
            (size_t)snprintf(text + len, size - len, "%s%.*s", separator, (int)word.len, word.ptr);
    }
}

static bool store_word(const struct param *row, const char *value, struct where at, int *field,
                       struct problems *problems)
{
    struct slice rest = slice_of(row->words), word;
    char list[256];

    for (int i = 0; slice_word(&rest, " ", &word); i++) {
        if (slice_is_nocase(word, value)) {
            *field = i;
            return true;
        }
    }
    list_words(list, sizeof(list), row->words);
    return problems_add(problems, SEV_ERROR, at, "%s = %.60s: write %s", row->name, value, list);
}

static bool store_bool(const struct param *row, const char *value, struct where at, bool *field,
                       struct problems *problems)
{
    struct slice s = slice_of(value);

    if (!slice_is_nocase(s, "yes") && !slice_is_nocase(s, "no"))
        return problems_add(problems, SEV_ERROR, at, "%s = %.60s: write yes or no", row->name,
                            value);
    *field = slice_is_nocase(s, "yes");
    return true;
}

bool param_store(const struct param *row, const char *value, struct where at, const char *dir,
                 void *field, struct arena *arena, struct problems *problems)
{
    switch (row->type) {
    case PARAM_STRING:
        *(const char **)field = arena_strdup(arena, value);
        return true;
    case PARAM_PATH:
        *(const char **)field = conf_path(dir, arena_strdup(arena, value), arena);
        return true;
    case PARAM_LIST:
        *(struct param_text *)field = (struct param_text){arena_strdup(arena, value), at};
        return true;
    case PARAM_BOOL:
        return store_bool(row, value, at, field, problems);
    case PARAM_ENUM:
        return store_word(row, value, at, field, problems);
    case PARAM_INT:
    case PARAM_TIME:
    case PARAM_SIZE:
        return store_amount(row, value, at, field, problems);
    }
    die("parameter %s has no type", row->name);
}

enum { NAME_MAX_LEN = 80 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Three rows of the table of distances are enough (Damerau's optimal string alignment). */
unsigned edit_distance(const char *a, const char *b, unsigned limit)
{
    unsigned rows[3][NAME_MAX_LEN + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2], *spare;
    size_t len_a = strlen(a), len_b = strlen(b);

    if (len_a > NAME_MAX_LEN || len_b > NAME_MAX_LEN ||
        (len_a > len_b ? len_a - len_b : len_b - len_a) > limit)
        return limit + 1;
    for (size_t k = 0; k <= len_b; k++)
        above[k] = (unsigned)k;
    for (size_t i = 1; i <= len_a; i++) {
        row[0] = (unsigned)i;
        for (size_t k = 1; k <= len_b; k++) {
            row[k] = least(least(above[k], row[k - 1]) + 1, above[k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                row[k] = least(row[k], before[k - 2] + 1);
        }
        spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return least(above[len_b], limit + 1);
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    unsigned limit = (unsigned)strlen(nearest->name) / 3, distance;

    if (nearest->best != NULL)
        limit = nearest->distance - 1;
    if (nearest->best != NULL && nearest->distance == 0)
        return;
    distance = edit_distance(nearest->name, candidate, limit);
    if (distance <= limit) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
