/* spf_ptr - the client's names, looked up both ways: for ptr and %{p} (RFC 7208, 5.5 and 7.3) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_walk.h"

#include <string.h>
#include <strings.h>

static void ptr_ask(struct spf_walk *w)
{
    struct spf_rrs rrs;

    if (w->ptr_asked)
        return;
    w->ptr_asked = true;
    w->ptr_status = spf_ask(w, spf_reverse_name(&w->q->client, w->arena), SPF_PTR, &rrs);
    for (size_t i = 0; i < rrs.count && w->ptr_count < SPF_HOST_LIMIT; i++) {
        size_t len = rrs.rr[i].text.len;

        if (len > 0 && rrs.rr[i].text.ptr[len - 1] == '.')
            len--;
        w->ptrs[w->ptr_count++] = arena_strndup(w->arena, rrs.rr[i].text.ptr, len);
    }
}

/* A failing lookup of one name only loses that name. */
static bool ptr_is_valid(struct spf_walk *w, int i)
{
    struct spf_rrs rrs;

    if (w->ptr_valid[i] == 0) {
        w->ptr_valid[i] = -1;
        spf_ask(w, w->ptrs[i], w->q->client.family == AF_INET ? SPF_A : SPF_AAAA, &rrs);
        for (size_t n = 0; n < rrs.count; n++)
            if (addr_equal(&rrs.rr[n].addr, &w->q->client))
                w->ptr_valid[i] = 1;
    }
    return w->ptr_valid[i] > 0;
}

static bool is_within(const char *name, const char *domain)
{
    size_t n = strlen(name), d = strlen(domain);

    return n == d ? strcasecmp(name, domain) == 0
                  : n > d && name[n - d - 1] == '.' && strcasecmp(name + n - d, domain) == 0;
}

bool spf_ptr_match(struct spf_walk *w, const char *domain)
{
    ptr_ask(w);
    for (int i = 0; i < w->ptr_count; i++)
        if (is_within(w->ptrs[i], domain) && ptr_is_valid(w, i))
            return true;
    return false;
}

const char *spf_ptr_name(void *ctx, const char *domain)
{
    struct spf_walk *w = ctx;

    ptr_ask(w);
    for (int i = 0; i < w->ptr_count; i++)
        if (strcasecmp(w->ptrs[i], domain) == 0 && ptr_is_valid(w, i))
            return w->ptrs[i];
    for (int i = 0; i < w->ptr_count; i++)
        if (is_within(w->ptrs[i], domain) && ptr_is_valid(w, i))
            return w->ptrs[i];
    for (int i = 0; i < w->ptr_count; i++)
        if (ptr_is_valid(w, i))
            return w->ptrs[i];
    return "unknown";
}
