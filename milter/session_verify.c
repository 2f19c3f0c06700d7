/* session_verify - the DKIM signatures of incoming mail, verified while it arrives */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_verify.h"

#include "check_dkim.h"
#include "question.h"

void inspection_begin(struct inspection *i, struct engine *engine)
{
    *i = (struct inspection){.engine = engine};
}

void inspection_free(struct inspection *i)
{
    dkim_verifier_free(i->verifier);
    i->verifier = NULL;
}

/* Our own users' mail is signed, not verified. */
static bool is_wanted(const struct inspection *i)
{
    const struct engine *e = i->engine;

    return i->known == NULL && e->policy->verifies_dkim && !e->client->local &&
           e->message->direction == DIR_INCOMING;
}

static void begin(struct inspection *i)
{
    const struct settings *settings = i->engine->policy->settings;
    struct message *m = i->engine->message;
    struct dkim_limits limits = {
        .max_signatures = (size_t)settings->dkim_max_signatures,
        .minimum_key_bits = (unsigned)settings->dkim_minimum_key_bits,
        .accept_partial = settings->dkim_partial_body == PARTIAL_ACCEPT,
        .now = m->time_us / 1000000,
    };

    i->verifier = dkim_verifier_new(&limits, m->arena);
}

void inspection_header(struct inspection *i, const char *name, const char *value)
{
    if (i->verifier == NULL && is_wanted(i))
        begin(i);
    if (i->verifier != NULL && i->names == NULL)
        dkim_verifier_header(i->verifier, name, value);
}

void inspection_cut(struct inspection *i)
{
    if (i->verifier != NULL)
        dkim_verifier_cut(i->verifier);
}

static const char *question_of(const struct inspection *i, const char *name)
{
    struct arena *arena = i->engine->message->arena;
    struct dns_question q;

    return dns_question_make(slice_of(name), DNS_TXT, arena, &q) ? dns_question_text(&q, arena)
                                                                 : NULL;
}

/* The keys are asked for while the body arrives. */
static void end_header(struct inspection *i)
{
    if (i->names != NULL)
        return;
    i->names = dkim_verifier_headers_end(i->verifier, &i->count);
    for (size_t n = 0; n < i->count; n++) {
        const char *question = question_of(i, i->names[n]);

        if (question != NULL)
            engine_start(i->engine, question);
    }
}

bool inspection_body(struct inspection *i, const char *data, size_t len)
{
    if (i->verifier == NULL)
        return false;
    end_header(i);
    if (!dkim_verifier_wants_body(i->verifier))
        return false;
    dkim_verifier_body(i->verifier, data, len);
    return true;
}

static void take_records(const struct dns_answer *dns, struct arena *arena,
                         struct dkim_key_answer *answer)
{
    struct slice *txt = arena_alloc(arena, (dns->count + 1) * sizeof(*txt));

    for (size_t n = 0; n < dns->count; n++)
        txt[n] = dns->records[n].txt.joined;
    answer->state = DKIM_KEY_FOUND;
    answer->txt = txt;
    answer->count = dns->count;
}

static void on_answer(void *ctx, const char *name, struct dkim_key_answer *answer)
{
    struct inspection *i = ctx;
    struct arena *arena = i->engine->message->arena;
    const char *question = question_of(i, name);
    const struct finding *finding;
    struct dns_answer dns;

    answer->state = DKIM_KEY_NONE;
    if (question == NULL)
        return;
    finding = engine_find(i->engine, STAGE_EOM, question);
    if (!dns_answer_read(finding->answer, DNS_TXT, arena, &dns))
        dns = (struct dns_answer){.state = DNS_TEMPERROR, .why = "an answer like no other"};
    if (dns.state == DNS_FOUND) {
        take_records(&dns, arena, answer);
    } else if (dns.state == DNS_TEMPERROR) {
        answer->state = DKIM_KEY_TEMPERROR;
        answer->why = dns.why;
    }
}

void inspection_end(struct inspection *i)
{
    struct dkim_keys keys = {i, on_answer};

    if (i->known != NULL)
        i->engine->message->dkim = i->known;
    if (i->verifier == NULL && is_wanted(i))
        begin(i); /* a mail without a header */
    if (i->verifier == NULL)
        return;
    end_header(i);
    i->engine->message->dkim = dkim_verifier_end(i->verifier, &keys);
    inspection_free(i);
}
