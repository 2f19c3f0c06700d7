/* site - what Postfix's configuration says about this host: networks, destinations, addresses */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "site.h"

#include "lines.h"

#include <stdlib.h>
#include <string.h>

enum { ROUTES_MAX = 100 };

struct reader {
    const struct settings *settings;
    struct site *site;
    struct tables *tables;
    struct problems *problems;
};

static bool same_place(struct where a, const char *file, int line)
{
    return a.line == line && a.file != NULL && file != NULL && strcmp(a.file, file) == 0;
}

/* Milter.conf's errors stay errors; those of main.cf must not keep the filter from starting, nor
 * those of a preset such as $virtual_alias_maps, which has its value from there. */
static void pass_on(struct reader *r, const struct problems *found, const struct param_text *text,
                    const char *affected)
{
    bool preset = text->where.file == NULL;
    bool from_postfix = r->settings->main_cf != NULL &&
                        (preset || strcmp(text->where.file, r->settings->main_cf) == 0);

    for (size_t i = 0; i < found->count; i++) {
        const struct problem *p = &found->list[i];
        bool here = preset ? p->file == NULL : same_place(text->where, p->file, p->line);
        enum severity severity =
            from_postfix && p->severity == SEV_ERROR ? SEV_WARNING : p->severity;

        problems_add(r->problems, severity, (struct where){p->file, p->line}, "%s%s%s", p->text,
                     here ? "; affected: " : "", here ? affected : "");
    }
}

static bool matches_parents(struct reader *r, const char *list)
{
    const struct param_text *text = &r->settings->parent_domain_matches_subdomains;
    struct match_list *names = match_list_new(text->text, MATCH_EXACT, ".", text->where, r->tables,
                                              NULL);
    enum match_result result = match_domain(names, slice_of(list), r->site->arena);

    match_list_free(names);
    return result == MATCH_YES;
}

static struct match_list *read_list(struct reader *r, const struct param_text *text, unsigned flags,
                                    const char *affected)
{
    struct problems found = {0};
    struct match_list *list = match_list_new(
        text->text, flags, settings_dir(r->settings, text->where), text->where, r->tables, &found);

    pass_on(r, &found, text, affected);
    problems_free(&found);
    return list;
}

static struct interfaces read_interfaces(struct reader *r, const struct param_text *text)
{
    struct problems found = {0};
    struct interfaces result = interfaces_find(text->text, r->settings->inet_protocols, text->where,
                                               r->site->arena, &found);

    pass_on(r, &found, text, "permit_inet_interfaces, and destinations like user@[ADDRESS]");
    problems_free(&found);
    return result;
}

/* myorigin = /etc/mailname is Debian's way. */
static const char *read_origin(struct reader *r)
{
    const char *origin = r->settings->myorigin;
    struct lines *lines;
    struct err err = {""};
    struct slice text = {"", 0};
    struct where at;

    if (origin[0] != '/')
        return origin;
    lines = lines_read(origin, LINES_FILE_MAX, &err);
    if (lines != NULL && lines_next(lines, &text, &at, r->problems))
        origin = arena_strndup(r->site->arena, text.ptr, text.len);
    else
        problems_add(r->problems, SEV_WARNING, (struct where){NULL, 0},
                     "myorigin = %s: %s; $myhostname takes its place", origin,
                     lines != NULL ? "the file is empty" : err.text);
    lines_free(lines);
    return origin[0] == '/' ? r->settings->myhostname : origin;
}

/* Without main.cf the presets are a guess, and mail for anything else would be refused. */
static bool knows_destinations(const struct settings *s)
{
    const struct param_text *lists[] = {&s->mydestination, &s->relay_domains,
                                        &s->virtual_alias_domains, &s->virtual_mailbox_domains};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct slice rest = slice_of(lists[i]->text), word;

        if ((s->main_cf != NULL || lists[i]->where.file != NULL) && match_word(&rest, &word))
            return true;
    }
    return false;
}

static void read_lists(struct reader *r)
{
    static const char destinations[] = "permit_auth_destination, reject_unauth_destination, "
                                       "defer_unauth_destination";
    const struct settings *s = r->settings;
    struct site *site = r->site;

    site->mynetworks =
        read_list(r, &s->mynetworks,
                  MATCH_NETWORKS | (matches_parents(r, "mynetworks") ? MATCH_PARENT : 0),
                  "permit_mynetworks, outgoing = mynetworks");
    site->mydestination = read_list(r, &s->mydestination, MATCH_EXACT, destinations);
    site->virtual_alias_domains =
        read_list(r, &s->virtual_alias_domains, MATCH_EXACT, destinations);
    site->virtual_mailbox_domains =
        read_list(r, &s->virtual_mailbox_domains, MATCH_EXACT, destinations);
    site->relay_domains =
        read_list(r, &s->relay_domains, matches_parents(r, "relay_domains") ? MATCH_PARENT : 0,
                  destinations);
    site->own = read_interfaces(r, &s->inet_interfaces);
    site->proxy = read_interfaces(r, &s->proxy_interfaces);
}

struct site *site_new(const struct settings *settings, struct tables *tables,
                      struct problems *problems)
{
    struct site *site = xcalloc(1, sizeof(*site));
    struct reader r = {settings, site, tables, problems};

    site->arena = arena_new();
    site->myhostname = settings->myhostname;
    site->mydomain = settings->mydomain;
    site->myorigin = read_origin(&r);
    site->recipient_delimiter = settings->recipient_delimiter;
    site->null_access_lookup_key = settings->null_access_lookup_key;
    site->access_parents = matches_parents(&r, "smtpd_access_maps");
    site->smtputf8 = settings->smtputf8_enable;
    site->knows_destinations = knows_destinations(settings);
    read_lists(&r);
    return site;
}

void site_free(struct site *site)
{
    if (site == NULL)
        return;
    match_list_free(site->mynetworks);
    match_list_free(site->mydestination);
    match_list_free(site->virtual_alias_domains);
    match_list_free(site->virtual_mailbox_domains);
    match_list_free(site->relay_domains);
    arena_free(site->arena);
    free(site);
}

enum match_result site_is_our_client(const struct site *site, struct slice name,
                                     const struct addr *addr, struct arena *arena)
{
    return match_client(site->mynetworks, name, addr, arena);
}

bool site_is_own_address(const struct site *site, const struct addr *addr)
{
    return interfaces_have(&site->own, addr);
}

/* user@[ADDRESS] is local if the address is ours or our proxy's. */
static bool is_own_literal(const struct site *site, struct slice domain)
{
    struct addr addr;

    if (domain.len < 3 || domain.ptr[0] != '[' || domain.ptr[domain.len - 1] != ']')
        return false;
    return addr_parse((struct slice){domain.ptr + 1, domain.len - 2}, &addr) &&
           (interfaces_have(&site->own, &addr) || interfaces_have(&site->proxy, &addr));
}

static enum match_result is_local(const struct site *site, struct slice domain,
                                  struct arena *arena)
{
    enum match_result result = match_domain(site->mydestination, domain, arena);

    return result == MATCH_NO && is_own_literal(site, domain) ? MATCH_YES : result;
}

/* In place, for it only shortens; a client may write thousands of them. */
void site_resolve(const struct site *site, struct address *address, struct arena *arena)
{
    char *key = arena_strdup(arena, address->key);

    for (int round = 0; round < ROUTES_MAX; round++) {
        char *at = strrchr(key, '@');

        if (at == NULL || at == key || is_local(site, slice_of(at + 1), arena) != MATCH_YES)
            break;
        *at = '\0';
        if (strchr(key, '@') == NULL && !address_swap_route(key))
            *at = '@';
        if (*at == '@')
            break;
    }
    address->key = key;
}

/* In the order of Postfix, where the first list that cannot be asked ends the search. */
enum match_result site_is_final_destination(const struct site *site, struct slice domain,
                                            struct arena *arena)
{
    const struct match_list *lists[] = {site->virtual_alias_domains, site->virtual_mailbox_domains};
    enum match_result result = is_local(site, domain, arena);

    for (size_t i = 0; i < ARRAY_LEN(lists) && result == MATCH_NO; i++)
        result = match_domain(lists[i], domain, arena);
    return result;
}

enum match_result site_is_destination(const struct site *site, struct slice domain,
                                      struct arena *arena)
{
    enum match_result final = site_is_final_destination(site, domain, arena);

    return final != MATCH_NO ? final : match_domain(site->relay_domains, domain, arena);
}

void site_each_file(const struct site *site, void (*visit)(const char *path, void *arg), void *arg)
{
    match_list_each_file(site->mynetworks, visit, arg);
    match_list_each_file(site->mydestination, visit, arg);
    match_list_each_file(site->virtual_alias_domains, visit, arg);
    match_list_each_file(site->virtual_mailbox_domains, visit, arg);
    match_list_each_file(site->relay_domains, visit, arg);
}
