/* replay_content - what the log tells of a mail's content, and what rules would have to know */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_content.h"

#include "check_header_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct read_name {
    struct read_name *next;
    const char *name;      /* "*": any field */
    const char *what;      /* "header Subject" */
    const char *parameter; /* NULL: none would do */
};

struct content_reads {
    struct arena *arena;
    struct read_name *names[CHECKS_COUNT]; /* of lists of headers */
    bool edits, body;
};

/* --- what rules read -------------------------------------------------------------------------- */

static void add_name(struct content_reads *r, enum checks_id id, struct slice name)
{
    struct read_name *n;

    for (n = r->names[id]; n != NULL; n = n->next)
        if (slice_is_nocase(name, n->name))
            return;
    n = arena_alloc(r->arena, sizeof(*n));
    n->name = arena_strndup(r->arena, name.ptr, name.len);
    n->what = arena_printf(r->arena, "header %s", n->name);
    if (!slice_is(name, "*"))
        n->parameter = arena_printf(r->arena, "evidence_headers (add %s)", n->name);
    n->next = r->names[id];
    r->names[id] = n;
}

struct reading {
    struct content_reads *reads;
    enum checks_id id;
    const struct table *table;
};

static void read_name(struct slice name, void *arg)
{
    struct reading *reading = arg;

    add_name(reading->reads, reading->id, name);
}

static bool counts(const struct content_reads *reads, const struct rule *rule)
{
    return reads->edits ? header_rule_edits(rule) : header_rule_decides(rule);
}

static void read_rule(const struct rule *rule, void *arg)
{
    struct reading *reading = arg;

    if (counts(reading->reads, rule) &&
        !header_rule_names(reading->table, rule, read_name, reading))
        add_name(reading->reads, reading->id, slice_of("*"));
}

static void read_body_rule(const struct rule *rule, void *arg)
{
    struct content_reads *reads = arg;

    reads->body |= counts(reads, rule);
}

struct content_reads *content_reads_new(const struct policy *policy, enum direction direction,
                                        bool edits)
{
    struct content_reads *r = xcalloc(1, sizeof(*r));

    r->arena = arena_new();
    r->edits = edits;
    for (int id = 0; id < CHECKS_COUNT; id++) {
        const struct checks *checks = policy->checks[direction][id];

        for (size_t i = 0; i < checks->count; i++) {
            struct reading reading = {r, (enum checks_id)id, checks->tables[i]};

            if (id == CHECKS_BODY)
                table_each(checks->tables[i], read_body_rule, r);
            else
                table_each(checks->tables[i], read_rule, &reading);
        }
    }
    return r;
}

void content_reads_free(struct content_reads *r)
{
    if (r == NULL)
        return;
    arena_free(r->arena);
    free(r);
}

static bool is_recorded(const struct replay_facts *facts, const char *name)
{
    if (facts->recorded_headers == NULL)
        return true;
    for (const char *const *n = facts->recorded_headers; *n != NULL; n++)
        if (strcasecmp(*n, name) == 0)
            return true;
    return false;
}

/* Only such fields are asked of mime_header_checks. */
static bool is_of_mime(const char *name)
{
    return strcmp(name, "*") == 0 || strncasecmp(name, "Content-", 8) == 0 ||
           strcasecmp(name, "MIME-Version") == 0;
}

static const struct read_name *find_unrecorded(const struct read_name *names, bool mime,
                                               const struct replay_facts *facts)
{
    for (const struct read_name *n = names; n != NULL; n = n->next)
        if ((!mime || is_of_mime(n->name)) && !is_recorded(facts, n->name))
            return n;
    return NULL;
}

static bool reads_parts(const struct content_reads *r)
{
    for (const struct read_name *n = r->names[CHECKS_MIME]; n != NULL; n = n->next)
        if (is_of_mime(n->name))
            return true;
    return false;
}

/* The type of the whole mail; "" when it says none. */
static struct slice content_type(const struct replay_facts *facts)
{
    for (const struct header *h = facts->message->headers; h != NULL; h = h->next)
        if (strcasecmp(h->name, "Content-Type") == 0)
            return slice_trim(slice_of(h->value));
    return (struct slice){"", 0};
}

static bool begins(struct slice text, const char *with)
{
    return text.len >= strlen(with) && strncasecmp(text.ptr, with, strlen(with)) == 0;
}

/* Where all fields of parts are known, those that speak of attached mails are. */
static bool may_hold_mail(const struct replay_facts *facts, struct slice type)
{
    if (begins(type, "message/") || begins(type, "multipart/digest"))
        return true;
    if (!begins(type, "multipart/") || begins(type, "multipart/alternative") ||
        begins(type, "multipart/related"))
        return false;
    for (const struct header *h = facts->message->parts; h != NULL; h = h->next)
        if (strcasestr(h->value, "message/") != NULL || strcasestr(h->value, "digest") != NULL)
            return true;
    return !facts->message->parts_whole;
}

/* What is below the first header. A mail in several forms, or with its pictures, is taken to
 * hold no other mail. */
static const char *parts_missing(const struct content_reads *r, const struct replay_facts *facts,
                                 const char **parameter)
{
    struct slice type = content_type(facts);
    bool parts = reads_parts(r) && !facts->message->parts_whole,
         nested = r->names[CHECKS_NESTED] != NULL;

    if ((parts || nested) && !is_recorded(facts, "Content-Type")) {
        *parameter = "evidence_headers (add Content-Type)";
        return "header Content-Type";
    }
    if (parts && (begins(type, "multipart/") || begins(type, "message/")))
        return "headers of parts";
    if (nested && may_hold_mail(facts, type))
        return "headers of attached mails";
    return r->body ? "body" : NULL;
}

const char *content_reads_missing(const struct content_reads *r, const struct replay_facts *facts,
                                  const char **parameter)
{
    const struct read_name *n = find_unrecorded(r->names[CHECKS_HEADER], false, facts);

    if (n == NULL && !facts->message->parts_whole)
        n = find_unrecorded(r->names[CHECKS_MIME], true, facts);
    if (n != NULL) {
        *parameter = n->parameter;
        return n->what;
    }
    *parameter = NULL;
    return parts_missing(r, facts, parameter);
}

/* --- what the record says --------------------------------------------------------------------- */

static bool is_of_content(const struct check_record *c)
{
    static const char *const lists[] = {"header_checks ", "mime_header_checks ",
                                        "nested_header_checks ", "body_checks "};

    for (size_t i = 0; c->restriction != NULL && i < ARRAY_LEN(lists); i++)
        if (strncmp(c->restriction, lists[i], strlen(lists[i])) == 0)
            return true;
    return false;
}

static enum act act_of(const char *result)
{
    static const enum act acts[] = {ACT_REJECT, ACT_DEFER, ACT_DISCARD};

    for (size_t i = 0; result != NULL && i < ARRAY_LEN(acts); i++)
        if (strcmp(result, act_name(acts[i])) == 0)
            return acts[i];
    return ACT_DUNNO;
}

/* What the message ended with tells all; else, when the lists refused it before, the steps tell
 * what would have been done, but not the words. */
struct verdict content_recorded(const struct replay_facts *facts)
{
    const struct message *m = facts->message;
    struct verdict v = {.act = ACT_DUNNO, .stage = STAGE_EOM};

    if (m->verdict.stage == STAGE_HEADER || m->verdict.stage == STAGE_BODY)
        return m->verdict;
    for (const struct check_record *c = m->checks; c != NULL; c = c->next)
        if (is_of_content(c) && act_of(c->result) != ACT_DUNNO) {
            v.act = act_of(c->result);
            v.stage = strncmp(c->restriction, "body", 4) == 0 ? STAGE_BODY : STAGE_HEADER;
            v.rule = c->rule;
            v.code = v.act == ACT_REJECT ? 550 : v.act == ACT_DEFER ? 450 : 0;
            v.dsn = v.act == ACT_REJECT ? "5.7.1" : "4.7.1";
            v.text = "";
            return v;
        }
    return v;
}

bool content_made(const struct message *m, const struct rule_ref *rule, enum act act)
{
    for (const struct check_record *c = m->checks; c != NULL; c = c->next)
        if (is_of_content(c) && is_same_text(c->result, act_name(act)) &&
            rule_is_same(&c->rule, rule))
            return true;
    return false;
}

/* --- comparison ------------------------------------------------------------------------------- */

static void hash_text(uint64_t *h, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text;; p++) {
        *h = (*h ^ *p) * 0x100000001b3u;
        if (*p == '\0')
            return;
    }
}

static void hash_rule(const struct rule *rule, void *arg)
{
    hash_text(arg, rule->key);
    hash_text(arg, rule->value);
}

static uint64_t hash_of(const struct policy *p, int direction)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (int id = 0; id < CHECKS_COUNT; id++) {
        const struct checks *checks = p->checks[direction][id];

        hash_text(&h, checks_name((enum checks_id)id));
        for (size_t i = 0; i < checks->count; i++) {
            hash_text(&h, table_type(checks->tables[i]));
            table_each(checks->tables[i], hash_rule, &h);
        }
    }
    return h;
}

bool content_is_same(const struct policy *a, const struct policy *b)
{
    for (int d = 0; d < DIR_COUNT; d++)
        if (hash_of(a, d) != hash_of(b, d))
            return false;
    return a->settings->body_checks_size_limit == b->settings->body_checks_size_limit &&
           a->settings->header_size_limit == b->settings->header_size_limit;
}
