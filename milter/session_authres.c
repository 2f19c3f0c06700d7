/* session_authres - Authentication-Results: ours is added, what claims to be ours is removed */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_authres.h"

#include "check_authres.h"
#include "header_edits.h"
#include "received_spf.h"

void annotation_begin(struct annotation *a, struct engine *engine, bool merges)
{
    const struct policy *policy = engine->policy;
    bool asks = policy->authres.id != NULL || policy->settings->received_spf_header;

    *a = (struct annotation){.engine = engine, .merges = merges};
    engine->wanted = asks ? &authres_step : NULL;
}

static bool is_ours(const struct annotation *a, const char *name, const char *value)
{
    return authres_is_field(name) && authres_is_ours(value, a->engine->policy->authres.id);
}

static struct rule_ref rule_of(const struct annotation *a)
{
    return (struct rule_ref){a->engine->policy->authres.where, authres_step.text};
}

static void remove_header(struct annotation *a, const struct header *header)
{
    struct rule_ref rule = rule_of(a);

    message_edit_header(a->engine->message, ACT_IGNORE, header, EDIT_HEADER, NULL, &rule)
        ->annotates = true;
}

/* There is one edit a header: what a rule puts above it takes its place instead; what a rule puts
 * in its place stays, unless it claims the same. */
static void merge(struct annotation *a, struct edit *edit)
{
    struct arena *arena = a->engine->message->arena;
    const char *name, *value;

    if (edit->act == ACT_PREPEND)
        edit->act = ACT_REPLACE;
    else if (edit->act == ACT_REPLACE && (!header_field_read(edit->text, arena, &name, &value) ||
                                          is_ours(a, name, value)))
        edit->act = ACT_IGNORE;
}

void annotation_header(struct annotation *a, const struct header *header)
{
    const struct policy *policy = a->engine->policy;
    struct edit *edit = a->engine->message->header_edit;

    if (policy->authres.id == NULL || policy->settings->keep_authres_from_milters ||
        !is_ours(a, header->name, header->value))
        return;
    if (a->merges && edit != NULL && edit->header == header)
        merge(a, edit);
    else
        remove_header(a, header);
    a->removed++;
}

static void note(struct annotation *a, enum act act, const char *text)
{
    struct check_record *record = message_add_check(a->engine->message);

    record->restriction = text;
    record->result = act_name(act);
    record->rule.where = rule_of(a).where;
}

static void put_on_top(struct annotation *a, const char *field)
{
    struct rule_ref rule = rule_of(a);

    message_edit_top(a->engine->message, field, &rule)->annotates = true;
}

static void add_fields(struct annotation *a)
{
    struct engine *e = a->engine;
    struct message *m = e->message;
    struct scene scene = {.policy = e->policy, .client = e->client, .message = m,
                          .stage = STAGE_EOM, .list = LIST_END_OF_DATA, .arena = m->arena};
    struct outcome need;
    const char *field;

    engine_learn(e, STAGE_EOM, &authres_step);
    scene.subject = subject_of_list(&scene);
    field = received_spf(&scene, &need);
    if (field != NULL) {
        put_on_top(a, field);
        note(a, ACT_PREPEND, "received_spf_header");
    }
    field = authres_judge(&scene, &need);
    if (field != NULL) {
        put_on_top(a, arena_printf(m->arena, "Authentication-Results:%s", field));
        note(a, ACT_PREPEND, authres_step.text);
    }
}

void annotation_end(struct annotation *a)
{
    struct engine *e = a->engine;

    if (a->removed > 0)
        note(a, ACT_IGNORE,
             arena_printf(e->message->arena, "%s: %d forged field%s", authres_step.text,
                          a->removed, a->removed == 1 ? "" : "s"));
    if (e->wanted != NULL && !e->client->local)
        add_fields(a);
}

const struct edit *annotation_edits(const struct annotation *a)
{
    struct message *m = a->engine->message;
    struct edit *first = NULL, **tail = &first;

    for (const struct edit *e = m->edits; e != NULL; e = e->next) {
        if (!e->annotates)
            continue;
        *tail = arena_alloc(m->arena, sizeof(**tail));
        **tail = *e;
        (*tail)->next = NULL;
        tail = &(*tail)->next;
    }
    return first;
}
