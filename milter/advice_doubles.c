/* advice_doubles - rules that stand on both sides */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "advice.h"
#include "restriction.h"

#include <string.h>

static const struct where nowhere;

/* tamis's parameter, with or without the prefix that main.cf has. */
static const char *setting(const struct advice *advice, const char *name)
{
    const char *value = advice->side->setting(advice->side->arg, name);
    size_t prefix = strlen("smtpd_");

    if ((value == NULL || *value == '\0') && strncmp(name, "smtpd_", prefix) == 0)
        value = advice->side->setting(advice->side->arg, name + prefix);
    return value != NULL ? value : "";
}

/* "proxy:hash:/x" and "hash:/x" are one table; a path may be written with or without its directory.
 */
static bool same_word(struct slice a, struct slice b)
{
    static const char proxy[] = "proxy:";
    size_t len = sizeof(proxy) - 1;

    if (a.len > len && memcmp(a.ptr, proxy, len) == 0)
        a = (struct slice){a.ptr + len, a.len - len};
    if (b.len > len && memcmp(b.ptr, proxy, len) == 0)
        b = (struct slice){b.ptr + len, b.len - len};
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool has_word(const char *list, struct slice word)
{
    struct slice rest = slice_of(list), other;

    while (slice_word(&rest, ", \t\n", &other))
        if (same_word(word, other))
            return true;
    return false;
}

static bool starts_with(struct slice word, const char *head)
{
    return word.len >= strlen(head) && memcmp(word.ptr, head, strlen(head)) == 0;
}

/* Restrictions that do work, and tables. Permits and the guard against open relays belong on both
 * sides. */
static bool counts_as_double(struct slice word)
{
    if (slice_is(word, "reject_unauth_destination") || slice_is(word, "reject") ||
        slice_is(word, "reject_unauth_pipelining"))
        return false;
    return starts_with(word, "reject_") || memchr(word.ptr, ':', word.len) != NULL;
}

static const char *file(const struct postfix_service *service)
{
    return service != NULL ? "master.cf" : "main.cf";
}

static const char *place(const struct advice *advice, const struct postfix_service *service)
{
    return service ? arena_printf(advice->postfix->arena, "master.cf: %s %s", service->name,
                                  service->type)
                   : "main.cf";
}

/* While tamis only looks on, Postfix must go on deciding. */
static enum severity how_bad(const struct advice *advice)
{
    return advice->side->enforces ? SEV_WARNING : SEV_NOTE;
}

/* The first word of a mend. */
static const char *begin(const struct advice *advice, const char *verb, const char *later)
{
    return advice->side->enforces
               ? verb
               : arena_printf(advice->postfix->arena,
                              "That is right while tamis does not enforce; with mode = enforce %s",
                              later);
}

/* Takes what stands behind a restriction that tamis leaves to Postfix, a word or { }. */
static void skip_argument(const struct restriction *row, struct slice *rest)
{
    struct slice word;

    if (row->arg == ARG_NONE || !slice_word(rest, ", \t\n", &word) || word.ptr[0] != '{')
        return;
    while (memchr(word.ptr, '}', word.len) == NULL && slice_word(rest, ", \t\n", &word))
        ;
}

/* What must not go with the list: nobody would do it then. */
static bool is_left(struct slice word, struct slice *rest)
{
    const struct restriction *row = restriction_find(word);

    if (row == NULL || (row->kind != KIND_MTA && row->kind != KIND_UNJUDGED))
        return false;
    skip_argument(row, rest);
    return true;
}

/* Told once for a list: its mend is one. */
static void judge_double_list(struct advice *advice, const struct postfix_service *service,
                              const char *name, const char *theirs)
{
    const char *ours = setting(advice, name), *doubles = "", *left = "";
    struct slice rest = slice_of(theirs), word;

    while (*ours != '\0' && slice_word(&rest, ", \t\n", &word))
        if (is_left(word, &rest))
            left = arena_printf(advice->postfix->arena, "%s%s%.*s", left, *left ? ", " : "; and ",
                                (int)word.len, word.ptr);
        else if (counts_as_double(word) && has_word(ours, word) && !has_word(doubles, word))
            doubles = arena_printf(advice->postfix->arena, "%s%s%.*s", doubles,
                                   *doubles ? ", " : "", (int)word.len, word.ptr);
    if (*doubles != '\0')
        problems_add(advice->problems, how_bad(advice), nowhere,
                     "%s: %s has %s, and so has tamis: Postfix decides first, so what it "
                     "refuses is missing from tamis's log. %s the list whole: take it out of "
                     "%s, leave permit_mynetworks, permit_sasl_authenticated and "
                     "reject_unauth_destination%s%s",
                     place(advice, service), name, doubles, begin(advice, "Move", "move"),
                     file(service), left, *left ? ", which tamis does not do" : "");
}

static void judge_double_checks(struct advice *advice, const struct postfix_service *service,
                                const char *name, const char *theirs)
{
    const char *ours = setting(advice, name);
    struct slice rest = slice_of(theirs), word;

    while (*ours != '\0' && slice_word(&rest, ", \t\n", &word))
        if (has_word(ours, word))
            problems_add(
                advice->problems, how_bad(advice), nowhere,
                "%s: %s has %.*s, and so has tamis: PREPEND would add its field twice, "
                "WARN would log twice. %s it out of %s",
                place(advice, service), name, (int)word.len, word.ptr,
                begin(advice, "Take", "take"), file(service));
}

/* The same two for main.cf, then for each service of master.cf that has the list as an -o. */
static void judge_everywhere(struct advice *advice, const char *name,
                             void (*judge)(struct advice *, const struct postfix_service *,
                                           const char *, const char *))
{
    judge(advice, NULL, name, advice_param(advice, name));
    for (const struct postfix_service *s = advice->postfix->services; s != NULL; s = s->next) {
        const char *theirs = postfix_override(advice->postfix, s, name);

        if (theirs != NULL)
            judge(advice, s, name, theirs);
    }
}

/* "unix:private/policyd-spf" is served by policyd-spf of master.cf, whose time limit main.cf may
 * set. */
static const char *time_limit(const struct advice *advice, struct slice service)
{
    static const char head[] = "unix:";
    const char *slash = memrchr(service.ptr, '/', service.len);
    size_t skip;

    if (slash == NULL || !starts_with(service, head))
        return "";
    skip = (size_t)(slash + 1 - service.ptr);
    return arena_printf(advice->postfix->arena, ", and %.*s_time_limit, where it is set, out of "
                        "main.cf", (int)(service.len - skip), slash + 1);
}

/* A policy service that judges SPF, where a restriction of tamis does, too. Greylisting stays with
 * those that do it. */
static void judge_policy_service(struct advice *advice, const char *list, struct slice service)
{
    static const char *const lists[] = {
        "smtpd_client_restrictions",      "smtpd_helo_restrictions",
        "smtpd_sender_restrictions",      "smtpd_relay_restrictions",
        "smtpd_recipient_restrictions",   "smtpd_data_restrictions",
        "smtpd_end_of_data_restrictions",
    };

    if (memmem(service.ptr, service.len, "spf", 3) == NULL)
        return;
    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        if (strstr(setting(advice, lists[l]), "spf_") != NULL) {
            problems_add(advice->problems, how_bad(advice), nowhere,
                         "main.cf: %s has check_policy_service %.*s, whose work (SPF) tamis does, "
                         "too: %stake it out of main.cf, and its entry out of master.cf%s",
                         list, (int)service.len, service.ptr,
                         advice->side->enforces ? "" : "together with mode = enforce ",
                         time_limit(advice, service));
            return;
        }
}

static void judge_policy_services(struct advice *advice, const char *name)
{
    struct slice rest = slice_of(advice_param(advice, name)), word;
    bool next = false;

    while (slice_word(&rest, ", \t\n", &word)) {
        if (next)
            judge_policy_service(advice, name, word);
        next = slice_is(word, "check_policy_service");
    }
}

static void tell_missing(struct advice *advice)
{
    if (advice->side->missing != NULL)
        problems_add(advice->problems, SEV_NOTE, nowhere,
                     "%s: no such file, so nothing was compared: rules and policy services that "
                     "both sides have are not told. Name your milter.conf: tamis postfix -c FILE "
                     "-o postfix_config_directory=DIR",
                     advice->side->missing);
}

void advice_doubles(struct advice *advice)
{
    static const char *const lists[] = {
        "smtpd_client_restrictions",      "smtpd_helo_restrictions",
        "smtpd_sender_restrictions",      "smtpd_relay_restrictions",
        "smtpd_recipient_restrictions",   "smtpd_data_restrictions",
        "smtpd_end_of_data_restrictions",
    };
    static const char *const checks[] = {"header_checks", "mime_header_checks",
                                         "nested_header_checks", "body_checks"};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        judge_everywhere(advice, lists[i], judge_double_list);
        judge_policy_services(advice, lists[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        judge_everywhere(advice, checks[i], judge_double_checks);
    tell_missing(advice);
}
