/* spf_walk - what one SPF evaluation knows: its records, its terms, its limits, its questions */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_walk.h"

#include "buf.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 255 };

static const char *printable(struct arena *arena, const char *text, size_t len, size_t max)
{
    char *copy = arena_strndup(arena, text, len < max ? len : max);

    for (size_t i = 0; i < len && i < max; i++)
        if (!is_print((unsigned char)copy[i]))
            copy[i] = '?';
    return copy;
}

static const char *shown(struct spf_walk *w, const char *text)
{
    return printable(w->arena, text, strlen(text), SHOWN_MAX);
}

void spf_walk_stop(struct spf_walk *w, enum spf_result result, const char *fmt, ...)
{
    struct err why;
    va_list args;

    if (w->stopped)
        return;
    va_start(args, fmt);
    vsnprintf(why.text, sizeof(why.text), fmt, args);
    va_end(args);
    w->stopped = true;
    w->a->result = result;
    w->a->why = printable(w->arena, why.text, strlen(why.text), sizeof(why.text));
}

static uint64_t walk_now(const struct spf_walk *w)
{
    return w->dns->now != NULL ? w->dns->now(w->dns->ctx) : now_us();
}

enum spf_dns_status spf_ask(struct spf_walk *w, const char *name, enum spf_type type,
                            struct spf_rrs *rrs)
{
    enum spf_dns_status status;

    *rrs = (struct spf_rrs){0};
    if (!spf_name_is_usable(name))
        return SPF_DNS_NXDOMAIN;
    if (walk_now(w) >= w->deadline_us) {
        w->late = true;
        return SPF_DNS_TEMPERROR;
    }
    w->a->lookups++;
    status = w->dns->lookup(w->dns->ctx, name, type, w->deadline_us, w->arena, rrs);
    w->late = status == SPF_DNS_TEMPERROR && walk_now(w) >= w->deadline_us;
    if (status != SPF_DNS_OK)
        *rrs = (struct spf_rrs){0};
    return status == SPF_DNS_OK && rrs->count == 0 ? SPF_DNS_NODATA : status;
}

static void stop_unanswered(struct spf_walk *w, const char *name)
{
    if (w->late)
        spf_walk_stop(w, SPF_TEMPERROR, SPF_LATE);
    else
        spf_walk_stop(w, SPF_TEMPERROR, "the DNS did not answer for %s", shown(w, name));
}

enum spf_dns_status spf_term_ask(struct spf_walk *w, const char *name, enum spf_type type,
                                 struct spf_rrs *rrs)
{
    enum spf_dns_status status = spf_ask(w, name, type, rrs);

    if (status == SPF_DNS_TEMPERROR)
        stop_unanswered(w, name);
    return status;
}

bool spf_slot_enter(struct spf_walk *w, struct spf_slot *slot)
{
    w->records[slot->record].last = slot->text;
    if (!slot->counted) {
        slot->counted = true;
        w->a->terms++;
        if (w->a->terms > SPF_TERM_LIMIT)
            spf_walk_stop(w, SPF_PERMERROR, "more than %d terms ask the DNS", SPF_TERM_LIMIT);
    }
    return !w->stopped;
}

const char *spf_slot_name(struct spf_walk *w, const struct spf_slot *slot)
{
    w->macros.domain = w->records[slot->record].domain;
    if (slot->spec.len == 0)
        return w->macros.domain;
    return spf_macro_domain(slot->spec, &w->macros, w->arena);
}

static bool is_literal(const char *domain)
{
    return domain[0] == '[' || strchr(domain, '.') == NULL;
}

static bool start_identity(struct spf_walk *w)
{
    const char *helo = w->q->helo != NULL ? w->q->helo : "";
    const char *sender = w->q->identity == SPF_MAILFROM && w->q->sender != NULL ? w->q->sender : "";
    const char *at = strrchr(sender, '@'), *domain = sender;
    size_t len;

    w->macros.local = "postmaster";
    if (at != NULL && at > sender)
        w->macros.local = arena_strndup(w->arena, sender, (size_t)(at - sender));
    if (at != NULL)
        domain = at + 1;
    if (*sender == '\0')
        domain = helo;
    len = strlen(domain);
    if (len > 0 && domain[len - 1] == '.')
        len--;
    domain = arena_strndup(w->arena, domain, len);
    w->macros.helo = helo;
    w->macros.sender_domain = domain;
    w->macros.sender = arena_printf(w->arena, "%s@%s", w->macros.local, domain);
    w->a->domain = shown(w, domain);
    if (is_literal(domain) || !spf_name_is_usable(domain)) {
        w->a->domain = "";
        spf_walk_stop(w, SPF_NONE, "%s is no domain to ask about",
                      len > 0 ? shown(w, domain) : "an empty name");
    }
    return !w->stopped;
}

bool spf_walk_start(struct spf_walk *w, const struct spf_question *q, const struct spf_dns *dns,
                    struct arena *arena, struct spf_answer *a)
{
    uint64_t latest;

    memset(w, 0, sizeof(*w));
    *a = (struct spf_answer){.result = SPF_NONE, .domain = "", .why = ""};
    w->q = q;
    w->dns = dns;
    w->arena = arena;
    w->a = a;
    latest = walk_now(w) + SPF_SECONDS_MAX * UINT64_C(1000000);
    w->deadline_us = q->deadline_us == 0 || q->deadline_us > latest ? latest : q->deadline_us;
    w->macros.receiver = q->receiver != NULL && *q->receiver != '\0' ? q->receiver : "unknown";
    w->macros.client = q->client;
    w->macros.time = q->time;
    w->macros.ptr_name = spf_ptr_name;
    w->macros.ctx = w;
    if (q->client.family != AF_INET && q->client.family != AF_INET6) {
        spf_walk_stop(w, SPF_NONE, "the client has no address");
        return false;
    }
    return start_identity(w);
}

static bool is_decided_here(enum spf_kind kind)
{
    return kind == SPF_TERM_ALL || kind == SPF_TERM_IP4 || kind == SPF_TERM_IP6;
}

static void terminal_set(struct spf_walk *w, struct spf_policy *policy,
                         const struct spf_term *term, struct buf *end)
{
    if (term->kind != SPF_TERM_ALL && !net_matches(&term->net, &w->q->client))
        return;
    policy->terminal = term->text;
    buf_addf(end, " %call", term->qualifier);
}

static int slot_add(struct spf_walk *w, const struct spf_term *term, bool any)
{
    if (w->slot_count == SPF_SLOTS_MAX)
        die("SPF: more terms than records can have");
    w->slots[w->slot_count] = (struct spf_slot){.kind = term->kind,
                                                .spec = term->spec,
                                                .text = term->text,
                                                .record = w->record_count,
                                                .any = any};
    return w->slot_count++;
}

static void term_write(struct spf_walk *w, const struct spf_term *term, struct buf *out)
{
    bool ip4 = w->q->client.family == AF_INET, host;
    unsigned bits = ip4 ? term->bits4 : term->bits6;
    const char *name = "exists";

    host = (term->kind == SPF_TERM_A || term->kind == SPF_TERM_MX) && bits > 0;
    if (host)
        name = term->kind == SPF_TERM_A ? "a" : "mx";
    if (term->kind == SPF_TERM_INCLUDE)
        name = "include";
    buf_addf(out, " %c%s:t%d.x", term->qualifier, name, slot_add(w, term, !host));
    if (host && bits < (ip4 ? 32U : 128U))
        buf_addf(out, ip4 ? "/%u" : "//%u", bits);
}

/* One term more than may be asked is enough: it ends the evaluation. */
static const char *record_rewrite(struct spf_walk *w, struct slice record)
{
    struct spf_policy *policy = &w->records[w->record_count];
    struct slice rest = spf_record_terms(record);
    struct spf_term term, redirect = {0};
    struct buf out = {0}, end = {0};
    const char *text;
    int asking = 0;

    buf_adds(&out, "v=spf1");
    while (spf_record_next(&rest, &term, NULL)) {
        if (term.kind == SPF_TERM_EXP)
            policy->exp = term.spec;
        else if (term.kind == SPF_TERM_REDIRECT)
            redirect = term;
        else if (policy->terminal.ptr != NULL || term.kind == SPF_TERM_UNKNOWN)
            continue;
        else if (is_decided_here(term.kind))
            terminal_set(w, policy, &term, &end);
        else if (asking++ <= SPF_TERM_LIMIT)
            term_write(w, &term, &out);
    }
    if (asking > 0)
        buf_addf(&out, " exists:e%d.x", w->record_count);
    if (end.len > 0)
        buf_adds(&out, end.ptr);
    else if (redirect.text.ptr != NULL)
        buf_addf(&out, " redirect=t%d.x", slot_add(w, &redirect, false));
    text = arena_strdup(w->arena, out.ptr);
    buf_free(&out);
    buf_free(&end);
    return text;
}

/* The one TXT record that is of SPF; false: the walk was stopped. */
static bool record_find(struct spf_walk *w, const char *domain, bool first, struct slice *record)
{
    enum spf_dns_status status;
    struct spf_rrs rrs;
    int found = 0;

    status = spf_term_ask(w, domain, SPF_TXT, &rrs);
    if (status == SPF_DNS_TEMPERROR)
        return false;
    for (size_t i = 0; i < rrs.count; i++)
        if (spf_record_is(rrs.rr[i].text)) {
            *record = rrs.rr[i].text;
            found++;
        }
    if (found > 1)
        spf_walk_stop(w, SPF_PERMERROR, "%s has %d SPF records", shown(w, domain), found);
    else if (found == 0)
        spf_walk_stop(w, first ? SPF_NONE : SPF_PERMERROR, "%s %s", shown(w, domain),
                      status == SPF_DNS_NXDOMAIN ? "does not exist" : "has no SPF record");
    return found == 1;
}

static const char *record_domain(struct spf_walk *w, int slot)
{
    const char *name;

    if (slot < 0)
        return w->macros.sender_domain;
    if (!spf_slot_enter(w, &w->slots[slot]))
        return NULL;
    name = spf_slot_name(w, &w->slots[slot]);
    if (w->late)
        spf_walk_stop(w, SPF_TEMPERROR, SPF_LATE);
    else if (name == NULL)
        spf_walk_stop(w, SPF_PERMERROR, "no name of a domain: %s",
                      printable(w->arena, w->slots[slot].text.ptr, w->slots[slot].text.len,
                                SHOWN_MAX));
    return name;
}

const char *spf_walk_record(struct spf_walk *w, int slot)
{
    struct spf_policy *policy = &w->records[w->record_count];
    const char *domain, *text;
    struct slice record;
    struct err why;

    if (w->stopped || (domain = record_domain(w, slot)) == NULL ||
        !record_find(w, domain, slot < 0, &record))
        return NULL;
    if (!spf_record_check(record, &why)) {
        spf_walk_stop(w, SPF_PERMERROR, "%s: %s", shown(w, domain), why.text);
        return NULL;
    }
    if (w->record_count == SPF_RECORDS_MAX)
        die("SPF: more records than terms");
    policy->domain = domain;
    policy->outer = slot < 0 || (w->slots[slot].kind == SPF_TERM_REDIRECT &&
                                 w->records[w->slots[slot].record].outer);
    if (policy->outer)
        w->outer = w->record_count;
    text = record_rewrite(w, record);
    w->record_count++;
    return text;
}

static void explain(struct spf_walk *w)
{
    const struct spf_policy *policy = &w->records[w->outer];
    const char *name, *text;
    struct spf_rrs rrs;
    size_t tail;

    if (policy->exp.ptr == NULL)
        return;
    w->macros.domain = policy->domain;
    name = spf_macro_domain(policy->exp, &w->macros, w->arena);
    if (name == NULL || spf_ask(w, name, SPF_TXT, &rrs) != SPF_DNS_OK || rrs.count != 1 ||
        !spf_macro_check(rrs.rr[0].text, SPF_IN_EXPLANATION, &tail))
        return;
    text = spf_macro_expand(rrs.rr[0].text, &w->macros, w->arena);
    if (text == NULL || *text == '\0')
        return;
    w->a->explanation = printable(w->arena, text, strlen(text), SPF_EXPLANATION_MAX);
    w->a->explainer = shown(w, policy->domain);
}

void spf_walk_end(struct spf_walk *w, enum spf_result result)
{
    const struct spf_policy *policy = &w->records[w->outer];
    struct slice term = policy->last.ptr != NULL ? policy->last : policy->terminal;
    char client[ADDR_TEXT_SIZE];

    if (w->stopped)
        return;
    addr_text(&w->q->client, client);
    if (term.ptr == NULL) {
        spf_walk_stop(w, result, "nothing in the record of %s matches %s",
                      shown(w, policy->domain), client);
        return;
    }
    w->a->term = printable(w->arena, term.ptr, term.len, SHOWN_MAX);
    spf_walk_stop(w, result, "%s matches %s in the record of %s", client, w->a->term,
                  shown(w, policy->domain));
    if (result == SPF_FAIL)
        explain(w);
}
