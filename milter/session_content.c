/* session_content - a message on its way through header_checks and body_checks */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_content.h"

#include "authres.h"
#include "decision.h"
#include "header_edits.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LINE_LIMIT = 2048,    /* Postfix's line_length_limit: longer lines are read in pieces */
    HEADERS_MAX = 100000, /* more are refused, or at least not kept, for the memory's sake */
    RECORDS_MAX = 1000,   /* of one message: what more rules say, or do to fields, is dropped */
    COPIES_MAX = 1000,    /* addresses that BCC adds to one message */
};

/* Rules that were told of once. */
struct told {
    struct told *next;
    struct where rule;
};

/* Addresses that BCC has added. */
struct copy {
    struct copy *next;
    const char *address;
};

struct content {
    struct content_scene scene;
    const struct checks *const *lists; /* by enum checks_id */
    struct mime *mime;
    struct arena *scratch;       /* of one lookup */
    const struct header *header; /* the primary one being read; NULL: not kept */
    bool own;                    /* the MTA's own Received is being read */
    bool in_body, stopped, held;
    bool keeps_parts; /* for the log; until one cannot be kept */
    size_t offset; /* in the text of this part */
    int records, changes, copies_count; /* changes: of fields, by rules */
    struct told *told;
    struct copy *copies;
    struct verdict verdict;
};

/* What a rule was asked about. */
struct subject_text {
    enum checks_id id;
    enum mime_place place; /* of a header */
    struct slice text;
};

static bool is_body(const struct subject_text *s)
{
    return s->id == CHECKS_BODY;
}

static void log_action(const struct content *c, const char *what, const struct subject_text *s,
                       const char *text, const struct rule_ref *rule)
{
    struct decision_content d = {
        .what = what,
        .place = is_body(s) ? "body" : "header",
        .excerpt = checks_excerpt(s->text, c->scratch),
        .text = text != NULL ? text : "",
        .rule = rule,
    };

    if (!c->scene.quiet)
        decision_log_content(&d, c->scene.client, c->scene.message);
}

/* The question is "table SPEC EXCERPT", and either may hold blanks. */
static void record(struct content *c, const struct subject_text *s, const struct outcome *o)
{
    struct message *m = c->scene.message;
    struct check_record *r;
    const char *spec = o->question + strlen("table ");
    size_t len = strlen(spec) - strlen(checks_excerpt(s->text, c->scratch)) - 1;

    c->records++;
    r = message_add_check(m);
    r->restriction = arena_printf(m->arena, "%s %.*s", checks_name(s->id), (int)len, spec);
    r->question = arena_strdup(m->arena, o->question);
    r->answer = arena_strdup(m->arena, o->answer);
    r->result = act_name(o->act);
    r->rule = o->rule;
}

/* Refused or thrown away: nothing more is looked at. */
static void decide(struct content *c, const struct subject_text *s, const struct outcome *o)
{
    struct arena *arena = c->scene.message->arena;
    bool refuses = o->act != ACT_DISCARD;
    const char *what = refuses ? "reject" : "discard", *text = o->text;

    c->verdict = (struct verdict){.act = o->act, .stage = is_body(s) ? STAGE_BODY : STAGE_HEADER,
                                  .code = o->code, .dsn = arena_strdup(arena, o->dsn),
                                  .text = arena_strdup(arena, o->text), .rule = o->rule};
    c->stopped = true;
    c->verdict.enforced = c->scene.enforce;
    session_log_token(&c->scene.log, c->scene.message, NULL, &c->verdict);
    if (refuses)
        text = arena_printf(arena, "%s %s", o->dsn, o->text);
    if (c->verdict.token != NULL)
        text = arena_printf(arena, "%s [%s]", text, c->verdict.token);
    if (!c->scene.enforce)
        what = arena_printf(arena, "would-%s", what);
    log_action(c, what, s, text, &o->rule);
}

static bool is_told(const struct content *c, const struct where *rule)
{
    for (const struct told *t = c->told; t != NULL; t = t->next)
        if (t->rule.line == rule->line && t->rule.file != NULL && rule->file != NULL &&
            strcmp(t->rule.file, rule->file) == 0)
            return true;
    return false;
}

static void note_told(struct content *c, const struct where *rule)
{
    struct told *t = arena_alloc(c->scene.message->arena, sizeof(*t));

    *t = (struct told){c->told, *rule};
    c->told = t;
}

/* Inside the body nothing can be changed; a field may be added to the message's own instead. */
static void edit_part(struct content *c, const struct subject_text *s, const struct outcome *o)
{
    bool adds = o->act == ACT_PREPEND &&
                c->scene.policy->settings->part_prepend == PART_PREPEND_PRIMARY;

    if (is_told(c, &o->rule.where))
        return;
    note_told(c, &o->rule.where);
    if (adds)
        message_edit_header(c->scene.message, ACT_PREPEND, NULL, EDIT_BOTTOM, o->text, &o->rule);
    log_action(c, act_name(o->act), s,
               adds ? o->text : "the header of a part is not changed by a milter", &o->rule);
}

static bool is_received(const char *field, struct arena *arena)
{
    const char *name, *value;

    return header_field_read(field, arena, &name, &value) && strcasecmp(name, "Received") == 0 &&
           slice_trim(slice_of(value)).len > 0;
}

/* One Received always stays, and so there is one that can be changed. */
static void edit_own(struct content *c, const struct subject_text *s, const struct outcome *o)
{
    struct message *m = c->scene.message;
    const char *text = o->text;

    if (o->act == ACT_PREPEND)
        message_edit_header(m, ACT_PREPEND, NULL, EDIT_TOP, text, &o->rule);
    else if (o->act == ACT_REPLACE && is_received(text, c->scratch))
        message_edit_header(m, ACT_REPLACE, NULL, EDIT_OWN, text, &o->rule);
    else
        text = "the MTA's own Received field is not removed by a milter";
    log_action(c, act_name(o->act), s, text, &o->rule);
}

static void edit_header(struct content *c, const struct subject_text *s, const struct outcome *o)
{
    if (s->place != MIME_PRIMARY) {
        edit_part(c, s, o);
        return;
    }
    if (c->own) {
        edit_own(c, s, o);
        return;
    }
    if (c->header == NULL)
        return;
    message_edit_header(c->scene.message, o->act, c->header, EDIT_HEADER, o->text, &o->rule);
    if (o->act != ACT_IGNORE)
        log_action(c, act_name(o->act), s, o->text, &o->rule);
}

static void hold(struct content *c, const struct subject_text *s, const struct outcome *o)
{
    struct message *m = c->scene.message;

    if (c->held || message_last_edit(m, ACT_HOLD) != NULL)
        return;
    c->held = true;
    message_add_edit(m, ACT_HOLD, o->text[0] ? o->text : checks_name(s->id), &o->rule);
    log_action(c, "hold", s, o->text, &o->rule);
}

static bool is_copied(const struct content *c, const char *address)
{
    for (const struct copy *copy = c->copies; copy != NULL; copy = copy->next)
        if (strcmp(copy->address, address) == 0)
            return true;
    return false;
}

static void add_copy(struct content *c, const struct outcome *o)
{
    struct message *m = c->scene.message;
    struct copy *copy;

    if (is_copied(c, o->text))
        return;
    copy = arena_alloc(m->arena, sizeof(*copy));
    *copy = (struct copy){c->copies, arena_strdup(m->arena, o->text)};
    c->copies = copy;
    c->copies_count++;
    message_add_edit(m, ACT_BCC, copy->address, &o->rule);
}

static void apply(struct content *c, const struct subject_text *s, const struct outcome *o)
{
    switch (o->act) {
    case ACT_REJECT:
    case ACT_DEFER:
    case ACT_DISCARD:
        decide(c, s, o);
        break;
    case ACT_PREPEND:
    case ACT_REPLACE:
    case ACT_IGNORE:
    case ACT_STRIP:
        edit_header(c, s, o);
        break;
    case ACT_HOLD:
        hold(c, s, o);
        break;
    case ACT_BCC:
        add_copy(c, o);
        log_action(c, act_name(o->act), s, o->text, &o->rule);
        break;
    case ACT_REDIRECT:
        message_add_edit(c->scene.message, o->act, o->text, &o->rule);
        log_action(c, act_name(o->act), s, o->text, &o->rule);
        break;
    case ACT_WARN:
        log_action(c, "warning", s, o->text, &o->rule);
        break;
    case ACT_INFO:
    case ACT_PASS:
        log_action(c, act_name(o->act), s, o->text, &o->rule);
        break;
    default:
        break;
    }
    if (o->act == ACT_PASS || o->act == ACT_REDIRECT)
        c->stopped = true;
}

static bool is_copy_too_much(const struct content *c, const struct outcome *o)
{
    static struct log_limit limit;
    bool copied = is_copied(c, o->text);

    if (!copied && c->copies_count >= COPIES_MAX)
        log_limited(&limit, LOG_WARNING, "%s:%d: BCC has added %d recipients to one message: more "
                    "are skipped", o->rule.where.file != NULL ? o->rule.where.file : "?",
                    o->rule.where.line, COPIES_MAX);
    return copied || c->copies_count >= COPIES_MAX;
}

static bool changes_header(enum act act)
{
    return act == ACT_PREPEND || act == ACT_REPLACE || act == ACT_IGNORE || act == ACT_STRIP;
}

/* A rule that fires on every line of a large body, or in each of its parts, must not fill memory
 * and log. Whatever changes what becomes of the message counts, however late it comes. */
static bool is_too_much(const struct content *c, const struct subject_text *s,
                        const struct outcome *o)
{
    if (c->records < RECORDS_MAX)
        return false;
    switch (o->act) {
    case ACT_DUNNO:
    case ACT_WARN:
    case ACT_INFO:
        return true;
    case ACT_HOLD:
        return c->held;
    case ACT_BCC:
        return is_copy_too_much(c, o);
    default:
        return changes_header(o->act) && s->place != MIME_PRIMARY && is_told(c, &o->rule.where);
    }
}

static void ask(struct content *c, const struct subject_text *s)
{
    struct outcome o;

    if (c->stopped)
        return;
    o = checks_judge(c->lists[s->id], s->text, c->scratch);
    if (o.question != NULL && !is_too_much(c, s, &o)) {
        if (!changes_header(o.act) || c->changes++ < RECORDS_MAX)
            record(c, s, &o);
        apply(c, s, &o);
    }
    arena_reset(c->scratch);
}

static void on_header(void *arg, const struct mime_header *header)
{
    static const enum checks_id ids[] = {[MIME_CLASS_HEADER] = CHECKS_HEADER,
                                         [MIME_CLASS_MIME] = CHECKS_MIME,
                                         [MIME_CLASS_NESTED] = CHECKS_NESTED};
    struct subject_text s = {ids[header->class], header->place, header->text};
    struct content *c = arg;

    if (c->keeps_parts && header->class == MIME_CLASS_MIME && header->place != MIME_PRIMARY)
        c->keeps_parts = message_add_part(c->scene.message, header->text);
    ask(c, &s);
}

static void on_text(void *arg, struct slice line, bool more, size_t offset)
{
    struct content *c = arg;
    size_t limit = (size_t)c->scene.policy->settings->body_checks_size_limit;
    struct subject_text s = {.id = CHECKS_BODY, .text = line};

    (void)more;
    c->offset = offset + line.len;
    if (limit == 0 || offset < limit)
        ask(c, &s);
}

static bool has_list(const struct content *c, enum checks_id id)
{
    return c->lists[id]->count > 0;
}

const struct header *content_keep(const struct policy *policy, struct message *m,
                                  const char *name, const char *value)
{
    if ((policy->may_edit || policy->verifies_dkim || policy->shadow_headers) &&
        (m->header_count < HEADERS_MAX || authres_is_field(name)))
        return message_add_header(m, name, value);
    m->header_count++;
    return NULL;
}

/* A bounce that Postfix makes cannot be told from other mail of sendmail(1) without a sender. Its
 * own lists Postfix does not ask about them: what a rule refused would be refused again when it is
 * returned, and stay in the queue for good. */
static bool is_bounce(const struct content_scene *scene)
{
    const struct address *sender = &scene->message->sender;

    return scene->client->local && sender->key != NULL && sender->key[0] == '\0';
}

struct content *content_new(const struct content_scene *scene)
{
    struct mime_options options = {.line_limit = LINE_LIMIT};
    struct mime_events events = {.header = on_header};
    struct content *c;
    bool any = false;

    if (is_bounce(scene))
        return NULL;
    c = xcalloc(1, sizeof(*c));
    c->scene = *scene;
    c->lists = scene->policy->checks[scene->message->direction];
    for (int id = 0; id < CHECKS_COUNT; id++)
        any = any || has_list(c, (enum checks_id)id);
    if (!any) {
        free(c);
        return NULL;
    }
    options.header_limit = (size_t)scene->policy->settings->header_size_limit;
    events.arg = c;
    if (has_list(c, CHECKS_BODY))
        events.text = on_text;
    c->keeps_parts = session_log_parts(&scene->log, scene->message);
    c->scratch = arena_new();
    c->mime = mime_new(&options, &events);
    return c;
}

void content_free(struct content *c)
{
    if (c == NULL)
        return;
    mime_free(c->mime);
    arena_free(c->scratch);
    free(c);
}

static void refuse_headers(struct content *c)
{
    static const char text[] = "Error: too many header fields";

    c->stopped = true;
    c->verdict = (struct verdict){.act = ACT_REJECT, .stage = STAGE_HEADER, .code = 552,
                                  .dsn = "5.3.4", .text = text};
}

void content_header(struct content *c, const struct header *header, const char *name,
                    const char *value)
{
    if (c == NULL || c->in_body || c->verdict.act != ACT_DUNNO)
        return;
    if (c->scene.message->header_count > HEADERS_MAX) {
        refuse_headers(c);
        return;
    }
    c->header = header;
    mime_primary_header(c->mime, name, value);
}

static void end_headers(struct content *c)
{
    if (!c->in_body)
        mime_primary_end(c->mime);
    c->in_body = true;
}

void content_part(struct content *c, const char *text)
{
    struct subject_text s = {CHECKS_MIME, MIME_PART, slice_of(text)};

    if (c == NULL)
        return;
    end_headers(c);
    ask(c, &s);
}

void content_own_received(struct content *c, const char *text)
{
    struct subject_text s = {CHECKS_HEADER, MIME_PRIMARY, slice_of(text)};

    if (c == NULL)
        return;
    c->own = true;
    ask(c, &s);
    c->own = false;
}

static bool wants_body(const struct content *c)
{
    int64_t limit = c->scene.policy->settings->body_checks_size_limit;
    bool parts = mime_expects_headers(c->mime);

    if (c->stopped)
        return false;
    if (has_list(c, CHECKS_BODY) && (parts || limit == 0 || c->offset < (size_t)limit))
        return true;
    return parts && (has_list(c, CHECKS_MIME) || has_list(c, CHECKS_NESTED));
}

bool content_body(struct content *c, const char *data, size_t len)
{
    if (c == NULL)
        return false;
    end_headers(c);
    if (wants_body(c))
        mime_feed(c->mime, data, len);
    return wants_body(c);
}

struct verdict content_end(struct content *c)
{
    if (c == NULL)
        return (struct verdict){.act = ACT_DUNNO, .stage = STAGE_EOM};
    end_headers(c);
    if (!c->stopped)
        mime_end(c->mime);
    c->scene.message->parts_whole |= c->keeps_parts && !c->stopped;
    return c->verdict;
}
