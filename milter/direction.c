/* direction - whether a message comes in or goes out: the parameter `outgoing` */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "direction.h"

#include <string.h>

enum sign { BY_LOGIN, BY_MYNETWORKS, BY_LOCAL, BY_DAEMON_NAME, BY_DAEMON_PORT, BY_NETWORK };

struct sign_rule {
    enum sign sign;
    bool negated;
    const char *daemon_name;
    long daemon_port;
    struct net net;
};

struct directions {
    const struct match_list *mynetworks;
    struct sign_rule *rules;
    size_t count;
};

/* The rest of `word` behind a prefix. */
static bool has_prefix(struct slice word, const char *prefix, struct slice *rest)
{
    size_t len = strlen(prefix);

    if (word.len <= len || !slice_is_nocase((struct slice){word.ptr, len}, prefix))
        return false;
    *rest = (struct slice){word.ptr + len, word.len - len};
    return true;
}

static bool parse_rule(struct slice word, struct sign_rule *rule, struct arena *arena,
                       struct err *why)
{
    struct slice rest;

    while (word.len > 0 && word.ptr[0] == '!') {
        rule->negated = !rule->negated;
        word = (struct slice){word.ptr + 1, word.len - 1};
    }
    if (slice_is_nocase(word, "sasl_authenticated")) {
        rule->sign = BY_LOGIN;
    } else if (slice_is_nocase(word, "mynetworks")) {
        rule->sign = BY_MYNETWORKS;
    } else if (slice_is_nocase(word, "local_submission")) {
        rule->sign = BY_LOCAL;
    } else if (has_prefix(word, "daemon_name:", &rest)) {
        rule->sign = BY_DAEMON_NAME;
        rule->daemon_name = arena_strndup(arena, rest.ptr, rest.len);
    } else if (has_prefix(word, "daemon_port:", &rest)) {
        rule->sign = BY_DAEMON_PORT;
        return parse_long(rest, 1, 65535, &rule->daemon_port) ||
               err_set(why, "a port is a number from 1 to 65535");
    } else {
        rule->sign = BY_NETWORK;
        return net_parse(word, &rule->net, why);
    }
    return true;
}

const struct directions *directions_parse(const char *text, struct where at,
                                          const struct match_list *mynetworks, struct arena *arena,
                                          struct problems *problems)
{
    struct directions *d = arena_alloc(arena, sizeof(*d));
    struct slice rest = slice_of(text), word;
    bool good = true;

    d->mynetworks = mynetworks;
    d->rules = arena_alloc(arena, (strlen(text) / 2 + 1) * sizeof(*d->rules));
    while (slice_word(&rest, ", \t\r\n", &word)) {
        struct err why = {""};

        if (parse_rule(word, &d->rules[d->count], arena, &why))
            d->count++;
        else
            good = problems_add(problems, SEV_ERROR, at,
                                "outgoing: %.*s is none of sasl_authenticated, mynetworks, "
                                "local_submission, daemon_name:NAME, daemon_port:N, nor a network "
                                "(%s)",
                                (int)word.len, word.ptr, why.text);
    }
    return good ? d : NULL;
}

static bool fits(const struct directions *d, const struct sign_rule *rule,
                 const struct client *client, const char *login, struct arena *arena)
{
    switch (rule->sign) {
    case BY_LOGIN:
        return login[0] != '\0';
    case BY_MYNETWORKS:
        return !client->local && match_client(d->mynetworks, slice_of(client->name), &client->addr,
                                              arena) == MATCH_YES;
    case BY_LOCAL:
        return client->local;
    case BY_DAEMON_NAME:
        return client->daemon_name != NULL && strcmp(client->daemon_name, rule->daemon_name) == 0;
    case BY_DAEMON_PORT:
        return client->daemon_port == rule->daemon_port;
    case BY_NETWORK:
        break;
    }
    return !client->local && net_matches(&rule->net, &client->addr);
}

enum direction direction_of(const struct directions *d, const struct client *client,
                            const char *login, struct arena *arena)
{
    for (size_t i = 0; i < d->count; i++)
        if (fits(d, &d->rules[i], client, login, arena))
            return d->rules[i].negated ? DIR_INCOMING : DIR_OUTGOING;
    return DIR_INCOMING;
}

bool directions_list_client(const struct directions *d, const struct client *client)
{
    for (size_t i = 0; i < d->count && !client->local; i++)
        if (d->rules[i].sign == BY_NETWORK && net_matches(&d->rules[i].net, &client->addr))
            return !d->rules[i].negated;
    return false;
}
