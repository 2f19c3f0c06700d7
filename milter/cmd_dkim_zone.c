/* cmd_dkim_zone - `tamis dkim zone`: the records of all keys, for the DNS */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd_dkim.h"

#include "fold.h"
#include "key_record.h"

#include <stdio.h>
#include <string.h>

enum { TTL_MAX = 7 * 24 * 60 * 60 };

struct zone {
    enum dkim_form form;
    long ttl;
    char **domains; /* only these; none: all. A key for any domain is printed for each of them */
    struct arena *arena;
    const char **names; /* that were printed */
    size_t count, cap;
    struct buf out;
};

static bool is_new(struct zone *z, const char *name)
{
    for (size_t i = 0; i < z->count; i++)
        if (strcmp(z->names[i], name) == 0)
            return false;
    if (z->count == z->cap) {
        const char **old = z->names;

        z->cap = z->cap ? z->cap * 2 : 16;
        z->names = arena_alloc(z->arena, z->cap * sizeof(*z->names));
        if (old != NULL)
            memcpy(z->names, old, z->count * sizeof(*old));
    }
    z->names[z->count++] = name;
    return true;
}

static void add(struct zone *z, const struct key_choice *choice, const char *domain)
{
    const char *name = key_record_name(choice->selector, domain, z->arena);

    if (is_new(z, name))
        dkim_form_add(&z->out, z->form, name, (unsigned)z->ttl,
                      key_record_text(choice->key, "", z->arena));
}

static void on_key(const struct key_choice *choice, void *arg)
{
    struct zone *z = arg;
    bool any = strcmp(choice->domain, "%") == 0;

    if (z->domains[0] == NULL && any)
        fprintf(stderr, "tamis dkim: %s:%d: the key signs for any domain: name those that you "
                        "want records for\n", choice->where.file, choice->where.line);
    else if (z->domains[0] == NULL)
        add(z, choice, choice->domain);
    for (size_t i = 0; z->domains[i] != NULL; i++) {
        const char *domain = fold_domain_ascii(z->domains[i], z->arena);

        if (any || strcmp(domain, choice->domain) == 0)
            add(z, choice, domain);
    }
}

int dkim_zone(int argc, char **argv)
{
    const char *format = NULL, *ttl = NULL;
    const struct option_row rows[] = {
        {0, "format", "FORM", "bind, a zone file; line; json, one object a line", &format, NULL},
        {0, "ttl", "SECONDS", "the records' time to live", &ttl, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis dkim zone [OPTION…] [DOMAIN…]",
        .about =
            "Prints the records of all keys that the configuration names, or of these domains.",
        .rows = rows,
    };
    struct zone zone = {.arena = arena_new()};
    struct dkim_tables tables = {0};
    int status = options_parse(&options, argc, argv);

    if (status < 0 && !dkim_form_find(format, &zone.form))
        status = options_usage_error(&options, "--format %s: bind, line or json", format);
    if (status < 0 && ttl != NULL && !parse_long(slice_of(ttl), 1, TTL_MAX, &zone.ttl))
        status = options_usage_error(&options, "--ttl %s: from 1 to %d seconds", ttl, TTL_MAX);
    if (status < 0) {
        zone.domains = argv + options.first;
        status = dkim_tables_open(&tables, &options);
        if (tables.keys != NULL)
            keys_each(tables.keys, on_key, &zone);
        fputs(buf_text(&zone.out), stdout);
    }
    dkim_tables_close(&tables);
    buf_free(&zone.out);
    arena_free(zone.arena);
    options_free(&options);
    return status;
}
