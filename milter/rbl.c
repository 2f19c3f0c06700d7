/* rbl - block and allow lists as the configuration names them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rbl.h"

#include "dns_name.h"
#include "fold.h"
#include "rbl_reply.h"

#include <string.h>

enum { WEIGHT_MAX = 1000000 };

static const char separators[] = ", \t\r\n";

/* Takes what stands behind the first `c` off; ptr NULL when there is none. */
static struct slice split_off(struct slice *text, char c)
{
    const char *at = memchr(text->ptr, c, text->len);
    struct slice behind = {NULL, 0};

    if (at != NULL) {
        behind = (struct slice){at + 1, text->len - (size_t)(at + 1 - text->ptr)};
        text->len = (size_t)(at - text->ptr);
    }
    return behind;
}

static bool is_zone(const char *zone, struct arena *arena)
{
    struct dns_name name;

    return dns_name_of_text(slice_of(fold_domain_ascii(zone, arena)), &name) && name.len > 1;
}

/* ZONE[=FILTER] */
static struct rbl_site *site_parse(struct slice text, struct arena *arena, struct where where,
                                   struct problems *problems)
{
    struct rbl_site *site = arena_alloc(arena, sizeof(*site));
    struct slice whole = text, filter = split_off(&text, '=');
    struct rbl_filter *parsed;
    struct err err;

    *site = (struct rbl_site){.text = arena_strndup(arena, whole.ptr, whole.len),
                              .zone = arena_strndup(arena, text.ptr, text.len), .weight = 1};
    if (!is_zone(site->zone, arena)) {
        problems_add(problems, SEV_ERROR, where,
                     "%s: \"%s\" is no domain name of a list: write ZONE or ZONE=FILTER",
                     site->text, site->zone);
        return NULL;
    }
    if (filter.ptr == NULL)
        return site;
    site->filter = parsed = arena_alloc(arena, sizeof(*parsed));
    if (!rbl_filter_parse(filter, parsed, &err)) {
        problems_add(problems, SEV_ERROR, where,
                     "%s: %s: write the filter as 127.0.0.2 or 127.0.0.[2;4..11]", site->text,
                     err.text);
        return NULL;
    }
    return site;
}

const void *rbl_site_parse(struct slice text, struct arena *arena, struct where where,
                           struct problems *problems)
{
    return site_parse(text, arena, where, problems);
}

static bool read_weight(struct slice text, int *weight)
{
    long number;

    if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-')
        text = (struct slice){text.ptr + 1, text.len - 1};
    if (!parse_long(text, -WEIGHT_MAX, WEIGHT_MAX, &number))
        return false;
    *weight = (int)number;
    return true;
}

/* ZONE[=FILTER][*WEIGHT], as postscreen_dnsbl_sites has it. */
static struct rbl_site *weighted_parse(struct slice text, struct arena *arena, struct where where,
                                       struct problems *problems)
{
    struct slice whole = text, weight = split_off(&text, '*');
    struct rbl_site *site = site_parse(text, arena, where, problems);

    if (site == NULL || weight.ptr == NULL || read_weight(weight, &site->weight))
        return site;
    problems_add(problems, SEV_ERROR, where,
                 "%.*s: \"%.*s\" is no weight: write a whole number, as in %s*2", (int)whole.len,
                 whole.ptr, (int)weight.len, weight.ptr, site->text);
    return NULL;
}

static struct rbl_sites sites_parse(const struct param_text *text, bool weighted, const char *name,
                                    struct arena *arena, struct problems *problems)
{
    struct rbl_site *list = arena_alloc(arena, RBL_SITES_MAX * sizeof(*list)), *site;
    struct slice rest = slice_of(text->text), word;
    struct rbl_sites sites = {list, 0, text->where};

    while (slice_word(&rest, separators, &word)) {
        if (sites.count == RBL_SITES_MAX) {
            problems_add(problems, SEV_ERROR, text->where, "%s: more than %d lists", name,
                         RBL_SITES_MAX);
            break;
        }
        site = weighted ? weighted_parse(word, arena, text->where, problems)
                        : site_parse(word, arena, text->where, problems);
        if (site != NULL)
            list[sites.count++] = *site;
    }
    return sites;
}

/* The next word; what stands in { } is one word with its blanks. */
static bool next_table(struct slice *rest, struct slice *word)
{
    size_t depth = 0, end = 0;

    while (rest->len > 0 && strchr(separators, rest->ptr[0]) != NULL)
        rest->ptr++, rest->len--;
    for (; end < rest->len; end++) {
        if (depth == 0 && strchr(separators, rest->ptr[end]) != NULL)
            break;
        depth += rest->ptr[end] == '{';
        depth -= rest->ptr[end] == '}' && depth > 0;
    }
    *word = (struct slice){rest->ptr, end};
    *rest = (struct slice){rest->ptr + end, rest->len - end};
    return word->len > 0;
}

static void check_template(const struct rule *rule, void *arg)
{
    struct err err = {""};

    if (!rule->substitutes && !rbl_template_check(rule->value, &err))
        problems_add(arg, SEV_WARNING, rule->where,
                     "%s: %s; default_rbl_reply is used instead", rule->key, err.text);
}

static void load_reply_maps(struct rbl *rbl, const struct settings *s, struct tables *tables,
                            struct arena *arena, struct problems *problems)
{
    const struct param_text *text = &s->rbl_reply_maps;
    struct slice rest = slice_of(text->text), word;
    const struct table **maps = arena_alloc(arena, (rest.len / 2 + 1) * sizeof(*maps)), *table;

    while (next_table(&rest, &word)) {
        table = tables_find(tables, arena_strndup(arena, word.ptr, word.len),
                            settings_dir(s, text->where), text->where, problems);
        if (table == NULL)
            continue;
        table_each(table, check_template, problems);
        maps[rbl->reply_map_count++] = table;
    }
    rbl->reply_maps = maps;
}

const struct rbl *rbl_load(const struct settings *s, struct tables *tables, struct arena *arena,
                           struct problems *problems)
{
    struct rbl *rbl = arena_alloc(arena, sizeof(*rbl));
    struct err err = {""};

    rbl->maps_domains = sites_parse(&s->maps_rbl_domains, false, "maps_rbl_domains", arena,
                                    problems);
    rbl->score_sites = sites_parse(&s->rbl_score_sites, true, "rbl_score_sites", arena, problems);
    load_reply_maps(rbl, s, tables, arena, problems);
    if (!rbl_template_check(s->default_rbl_reply, &err))
        problems_add(problems, SEV_ERROR, settings_place(s, "default_rbl_reply"),
                     "default_rbl_reply: %s", err.text);
    return rbl;
}
