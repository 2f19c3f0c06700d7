/* replay_content - what the log tells of a mail's content, and what rules would have to know */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_content.h"

#include "access.h"

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
    struct read_name *names;
    bool body;
};

/* --- what rules read ----------------------------------------------------------------------------- */

static bool is_name_char(unsigned char c)
{
    return is_alnum(c) || c == '-' || c == '_';
}

static void add_name(struct content_reads *r, struct slice name)
{
    struct read_name *n;

    for (n = r->names; n != NULL; n = n->next)
        if (slice_is_nocase(name, n->name))
            return;
    n = arena_alloc(r->arena, sizeof(*n));
    n->name = arena_strndup(r->arena, name.ptr, name.len);
    n->what = arena_printf(r->arena, "header %s", n->name);
    if (!slice_is(name, "*"))
        n->parameter = arena_printf(r->arena, "evidence_headers (add %s)", n->name);
    n->next = r->names;
    r->names = n;
}

/* Would one alternative of several be enough, so that the beginning says little? */
static bool has_alternatives(const char *p)
{
    int depth = 0;
    bool class = false;

    for (; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        else if (class)
            class = *p != ']';
        else if (*p == '[')
            class = true;
        else if (*p == '|' && depth == 0)
            return true;
        else
            depth += (*p == '(') - (*p == ')');
    }
    return false;
}

/* The names that a pattern like /^(Subject|To): text/ begins with; false when it may mean any. */
static bool add_pattern(struct content_reads *r, const char *pattern)
{
    const char *p = pattern + (pattern[0] != '\0'), *start;
    bool group;

    if (*p++ != '^' || has_alternatives(p))
        return false;
    group = *p == '(';
    p += group;
    if (group && p[0] == '?' && p[1] == ':')
        p += 2;
    for (start = p; is_name_char((unsigned char)*p) || (group && *p == '|'); p++)
        ;
    if (p == start || (group && *p++ != ')') || (*p != ':' && !(*p == '\\' && p[1] == ':')))
        return false;
    for (struct slice rest = {start, (size_t)(p - group - start)}, name;
         slice_word(&rest, "|", &name);)
        add_name(r, name);
    return true;
}

/* Those that change a mail or only speak of it decide nothing. */
static bool decides(const struct rule *rule)
{
    static const char *const harmless[] = {"WARN",   "INFO",   "DUNNO", "OK",       "PREPEND",
                                           "IGNORE", "REPLACE", "STRIP", "REDIRECT", "BCC",
                                           "HOLD",   "FILTER"};
    struct slice word;

    access_split(rule->value, &word);
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
        if (slice_is_nocase(word, harmless[i]))
            return false;
    return true;
}

struct reading {
    struct content_reads *reads;
    bool patterns;
};

static void read_rule(const struct rule *rule, void *arg)
{
    struct reading *reading = arg;
    size_t len = strcspn(rule->key, ":");

    if (!decides(rule))
        return;
    if (!reading->patterns && rule->key[len] == ':')
        add_name(reading->reads, (struct slice){rule->key, len});
    else if (!reading->patterns || !add_pattern(reading->reads, rule->key))
        add_name(reading->reads, slice_of("*"));
}

static void read_part_rule(const struct rule *rule, void *arg)
{
    *(bool *)arg |= decides(rule);
}

struct content_reads *content_reads_new(const struct policy *policy, enum direction direction)
{
    struct content_reads *r = xcalloc(1, sizeof(*r));

    r->arena = arena_new();
    for (int id = 0; id < CHECKS_COUNT; id++) {
        const struct checks *checks = policy->checks[direction][id];

        for (size_t i = 0; i < checks->count; i++) {
            struct reading reading = {r, table_has_patterns(checks->tables[i])};

            if (id == CHECKS_HEADER)
                table_each(checks->tables[i], read_rule, &reading);
            else
                table_each(checks->tables[i], read_part_rule, &r->body);
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

const char *content_reads_missing(const struct content_reads *r, const struct replay_facts *facts,
                                  const char **parameter)
{
    for (const struct read_name *n = r->names; n != NULL; n = n->next)
        if (!is_recorded(facts, n->name)) {
            *parameter = n->parameter;
            return n->what;
        }
    *parameter = NULL;
    return r->body ? "body" : NULL;
}

/* --- what the record says ------------------------------------------------------------------------ */

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

/* What the message ended with tells all; else, when the lists refused it before, the steps tell what
 * would have been done, but not the words. */
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

/* --- comparison ---------------------------------------------------------------------------------- */

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
