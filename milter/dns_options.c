/* dns_options - what milter.conf says about the DNS, for whoever opens it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char separators[] = ", \t\r\n";

/* ADDR or ADDR@PORT. */
static bool is_server(struct slice word)
{
    const char *at = memchr(word.ptr, '@', word.len);
    struct slice host = word, port;
    struct addr addr;
    long number;

    if (at != NULL) {
        host.len = (size_t)(at - word.ptr);
        port = (struct slice){at + 1, word.len - host.len - 1};
        if (!parse_long(port, 1, 65535, &number))
            return false;
    }
    return addr_parse(host, &addr) && memchr(host.ptr, 'P', host.len) == NULL;
}

static bool read_servers(const struct param_text *list, struct arena *arena,
                         struct dns_live_options *live, struct problems *problems)
{
    struct slice rest = slice_of(list->text), word;
    const char **servers;
    bool fine = true;
    size_t max = 0;

    while (slice_word(&rest, separators, &word))
        max++;
    servers = arena_alloc(arena, (max + 1) * sizeof(*servers));
    for (rest = slice_of(list->text); slice_word(&rest, separators, &word);)
        if (is_server(word))
            servers[live->server_count++] = arena_strndup(arena, word.ptr, word.len);
        else
            fine = problems_add(problems, SEV_ERROR, list->where,
                                "dns_servers: %.*s is no address; write ADDRESS or ADDRESS@PORT",
                                (int)word.len, word.ptr);
    live->servers = servers;
    return fine;
}

/* Told now: whoever finds it out with the first question has no DNS any more. */
static bool check_anchor(const struct settings *settings, struct problems *problems)
{
    const char *path = settings->dns_trust_anchor;

    return path[0] == '\0' || access(path, R_OK) == 0 ||
           problems_add(problems, SEV_ERROR, settings_place(settings, "dns_trust_anchor"),
                        "dns_trust_anchor: %s: %s; give the file with the root's keys, or nothing",
                        path, strerror(errno));
}

/* Of the memory, a quarter is for answers that are ready; the library has the rest. */
bool dns_options_of(const struct settings *settings, struct arena *arena,
                    struct dns_options *options, struct problems *problems)
{
    size_t size = (size_t)settings->dns_cache_size;
    bool fine;

    *options = (struct dns_options){
        .limits = {.cache_size = size / 4, .under_way = (size_t)settings->dns_lookup_limit,
                   .max_ttl = (uint32_t)(settings->dns_max_ttl / 1000000),
                   .max_negative_ttl = (uint32_t)(settings->dns_max_negative_ttl / 1000000),
                   .timeout_us = (uint64_t)settings->dns_timeout},
        .live = {.recursion = settings->dns_recursion,
                 .trust_anchor = arena_strdup(arena, settings->dns_trust_anchor),
                 .max_ttl = (uint32_t)(settings->dns_max_ttl / 1000000),
                 .max_negative_ttl = (uint32_t)(settings->dns_max_negative_ttl / 1000000),
                 .cache_size = size - size / 4,
                 .under_way = (size_t)settings->dns_lookup_limit},
    };
    fine = read_servers(&settings->dns_servers, arena, &options->live, problems);
    return check_anchor(settings, problems) && fine;
}
