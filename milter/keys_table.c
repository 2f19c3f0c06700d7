/* keys_table - OpenDKIM's KeyTable: NAME DOMAIN:SELECTOR:PATH[:ALGORITHM] */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys_parts.h"

#include "fold.h"

#include <stdlib.h>
#include <string.h>

struct key_row *keys_add_row(struct keys *keys, struct where where)
{
    struct key_row *row = arena_alloc(keys->arena, sizeof(*row));

    if (keys->row_count == keys->row_cap) {
        keys->row_cap = keys->row_cap ? keys->row_cap * 2 : 16;
        keys->rows = xreallocarray(keys->rows, keys->row_cap, sizeof(*keys->rows));
    }
    keys->rows[keys->row_count++] = row;
    row->name = "";
    row->where = where;
    return row;
}

static int compare_rows(const void *a, const void *b)
{
    const struct key_row *x = *(const struct key_row *const *)a;
    const struct key_row *y = *(const struct key_row *const *)b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : (x->where.line > y->where.line) - (x->where.line < y->where.line);
}

static const char *name_at(const struct keys *keys, size_t index)
{
    return keys->table[index]->name;
}

const struct key_row *keys_find_row(const struct keys *keys, const char *name)
{
    size_t slot = keys_slot(keys, keys->table_count, name, name_at);

    return slot < keys->table_count && strcmp(keys->table[slot]->name, name) == 0
               ? keys->table[slot] : NULL;
}

/* The text up to the next colon; false if there is none left. */
static bool next_field(struct slice *rest, struct slice *field)
{
    const char *colon;

    if (rest->ptr == NULL)
        return false;
    colon = memchr(rest->ptr, ':', rest->len);
    *field = slice_trim((struct slice){rest->ptr,
                                       colon != NULL ? (size_t)(colon - rest->ptr) : rest->len});
    if (colon == NULL)
        *rest = (struct slice){NULL, 0};
    else
        *rest = (struct slice){colon + 1, rest->len - (size_t)(colon + 1 - rest->ptr)};
    return true;
}

/* The algorithm follows from the key; who names one must mean the same. */
static void check_algorithm(struct keys *keys, const struct key_row *row, struct slice algorithm)
{
    const struct dkim_key *key = row->held_count > 0 ? row->held[0].file->key : NULL;

    if (slice_is_nocase(algorithm, "rsa-sha1"))
        problems_add(keys->problems, SEV_ERROR, row->where,
                     "rsa-sha1 is not to be used any more (RFC 8301): write rsa-sha256");
    else if (!slice_is_nocase(algorithm, "rsa-sha256") &&
             !slice_is_nocase(algorithm, "ed25519-sha256"))
        problems_add(keys->problems, SEV_ERROR, row->where,
                     "%.*s is no algorithm: write rsa-sha256 or ed25519-sha256, or leave it out",
                     (int)algorithm.len, algorithm.ptr);
    else if (key != NULL &&
             !slice_is_nocase(algorithm, dkim_algorithm_name(dkim_key_algorithm(key))))
        problems_add(keys->problems, SEV_ERROR, row->where,
                     "%.*s, but %s holds a key for %s: correct one of them", (int)algorithm.len,
                     algorithm.ptr, row->held[0].file->path,
                     dkim_algorithm_name(dkim_key_algorithm(key)));
}

static bool set_domain(struct keys *keys, struct key_row *row, struct slice domain)
{
    row->domain = arena_strndup(keys->arena, domain.ptr, domain.len);
    if (slice_is(domain, "%"))
        return true;
    row->domain = fold_domain_ascii(row->domain, keys->arena);
    if (keys_is_domain(row->domain))
        return true;
    return problems_add(keys->problems, SEV_ERROR, row->where,
                        "\"%.*s\" is no domain: write one, or %% for that of the From field",
                        (int)domain.len, domain.ptr);
}

static void on_row(struct keys *keys, const struct key_data *data, void *arg)
{
    const char *const *dir = arg;
    struct slice rest = data->text, name, domain, selector, path, algorithm;
    struct key_row *row;

    if (!slice_word(&rest, " \t", &name) || (rest = slice_trim(rest)).len == 0 ||
        !next_field(&rest, &domain) || !next_field(&rest, &selector) || !next_field(&rest, &path) ||
        path.len == 0) {
        problems_add(keys->problems, SEV_ERROR, data->where,
                     "write NAME DOMAIN:SELECTOR:PATH, as in OpenDKIM's KeyTable");
        return;
    }
    row = keys_add_row(keys, data->where);
    row->name = keys_fold(keys, name);
    row->selector = arena_strndup(keys->arena, selector.ptr, selector.len);
    if (!keys_is_selector(row->selector))
        problems_add(keys->problems, SEV_ERROR, row->where, "\"%s\" is no selector: write letters, "
                     "digits, hyphens, and dots between them", row->selector);
    keys_read_times(keys, data, row);
    set_domain(keys, row, domain);
    keys_hold(keys, row, path, *dir);
    if (next_field(&rest, &algorithm) && algorithm.len > 0)
        check_algorithm(keys, row, algorithm);
    if (next_field(&rest, &path))
        problems_add(keys->problems, SEV_ERROR, row->where,
                     "more than four fields: a path may hold no colon");
}

static void report_doubles(struct keys *keys)
{
    for (size_t i = 1; i < keys->table_count; i++)
        if (strcmp(keys->table[i - 1]->name, keys->table[i]->name) == 0)
            problems_add(keys->problems, SEV_WARNING, keys->table[i]->where,
                         "%s was already defined in line %d, which counts: remove one of them",
                         keys->table[i]->name, keys->table[i - 1]->where.line);
}

void keys_load_table(struct keys *keys)
{
    enum key_data_form form;
    const char *dir;

    if (keys->settings->key_table.text[0] == '\0')
        return;
    keys_read(keys, &keys->settings->key_table, "key_table", &form, &dir, on_row, &dir);
    keys->table_count = keys->row_count;
    keys->table = arena_alloc(keys->arena, (keys->row_count + 1) * sizeof(struct key_row *));
    if (keys->row_count > 0)
        memcpy(keys->table, keys->rows, keys->row_count * sizeof(struct key_row *));
    qsort(keys->table, keys->table_count, sizeof(struct key_row *), compare_rows);
    report_doubles(keys);
}
