/* check_resolve - restrictions on names that the DNS does not know */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "address.h"
#include "check_helo.h"
#include "host_lookup.h"
#include "iprev.h"
#include "policy.h"
#include "restriction.h"

#include <string.h>

/* What a refused client reads. */
struct unknown {
    const char *dsn, *what;
};

/* A temporary failure defers at once, as in Postfix: rules that follow may depend on the name. */
static struct outcome judge_client(const struct scene *scene, const struct iprev *iprev,
                                   const struct unknown *unknown)
{
    int code = (int)scene->policy->settings->unknown_client_reject_code;
    struct outcome o = outcome_dunno();

    if (iprev->result == IPREV_TEMPERROR)
        code = 450;
    if (iprev->result != IPREV_PASS)
        o = outcome_reply(scene, code, unknown->dsn,
                          "Client host rejected: cannot find your %s, [%s]", unknown->what,
                          scene->client->addr_text);
    return outcome_because(scene, o, iprev->question);
}

static struct outcome judge_unknown_client(const struct step *step, const struct scene *scene)
{
    static const struct unknown unknown = {"4.7.25", "hostname"};
    struct outcome need;
    struct iprev iprev;

    (void)step;
    return iprev_judge(scene, &iprev, &need) ? judge_client(scene, &iprev, &unknown) : need;
}

static struct outcome judge_unknown_reverse(const struct step *step, const struct scene *scene)
{
    static const struct unknown unknown = {"4.7.1", "reverse hostname"};
    struct outcome need;
    struct iprev iprev;

    (void)step;
    return iprev_reverse(scene, &iprev, &need) ? judge_client(scene, &iprev, &unknown) : need;
}

static struct outcome judge_unknown_forward(const struct step *step, const struct scene *scene)
{
    static const struct unknown unknown = {"4.7.25", "forward hostname"};
    struct outcome need;
    struct iprev iprev;

    (void)step;
    return iprev_forward(scene, &iprev, &need) ? judge_client(scene, &iprev, &unknown) : need;
}

/* Deferred at once, or only if nothing else refuses. */
static struct outcome defer(const struct scene *scene, const struct subject *subject, int action,
                            const char *dsn, const char *text)
{
    struct outcome o = outcome_refuse(scene, subject, 450, dsn, "%s", text);

    if (action == TEMPFAIL_DEFER_IF_PERMIT)
        o.act = ACT_DEFER_IF_PERMIT;
    return o;
}

/* Where mail exchangers are asked for first, what they say of the domain stands. */
static bool ends_search(enum host_state state)
{
    return state == HOST_NULL_MX || state == HOST_MALFORMED;
}

/* One lookup is enough for most names; who has asked in vain once asks the others side by side.
 * *question: the one whose answer is *state, the first of several. */
static bool look_up_any(const struct scene *scene, const char *name, const enum dns_type types[3],
                        enum host_state *state, const char **question, struct outcome *need)
{
    const char **also;

    *state = HOST_UNKNOWN;
    *question = check_dns_question(scene, name, types[0]);
    for (size_t i = 0; i < 3; i++) {
        enum host_state before = *state;

        if (!host_look_up(scene, name, types[i], state, need)) {
            also = arena_alloc(scene->arena, 2 * sizeof(*also));
            also[0] = i == 1 ? check_dns_question(scene, name, types[2]) : NULL;
            also[1] = NULL;
            need->also = also;
            return false;
        }
        if (*state > before)
            *question = check_dns_question(scene, name, types[i]);
        if (*state == HOST_FOUND || (types[0] == DNS_MX && ends_search(*state)))
            break;
    }
    return true;
}

static struct outcome judge_helo_state(const struct scene *scene, enum host_state state)
{
    const struct settings *settings = scene->policy->settings;
    struct subject subject = subject_helo(scene);

    if (state == HOST_FOUND || state == HOST_NULL_MX)
        return outcome_dunno();
    if (state == HOST_TEMPERROR)
        return defer(scene, &subject, settings->unknown_helo_hostname_tempfail_action, "4.7.1",
                     "Host not found");
    return outcome_refuse(scene, &subject, (int)settings->unknown_hostname_reject_code, "4.7.1",
                          "%s", state == HOST_MALFORMED ? "Malformed DNS server reply"
                                                        : "Host not found");
}

/* Any of A, AAAA and MX; a host with a null MX receives no mail, but is known. */
static struct outcome judge_unknown_helo(const struct step *step, const struct scene *scene)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_MX};
    const char *question;
    enum host_state state;
    struct outcome need;

    (void)step;
    if (scene->client->helo == NULL)
        return outcome_dunno();
    if (scene->client->helo[0] == '[')
        return check_helo_literal(scene, slice_of(scene->client->helo));
    if (!look_up_any(scene, scene->client->helo, types, &state, &question, &need))
        return need;
    return outcome_because(scene, judge_helo_state(scene, state), question);
}

/* The codes of one kind of address. */
struct address_codes {
    int null_mx;
    const char *null_mx_dsn; /* RFC 7505, 4 */
    const char *dsn;
};

static struct outcome judge_domain_state(const struct scene *scene, const char *domain,
                                         enum host_state state, const struct subject *subject,
                                         const struct address_codes *codes)
{
    const struct settings *settings = scene->policy->settings;

    if (state == HOST_FOUND)
        return outcome_dunno();
    if (state == HOST_NULL_MX)
        return outcome_refuse(scene, subject, codes->null_mx, codes->null_mx_dsn,
                              "Domain %s does not accept mail (nullMX)", domain);
    if (state == HOST_TEMPERROR)
        return defer(scene, subject, settings->unknown_address_tempfail_action, codes->dsn,
                     "Domain not found");
    return outcome_refuse(scene, subject, (int)settings->unknown_address_reject_code, codes->dsn,
                          "%s", state == HOST_MALFORMED ? "Malformed DNS server reply"
                                                        : "Domain not found");
}

static struct outcome judge_domain(const struct scene *scene, const char *domain,
                                   const struct subject *subject,
                                   const struct address_codes *codes)
{
    static const enum dns_type types[] = {DNS_MX, DNS_A, DNS_AAAA};
    const char *question;
    enum host_state state;
    struct outcome need;

    if (!look_up_any(scene, domain, types, &state, &question, &need))
        return need;
    return outcome_because(scene, judge_domain_state(scene, domain, state, subject, codes),
                           question);
}

/* Own domains and address literals are not looked up. */
static struct outcome judge_address(const struct scene *scene, const struct address *address,
                                    struct subject subject, const struct address_codes *codes)
{
    struct slice domain = address_domain(address->key);

    if (strchr(address->key, '@') == NULL)
        return outcome_dunno();
    switch (site_is_final_destination(scene->policy->site, domain, scene->arena)) {
    case MATCH_ERROR:
        return outcome_reply(scene, 451, "4.3.0", "<%s>: Temporary lookup failure", subject.name);
    case MATCH_YES:
        return outcome_dunno();
    default:
        break;
    }
    if (domain.len > 0 && domain.ptr[0] == '[' && domain.ptr[domain.len - 1] == ']')
        return outcome_dunno();
    return judge_domain(scene, host_ascii(domain, scene->arena), &subject, codes);
}

static struct outcome judge_unknown_sender(const struct step *step, const struct scene *scene)
{
    static const struct address_codes codes = {550, "5.7.27", "4.1.8"};

    (void)step;
    if (!scene->message->has_mail || scene->message->sender.text[0] == '\0')
        return outcome_dunno();
    return judge_address(scene, &scene->message->sender, subject_sender(scene), &codes);
}

static struct outcome judge_unknown_recipient(const struct step *step, const struct scene *scene)
{
    static const struct address_codes codes = {556, "5.1.10", "4.1.2"};

    (void)step;
    if (scene->recipient == NULL)
        return outcome_dunno();
    return judge_address(scene, &scene->recipient->address, subject_recipient(scene), &codes);
}

const struct restriction rows_resolve[] = {
    {.name = "reject_unknown_client_hostname", .first_stage = STAGE_CONNECT,
     .judge = judge_unknown_client, .asks = true, .only = ACT_REJECT,
     .help = "reject a client whose address has no name that leads back to it"},
    {.name = "reject_unknown_reverse_client_hostname", .first_stage = STAGE_CONNECT,
     .judge = judge_unknown_reverse, .asks = true, .only = ACT_REJECT,
     .help = "reject a client whose address has no name"},
    {.name = "reject_unknown_forward_client_hostname", .first_stage = STAGE_CONNECT,
     .judge = judge_unknown_forward, .asks = true, .only = ACT_REJECT,
     .help = "reject a client whose address has no name, or whose name has no address"},
    {.name = "reject_unknown_helo_hostname", .first_stage = STAGE_HELO,
     .judge = judge_unknown_helo, .asks = true, .only = ACT_REJECT,
     .help = "reject a HELO name without A, AAAA and MX records"},
    {.name = "reject_unknown_sender_domain", .first_stage = STAGE_MAIL,
     .judge = judge_unknown_sender, .asks = true, .only = ACT_REJECT,
     .help = "reject a sender in a domain without MX, A and AAAA records"},
    {.name = "reject_unknown_recipient_domain", .first_stage = STAGE_RCPT,
     .judge = judge_unknown_recipient, .asks = true, .only = ACT_REJECT,
     .help = "reject a recipient in a domain without MX, A and AAAA records"},
    {0},
};
