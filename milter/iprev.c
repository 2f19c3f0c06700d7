/* iprev - does the client's address have a name that leads back to it? RFC 8601, 2.7.3 */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "iprev.h"

#include "address.h"

#include <string.h>
#include <strings.h>

const char *iprev_result_name(enum iprev_result result)
{
    static const char *const names[IPREV_COUNT] = {
        [IPREV_NONE] = "none",           [IPREV_PASS] = "pass",
        [IPREV_FAIL] = "fail",           [IPREV_TEMPERROR] = "temperror",
        [IPREV_PERMERROR] = "permerror",
    };

    return names[result];
}

static bool is_known(const char *name)
{
    return strcasecmp(name, "unknown") != 0;
}

static struct iprev without_name(enum iprev_result result, const char *reason)
{
    return (struct iprev){.result = result, .reason = reason};
}

static struct iprev not_leading_back(const struct scene *scene, const char *name)
{
    return (struct iprev){
        .result = IPREV_FAIL,
        .name = name,
        .reason = arena_printf(scene->arena, "%s does not resolve to %s", name,
                               scene->client->addr_text),
    };
}

static struct iprev lookup_failed(const struct scene *scene, const char *name)
{
    return (struct iprev){
        .result = IPREV_TEMPERROR,
        .name = name,
        .reason = arena_printf(scene->arena, "lookup of %s failed",
                               name ? name : scene->client->addr_text),
    };
}

/* False when the MTA told nothing. */
static bool read_facts(const struct scene *scene, struct iprev *iprev)
{
    const struct client *c = scene->client;
    const char *resolve = c->resolve ? c->resolve : "";
    const char *name = is_known(c->ptr) ? c->ptr : NULL;

    if (strcasecmp(resolve, "OK") == 0 || (resolve[0] == '\0' && is_known(c->name)))
        *iprev = (struct iprev){.result = IPREV_PASS, .name = is_known(c->name) ? c->name : name};
    else if (strcasecmp(resolve, "FORGED") == 0 && name != NULL)
        *iprev = not_leading_back(scene, name);
    else if (strcasecmp(resolve, "FORGED") == 0)
        *iprev = without_name(IPREV_FAIL, "its name does not resolve to its address");
    else if (strcasecmp(resolve, "TEMP") == 0)
        *iprev = lookup_failed(scene, name);
    else if (strcasecmp(resolve, "FAIL") == 0)
        *iprev = without_name(IPREV_PERMERROR, "no reverse name");
    else
        return false;
    return true;
}

/* Names by which the address may be known; false: *need. */
struct names {
    const char *list[IPREV_NAMES_MAX];
    size_t count;
    enum dns_state state;
};

static bool is_usable(const char *name)
{
    struct addr addr;

    return is_hostname(slice_of(name)) && !addr_parse(slice_of(name), &addr);
}

static bool find_names(const struct scene *scene, struct names *names, struct outcome *need)
{
    const char *reverse = dns_reverse_name(&scene->client->addr, NULL, scene->arena);
    struct dns_answer answer;

    *names = (struct names){.state = DNS_FOUND};
    if (is_known(scene->client->ptr)) {
        names->list[names->count++] = scene->client->ptr;
        return true;
    }
    if (!check_dns(scene, reverse, DNS_PTR, &answer, need))
        return false;
    names->state = answer.state;
    for (size_t i = 0; i < answer.count && names->count < IPREV_NAMES_MAX; i++)
        if (answer.records[i].type == DNS_PTR && is_usable(answer.records[i].name))
            names->list[names->count++] = answer.records[i].name;
    return true;
}

static bool has_address(const struct dns_answer *answer, const struct addr *addr)
{
    for (size_t i = 0; i < answer->count; i++)
        if (addr_equal(&answer->records[i].addr, addr))
            return true;
    return false;
}

/* The questions about names[from…], for outcome.also. */
static const char *const *questions(const struct scene *scene, const struct names *names,
                                    size_t from, enum dns_type type)
{
    const char **list = arena_alloc(scene->arena, (IPREV_NAMES_MAX + 1) * sizeof(*list));
    size_t count = 0;

    for (size_t i = from; i < names->count; i++) {
        const char *question = check_dns_question(scene, names->list[i], type);

        if (question != NULL)
            list[count++] = question;
    }
    list[count] = NULL;
    return list;
}

/* One name that leads back is enough, whatever became of the others. */
static bool try_names(const struct scene *scene, const struct names *names, struct iprev *iprev,
                      struct outcome *need)
{
    const struct addr *addr = &scene->client->addr;
    enum dns_type type = addr->family == AF_INET ? DNS_A : DNS_AAAA;
    struct dns_answer answer;

    *iprev = not_leading_back(scene, names->list[0]);
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->list[i];

        if (!check_dns(scene, name, type, &answer, need)) {
            need->also = questions(scene, names, i + 1, type);
            return false;
        }
        if (answer.state == DNS_FOUND && has_address(&answer, addr)) {
            *iprev = (struct iprev){.result = IPREV_PASS, .name = name};
            return true;
        }
        if (answer.state == DNS_TEMPERROR && iprev->result != IPREV_TEMPERROR)
            *iprev = lookup_failed(scene, name);
    }
    return true;
}

bool iprev_judge(const struct scene *scene, struct iprev *iprev, struct outcome *need)
{
    struct names names;

    if (scene->client->local) {
        *iprev = without_name(IPREV_NONE, "no SMTP client");
        return true;
    }
    if (scene->client->addr.family == AF_UNSPEC) {
        *iprev = without_name(IPREV_NONE, "no address");
        return true;
    }
    if (read_facts(scene, iprev))
        return true;
    if (!find_names(scene, &names, need))
        return false;
    if (names.count > 0)
        return try_names(scene, &names, iprev, need);
    if (names.state == DNS_TEMPERROR)
        *iprev = lookup_failed(scene, NULL);
    else
        *iprev = without_name(IPREV_PERMERROR, "no reverse name");
    return true;
}
