/* session_sign - outgoing mail gets the DKIM signatures that its sender has keys for */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_sign.h"

#include "direction.h"
#include "header_edits.h"
#include "key_watch.h"
#include "log.h"
#include "sign_dkim.h"
#include "sign_who.h"

#include <string.h>
#include <strings.h>

void sealing_begin(struct sealing *s, struct engine *engine, bool may_sign)
{
    *s = (struct sealing){.engine = engine, .off = !may_sign};
}

void sealing_free(struct sealing *s)
{
    dkim_hash_free(s->hash);
    s->hash = NULL;
}

static bool is_wanted(const struct engine *e)
{
    return e->message->direction == DIR_OUTGOING && !keys_are_empty(e->policy->keys);
}

static bool begin(struct sealing *s)
{
    struct err err;

    if (s->off || s->hash != NULL || !is_wanted(s->engine))
        return s->hash != NULL;
    s->hash = dkim_hash_new(DKIM_HASH(s->engine->policy->sign_body), &err);
    s->off = s->hash == NULL;
    if (s->off)
        log_line(LOG_ERR, "dkim: not signed: %s", err.text);
    return s->hash != NULL;
}

bool sealing_body(struct sealing *s, const char *data, size_t len)
{
    if (!begin(s))
        return false;
    dkim_hash_add(s->hash, data, len);
    return true;
}

/* --- who signs -------------------------------------------------------------------------------- */

/* What the signatures are about. */
struct letter {
    const struct header_field *fields;
    size_t count;
    struct sign_header *headers;
    const char **from;
    size_t from_count;
};

static void read_letter(struct letter *l, struct message *m, const struct edit *edits)
{
    l->count = header_fields_after(m, edits, &l->fields);
    l->headers = arena_alloc(m->arena, (l->count + 1) * sizeof(*l->headers));
    l->from = arena_alloc(m->arena, (l->count + 1) * sizeof(*l->from));
    for (size_t i = 0; i < l->count; i++) {
        l->headers[i] = (struct sign_header){l->fields[i].name, l->fields[i].value};
        if (strcasecmp(l->fields[i].name, "From") == 0)
            l->from[l->from_count++] = l->fields[i].value;
    }
}

static bool is_whole(const struct message *m)
{
    int kept = 0;

    for (const struct header *h = m->headers; h != NULL; h = h->next)
        kept++;
    return kept == m->header_count;
}

static bool may_sign(const struct engine *e, const struct letter *l, struct sign_who *who)
{
    const struct policy *policy = e->policy;
    struct sign_scene scene = {
        .site = policy->site, .senders = policy->signing_senders, .client = e->client,
        .message = e->message, .from = l->from, .from_count = l->from_count,
    };

    sign_who(&scene, directions_list_client(policy->directions, e->client), e->message->arena,
             who);
    if (who->may && !is_whole(e->message)) {
        who->may = false;
        who->why = "dkim: not signed: more header fields than anybody can need";
    }
    return who->may;
}

/* --- signing ---------------------------------------------------------------------------------- */

static void note(const struct engine *e, const struct key_choice *key, const char *result,
                 const char *question)
{
    struct check_record *record = message_add_check(e->message);

    record->restriction = "dkim signature";
    record->question = question;
    record->answer = result;
    record->result = strcmp(result, "signed") == 0 ? "prepend" : "dunno";
    if (key != NULL)
        record->rule = (struct rule_ref){key->rule.file != NULL ? key->rule : key->where, NULL};
}

static bool has_field(const struct letter *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcasecmp(l->headers[i].name, name) == 0)
            return true;
    return false;
}

/* Sendmail gives a mail its Date and Message-Id after the filters: their absence is not signed. */
static const struct sign_fields *fields_of(const struct engine *e, const struct letter *l)
{
    const struct sign_fields *all = e->policy->sign_fields;
    struct sign_fields *fields = arena_alloc(e->message->arena, sizeof(*fields));
    const char **kept;
    size_t count = 0;

    if (!client_is_sendmail(e->client))
        return all;
    while (all->oversign[count] != NULL)
        count++;
    kept = arena_alloc(e->message->arena, (count + 1) * sizeof(*kept));
    count = 0;
    for (const char *const *name = all->oversign; *name != NULL; name++) {
        bool comes_later = strcasecmp(*name, "Date") == 0 || strcasecmp(*name, "Message-ID") == 0;
        if (!comes_later || has_field(l, *name))
            kept[count++] = *name;
    }
    kept[count] = NULL;
    *fields = (struct sign_fields){all->sign, kept};
    return fields;
}

static struct sign_plan plan_of(const struct engine *e, const struct key_choice *key,
                                const struct sign_fields *fields)
{
    const struct policy *policy = e->policy;

    return (struct sign_plan){
        .domain = key->domain, .selector = key->selector, .key = key->key,
        .header_canon = policy->sign_header, .body_canon = policy->sign_body,
        .fields = fields, .identity = key->identity,
        .time = e->message->time_us / 1000000,
        .ttl = policy->settings->dkim_signature_ttl / 1000000,
    };
}

static void record(struct engine *e, const struct key_choice *key, const struct sign_result *result)
{
    struct message *m = e->message;
    const char *name = arena_printf(m->arena, "%s._domainkey.%s", key->selector, key->domain);
    struct made_signature *made;

    if (result->value == NULL) {
        log_line(LOG_ERR, "%s: dkim: not signed with %s: %s", m->queue_id, name, result->error);
        note(e, key, result->error, name);
        return;
    }
    made = message_add_signature(m);
    made->domain = key->domain;
    made->selector = key->selector;
    made->algorithm = dkim_algorithm_name(dkim_key_algorithm(key->key));
    made->bits = (unsigned)dkim_key_bits(key->key);
    note(e, key, "signed", name);
}

static void put(struct engine *e, const struct key_choice *key, const struct sign_result *result)
{
    struct rule_ref rule = {key->where, "dkim signature"};
    const char *field;

    if (result->value == NULL)
        return;
    field = arena_printf(e->message->arena, SIGN_DKIM_FIELD ":%s", result->value);
    message_edit_top(e->message, field, &rule)->annotates = true;
}

static void sign(struct sealing *s, const struct letter *l, const struct key_choice *const *keys,
                 size_t count)
{
    struct engine *e = s->engine;
    struct arena *arena = e->message->arena;
    struct sign_mail mail = {l->headers, l->count, s->hash};
    struct sign_plan *plans = arena_alloc(arena, count * sizeof(*plans));
    struct sign_result *results = arena_alloc(arena, count * sizeof(*results));
    const struct sign_fields *fields = fields_of(e, l);

    for (size_t i = 0; i < count; i++)
        plans[i] = plan_of(e, keys[i], fields);
    sign_dkim(plans, count, &mail, arena, results);
    for (size_t i = 0; i < count; i++)
        record(e, keys[i], &results[i]);
    for (size_t i = count; i-- > 0;) /* what comes later is put above */
        put(e, keys[i], &results[i]);
}

static void say_not_signed(const struct engine *e, const char *why)
{
    const char *reason = strstr(why, "not signed: ");

    if (!e->quiet)
        log_line(LOG_INFO, "%s: %s", e->message->queue_id[0] ? e->message->queue_id : "NOQUEUE",
                 why);
    note(e, NULL, reason != NULL ? reason + strlen("not signed: ") : why, "not signed");
}

void sealing_end(struct sealing *s, const struct edit *edits)
{
    struct engine *e = s->engine;
    struct message *m = e->message;
    const struct key_choice *list, **chosen;
    struct letter letter = {0};
    struct sign_who who;
    struct err err;
    size_t count;

    if (!begin(s))
        return;
    read_letter(&letter, m, edits);
    if (!may_sign(e, &letter, &who)) {
        if (who.why != NULL)
            say_not_signed(e, who.why);
        return;
    }
    count = keys_select(e->policy->keys, who.address, m->arena, &list);
    count = key_watch_choose(e->world->keys, list, count, m->time_us / 1000000, m->arena, &chosen);
    if (count > 0 && dkim_hash_end(s->hash, &err))
        sign(s, &letter, chosen, count);
    else if (count > 0)
        log_line(LOG_ERR, "%s: dkim: not signed: %s", m->queue_id, err.text);
    sealing_free(s);
}
