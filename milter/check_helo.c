/* check_helo - restrictions on the syntax of the HELO name */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "check_helo.h"

#include "address.h"
#include "policy.h"
#include "restriction.h"

#include <string.h>

/* "name." stands for "name", but "name.." does not. */
static struct slice without_dot(struct slice name)
{
    if (name.len > 1 && name.ptr[name.len - 1] == '.' && name.ptr[name.len - 2] != '.')
        name.len--;
    return name;
}

static struct outcome refuse(const struct scene *scene, int code, const char *why)
{
    struct subject subject = subject_helo(scene);

    return outcome_refuse(scene, &subject, code, "5.5.2", "%s", why);
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" */
struct outcome check_helo_literal(const struct scene *scene, struct slice helo)
{
    if (helo.len > 2 && helo.ptr[helo.len - 1] == ']')
        helo = (struct slice){helo.ptr + 1, helo.len - 2};
    if (is_mailhost_literal(helo))
        return outcome_dunno();
    return refuse(scene, scene->policy->settings->invalid_hostname_reject_code,
                  "invalid ip address");
}

static struct outcome judge_invalid(const struct step *step, const struct scene *scene)
{
    struct slice helo = slice_of(scene->client->helo), name = without_dot(helo);
    struct addr addr;

    (void)step;
    if (scene->client->helo == NULL)
        return outcome_dunno();
    if (helo.len > 0 && helo.ptr[0] == '[')
        return check_helo_literal(scene, helo);
    if (is_hostname(name) || addr_parse(name, &addr))
        return outcome_dunno();
    return refuse(scene, scene->policy->settings->invalid_hostname_reject_code, "Invalid name");
}

static struct outcome judge_non_fqdn(const struct step *step, const struct scene *scene)
{
    struct slice helo = slice_of(scene->client->helo), name = without_dot(helo);

    (void)step;
    if (scene->client->helo == NULL)
        return outcome_dunno();
    if (helo.len > 0 && helo.ptr[0] == '[')
        return check_helo_literal(scene, helo);
    if (is_hostname(name) && memchr(name.ptr, '.', name.len) != NULL)
        return outcome_dunno();
    return refuse(scene, scene->policy->settings->non_fqdn_reject_code,
                  "need fully-qualified hostname");
}

static struct outcome judge_naked_ip(const struct step *step, const struct scene *scene)
{
    const char *helo = scene->client->helo;
    struct outcome literal;

    (void)step;
    if (helo == NULL || helo[strspn(helo, "0123456789.:")] != '\0')
        return outcome_dunno();
    literal = check_helo_literal(scene, slice_of(helo));
    return literal.act == ACT_DUNNO ? outcome_permit() : literal;
}

const struct restriction rows_helo[] = {
    {.name = "reject_invalid_helo_hostname", .first_stage = STAGE_HELO, .judge = judge_invalid,
     .help = "reject a HELO name whose syntax is wrong"},
    {.name = "reject_non_fqdn_helo_hostname", .first_stage = STAGE_HELO, .judge = judge_non_fqdn,
     .help = "reject a HELO name that is not a full domain name or address literal"},
    {.name = "permit_naked_ip_address", .first_stage = STAGE_HELO, .judge = judge_naked_ip,
     .instead = "permit_mynetworks or permit_sasl_authenticated",
     .help = "permit a HELO name that is an address without brackets (obsolete)"},
    {0},
};
