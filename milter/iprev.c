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

/* Names by which the address may be known. */
struct names {
    const char *list[IPREV_NAMES_MAX];
    size_t count;
    const char *question; /* that gave them; NULL: the MTA told */
};

static bool is_known(const char *name)
{
    return strcasecmp(name, "unknown") != 0;
}

static const char *known_ptr(const struct client *c)
{
    return is_known(c->ptr) ? c->ptr : NULL;
}

static bool told(const struct scene *scene, const char *resolve)
{
    return scene->client->resolve != NULL && strcasecmp(scene->client->resolve, resolve) == 0;
}

static struct iprev without_name(enum iprev_result result, const char *reason)
{
    return (struct iprev){.result = result, .reason = reason};
}

static struct iprev passed(const char *name, const char *question)
{
    return (struct iprev){.result = IPREV_PASS, .name = name, .question = question};
}

static struct iprev not_leading_back(const struct scene *scene, const char *name)
{
    return (struct iprev){
        .result = IPREV_FAIL,
        .name = name,
        .reason = name == NULL ? "its name does not resolve to its address"
                               : arena_printf(scene->arena, "%s does not resolve to %s", name,
                                              scene->client->addr_text),
    };
}

static struct iprev lookup_failed(const struct scene *scene, const char *name)
{
    return (struct iprev){
        .result = IPREV_TEMPERROR,
        .name = name,
        .reason = arena_printf(scene->arena, "lookup of %s failed",
                               name != NULL ? name : scene->client->addr_text),
    };
}

/* What needs no question: nobody to ask about, or what the MTA told. */
static bool read_facts(const struct scene *scene, struct iprev *iprev)
{
    const struct client *c = scene->client;

    if (c->local)
        *iprev = without_name(IPREV_NONE, "no SMTP client");
    else if (told(scene, "OK"))
        *iprev = passed(is_known(c->name) ? c->name : known_ptr(c), NULL);
    else if (told(scene, "TEMP"))
        *iprev = lookup_failed(scene, known_ptr(c));
    else if (told(scene, "FAIL"))
        *iprev = without_name(IPREV_PERMERROR, "no reverse name");
    else if (!told(scene, "FORGED") && is_known(c->name))
        *iprev = passed(c->name, NULL);
    else if (!told(scene, "FORGED") && c->addr.family == AF_UNSPEC)
        *iprev = without_name(IPREV_NONE, "no address");
    else
        return false;
    return true;
}

static bool is_usable(const char *name)
{
    struct addr addr;

    return is_hostname(slice_of(name)) && !addr_parse(slice_of(name), &addr);
}

/* At least one name, or the reason why there is none in `iprev`. False: *need. */
static bool find_names(const struct scene *scene, struct names *names, struct iprev *iprev,
                       struct outcome *need)
{
    struct dns_answer answer;
    const char *ptr;

    *names = (struct names){0};
    if (known_ptr(scene->client) != NULL) {
        names->list[names->count++] = known_ptr(scene->client);
        return true;
    }
    *iprev = without_name(IPREV_PERMERROR, "no reverse name");
    if (scene->client->addr.family == AF_UNSPEC)
        return true;
    ptr = dns_reverse_name(&scene->client->addr, NULL, scene->arena);
    if (!check_dns(scene, ptr, DNS_PTR, &answer, need))
        return false;
    for (size_t i = 0; i < answer.count && names->count < IPREV_NAMES_MAX; i++)
        if (is_usable(answer.records[i].name))
            names->list[names->count++] = answer.records[i].name;
    if (answer.state == DNS_TEMPERROR)
        *iprev = lookup_failed(scene, NULL);
    names->question = iprev->question = check_dns_question(scene, ptr, DNS_PTR);
    return true;
}

/* What is asked about each name, and which answers will do. */
struct wish {
    enum dns_type types[2];
    size_t count;
    const struct addr *addr; /* NULL: any */
};

static bool is_fulfilled(const struct wish *wish, const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        if (wish->addr == NULL || addr_equal(&answer->records[i].addr, wish->addr))
            return true;
    return false;
}

/* All questions about the names that follow, for outcome.also: most hosts have one. */
static const char *const *questions(const struct scene *scene, const struct names *names,
                                    size_t from, const struct wish *wish)
{
    const char **list = arena_alloc(scene->arena,
                                    (IPREV_NAMES_MAX * ARRAY_LEN(wish->types) + 1) * sizeof(*list));
    size_t count = 0;

    for (size_t i = from; i < names->count; i++) {
        for (size_t t = 0; t < wish->count; t++) {
            const char *question = check_dns_question(scene, names->list[i], wish->types[t]);

            if (question != NULL)
                list[count++] = question;
        }
    }
    list[count] = NULL;
    return list;
}

/* One name that leads back is enough, whatever became of the others. False: *need. */
static bool try_names(const struct scene *scene, const struct names *names,
                      const struct wish *wish, struct iprev *iprev, struct outcome *need)
{
    struct dns_answer answer;

    *iprev = not_leading_back(scene, names->list[0]);
    for (size_t i = 0; i < names->count; i++) {
        for (size_t t = 0; t < wish->count; t++) {
            const char *question = check_dns_question(scene, names->list[i], wish->types[t]);

            if (!check_dns(scene, names->list[i], wish->types[t], &answer, need)) {
                need->also = questions(scene, names, i, wish);
                return false;
            }
            if (is_fulfilled(wish, &answer)) {
                *iprev = passed(names->list[i], question);
                return true;
            }
            if (answer.state == DNS_TEMPERROR && iprev->result != IPREV_TEMPERROR) {
                *iprev = lookup_failed(scene, names->list[i]);
                iprev->question = question;
            } else if (iprev->question == NULL) {
                iprev->question = question;
            }
        }
    }
    return true;
}

bool iprev_judge(const struct scene *scene, struct iprev *iprev, struct outcome *need)
{
    const struct addr *addr = &scene->client->addr;
    struct wish wish = {{addr->family == AF_INET ? DNS_A : DNS_AAAA}, 1, addr};
    struct names names;

    if (read_facts(scene, iprev))
        return true;
    if (told(scene, "FORGED")) {
        *iprev = not_leading_back(scene, known_ptr(scene->client));
        return true;
    }
    if (!find_names(scene, &names, iprev, need))
        return false;
    return names.count == 0 || try_names(scene, &names, &wish, iprev, need);
}

bool iprev_forward(const struct scene *scene, struct iprev *iprev, struct outcome *need)
{
    bool v4 = scene->client->addr.family != AF_INET6;
    struct wish wish = {{v4 ? DNS_A : DNS_AAAA, v4 ? DNS_AAAA : DNS_A}, 2, NULL};
    struct names names;

    if (read_facts(scene, iprev))
        return true;
    if (!find_names(scene, &names, iprev, need))
        return false;
    return names.count == 0 || try_names(scene, &names, &wish, iprev, need);
}

bool iprev_reverse(const struct scene *scene, struct iprev *iprev, struct outcome *need)
{
    struct names names;

    if (known_ptr(scene->client) != NULL && !scene->client->local) {
        *iprev = passed(known_ptr(scene->client), NULL);
        return true;
    }
    if (read_facts(scene, iprev))
        return true;
    if (!find_names(scene, &names, iprev, need))
        return false;
    if (names.count > 0)
        *iprev = passed(names.list[0], names.question);
    return true;
}
