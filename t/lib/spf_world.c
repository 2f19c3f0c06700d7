/* spf_world - a DNS of a few lines, for tests of SPF */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_world.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const type_names[] = {"TXT", "A", "AAAA", "MX", "PTR"};

void spf_world_add(struct spf_world *w, const char *name, const char *type, const char *value,
                   size_t len)
{
    struct spf_world_rr *rr;
    char *copy = xcalloc(len + 1, 1);

    memcpy(copy, value, len);
    w->rr = xreallocarray(w->rr, w->count + 1, sizeof(*w->rr));
    rr = &w->rr[w->count++];
    *rr = (struct spf_world_rr){xstrdup(name), xstrdup(type), copy, len};
}

void spf_world_free(struct spf_world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        free((void *)(uintptr_t)w->rr[i].name);
        free((void *)(uintptr_t)w->rr[i].type);
        free((void *)(uintptr_t)w->rr[i].value);
    }
    free(w->rr);
    *w = (struct spf_world){0};
}

static size_t name_len(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}

static bool same_name(const char *a, const char *b)
{
    return name_len(a) == name_len(b) && strncasecmp(a, b, name_len(a)) == 0;
}

static bool is_below(const char *name, const char *top)
{
    size_t n = name_len(name), t = name_len(top);

    return n > t && name[n - t - 1] == '.' && strncasecmp(name + n - t, top, t) == 0;
}

static struct spf_rr rr_of(const struct spf_world_rr *from, enum spf_type type)
{
    size_t len = from->len > 0 ? from->len : strlen(from->value);
    struct spf_rr rr = {.text = {from->value, len}};

    if ((type == SPF_A || type == SPF_AAAA) && !addr_parse(rr.text, &rr.addr))
        die("no address: %s", from->value);
    return rr;
}

static enum spf_dns_status find(struct spf_world *w, const char *name, enum spf_type type,
                                int depth, struct arena *arena, struct spf_rrs *rrs)
{
    struct spf_rr *rr = arena_alloc(arena, (w->count + 1) * sizeof(*rr));
    bool exists = false, timeout = strncasecmp(name, "error.", 6) == 0;

    *rrs = (struct spf_rrs){rr, 0};
    for (size_t i = 0; i < w->count; i++) {
        const struct spf_world_rr *from = &w->rr[i];

        exists = exists || same_name(from->name, name) || is_below(from->name, name);
        if (!same_name(from->name, name))
            continue;
        if (strcmp(from->type, "CNAME") == 0 && depth < 8)
            return find(w, from->value, type, depth + 1, arena, rrs);
        timeout = timeout || strcmp(from->type, "TIMEOUT") == 0;
        if (strcmp(from->type, type_names[type]) == 0)
            rr[rrs->count++] = rr_of(from, type);
    }
    if (rrs->count > 0)
        return SPF_DNS_OK;
    if (timeout)
        return SPF_DNS_TEMPERROR;
    return exists ? SPF_DNS_NODATA : SPF_DNS_NXDOMAIN;
}

static enum spf_dns_status lookup(void *ctx, const char *name, enum spf_type type,
                                  uint64_t deadline_us, struct arena *arena, struct spf_rrs *rrs)
{
    struct spf_world *w = ctx;

    w->asked[type]++;
    w->clock_us += w->step_us;
    if (w->clock_us > deadline_us)
        return SPF_DNS_TEMPERROR;
    return find(w, name, type, 0, arena, rrs);
}

static uint64_t now(void *ctx)
{
    return ((struct spf_world *)ctx)->clock_us;
}

struct spf_dns spf_world_dns(struct spf_world *w)
{
    return (struct spf_dns){.ctx = w, .lookup = lookup, .now = now};
}
