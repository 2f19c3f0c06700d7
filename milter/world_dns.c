/* world_dns - the world whose answers come from the DNS: the network's, or that of a zone file */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "world_dns.h"

#include "dns_inquiry.h"
#include "fold.h"
#include "log.h"
#include "question.h"
#include "rest.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct world_dns {
    struct world world; /* first: a struct world is one of these */
    struct world_dns_options options;
    struct rest *rest;
    pthread_mutex_t lock; /* of what follows */
    struct dns *dns;
    bool stopped;
    struct err why; /* it could not be opened */
};

/* The time of one evaluation: that in which it was waited for, not that which the client took. */
struct stopwatch {
    char *question;      /* NULL: none yet */
    uint64_t waited_us;  /* as the inquiry's, when it began */
};

struct inquiry {
    struct world_dns *world;
    struct dns_inquiry *lookups; /* NULL before the first */
    struct arena *scratch;       /* of one attempt */
    uint64_t waited_us;          /* for anything */
    uint64_t patience_us;        /* of the last learn */
    struct stopwatch spf[SPF_HELO + 1];
};

static struct world_dns *self(struct world *world)
{
    return (struct world_dns *)(void *)world;
}

static struct inquiry *on_begin(struct world *world)
{
    struct inquiry *inquiry = xcalloc(1, sizeof(*inquiry));

    inquiry->world = self(world);
    return inquiry;
}

static void on_end(struct inquiry *inquiry)
{
    if (inquiry == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(inquiry->spf); i++)
        free(inquiry->spf[i].question);
    dns_inquiry_free(inquiry->lookups);
    arena_free(inquiry->scratch);
    free(inquiry);
}

/* --- opening ---------------------------------------------------------------------------------- */

/* The lock is held. */
static bool open_dns(struct world_dns *w)
{
    struct dns_source source;

    if (w->dns != NULL || w->why.text[0] != '\0')
        return w->dns != NULL;
    if (w->stopped)
        return err_set(&w->why, "shutting down");
    if (w->options.zone != NULL)
        source = dns_zone_source(w->options.zone);
    else if (!dns_live_open(&w->options.dns->live, &source, &w->why))
        return false;
    w->options.zone = NULL;
    w->dns = dns_open(&w->options.dns->limits, &source);
    return true;
}

static struct dns *acquire(struct world_dns *w)
{
    struct dns *dns;

    pthread_mutex_lock(&w->lock);
    dns = open_dns(w) ? w->dns : NULL;
    pthread_mutex_unlock(&w->lock);
    return dns;
}

bool world_dns_open(struct world *world, struct err *err)
{
    struct world_dns *w = self(world);

    return acquire(w) != NULL || err_set(err, "%s", w->why.text);
}

struct dns *world_dns_of(struct world *world)
{
    struct world_dns *w = self(world);
    struct dns *dns;

    pthread_mutex_lock(&w->lock);
    dns = w->dns;
    pthread_mutex_unlock(&w->lock);
    return dns;
}

/* --- the kinds of questions ------------------------------------------------------------------- */

static bool settle(struct finding *finding, enum dns_state state, const char *answer)
{
    finding->state = state == DNS_FOUND       ? FINDING_FOUND
                     : state == DNS_TEMPERROR ? FINDING_TEMPERROR
                                              : FINDING_NONE;
    finding->answer = answer;
    return true;
}

static bool settle_error(struct finding *finding, const char *why, struct arena *arena)
{
    return settle(finding, DNS_TEMPERROR, arena_printf(arena, "temperror: %s", why));
}

static bool learn_dns(struct inquiry *inquiry, struct slice rest, struct finding *finding,
                      struct arena *arena)
{
    struct slice type, name;
    struct dns_question q;
    const struct dns_answer *answer;

    if (!slice_word(&rest, " ", &type) || !slice_word(&rest, " ", &name) ||
        !dns_type_find(type, &q.type) ||
        !dns_question_about(arena_strndup(inquiry->scratch, name.ptr, name.len), q.type,
                            inquiry->scratch, &q))
        return settle_error(finding, "no name in the DNS", arena);
    answer = dns_inquiry_find(inquiry->lookups, &q);
    return answer != NULL && settle(finding, answer->state, dns_answer_text(answer, arena));
}

/* The first record that says that the list does not answer. */
static const char *list_error(const struct dns_answer *a)
{
    for (size_t i = 0; a->state == DNS_FOUND && i < a->count; i++) {
        const char *why = rbl_error(&a->records[i].addr);

        if (why != NULL)
            return why;
    }
    return NULL;
}

static bool list_question(const char *zone, const char *what, enum dns_type type,
                          struct arena *arena, struct dns_question *q)
{
    struct addr addr;
    const char *name;

    if (addr_parse(slice_of(what), &addr))
        name = dns_reverse_name(&addr, zone, arena);
    else
        name = arena_printf(arena, "%s.%s", what, zone);
    return dns_question_make(slice_of(name), type, arena, q);
}

static bool learn_list(struct inquiry *inquiry, struct slice rest, struct finding *finding,
                       struct arena *arena)
{
    struct rest *resting = inquiry->world->rest;
    struct rbl_answer list = {.txt = {.state = DNS_NODATA}};
    const struct dns_answer *a, *txt;
    const char *zone, *what, *why;
    struct dns_question q;

    if (!question_take(&rest, inquiry->scratch, &zone) ||
        !question_take(&rest, inquiry->scratch, &what) ||
        !list_question(zone, what, DNS_A, inquiry->scratch, &q))
        return settle_error(finding, "no name in the DNS", arena);
    why = rest_find(resting, zone, now_us(), inquiry->scratch);
    if (why != NULL)
        return settle_error(finding, arena_printf(arena, "%s rests: %s", zone, why), arena);
    a = dns_inquiry_find(inquiry->lookups, &q);
    if (a == NULL)
        return false;
    list.a = *a;
    why = list_error(a);
    if (why != NULL &&
        rest_add(resting, zone, why, now_us() + inquiry->world->options.rest_us))
        log_line(LOG_WARNING, "block list %s: %s; it is not asked for %u minutes", zone, why,
                 (unsigned)(inquiry->world->options.rest_us / 60000000));
    if (a->state == DNS_FOUND && why == NULL) {
        q.type = DNS_TXT;
        txt = dns_inquiry_find(inquiry->lookups, &q);
        if (txt == NULL)
            return false;
        list.txt = *txt;
    }
    return settle(finding, a->state, rbl_answer_text(&list, arena));
}

/* --- SPF: evaluated on what is known, again and again, until nothing is missing --------------- */

struct attempt {
    struct inquiry *inquiry;
    bool lacks;
};

static enum dns_type spf_dns_type(enum spf_type type)
{
    static const enum dns_type types[] = {DNS_TXT, DNS_A, DNS_AAAA, DNS_MX, DNS_PTR};

    return types[type];
}

static struct spf_rr spf_rr_of(const struct dns_record *record)
{
    switch (record->type) {
    case DNS_TXT:
        return (struct spf_rr){.text = record->txt.joined};
    case DNS_MX:
        return (struct spf_rr){.text = slice_of(record->mx.host)};
    case DNS_PTR:
        return (struct spf_rr){.text = slice_of(record->name)};
    default:
        return (struct spf_rr){.addr = record->addr};
    }
}

static enum spf_dns_status spf_lookup(void *ctx, const char *name, enum spf_type type,
                                      uint64_t deadline_us, struct arena *arena,
                                      struct spf_rrs *rrs)
{
    struct attempt *attempt = ctx;
    const struct dns_answer *answer;
    struct dns_question q;
    struct spf_rr *rr;

    (void)deadline_us;
    if (!dns_question_make(slice_of(name), spf_dns_type(type), arena, &q))
        return SPF_DNS_NXDOMAIN;
    answer = dns_inquiry_find(attempt->inquiry->lookups, &q);
    if (answer == NULL) {
        attempt->lacks = true;
        return SPF_DNS_TEMPERROR;
    }
    if (answer->state != DNS_FOUND)
        return answer->state == DNS_NODATA     ? SPF_DNS_NODATA
               : answer->state == DNS_NXDOMAIN ? SPF_DNS_NXDOMAIN
                                               : SPF_DNS_TEMPERROR;
    rr = arena_alloc(arena, answer->count * sizeof(*rr));
    for (size_t i = 0; i < answer->count; i++)
        rr[i] = spf_rr_of(&answer->records[i]);
    *rrs = (struct spf_rrs){rr, answer->count};
    return SPF_DNS_OK;
}

/* A-labels, as the DNS has them. */
static const char *ascii_sender(const char *sender, struct arena *arena)
{
    const char *at = strrchr(sender, '@');

    if (at == NULL)
        return sender;
    return arena_printf(arena, "%.*s@%s", (int)(at - sender), sender,
                        fold_domain_ascii(at + 1, arena));
}

/* How long this evaluation may still be waited for. */
static uint64_t spf_time_left(struct inquiry *inquiry, enum spf_identity identity,
                              const char *question)
{
    struct stopwatch *watch = &inquiry->spf[identity];
    uint64_t limit = inquiry->world->options.spf_us, waited;

    if (limit == 0)
        limit = (uint64_t)SPF_SECONDS_MAX * 1000000;
    if (watch->question == NULL || strcmp(watch->question, question) != 0) {
        free(watch->question);
        *watch = (struct stopwatch){xstrdup(question), inquiry->waited_us};
    }
    waited = inquiry->waited_us - watch->waited_us;
    return waited < limit ? limit - waited : 0;
}

static bool learn_spf(struct inquiry *inquiry, struct finding *finding, bool late,
                      struct arena *arena)
{
    struct attempt attempt = {.inquiry = inquiry};
    struct spf_dns dns = {&attempt, spf_lookup, NULL};
    struct spf_question q;
    struct spf_answer a;
    uint64_t left;

    if (!question_spf_read(finding->question, inquiry->scratch, &q))
        return settle_error(finding, "no question about SPF", arena);
    left = spf_time_left(inquiry, q.identity, finding->question);
    late = late || left == 0;
    q.sender = ascii_sender(q.sender, inquiry->scratch);
    q.helo = fold_domain_ascii(q.helo, inquiry->scratch);
    q.receiver = inquiry->world->options.receiver;
    q.time = world_clock(NULL) / 1000000;
    dns_inquiry_late(inquiry->lookups, late);
    spf_evaluate(&q, &dns, inquiry->scratch, &a);
    dns_inquiry_late(inquiry->lookups, false);
    if (attempt.lacks) {
        inquiry->patience_us = left;
        return false;
    }
    return settle(finding, a.result == SPF_TEMPERROR ? DNS_TEMPERROR : DNS_FOUND,
                  spf_answer_text(&a, arena));
}

/* --- struct world ----------------------------------------------------------------------------- */

static bool learn(struct inquiry *inquiry, struct finding *finding, bool late,
                  struct arena *arena)
{
    struct slice rest = slice_of(finding->question), kind;
    bool known;

    if (!slice_word(&rest, " ", &kind))
        return settle_error(finding, "no question", arena);
    if (slice_is(kind, "spf"))
        return learn_spf(inquiry, finding, late, arena);
    dns_inquiry_late(inquiry->lookups, late);
    if (slice_is(kind, "dns"))
        known = learn_dns(inquiry, rest, finding, arena);
    else if (slice_is(kind, "rbl"))
        known = learn_list(inquiry, rest, finding, arena);
    else
        known = settle_error(finding, "nobody knows", arena);
    dns_inquiry_late(inquiry->lookups, false);
    return known;
}

static bool on_learn(struct world *world, struct inquiry *inquiry, struct finding *finding,
                     bool late, struct arena *arena)
{
    struct world_dns *w = self(world);
    struct dns *dns;
    bool known;

    if (inquiry->lookups == NULL) {
        dns = acquire(w);
        if (dns == NULL)
            return settle_error(finding, w->why.text, arena);
        inquiry->lookups = dns_inquiry_new(dns);
        inquiry->scratch = arena_new();
    }
    dns_inquiry_fresh(inquiry->lookups);
    inquiry->patience_us = UINT64_MAX;
    known = learn(inquiry, finding, late, arena);
    arena_reset(inquiry->scratch);
    return known;
}

static void on_wait(struct world *world, struct inquiry *inquiry, uint64_t until_us)
{
    uint64_t begun = now_us();

    (void)world;
    if (until_us > begun && until_us - begun > inquiry->patience_us)
        until_us = begun + inquiry->patience_us;
    dns_inquiry_wait(inquiry->lookups, until_us);
    inquiry->waited_us += now_us() - begun;
}

struct world *world_dns_new(const struct world_dns_options *options)
{
    struct world_dns *w = xcalloc(1, sizeof(*w));

    w->world = (struct world){world_clock, on_begin, on_end, on_learn, on_wait, NULL};
    w->options = *options;
    w->rest = rest_new();
    pthread_mutex_init(&w->lock, NULL);
    return &w->world;
}

void world_dns_stop(struct world *world)
{
    struct world_dns *w = self(world);
    struct dns *dns;

    pthread_mutex_lock(&w->lock);
    w->stopped = true;
    dns = w->dns;
    pthread_mutex_unlock(&w->lock);
    if (dns != NULL)
        dns_stop(dns);
}

void world_dns_free(struct world *world)
{
    struct world_dns *w;

    if (world == NULL)
        return;
    w = self(world);
    dns_close(w->dns);
    dns_zone_free(w->options.zone);
    rest_free(w->rest);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

bool world_dns_stats(struct world *world, struct dns_stats *stats)
{
    struct dns *dns = world_dns_of(world);

    if (dns != NULL)
        *stats = dns_stats(dns);
    return dns != NULL;
}

void world_dns_each(const struct inquiry *inquiry,
                    void (*visit)(const struct dns_question *question,
                                  const struct dns_answer *answer, void *arg),
                    void *arg)
{
    if (inquiry != NULL && inquiry->lookups != NULL)
        dns_inquiry_each(inquiry->lookups, visit, arg);
}
