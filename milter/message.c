/* message - a client and one mail transaction of it: what is known, asked, to be done */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"

#include <stddef.h>
#include <string.h>

enum { EVIDENCE_TEXT = 1000, EVIDENCE_BYTES = 16000, PARTS_MAX = 100 };

const char *direction_name(enum direction direction)
{
    return direction == DIR_OUTGOING ? "outgoing" : "incoming";
}

bool client_is_sendmail(const struct client *c)
{
    return c->mta_version != NULL && strncmp(c->mta_version, "8.", 2) == 0 &&
           is_digit((unsigned char)c->mta_version[2]);
}

void client_copy(struct client *to, const struct client *from, struct arena *arena)
{
    _Static_assert(offsetof(struct client, addr) == sizeof(from->texts), "count CLIENT_TEXTS anew");

    *to = *from;
    for (size_t i = 0; i < CLIENT_TEXTS; i++)
        to->texts[i] = arena_strdup(arena, from->texts[i]);
}

struct message *message_new(int64_t time_us)
{
    struct arena *arena = arena_new();
    struct message *m = arena_alloc(arena, sizeof(*m));

    m->arena = arena;
    m->time_us = time_us;
    m->begun_us = now_us();
    m->queue_id = m->message_id = m->login = m->auth_method = "";
    m->sender = (struct address){"", "", ""};
    m->recipients_tail = &m->recipients;
    m->checks_tail = &m->checks;
    m->findings_tail = &m->findings;
    m->edits_tail = &m->edits;
    m->logged_signatures_tail = &m->logged_signatures;
    m->evidence_tail = &m->evidence;
    m->parts_tail = &m->parts;
    m->esmtp = "";
    m->headers_tail = &m->headers;
    m->verdict.enforced = true;
    return m;
}

void message_free(struct message *m)
{
    if (m != NULL)
        arena_free(m->arena);
}

struct recipient *message_add_recipient(struct message *m, const struct address *address)
{
    struct recipient *r = arena_alloc(m->arena, sizeof(*r));

    r->number = ++m->recipient_count;
    r->address = *address;
    r->verdict.enforced = true;
    *m->recipients_tail = r;
    m->recipients_tail = &r->next;
    return r;
}

struct check_record *message_add_check(struct message *m)
{
    struct check_record *check = arena_alloc(m->arena, sizeof(*check));

    *m->checks_tail = check;
    m->checks_tail = &check->next;
    return check;
}

const struct header *message_add_header(struct message *m, const char *name, const char *value)
{
    struct header *header = arena_alloc(m->arena, sizeof(*header));

    header->name = arena_strdup(m->arena, name);
    header->value = arena_strdup(m->arena, value);
    header->index = m->header_count++;
    *m->headers_tail = header;
    m->headers_tail = &header->next;
    return header;
}

static bool edit_is(const struct edit *edit, enum act act, const char *text,
                    const struct rule_ref *rule)
{
    return edit->act == act && edit->header == NULL && is_same_text(edit->text, text) &&
           rule_is_same(&edit->rule, rule);
}

static struct edit *append_edit(struct message *m, enum act act, const char *text)
{
    struct edit *edit = arena_alloc(m->arena, sizeof(*edit));

    edit->act = act;
    edit->text = arena_strdup(m->arena, text);
    *m->edits_tail = edit;
    m->edits_tail = &edit->next;
    return edit;
}

struct edit *message_edit_header(struct message *m, enum act act, const struct header *header,
                                 enum edit_place place, const char *text,
                                 const struct rule_ref *rule)
{
    struct edit *edit = append_edit(m, act, text);

    edit->header = header;
    edit->place = place;
    edit->rule = *rule;
    if (header != NULL)
        m->header_edit = edit;
    return edit;
}

struct edit *message_edit_top(struct message *m, const char *text, const struct rule_ref *rule)
{
    struct edit *edit = arena_alloc(m->arena, sizeof(*edit));

    *edit = (struct edit){.next = m->edits, .act = ACT_PREPEND, .place = EDIT_TOP,
                          .text = arena_strdup(m->arena, text), .rule = *rule};
    if (m->edits == NULL)
        m->edits_tail = &edit->next;
    m->edits = edit;
    return edit;
}

static void move_to_end(struct message *m, struct edit **at)
{
    struct edit *edit = *at;

    if (edit->next == NULL)
        return;
    *at = edit->next;
    edit->next = NULL;
    *m->edits_tail = edit;
    m->edits_tail = &edit->next;
}

bool message_add_edit(struct message *m, enum act act, const char *text,
                      const struct rule_ref *rule)
{
    struct edit *edit;

    for (struct edit **at = &m->edits; *at != NULL; at = &(*at)->next)
        if (edit_is(*at, act, text, rule)) {
            if (act == ACT_REDIRECT)
                move_to_end(m, at);
            return false;
        }
    edit = append_edit(m, act, text);
    edit->rule.where.file = arena_strdup(m->arena, rule->where.file);
    edit->rule.where.line = rule->where.line;
    edit->rule.text = arena_strdup(m->arena, rule->text);
    return true;
}

const struct edit *message_last_edit(const struct message *m, enum act act)
{
    const struct edit *last = NULL;

    for (const struct edit *edit = m->edits; edit != NULL; edit = edit->next)
        if (edit->act == act)
            last = edit;
    return last;
}

/* Those with this answer; NULL: those that are to be forgotten. */
static bool is_dropped(const struct finding *f, const char *answer)
{
    return answer != NULL ? f->answer == answer : f->forgotten;
}

static void drop_findings(struct message *message, const char *answer)
{
    struct finding **at = &message->findings;

    while (*at != NULL) {
        if (is_dropped(*at, answer))
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
    message->findings_tail = at;
    for (size_t i = 0; i < FINDING_BUCKETS; i++)
        for (at = &message->finding_buckets[i]; *at != NULL;) {
            if (is_dropped(*at, answer))
                *at = (*at)->beside;
            else
                at = &(*at)->beside;
        }
}

void message_drop_findings(struct message *message, const char *answer)
{
    drop_findings(message, answer);
}

void message_forget_findings(struct message *message)
{
    drop_findings(message, NULL);
}

struct made_signature *message_add_signature(struct message *m)
{
    struct made_signature *made = arena_alloc(m->arena, sizeof(*made));

    made->next = m->signatures;
    m->signatures = made;
    return made;
}

/* With ten thousand recipients there are as many questions (FNV-1a). */
static size_t bucket_of(const char *question)
{
    uint32_t h = 2166136261u;

    for (const unsigned char *p = (const unsigned char *)question; *p != '\0'; p++)
        h = (h ^ *p) * 16777619u;
    return (h ^ h >> 16) % FINDING_BUCKETS;
}

struct finding *message_find(const struct message *m, const char *question)
{
    for (struct finding *f = m->finding_buckets[bucket_of(question)]; f != NULL; f = f->beside)
        if (strcmp(f->question, question) == 0)
            return f;
    return NULL;
}

struct finding *message_add_finding(struct message *m, const char *question)
{
    struct finding *finding = arena_alloc(m->arena, sizeof(*finding));
    struct finding **bucket = &m->finding_buckets[bucket_of(question)];

    finding->question = arena_strdup(m->arena, question);
    finding->state = FINDING_TEMPERROR;
    finding->answer = "";
    *m->findings_tail = finding;
    m->findings_tail = &finding->next;
    finding->beside = *bucket;
    *bucket = finding;
    return finding;
}

struct logged_signature *message_log_signature(struct message *m)
{
    struct logged_signature *signature = arena_alloc(m->arena, sizeof(*signature));

    *m->logged_signatures_tail = signature;
    m->logged_signatures_tail = &signature->next;
    return signature;
}

void message_add_evidence(struct message *m, const char *name, const char *value)
{
    size_t name_len = strnlen(name, EVIDENCE_TEXT), len = strnlen(value, EVIDENCE_TEXT);
    struct header *header;

    if (m->evidence_bytes + name_len + len > EVIDENCE_BYTES)
        return;
    m->evidence_bytes += name_len + len;
    header = arena_alloc(m->arena, sizeof(*header));
    header->name = arena_strndup(m->arena, name, name_len);
    header->value = arena_strndup(m->arena, value, len);
    *m->evidence_tail = header;
    m->evidence_tail = &header->next;
}

bool message_add_part(struct message *m, struct slice text)
{
    size_t len = text.len < EVIDENCE_TEXT ? text.len : EVIDENCE_TEXT;
    struct header *header;

    if (m->evidence_bytes + len > EVIDENCE_BYTES || m->part_count == PARTS_MAX)
        return false;
    m->part_count++;
    m->evidence_bytes += len;
    header = arena_alloc(m->arena, sizeof(*header));
    header->name = "";
    header->value = arena_strndup(m->arena, text.ptr, len);
    *m->parts_tail = header;
    m->parts_tail = &header->next;
    return len == text.len;
}

void edit_split(const struct edit *e, struct slice *field, struct slice *value)
{
    const char *colon = e->text != NULL ? strchr(e->text, ':') : NULL;

    *field = slice_of(e->header != NULL ? e->header->name : NULL);
    *value = (struct slice){NULL, 0};
    if (e->act == ACT_HOLD || e->act == ACT_REDIRECT || e->act == ACT_BCC) {
        *value = slice_of(e->text);
    } else if (colon != NULL && (e->act == ACT_PREPEND || e->act == ACT_REPLACE)) {
        *field = slice_trim((struct slice){e->text, (size_t)(colon - e->text)});
        *value = slice_trim(slice_of(colon + 1));
    }
}

const char *message_add_token(struct message *m, int recipient, const char *token)
{
    struct reply_token *t = arena_alloc(m->arena, sizeof(*t));

    *t = (struct reply_token){m->tokens, recipient, arena_strdup(m->arena, token)};
    m->tokens = t;
    return t->text;
}

bool message_has_permitted(const struct message *m)
{
    for (const struct recipient *r = m->recipients; r != NULL; r = r->next)
        if (!verdict_refuses(&r->verdict))
            return true;
    return m->recipients == NULL;
}
