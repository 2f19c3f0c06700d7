/* rbl_test - asks block lists for the entries that every list has: RFC 5782 */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rbl_test.h"

#include "question.h"

/* 127.0.0.2 and .1, and the same as IPv4-mapped IPv6, which are written out because an IPv6 address
 * of that kind is held as IPv4 everywhere else. */
#define MAPPED "0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"

enum probe_id { PROBE_LISTED, PROBE_LISTED_V6, PROBE_FREE, PROBE_FREE_V6, PROBES };

/* What is asked of a list of clients, and of one of domains. */
static const struct {
    const char *label, *entry;
} probes[2][PROBES] = {
    {{"2.0.0.127", "127.0.0.2"}, {"2." MAPPED, "::ffff:7f00:2"},
     {"1.0.0.127", "127.0.0.1"}, {"1." MAPPED, "::ffff:7f00:1"}},
    {{"test", "TEST"}, {NULL, NULL}, {"invalid", "INVALID"}, {NULL, NULL}},
};

struct list_trial {
    const struct rbl_use *use;
    struct dns_job *jobs[PROBES];
    struct dns_answer answers[PROBES];
};

static bool is_v6(int probe)
{
    return probe == PROBE_LISTED_V6 || probe == PROBE_FREE_V6;
}

static void start(struct dns *dns, struct list_trial *t, const struct rbl_use *use, bool ipv6,
                  struct arena *arena)
{
    struct dns_question q;

    *t = (struct list_trial){.use = use};
    for (int i = 0; i < PROBES; i++) {
        const char *label = probes[use->domains][i].label;

        t->answers[i].state = DNS_NODATA;
        if (label != NULL && (ipv6 || !is_v6(i)) &&
            dns_question_make(slice_of(arena_printf(arena, "%s.%s", label, use->zone)), DNS_A,
                              arena, &q))
            t->jobs[i] = dns_start(dns, &q);
    }
}

static void finish(struct list_trial *t, uint64_t deadline_us, struct arena *arena)
{
    for (int i = 0; i < PROBES; i++) {
        if (t->jobs[i] == NULL)
            continue;
        dns_wait(t->jobs[i], deadline_us, arena, &t->answers[i]);
        dns_release(t->jobs[i]);
    }
}

/* A record that is no listing; NULL when there is none. */
static const char *error_in(const struct dns_answer *a, struct addr *addr)
{
    const char *why = NULL;

    for (size_t i = 0; a->state == DNS_FOUND && i < a->count && why == NULL; i++) {
        *addr = a->records[i].addr;
        why = rbl_error(addr);
    }
    return why;
}

static bool report_error(const struct list_trial *t, struct problems *problems)
{
    char text[ADDR_TEXT_SIZE];
    const char *why = NULL;
    struct addr addr;

    for (int i = 0; i < PROBES && why == NULL; i++)
        why = error_in(&t->answers[i], &addr);
    if (why != NULL)
        problems_add(problems, SEV_WARNING, t->use->where,
                     "the list %s answers with an error, %s: %s; it lists nobody like that",
                     t->use->zone, addr_text(&addr, text), why);
    return why != NULL;
}

static void judge(const struct list_trial *t, struct problems *problems)
{
    const struct rbl_use *use = t->use;
    const struct dns_answer *listed = &t->answers[PROBE_LISTED];

    if (report_error(t, problems))
        return;
    if (listed->state == DNS_TEMPERROR)
        problems_add(problems, SEV_WARNING, use->where, "the list %s does not answer: %s",
                     use->zone, listed->why != NULL ? listed->why : "no answer");
    else if (listed->state != DNS_FOUND)
        problems_add(problems, SEV_WARNING, use->where,
                     "the list %s does not hold %s, as a list of %s has to (RFC 5782, section 5): "
                     "has it closed, is its name misspelt, or is it for %s?", use->zone,
                     probes[use->domains][PROBE_LISTED].entry,
                     use->domains ? "domains" : "clients", use->domains ? "addresses" : "domains");
    else if (t->jobs[PROBE_LISTED_V6] != NULL &&
             (t->answers[PROBE_LISTED_V6].state == DNS_NXDOMAIN ||
              t->answers[PROBE_LISTED_V6].state == DNS_NODATA))
        problems_add(problems, SEV_NOTE, use->where,
                     "the list %s does not hold %s (RFC 5782, section 5): it may know nothing of "
                     "clients with IPv6", use->zone, probes[0][PROBE_LISTED_V6].entry);
    for (int i = PROBE_FREE; i < PROBES; i++)
        if (t->answers[i].state == DNS_FOUND)
            problems_add(problems, SEV_WARNING, use->where,
                         "the list %s holds %s, which no list does (RFC 5782, section 5): does it "
                         "list everybody? Remove it", use->zone, probes[use->domains][i].entry);
}

/* One list may be closed or misspelt, hardly all of them. */
static bool none_answers(const struct list_trial *trials, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (trials[i].answers[PROBE_LISTED].state == DNS_FOUND)
            return false;
    return count > 1;
}

static void blame_resolver(const struct list_trial *trials, size_t count, struct problems *problems)
{
    const struct dns_answer *first = &trials[0].answers[PROBE_LISTED];
    const char *why = first->state == DNS_TEMPERROR ? "no answer" : "no such name";

    problems_add(problems, SEV_WARNING, trials[0].use->where,
                 "none of the %zu block lists answers for its test entry, %s (%s): is the name "
                 "server that is asked at work, and may it ask them? Look at dns_servers, "
                 "dns_recursion and /etc/resolv.conf",
                 count, probes[trials[0].use->domains][PROBE_LISTED].entry,
                 first->why != NULL ? first->why : why);
}

void rbl_test(struct dns *dns, const struct rbl_uses *uses, bool ipv6, uint64_t deadline_us,
              struct problems *problems)
{
    struct arena *arena = arena_new();
    struct list_trial *trials = arena_alloc(arena, (uses->count + 1) * sizeof(*trials));

    for (size_t i = 0; i < uses->count; i++)
        start(dns, &trials[i], &uses->list[i], ipv6, arena);
    for (size_t i = 0; i < uses->count; i++)
        finish(&trials[i], deadline_us, arena);
    if (none_answers(trials, uses->count))
        blame_resolver(trials, uses->count, problems);
    else
        for (size_t i = 0; i < uses->count; i++)
            judge(&trials[i], problems);
    arena_free(arena);
}
