/* access_search - a search of a subject's keys in an access table, and what the rule found says */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access_search.h"

#include "access.h"
#include "fold.h"
#include "log.h"
#include "policy.h"

bool access_search_ask(struct access_search *s, struct slice key)
{
    if (s->first.ptr == NULL)
        s->first = key;
    s->result = table_lookup(s->step->table, key, s->scene->arena, &s->hit);
    check_report_undecided(&s->hit);
    if (s->result == TABLE_NOT_FOUND)
        return false;
    if (s->result == TABLE_FOUND && !is_utf8(slice_of(s->hit.value))) {
        s->result = TABLE_ERROR;
        s->hit.why = "its value is not UTF-8 (iconv -f LATIN1 -t UTF-8)";
    }
    s->found = key;
    return true;
}

static bool ask(void *arg, struct slice key)
{
    return access_search_ask(arg, key);
}

void access_search_start(struct access_search *s, const struct step *step,
                         const struct scene *scene)
{
    const struct site *site = scene->policy->site;

    *s = (struct access_search){.step = step, .scene = scene, .result = TABLE_NOT_FOUND};
    s->keys = (struct access_keys){
        .ask = ask,
        .arg = s,
        .whole_only = table_has_patterns(step->table),
        .bare_parents = site->access_parents,
        .delimiters = site->recipient_delimiter,
        .null_sender = site->null_access_lookup_key,
        .arena = scene->arena,
    };
}

static struct outcome lookup_error(const struct access_search *s, const struct subject *subject)
{
    static struct log_limit limit;

    log_limited(&limit, LOG_WARNING, "%s:%d: table %s has no answer: %s",
                s->step->where.file != NULL ? s->step->where.file : "?", s->step->where.line,
                table_spec(s->step->table), s->hit.why != NULL ? s->hit.why : "lookup error");
    return outcome_refuse(s->scene, subject, 451, "4.3.5", "Server configuration error");
}

/* What the log shows of a search. */
static void note(struct outcome *o, const struct access_search *s)
{
    struct slice key = s->found.ptr != NULL ? s->found : s->first;

    o->question = arena_printf(s->scene->arena, "table %s %.*s", table_spec(s->step->table),
                               (int)key.len, key.ptr != NULL ? key.ptr : "");
    if (s->result == TABLE_FOUND) {
        o->answer = s->hit.value;
        o->rule = (struct rule_ref){s->hit.rule, s->hit.text};
    } else {
        o->answer = s->result == TABLE_ERROR ? "error" : "not found";
    }
}

struct outcome access_search_conclude(const struct access_search *s, struct subject subject)
{
    struct outcome o = outcome_dunno();

    if (s->result == TABLE_ERROR)
        o = lookup_error(s, &subject);
    else if (s->result == TABLE_FOUND)
        o = access_outcome(s->scene, &subject, s->hit.value, &s->hit.rule);
    note(&o, s);
    return o;
}
