/* policy - one complete reading of milter.conf, rules and site facts; immutable once published */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include "direction.h"
#include "dns_options.h"
#include "policy_parts.h"
#include "restriction.h"
#include "sign_names.h"
#include "spf_scene.h"
#include "steps.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct param_text *setting_of_list(const struct settings *s, enum list_id list)
{
    const struct param_text *texts[LIST_COUNT] = {
        [LIST_CLIENT] = s->client_restrictions,       [LIST_HELO] = s->helo_restrictions,
        [LIST_SENDER] = s->sender_restrictions,       [LIST_RELAY] = s->relay_restrictions,
        [LIST_RECIPIENT] = s->recipient_restrictions, [LIST_DATA] = s->data_restrictions,
        [LIST_END_OF_DATA] = s->end_of_data_restrictions,
    };

    return texts[list];
}

/* When a list is judged, and so what its restrictions can know. */
static enum stage stage_of_list(const struct settings *s, enum list_id list)
{
    static const enum stage own[LIST_COUNT] = {
        [LIST_CLIENT] = STAGE_CONNECT, [LIST_HELO] = STAGE_HELO,      [LIST_SENDER] = STAGE_MAIL,
        [LIST_RELAY] = STAGE_RCPT,     [LIST_RECIPIENT] = STAGE_RCPT, [LIST_DATA] = STAGE_DATA,
        [LIST_END_OF_DATA] = STAGE_EOM,
    };

    return s->delay_reject && list <= LIST_SENDER ? STAGE_RCPT : own[list];
}

const struct steps *policy_parse_list(const struct policy *p, const struct param_text *text,
                                      enum list_id list, struct problems *problems)
{
    struct steps_source source = {
        .text = text->text,
        .where = text->where,
        .dir = settings_dir(p->settings, text->where),
        .list = list,
        .stage = stage_of_list(p->settings, list),
        .strict = p->settings->strict,
        .classes = p->classes,
        .tables = p->tables,
    };

    return steps_parse(&source, p->arena, problems);
}

static const char *next_name(struct slice *rest, struct arena *arena)
{
    struct slice word;

    return slice_word(rest, ", \t\r\n", &word) ? arena_strndup(arena, word.ptr, word.len) : NULL;
}

/* Refusing all destinations because none is known would refuse all mail. */
static void check_destinations(const struct policy *p, const struct step *step,
                               struct problems *problems)
{
    static const char *const names[] = {"reject_unauth_destination", "defer_unauth_destination",
                                        "check_relay_domains"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(step->row->name, names[i]) == 0 && !p->site->knows_destinations)
            problems_add(problems, SEV_ERROR, step->where,
                         "%s would refuse every recipient, because no destination is known: set "
                         "postfix_config_directory, or mydestination and relay_domains",
                         step->row->name);
}

static void check_steps(const struct policy *p, const struct steps *steps,
                        struct problems *problems)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++)
        check_destinations(p, &steps->list[i], problems);
}

/* Those that no list names, too: the value of a table may. */
static void check_classes(const struct policy *p, struct problems *problems)
{
    for (size_t i = 0; i < p->classes->count; i++)
        for (int list = 0; list < LIST_COUNT; list++)
            check_steps(p, p->classes->list[i].steps[list], problems);
}

static void load_list(struct policy *p, enum direction direction, enum list_id list,
                      struct problems *problems)
{
    const struct param_text *texts = setting_of_list(p->settings, list);
    const struct param_text *text = &texts[direction];

    if (direction == DIR_OUTGOING && text->text == texts[DIR_INCOMING].text) {
        p->lists[direction][list] = p->lists[DIR_INCOMING][list];
        return;
    }
    p->lists[direction][list] = policy_parse_list(p, text, list, problems);
    check_steps(p, p->lists[direction][list], problems);
}

/* Before MAIL the login is not known, and so not the direction. */
static void check_directed(const struct policy *p, enum list_id list, struct problems *problems)
{
    const struct param_text *texts = setting_of_list(p->settings, list);

    if (p->settings->delay_reject || list > LIST_HELO)
        return;
    for (int d = 0; d < DIR_COUNT; d++)
        if (strcmp(texts[DIR_INCOMING].text, texts[DIR_OUTGOING].text) != 0)
            problems_add(problems, SEV_ERROR, texts[d].where,
                         "%s cannot differ by direction with delay_reject = no: at that time the "
                         "direction is not known",
                         list_name(list));
}

static void note_asker(struct policy *p, enum direction direction, const struct steps *steps)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++) {
        p->asks[direction] |= steps->list[i].row->asks;
        p->verifies_dkim |= steps->list[i].row->reads_dkim;
    }
}

/* Whoever names a class, a table's value too, may come to what it asks. */
static void note_askers(struct policy *p)
{
    for (int list = 0; list < LIST_COUNT; list++) {
        for (int d = 0; d < DIR_COUNT; d++) {
            note_asker(p, (enum direction)d, p->lists[d][list]);
            for (size_t i = 0; i < p->classes->count; i++)
                note_asker(p, (enum direction)d, p->classes->list[i].steps[list]);
        }
    }
}

static void load_lists(struct policy *p, struct problems *problems)
{
    policy_declare_classes(p, problems);
    for (int list = 0; list < LIST_COUNT; list++) {
        check_directed(p, (enum list_id)list, problems);
        for (int d = 0; d < DIR_COUNT; d++)
            load_list(p, (enum direction)d, (enum list_id)list, problems);
        policy_define_classes(p, (enum list_id)list, problems);
    }
    policy_report_classes(p, problems);
    check_classes(p, problems);
    note_askers(p);
}

static const struct param_text *setting_of_checks(const struct settings *s, enum checks_id id)
{
    const struct param_text *texts[CHECKS_COUNT] = {
        [CHECKS_HEADER] = s->header_checks,        [CHECKS_MIME] = s->mime_header_checks,
        [CHECKS_NESTED] = s->nested_header_checks, [CHECKS_BODY] = s->body_checks,
    };

    return texts[id];
}

static void load_checks(struct policy *p, struct problems *problems)
{
    for (int id = 0; id < CHECKS_COUNT; id++)
        for (int d = 0; d < DIR_COUNT; d++) {
            const struct param_text *text = &setting_of_checks(p->settings, (enum checks_id)id)[d];
            const struct checks *checks = checks_parse((enum checks_id)id, text,
                                                       settings_dir(p->settings, text->where),
                                                       p->tables, p->arena, problems);

            checks_check_values(checks, problems);
            p->may_edit = p->may_edit || checks_may_edit(checks);
            p->checks[d][id] = checks;
        }
}

static const char *const *names_of(const char *text, struct arena *arena)
{
    struct slice rest = slice_of(text);
    const char **names = arena_alloc(arena, (rest.len / 2 + 2) * sizeof(*names));
    const char *name;
    size_t count = 0;

    while ((name = next_name(&rest, arena)) != NULL)
        names[count++] = name;
    return names;
}

/* Alone a word is the header's, and the body is simple (RFC 6376, 3.5). */
static void read_canonicalization(struct policy *p)
{
    int canon = p->settings->dkim_canonicalization;

    p->sign_header = canon == CANON_SIMPLE_RELAXED || canon == CANON_SIMPLE_SIMPLE ||
                             canon == CANON_SIMPLE
                         ? DKIM_SIMPLE
                         : DKIM_RELAXED;
    p->sign_body = canon == CANON_RELAXED_RELAXED || canon == CANON_SIMPLE_RELAXED ? DKIM_RELAXED
                                                                                   : DKIM_SIMPLE;
}

static void load_keys(struct policy *p, struct problems *problems)
{
    const struct param_text *senders = &p->settings->signing_senders;

    read_canonicalization(p);

    p->keys = keys_load(p->settings, problems);
    p->sign_fields = sign_names_read(p->settings, p->arena, problems);
    if (senders->text[0] != '\0')
        p->signing_senders = tables_find(p->tables, senders->text,
                                         settings_dir(p->settings, senders->where), senders->where,
                                         problems);
}

struct policy *policy_load(const struct policy_source *source, struct problems *problems)
{
    struct policy *p = xcalloc(1, sizeof(*p));
    struct table_limits limits = table_limits_preset;
    struct dns_options dns;

    p->arena = arena_new();
    p->settings = settings_load(source->path, source->overrides, source->override_count, problems);
    limits.pcre_match = (unsigned long)p->settings->pcre_match_limit;
    limits.pcre_depth = (unsigned long)p->settings->pcre_depth_limit;
    limits.pcre_heap_kb = (unsigned long)(p->settings->pcre_heap_limit / 1024);
    limits.regexp_text = (unsigned long)p->settings->regexp_text_limit;
    limits.strict = p->settings->strict_tables;
    p->tables = tables_new(&limits);
    p->site = site_new(p->settings, p->tables, problems);
    p->spf_exempt = spf_exempt_new(p->settings, p->tables, problems);
    p->directions = directions_parse(p->settings->outgoing.text, p->settings->outgoing.where,
                                     p->site->mynetworks, p->arena, problems);
    dns_options_of(p->settings, p->arena, &dns, problems);
    p->rbl = rbl_load(p->settings, p->tables, p->arena, problems);
    load_lists(p, problems);
    load_checks(p, problems);
    p->authres = authres_policy_read(p->settings, p->arena, problems);
    load_keys(p, problems);
    p->verifies_dkim = p->verifies_dkim || (p->authres.id != NULL && p->authres.dkim);
    p->may_edit = p->may_edit || p->authres.id != NULL || p->settings->received_spf_header ||
                  !keys_are_empty(p->keys);
    p->evidence = names_of(p->settings->evidence_headers, p->arena);
    p->loaded_at = time(NULL);
    return problems->errors == 0 ? p : policy_refuse(p, problems);
}

static void remember_file(const char *path, void *arg)
{
    problems_add_file(arg, path);
}

struct policy *policy_refuse(struct policy *p, struct problems *problems)
{
    policy_each_file(p, remember_file, problems);
    policy_free(p);
    return NULL;
}

void policy_free(struct policy *p)
{
    if (p == NULL)
        return;
    if (p->shadow != NULL)
        policy_release(p->shadow);
    keys_free(p->keys);
    site_free(p->site);
    spf_exempt_free(p->spf_exempt);
    tables_free(p->tables);
    settings_free(p->settings);
    arena_free(p->arena);
    free(p);
}

/* Guards the three below and the holders of every published policy. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct policy *current, *unheld;
static unsigned generation;

void policy_publish(struct policy *policy)
{
    struct policy *old;

    pthread_mutex_lock(&lock);
    old = current;
    current = policy;
    if (policy != NULL)
        policy->generation = ++generation;
    if (old != NULL && old->holders == 0) {
        old->next = unheld;
        unheld = old;
    }
    pthread_mutex_unlock(&lock);
}

struct policy *policy_acquire(void)
{
    struct policy *policy;

    pthread_mutex_lock(&lock);
    policy = current;
    if (policy != NULL)
        policy->holders++;
    pthread_mutex_unlock(&lock);
    return policy;
}

void policy_hold(struct policy *policy)
{
    pthread_mutex_lock(&lock);
    policy->holders++;
    pthread_mutex_unlock(&lock);
}

void policy_release(struct policy *policy)
{
    pthread_mutex_lock(&lock);
    if (--policy->holders == 0 && policy != current) {
        policy->next = unheld;
        unheld = policy;
    }
    pthread_mutex_unlock(&lock);
}

void policy_unhold(struct policy *policy)
{
    pthread_mutex_lock(&lock);
    policy->holders--;
    pthread_mutex_unlock(&lock);
}

void policy_reap(void)
{
    struct policy *p, *next;

    pthread_mutex_lock(&lock);
    p = unheld;
    unheld = NULL;
    pthread_mutex_unlock(&lock);
    for (; p != NULL; p = next) {
        next = p->next;
        policy_free(p);
    }
}

void policy_each_file(const struct policy *policy, void (*visit)(const char *path, void *arg),
                      void *arg)
{
    if (policy->settings->file != NULL)
        visit(policy->settings->file, arg);
    if (policy->settings->main_cf != NULL)
        visit(policy->settings->main_cf, arg);
    site_each_file(policy->site, visit, arg);
    spf_exempt_each_file(policy->spf_exempt, visit, arg);
    tables_each_file(policy->tables, visit, arg);
    keys_each_file(policy->keys, visit, arg);
    if (policy->settings->shadow_config[0] != '\0')
        visit(policy->settings->shadow_config, arg);
    if (policy->shadow != NULL)
        policy_each_file(policy->shadow, visit, arg);
}

static bool has_checks(const struct policy *policy, enum checks_id id)
{
    return policy->checks[DIR_INCOMING][id]->count > 0
           || policy->checks[DIR_OUTGOING][id]->count > 0;
}

/* By preset it is taken where the fields are seen anyway, because that costs. */
static bool wants_evidence(const struct policy *policy)
{
    return policy->evidence[0] != NULL &&
           settings_place(policy->settings, "evidence_headers").file != NULL;
}

struct policy_needs policy_needs(const struct policy *policy)
{
    const struct settings *s = policy->settings;
    bool body = has_checks(policy, CHECKS_MIME) || has_checks(policy, CHECKS_NESTED)
                || has_checks(policy, CHECKS_BODY);
    bool dkim = policy->verifies_dkim || !keys_are_empty(policy->keys);

    return (struct policy_needs){
        .headers = s->log_message_id || wants_evidence(policy) || policy->authres.id != NULL ||
                   body || dkim || policy->shadow_headers ||
                   has_checks(policy, CHECKS_HEADER),
        .body = body || dkim,
        .edits = policy->may_edit || s->outgoing_hide_client != HIDE_NO,
        .early_reply = !s->delay_reject,
        .mta_rejects = s->log_mta_rejects,
    };
}

const struct steps *policy_parse_value(const struct policy *policy, const char *text,
                                       enum list_id list, struct arena *arena)
{
    struct steps_source source = {
        .text = text,
        .list = list,
        .stage = stage_of_list(policy->settings, list),
        .nested = true,
        .classes = policy->classes,
    };

    return steps_parse(&source, arena, NULL);
}
