/* dkim_plan - of a mail's header: which signatures are worth a verification, and what it takes */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_plan.h"

#include <string.h>
#include <strings.h>

#include "dkim_from.h"

enum { PREFIX_MIN = 8, PREFIX_MAX = 64, SIGNATURES = 8 };

struct maker {
    const struct dkim_header *header;
    size_t count;
    const struct dkim_limits *limits;
    struct arena *arena;
    struct dkim_plan *plan;
};

static bool is_signature(const struct dkim_header *header)
{
    return slice_is_nocase(header->name, "dkim-signature");
}

static void read_from(struct maker *m)
{
    const struct dkim_header *from = NULL;

    for (size_t i = 0; i < m->count; i++)
        if (slice_is_nocase(m->header[i].name, "from")) {
            from = &m->header[i];
            m->plan->from_count++;
        }
    if (m->plan->from_count == 1)
        m->plan->from_domain =
            dkim_from_domain(arena_strndup(m->arena, from->value.ptr, from->value.len), m->arena);
}

static void read_signatures(struct maker *m)
{
    struct dkim_plan *plan = m->plan;
    size_t fields = 0;

    for (size_t i = 0; i < m->count; i++)
        fields += is_signature(&m->header[i]);
    plan->count = fields < DKIM_LISTED_MAX ? fields : DKIM_LISTED_MAX;
    plan->unlisted = fields - plan->count;
    plan->signature = arena_alloc(m->arena, (plan->count + 1) * sizeof(*plan->signature));
    plan->entry = arena_alloc(m->arena, (plan->count + 1) * sizeof(*plan->entry));
    fields = 0;
    for (size_t i = 0; i < m->count && fields < plan->count; i++)
        if (is_signature(&m->header[i])) {
            struct dkim_entry *entry = &plan->entry[fields];
            struct dkim_signature *sig = &plan->signature[fields++];

            entry->header = i;
            entry->judged = dkim_field_read(m->header[i].value, m->limits->now, m->arena,
                                            sig, &entry->field);
            sig->whole = entry->field.b;
            sig->names = entry->field.names;
            sig->name_count = entry->field.count;
        }
}

static void align(struct dkim_plan *plan)
{
    struct slice from = slice_of(plan->from_domain);

    for (size_t i = 0; i < plan->count && plan->from_domain != NULL; i++) {
        struct dkim_signature *sig = &plan->signature[i];
        struct slice d = slice_of(sig->d);

        if (sig->d == NULL)
            continue;
        sig->aligned_strict = strcasecmp(sig->d, plan->from_domain) == 0;
        sig->aligned = sig->aligned_strict ||
                       (dkim_is_domain(d, 2) && dkim_is_domain(from, 2) &&
                        (dkim_is_within(d, from) || dkim_is_within(from, d)));
    }
}

static int rank_of(const struct dkim_signature *sig)
{
    return sig->aligned_strict ? 0 : sig->aligned ? 1 : 2;
}

static void cap(struct maker *m)
{
    size_t room = m->limits->max_signatures != 0 ? m->limits->max_signatures : SIGNATURES;

    for (int rank = 0; rank < 3; rank++)
        for (size_t i = 0; i < m->plan->count; i++) {
            struct dkim_signature *sig = &m->plan->signature[i];

            if (!m->plan->entry[i].judged || rank_of(sig) != rank)
                continue;
            if (room > 0) {
                room--;
                continue;
            }
            m->plan->entry[i].judged = false;
            sig->result = DKIM_POLICY;
            sig->why = "one signature too many: not evaluated";
            sig->capped = true;
        }
}

static size_t mentions_of_signatures(const struct dkim_field *field)
{
    size_t n = 0;

    for (size_t i = 0; i < field->count; i++)
        n += slice_is_nocase(field->names[i], "dkim-signature");
    return n;
}

/* Are the last `n` DKIM-Signature fields among those that are to be verified? */
static bool last_are_judged(const struct dkim_plan *plan, size_t n)
{
    for (size_t i = plan->count; i > 0 && n > 0; i--, n--)
        if (!plan->entry[i - 1].judged)
            return false;
    return true;
}

/* A field that the library must not see cannot be covered by a signature that it judges. */
static void drop_uncovered(struct dkim_plan *plan)
{
    bool again = true;

    while (again) {
        again = false;
        for (size_t i = 0; i < plan->count; i++) {
            struct dkim_entry *entry = &plan->entry[i];
            size_t n = entry->judged ? mentions_of_signatures(&entry->field) : 0;

            if (n == 0 || (plan->unlisted == 0 && last_are_judged(plan, n)))
                continue;
            entry->judged = false;
            plan->signature[i].result = DKIM_NEUTRAL;
            plan->signature[i].why = "it covers another signature that is not evaluated";
            again = true;
        }
    }
}

static void ask(struct maker *m)
{
    struct dkim_plan *plan = m->plan;

    plan->question = arena_alloc(m->arena, (plan->count + 1) * sizeof(*plan->question));
    for (size_t i = 0; i < plan->count; i++) {
        struct dkim_signature *sig = &plan->signature[i];
        char *name;
        size_t q = 0;

        if (!plan->entry[i].judged)
            continue;
        name = arena_printf(m->arena, "%s._domainkey.%s", sig->s, sig->d);
        for (char *c = name; *c != '\0'; c++)
            *c = (char)to_lower((unsigned char)*c);
        while (q < plan->questions && strcmp(plan->question[q], name) != 0)
            q++;
        if (q == plan->questions)
            plan->question[plan->questions++] = name;
        sig->question = plan->question[q];
        plan->entry[i].question = q;
        plan->judged++;
    }
}

/* How many characters two signatures have in common; equal ones cannot be told apart. */
static size_t common(const char *a, const char *b)
{
    size_t n = 0;

    while (n < PREFIX_MAX && a[n] != '\0' && a[n] == b[n])
        n++;
    return a[n] == b[n] ? 0 : n;
}

static bool is_base64(const char *text)
{
    for (; *text != '\0'; text++)
        if (!is_alnum((unsigned char)*text) && strchr("+/=", *text) == NULL)
            return false;
    return true;
}

static void take_prefixes(struct maker *m)
{
    struct dkim_plan *plan = m->plan;
    size_t len = PREFIX_MIN;

    for (size_t i = 0; i < plan->count; i++)
        for (size_t k = i + 1; k < plan->count; k++) {
            const char *a = plan->entry[i].field.b, *b = plan->entry[k].field.b;
            size_t n = a != NULL && b != NULL ? common(a, b) : 0;

            if (n >= len && n < PREFIX_MAX)
                len = n + 1;
        }
    for (size_t i = 0; i < plan->count; i++) {
        const char *b = plan->entry[i].field.b;
        size_t n = b != NULL ? strnlen(b, len) : 0;
        const char *prefix = n > 0 ? arena_strndup(m->arena, b, n) : NULL;

        plan->signature[i].b = prefix != NULL && is_base64(prefix) ? prefix : NULL;
    }
}

/* Names of fields and how often a signature mentions each. */
struct mention {
    struct slice name;
    size_t most, here, by;
};

struct mentions {
    struct mention *slot;
    size_t size; /* a power of 2 */
};

static struct mention *mention_of(const struct mentions *all, struct slice name)
{
    size_t h = 5381;

    for (size_t i = 0; i < name.len; i++)
        h = h * 33 ^ (size_t)to_lower((unsigned char)name.ptr[i]);
    for (h ^= h >> 15;; h++) {
        struct mention *slot = &all->slot[h & (all->size - 1)];

        if (slot->name.ptr == NULL ||
            (slot->name.len == name.len && strncasecmp(slot->name.ptr, name.ptr, name.len) == 0))
            return slot;
    }
}

static void mention_all(struct maker *m, struct mentions *all)
{
    size_t names = 0;

    for (size_t i = 0; i < m->plan->count; i++)
        names += m->plan->entry[i].judged ? m->plan->entry[i].field.count : 0;
    for (all->size = 16; all->size < 2 * names; all->size *= 2)
        ;
    all->slot = arena_alloc(m->arena, all->size * sizeof(*all->slot));
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct dkim_entry *entry = &m->plan->entry[i];

        for (size_t k = 0; entry->judged && k < entry->field.count; k++) {
            struct mention *slot = mention_of(all, entry->field.names[k]);

            slot->name = entry->field.names[k];
            slot->here = slot->by == i + 1 ? slot->here + 1 : 1;
            slot->by = i + 1;
            if (slot->here > slot->most)
                slot->most = slot->here;
        }
    }
}

/* From the bottom up, as signatures take them; the rest would only cost time. */
static void want(struct maker *m)
{
    struct mentions all;

    m->plan->wanted = arena_alloc(m->arena, m->count + 1);
    mention_all(m, &all);
    for (size_t i = m->count; i > 0; i--) {
        struct mention *slot = mention_of(&all, m->header[i - 1].name);

        if (slot->name.ptr == NULL || slot->most == 0 || is_signature(&m->header[i - 1]))
            continue;
        slot->most--;
        m->plan->wanted[i - 1] = true;
    }
    for (size_t i = 0; i < m->plan->count; i++)
        if (m->plan->entry[i].judged)
            m->plan->wanted[m->plan->entry[i].header] = true;
}

void dkim_plan_make(const struct dkim_header *header, size_t count,
                    const struct dkim_limits *limits, struct arena *arena, struct dkim_plan *plan)
{
    struct maker m = {header, count, limits, arena, plan};

    *plan = (struct dkim_plan){0};
    read_from(&m);
    read_signatures(&m);
    if (plan->count == 0)
        return;
    align(plan);
    cap(&m);
    drop_uncovered(plan);
    ask(&m);
    take_prefixes(&m);
    if (plan->judged > 0)
        want(&m);
}
