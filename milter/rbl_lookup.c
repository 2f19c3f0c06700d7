/* rbl_lookup - what a list says about a client or a domain, with its filter applied */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rbl_lookup.h"

#include "address.h"
#include "fold.h"
#include "log.h"

#include <string.h>

const char *rbl_key_of_client(const struct scene *scene)
{
    char text[ADDR_TEXT_SIZE];

    if (scene->client->addr.family == AF_UNSPEC)
        return NULL;
    return arena_strdup(scene->arena, addr_text(&scene->client->addr, text));
}

/* Lists refuse questions about addresses, and take names that end in a number for some. */
static bool ends_in_number(const char *domain)
{
    const char *dot = strrchr(domain, '.');
    const char *last = dot != NULL ? dot + 1 : domain;

    return last[0] != '\0' && last[strspn(last, "0123456789")] == '\0';
}

const char *rbl_key_of_name(const struct scene *scene, const char *name)
{
    const char *at = strrchr(name, '@');
    const char *domain = at != NULL ? at + 1 : name;

    if (domain[0] == '\0' || ends_in_number(domain))
        return NULL;
    domain = fold_domain_ascii(domain, scene->arena);
    return is_hostname(slice_of(domain)) ? domain : NULL;
}

static void report_failure(const char *question, const char *why)
{
    static struct log_limit limit;
    static const char prefix[] = "temperror: ";

    if (strncmp(why, prefix, strlen(prefix)) == 0)
        why += strlen(prefix);
    log_limited(&limit, LOG_WARNING, "%s: lookup error: %s", question, why);
}

static const char *error_of(const struct dns_answer *a)
{
    const char *why = NULL;

    for (size_t i = 0; i < a->count && why == NULL; i++)
        why = rbl_error(&a->records[i].addr);
    return why;
}

static bool is_match(const struct rbl_site *site, const struct dns_answer *a)
{
    if (site->filter == NULL)
        return a->count > 0;
    for (size_t i = 0; i < a->count; i++)
        if (rbl_filter_matches(site->filter, &a->records[i].addr))
            return true;
    return false;
}

/* An answer that is an error says nothing about anybody, whatever the filter. */
static enum rbl_state read_finding(const struct rbl_site *site, const struct finding *finding,
                                   struct arena *arena, struct rbl_answer *answer)
{
    const char *why = NULL;

    if (finding->state == FINDING_NONE)
        return RBL_UNLISTED;
    if (finding->state == FINDING_TEMPERROR)
        why = finding->answer[0] != '\0' ? finding->answer : "no answer";
    else if (!rbl_answer_read(finding->answer, arena, answer))
        why = "an answer that cannot be read";
    else if (answer->a.state == DNS_TEMPERROR)
        why = answer->a.why != NULL ? answer->a.why : "no answer";
    else
        why = error_of(&answer->a);
    if (why != NULL) {
        report_failure(finding->question, why);
        return RBL_FAILED;
    }
    return is_match(site, &answer->a) ? RBL_LISTED : RBL_UNLISTED;
}

bool rbl_lookup(const struct scene *scene, const struct rbl_site *site, const char *key,
                struct rbl_result *result, struct outcome *need)
{
    const struct finding *finding =
        check_finding(scene, question_rbl(site->zone, key, scene->arena), need);

    if (finding == NULL)
        return false;
    *result = (struct rbl_result){.question = finding->question, .answer_text = finding->answer};
    result->state = read_finding(site, finding, scene->arena, &result->answer);
    return true;
}

static bool is_in(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

bool rbl_need_all(const struct scene *scene, const struct rbl_sites *sites, const char *key,
                  struct outcome *need)
{
    const char **missing = arena_alloc(scene->arena, (sites->count + 1) * sizeof(*missing));
    size_t count = 0;

    for (size_t i = 0; i < sites->count; i++) {
        const char *question = question_rbl(sites->list[i].zone, key, scene->arena);

        if (message_find(scene->message, question) == NULL && !is_in(missing, count, question))
            missing[count++] = question;
    }
    if (count == 0)
        return false;
    check_finding(scene, missing[0], need);
    need->also = missing + 1;
    return true;
}
