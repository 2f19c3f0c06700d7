/* dns_inquiry - the lookups of one transaction: each question asked once, none waited for long */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_inquiry.h"

#include "dns_cache.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 64,
    BYTES_MAX = 16 * 1024 * 1024, /* of answers: strangers send large ones, and ask for many */
};

struct lookup {
    struct lookup *next;    /* in its bucket */
    struct lookup *younger; /* in the order of asking */
    struct dns_question question;
    struct dns_job *job; /* NULL: answered */
    struct dns_answer answer;
};

struct dns_inquiry {
    struct dns *dns;
    struct arena *arena;
    struct lookup *buckets[BUCKETS];
    struct lookup *oldest, **youngest;
    struct lookup *missing; /* the first since dns_inquiry_fresh */
    bool late;
};

static const struct dns_answer too_late = {.state = DNS_TEMPERROR, .why = "timeout"};
static const struct dns_answer too_much = {.state = DNS_TEMPERROR,
                                           .why = "too many answers for one message"};

struct dns_inquiry *dns_inquiry_new(struct dns *dns)
{
    struct dns_inquiry *inquiry = xcalloc(1, sizeof(*inquiry));

    inquiry->dns = dns;
    inquiry->arena = arena_new();
    inquiry->youngest = &inquiry->oldest;
    return inquiry;
}

void dns_inquiry_free(struct dns_inquiry *inquiry)
{
    if (inquiry == NULL)
        return;
    for (struct lookup *l = inquiry->oldest; l != NULL; l = l->younger)
        dns_release(l->job);
    arena_free(inquiry->arena);
    free(inquiry);
}

static struct lookup **bucket_of(struct dns_inquiry *inquiry, const struct dns_question *question)
{
    return &inquiry->buckets[dns_hash(question, 0) % BUCKETS];
}

static struct lookup *begin(struct dns_inquiry *inquiry, const struct dns_question *question)
{
    struct lookup **bucket = bucket_of(inquiry, question);
    struct lookup *l = arena_alloc(inquiry->arena, sizeof(*l));

    l->question = (struct dns_question){arena_strdup(inquiry->arena, question->name),
                                        question->type};
    l->job = dns_start(inquiry->dns, &l->question);
    l->next = *bucket;
    *bucket = l;
    *inquiry->youngest = l;
    inquiry->youngest = &l->younger;
    return l;
}

static struct lookup *find(struct dns_inquiry *inquiry, const struct dns_question *question)
{
    for (struct lookup *l = *bucket_of(inquiry, question); l != NULL; l = l->next)
        if (l->question.type == question->type && strcmp(l->question.name, question->name) == 0)
            return l;
    return NULL;
}

static bool is_full(const struct dns_inquiry *inquiry)
{
    return arena_size(inquiry->arena) > BYTES_MAX;
}

/* True when the answer is there by then. */
static bool settle(struct dns_inquiry *inquiry, struct lookup *l, uint64_t until_us)
{
    if (l->job != NULL && is_full(inquiry)) {
        dns_release(l->job);
        l->job = NULL;
        l->answer = too_much;
    }
    if (l->job != NULL && dns_try(l->job, until_us, inquiry->arena, &l->answer)) {
        dns_release(l->job);
        l->job = NULL;
    }
    return l->job == NULL;
}

const struct dns_answer *dns_inquiry_find(struct dns_inquiry *inquiry,
                                          const struct dns_question *question)
{
    struct lookup *l = find(inquiry, question);

    if (l == NULL && is_full(inquiry))
        return &too_much;
    if (l == NULL)
        l = begin(inquiry, question);
    if (settle(inquiry, l, 0))
        return &l->answer;
    if (inquiry->late)
        return &too_late;
    if (inquiry->missing == NULL)
        inquiry->missing = l;
    return NULL;
}

void dns_inquiry_wait(struct dns_inquiry *inquiry, uint64_t until_us)
{
    if (inquiry->missing != NULL)
        settle(inquiry, inquiry->missing, until_us);
}

void dns_inquiry_fresh(struct dns_inquiry *inquiry)
{
    inquiry->missing = NULL;
}

void dns_inquiry_late(struct dns_inquiry *inquiry, bool late)
{
    inquiry->late = late;
}

void dns_inquiry_each(const struct dns_inquiry *inquiry,
                      void (*visit)(const struct dns_question *question,
                                    const struct dns_answer *answer, void *arg),
                      void *arg)
{
    for (const struct lookup *l = inquiry->oldest; l != NULL; l = l->younger)
        visit(&l->question, l->job == NULL ? &l->answer : NULL, arg);
}
