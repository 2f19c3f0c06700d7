/* restriction - every restriction that can stand in a list, found by name */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "restriction.h"

#include "param.h"

#include <string.h>
#include <strings.h>

#define STAYS(n, a) {.name = (n), .kind = KIND_MTA, .arg = (a), .help = "stays in Postfix"}
#define UNJUDGED(n, a, s)                                                                          \
    {.name = (n), .kind = KIND_UNJUDGED, .arg = (a), .first_stage = (s),                           \
     .help = "not judged by this release: keep it in Postfix"}
#define OLD(n, i) {.name = (n), .kind = KIND_OLD, .instead = (i), .help = "old name of " i}

/* What a milter cannot see or do. */
static const struct restriction rows_mta[] = {
    STAYS("reject_unauth_pipelining", ARG_NONE),
    STAYS("reject_unlisted_sender", ARG_NONE),
    STAYS("reject_unlisted_recipient", ARG_NONE),
    STAYS("check_recipient_maps", ARG_NONE),
    STAYS("reject_unverified_sender", ARG_NONE),
    STAYS("reject_unverified_recipient", ARG_NONE),
    STAYS("permit_tls_clientcerts", ARG_NONE),
    STAYS("check_ccert_access", ARG_TABLE),
    STAYS("permit_mx_backup", ARG_NONE),
    STAYS("check_etrn_access", ARG_TABLE),
    STAYS("sleep", ARG_NAME),
    STAYS("check_policy_service", ARG_NAME),
    {0},
};

/* What asks a login map, or what was seen before. */
static const struct restriction rows_unjudged[] = {
    UNJUDGED("reject_sender_login_mismatch", ARG_NONE, STAGE_MAIL),
    UNJUDGED("reject_authenticated_sender_login_mismatch", ARG_NONE, STAGE_MAIL),
    UNJUDGED("reject_unauthenticated_sender_login_mismatch", ARG_NONE, STAGE_MAIL),
    UNJUDGED("reject_known_sender_login_mismatch", ARG_NONE, STAGE_MAIL),
    {.name = "greylist", .kind = KIND_UNJUDGED, .first_stage = STAGE_RCPT, .own = true,
     .help = "not judged by this release: keep it in Postfix"},
    {0},
};

static const struct restriction rows_old[] = {
    OLD("reject_unknown_client", "reject_unknown_client_hostname"),
    OLD("reject_unknown_hostname", "reject_unknown_helo_hostname"),
    OLD("reject_unknown_address", "reject_unknown_sender_domain"),
    OLD("reject_invalid_hostname", "reject_invalid_helo_hostname"),
    OLD("reject_non_fqdn_hostname", "reject_non_fqdn_helo_hostname"),
    OLD("reject_rbl", "reject_rbl_client"),
    {0},
};

/* ACTION_METHOD_RESULT of RFC 8601, of the methods that are not in check_method.c. */
static const struct restriction row_method = {
    .name = "ACTION_METHOD_RESULT", .kind = KIND_UNJUDGED, .first_stage = STAGE_MAIL,
    .own = true, .help = "result of DMARC: not judged by this release",
};

static const struct restriction *const families[] = {
    rows_list, rows_access, rows_client, rows_helo, rows_address, rows_rbl, rows_resolve,
    rows_resolve_access, rows_method, rows_mta, rows_unjudged, rows_old,
};

static bool take_word(struct slice *name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]);

        if (name->len >= len && slice_is_nocase((struct slice){name->ptr, len}, words[i])) {
            *name = (struct slice){name->ptr + len, name->len - len};
            return true;
        }
    }
    return false;
}

static bool is_method_result(struct slice name)
{
    static const char *const actions[] = {"permit_", "reject_", "defer_", "hold_"};
    static const char *const methods[] = {"dmarc_"};
    static const char *const results[] = {"pass", "fail", "softfail", "neutral", "none", "policy",
                                          "temperror", "permerror"};

    return take_word(&name, actions, ARRAY_LEN(actions)) &&
           take_word(&name, methods, ARRAY_LEN(methods)) &&
           take_word(&name, results, ARRAY_LEN(results)) && name.len == 0;
}

const struct restriction *restriction_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        for (const struct restriction *row = families[i]; row->name != NULL; row++)
            if (slice_is_nocase(name, row->name))
                return row;
    return is_method_result(name) ? &row_method : NULL;
}

/* "reject_spf" for reject_spf_fail: an action and a method without its result. */
static const char *with_result(const char *name)
{
    const char *result = strncasecmp(name, "permit", 6) == 0 ? "pass" : "fail";

    for (const struct restriction *row = rows_method; row->name != NULL; row++) {
        const char *end = strrchr(row->name, '_');
        size_t len = (size_t)(end - row->name);

        if (strcmp(end + 1, result) == 0 && strlen(name) == len &&
            strncasecmp(name, row->name, len) == 0)
            return row->name;
    }
    return NULL;
}

const char *restriction_suggest(const char *name)
{
    struct nearest nearest = {.name = name};

    if (with_result(name) != NULL)
        return with_result(name);

    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        for (const struct restriction *row = families[i]; row->name != NULL; row++)
            nearest_offer(&nearest, row->name);
    return nearest.best;
}
