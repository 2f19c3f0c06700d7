/* check_resolve_access - access tables asked for the hosts behind a name: its A, MX, NS records */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access_search.h"
#include "address.h"
#include "host_lookup.h"
#include "policy.h"
#include "restriction.h"

#include <string.h>
#include <strings.h>

enum {
    ADDRESSES_MAX = 100, /* of all hosts of a name: Postfix's limit */
    HOSTS_AHEAD = 8,     /* whose addresses are asked for side by side */
    PARENTS_AHEAD = 3,
};

/* A name, or an address, whose servers are meant. */
struct target {
    const char *name; /* NULL: none to ask about */
    struct subject subject;
};

static const char *unless_unknown(const char *name)
{
    return strcasecmp(name, "unknown") == 0 ? NULL : name;
}

static const char *unless_empty(const char *name)
{
    return name[0] == '\0' ? NULL : name;
}

static struct target target_of(const struct scene *scene, const char *class)
{
    const struct client *c = scene->client;

    if (strcmp(class, "Client host") == 0)
        return (struct target){unless_unknown(c->name), subject_client(scene)};
    if (strcmp(class, "Unverified Client host") == 0)
        return (struct target){unless_unknown(c->ptr), {c->ptr, class}};
    if (strcmp(class, "Helo command") == 0)
        return (struct target){c->helo, subject_helo(scene)};
    if (strcmp(class, "Sender address") == 0)
        return (struct target){unless_empty(subject_sender(scene).name), subject_sender(scene)};
    return (struct target){unless_empty(subject_recipient(scene).name), subject_recipient(scene)};
}

/* One walk through hosts and their addresses. */
struct servers {
    const struct scene *scene;
    struct access_search search;
    enum dns_type type; /* of the records that name the hosts; DNS_A: the name itself */
    struct hosts hosts;
    const char *question; /* the last one */
    bool v4, v6;
    int addresses; /* seen */
    bool ended;
};

static void read_protocols(struct servers *s)
{
    struct slice rest = slice_of(s->scene->policy->settings->inet_protocols), word;

    while (slice_word(&rest, ", \t\r\n", &word)) {
        bool all = slice_is_nocase(word, "all");

        s->v4 = s->v4 || all || slice_is_nocase(word, "ipv4");
        s->v6 = s->v6 || all || slice_is_nocase(word, "ipv6");
    }
}

/* The zone that a name is in has its NS records at some parent, up to the top level. */
static const char *const *parents_ahead(const struct scene *scene, const char *domain)
{
    const char **list = arena_alloc(scene->arena, (PARENTS_AHEAD + 1) * sizeof(*list));
    size_t count = 0;

    for (int i = 0; i < PARENTS_AHEAD && (domain = strchr(domain, '.')) != NULL; i++) {
        const char *question = check_dns_question(scene, ++domain, DNS_NS);

        if (question != NULL)
            list[count++] = question;
    }
    list[count] = NULL;
    return list;
}

static bool climb(struct servers *s, const char *domain, struct outcome *need)
{
    while (s->hosts.state == HOST_UNKNOWN && (domain = strchr(domain, '.')) != NULL &&
           domain[1] != '\0') {
        domain++;
        s->question = check_dns_question(s->scene, domain, DNS_NS);
        if (!host_list(s->scene, domain, DNS_NS, &s->hosts, need)) {
            need->also = parents_ahead(s->scene, domain);
            return false;
        }
    }
    return true;
}

/* Fills in s->hosts; a name without MX is its own mail exchanger, even if there is no such name.
 * False: *need. */
static bool find_hosts(struct servers *s, const char *domain, struct outcome *need)
{
    s->question = s->type != DNS_A ? check_dns_question(s->scene, domain, s->type) : NULL;
    if (s->type != DNS_A && !host_list(s->scene, domain, s->type, &s->hosts, need))
        return false;
    if (s->type == DNS_NS && !climb(s, domain, need))
        return false;
    if (s->type == DNS_A || (s->type == DNS_MX && s->hosts.state == HOST_UNKNOWN)) {
        s->hosts.list[0] = domain;
        s->hosts.count = 1;
    }
    return true;
}

static const char *const *hosts_ahead(const struct servers *s, size_t from)
{
    size_t count = 0, max = 2 * HOSTS_AHEAD + 1;
    const char **list = arena_alloc(s->scene->arena, max * sizeof(*list));

    for (size_t i = from; i < s->hosts.count && i < from + HOSTS_AHEAD; i++) {
        const char *a = s->v4 ? check_dns_question(s->scene, s->hosts.list[i], DNS_A) : NULL;
        const char *aaaa = s->v6 ? check_dns_question(s->scene, s->hosts.list[i], DNS_AAAA) : NULL;

        if (is_host_address(s->hosts.list[i]))
            continue;
        if (a != NULL)
            list[count++] = a;
        if (aaaa != NULL)
            list[count++] = aaaa;
    }
    list[count] = NULL;
    return list;
}

/* The addresses of one host, of one family. False: *need. */
static bool try_addresses(struct servers *s, size_t host, enum dns_type type, struct outcome *need)
{
    struct dns_answer answer;

    s->question = check_dns_question(s->scene, s->hosts.list[host], type);
    if (!check_dns(s->scene, s->hosts.list[host], type, &answer, need)) {
        need->also = hosts_ahead(s, host);
        return false;
    }
    for (size_t i = 0; i < answer.count && !s->ended; i++) {
        char text[ADDR_TEXT_SIZE];
        const char *key = arena_printf(s->scene->arena, "%s",
                                       addr_text(&answer.records[i].addr, text));

        s->ended = ++s->addresses > ADDRESSES_MAX || access_keys_address(&s->search.keys, key);
    }
    return true;
}

/* As a resolver sees it, for whom the dot at the end is none of the name. */
static bool has_addresses(const char *name)
{
    struct slice rest = slice_of(name);

    if (rest.len > 1 && name[rest.len - 1] == '.')
        rest.len--;
    return is_hostname(rest);
}

/* Its name first, then its addresses, in the order of a host that has IPv6. False: *need. */
static bool try_host(struct servers *s, size_t host, struct outcome *need)
{
    const char *name = s->hosts.list[host];

    if (is_host_address(name)) {
        s->ended = access_keys_address(&s->search.keys, name);
        return true;
    }
    if (s->type != DNS_A)
        s->ended = access_keys_name(&s->search.keys, name);
    if (!s->ended && !has_addresses(name))
        return true;
    if (!s->ended && s->v6 && !try_addresses(s, host, DNS_AAAA, need))
        return false;
    return s->ended || !s->v4 || try_addresses(s, host, DNS_A, need);
}

/* "[192.0.2.1]" is its own mail exchanger; it has no name server. */
static void try_literal(struct servers *s, const char *literal)
{
    size_t len = strlen(literal);
    struct slice inside = {literal + 1, len - 2};
    const char *address;

    if (s->type == DNS_NS || len < 3 || literal[len - 1] != ']' || !is_mailhost_literal(inside))
        return;
    if (inside.len > 5 && slice_is_nocase((struct slice){inside.ptr, 5}, "IPv6:"))
        inside = (struct slice){inside.ptr + 5, inside.len - 5};
    address = arena_strndup(s->scene->arena, inside.ptr, inside.len);
    access_keys_address(&s->search.keys, address);
}

/* Anybody can let his names lead to a good server, so no table may permit for one. */
static struct outcome conclude(const struct servers *s, struct subject subject)
{
    struct outcome o;

    if (s->search.first.ptr == NULL)
        return outcome_because(s->scene, outcome_dunno(), s->question);
    o = access_search_conclude(&s->search, subject);
    o.permission = PERMISSION_FORBIDDEN;
    return o;
}

static struct outcome judge_servers(const struct step *step, const struct scene *scene,
                                    enum dns_type type)
{
    struct target target = target_of(scene, step->row->class);
    struct servers s = {.scene = scene, .type = type};
    struct outcome need;
    const char *domain;

    if (target.name == NULL)
        return outcome_dunno();
    access_search_start(&s.search, step, scene);
    domain = strrchr(target.name, '@');
    domain = domain != NULL ? domain + 1 : target.name;
    if (domain[0] == '[') {
        try_literal(&s, domain);
        return conclude(&s, target.subject);
    }
    read_protocols(&s);
    if (!find_hosts(&s, host_ascii(slice_of(domain), scene->arena), &need))
        return need;
    for (size_t i = 0; i < s.hosts.count && !s.ended; i++)
        if (!try_host(&s, i, &need))
            return need;
    return conclude(&s, target.subject);
}

static struct outcome judge_a(const struct step *step, const struct scene *scene)
{
    return judge_servers(step, scene, DNS_A);
}

static struct outcome judge_mx(const struct step *step, const struct scene *scene)
{
    return judge_servers(step, scene, DNS_MX);
}

static struct outcome judge_ns(const struct step *step, const struct scene *scene)
{
    return judge_servers(step, scene, DNS_NS);
}

#define ROWS(subject_, stage_, class_, whose_)                                                     \
    {.name = "check_" subject_ "_a_access", .arg = ARG_TABLE, .first_stage = stage_,               \
     .judge = judge_a, .class = class_, .by_server = true, .asks = true,                           \
     .help = "access table keyed by the addresses of " whose_},                                    \
    {.name = "check_" subject_ "_mx_access", .arg = ARG_TABLE, .first_stage = stage_,              \
     .judge = judge_mx, .class = class_, .by_server = true, .asks = true,                          \
     .help = "access table keyed by the mail exchangers of " whose_ " and their addresses"},       \
    {.name = "check_" subject_ "_ns_access", .arg = ARG_TABLE, .first_stage = stage_,              \
     .judge = judge_ns, .class = class_, .by_server = true, .asks = true,                          \
     .help = "access table keyed by the name servers of " whose_ " and their addresses"}

const struct restriction rows_resolve_access[] = {
    ROWS("client", STAGE_CONNECT, "Client host", "the client's verified name"),
    ROWS("reverse_client_hostname", STAGE_CONNECT, "Unverified Client host",
         "the client's unverified reverse name"),
    ROWS("helo", STAGE_HELO, "Helo command", "the HELO name"),
    ROWS("sender", STAGE_MAIL, "Sender address", "the sender's domain"),
    ROWS("recipient", STAGE_RCPT, "Recipient address", "the recipient's domain"),
    {0},
};
