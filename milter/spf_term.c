/* spf_term - what the evaluator asks for by names of ours, answered from the DNS */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_walk.h"

#include <string.h>

static void void_count(struct spf_walk *w, enum spf_dns_status status)
{
    int limit = w->q->void_limit == 0 ? SPF_VOID_LIMIT : w->q->void_limit;

    if (status != SPF_DNS_NODATA && status != SPF_DNS_NXDOMAIN)
        return;
    w->a->voids++;
    if (limit > 0 && w->a->voids > (unsigned)limit)
        spf_walk_stop(w, SPF_PERMERROR, "more than %d questions found nothing", limit);
}

/* A name of ours: a letter and a number. -1 when it is not of this letter. */
static int own_number(const char *name, char letter, int count)
{
    const char *dot = strchr(name, '.');
    long n;

    if (name[0] != letter || dot == NULL ||
        !parse_long((struct slice){name + 1, (size_t)(dot - name - 1)}, 0, count - 1, &n))
        return -1;
    return (int)n;
}

int spf_walk_slot(const struct spf_walk *w, const char *name)
{
    return own_number(name, 't', w->slot_count);
}

/* What exists: an address that no one looks at. */
static enum spf_dns_status found(struct spf_rrs *rrs)
{
    static const struct spf_rr rr = {.addr = {.family = AF_INET, .bytes = {192, 0, 2, 2}}};

    *rrs = (struct spf_rrs){&rr, 1};
    return SPF_DNS_OK;
}

static enum spf_type address_type(const struct spf_walk *w)
{
    return w->q->client.family == AF_INET ? SPF_A : SPF_AAAA;
}

/* A domain without IPv6 has done nothing wrong. */
static void address_void(struct spf_walk *w, enum spf_type type, enum spf_dns_status status)
{
    if (type != SPF_AAAA || status != SPF_DNS_NODATA)
        void_count(w, status);
}

static enum spf_dns_status answer_a(struct spf_walk *w, const struct spf_slot *slot,
                                    const char *name, struct spf_rrs *rrs)
{
    enum spf_type type = slot->kind == SPF_TERM_EXISTS ? SPF_A : address_type(w);
    enum spf_dns_status status = spf_term_ask(w, name, type, rrs);

    address_void(w, type, status);
    return status == SPF_DNS_OK && slot->any ? found(rrs) : status;
}

static enum spf_dns_status answer_ptr(struct spf_walk *w, const char *name, struct spf_rrs *rrs)
{
    bool asked = w->ptr_asked, matches = spf_ptr_match(w, name);

    if (!asked)
        void_count(w, w->ptr_status);
    return matches ? found(rrs) : SPF_DNS_NXDOMAIN;
}

static const char *host_name(struct spf_walk *w, struct slice text)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    return arena_strndup(w->arena, text.ptr, text.len);
}

static enum spf_dns_status mx_any(struct spf_walk *w, struct spf_rrs *rrs)
{
    struct spf_rrs hosts = *rrs;

    for (size_t i = 0; i < hosts.count && !w->stopped; i++)
        if (spf_term_ask(w, host_name(w, hosts.rr[i].text), address_type(w), rrs) == SPF_DNS_OK)
            return found(rrs);
    return SPF_DNS_NXDOMAIN;
}

/* The hosts' names are strangers', too: the evaluator gets names of ours. */
static enum spf_dns_status answer_mx(struct spf_walk *w, const struct spf_slot *slot,
                                     const char *name, struct spf_rrs *rrs)
{
    enum spf_dns_status status = spf_term_ask(w, name, SPF_MX, rrs);
    struct spf_rr *ours;

    void_count(w, status);
    if (status != SPF_DNS_OK)
        return status;
    if (rrs->count > SPF_HOST_LIMIT ||
        (size_t)w->host_count + rrs->count > SPF_HOSTS_MAX) {
        spf_walk_stop(w, SPF_PERMERROR, "mx finds more than %d hosts", SPF_HOST_LIMIT);
        return SPF_DNS_TEMPERROR;
    }
    if (slot->any)
        return mx_any(w, rrs);
    ours = arena_alloc(w->arena, rrs->count * sizeof(*ours));
    for (size_t i = 0; i < rrs->count; i++) {
        w->hosts[w->host_count] = host_name(w, rrs->rr[i].text);
        ours[i].text = slice_of(arena_printf(w->arena, "h%d.x", w->host_count++));
    }
    rrs->rr = ours;
    return SPF_DNS_OK;
}

static enum spf_dns_status answer_term(struct spf_walk *w, struct spf_slot *slot,
                                       struct spf_rrs *rrs)
{
    const char *name;

    if (!spf_slot_enter(w, slot))
        return SPF_DNS_TEMPERROR;
    name = spf_slot_name(w, slot);
    if (name == NULL)
        return SPF_DNS_NXDOMAIN;
    if (slot->kind == SPF_TERM_PTR)
        return answer_ptr(w, name, rrs);
    return slot->kind == SPF_TERM_MX ? answer_mx(w, slot, name, rrs)
                                     : answer_a(w, slot, name, rrs);
}

enum spf_dns_status spf_walk_lookup(struct spf_walk *w, const char *name, struct spf_rrs *rrs)
{
    enum spf_dns_status status = SPF_DNS_NXDOMAIN;
    int n;

    *rrs = (struct spf_rrs){0};
    if (!w->stopped) {
        if ((n = own_number(name, 't', w->slot_count)) >= 0)
            status = answer_term(w, &w->slots[n], rrs);
        else if ((n = own_number(name, 'h', w->host_count)) >= 0)
            status = spf_term_ask(w, w->hosts[n], address_type(w), rrs);
        else if ((n = own_number(name, 'e', w->record_count)) >= 0)
            w->records[n].last = (struct slice){NULL, 0};
    }
    if (w->late)
        spf_walk_stop(w, SPF_TEMPERROR, SPF_LATE);
    if (w->stopped)
        status = SPF_DNS_TEMPERROR;
    if (status != SPF_DNS_OK)
        *rrs = (struct spf_rrs){0};
    return status;
}
