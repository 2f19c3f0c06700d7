/* replay_print - the result of `tamis replay` as text and as JSON */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_print.h"

#include "fold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RULES_MAX = 20, GROUPS_MAX = 20, TEXT_COLUMNS = 200 };

static const char *time_text(int64_t ms, char text[24])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    text[0] = '\0';
    if (ms != 0 && gmtime_r(&seconds, &tm) != NULL)
        strftime(text, 24, "%Y-%m-%d %H:%M:%S", &tm);
    return text;
}

/* What strangers wrote must not write on the reader's terminal. */
static void add_printable(struct buf *b, const char *text)
{
    size_t from = b->len, len = strlen(text);

    buf_add(b, text, len < TEXT_COLUMNS ? len : TEXT_COLUMNS);
    if (b->ptr != NULL)
        fold_printable(b->ptr + from, '?');
}

/* What nobody refused, and was not seen to its end. */
static const char *action_text(enum entry_action action)
{
    return action == ENTRY_ABORTED ? "accept as far as seen" : entry_action_name(action);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

static void add_rule(struct buf *b, const struct rule_ref *rule)
{
    if (rule->where.file != NULL)
        buf_addf(b, "%s:%d: ", rule->where.file, rule->where.line);
    add_printable(b, rule->text != NULL ? rule->text : "no rule");
}

static void add_head(const struct replay_report *r, struct buf *b)
{
    char first[24], last[24];

    buf_addf(b, "%" PRIu64 " messages of %s", r->tally->messages, r->log);
    if (r->tally->messages > 0)
        buf_addf(b, ", %s to %s", time_text(r->first_ms, first), time_text(r->last_ms, last));
    buf_addf(b, "\njudged again by %s\n", r->policy);
    if (r->logged_policy == 0)
        buf_adds(b, "the log does not hold the policy of that time: rules are not compared\n");
    else if (r->rules == NULL)
        buf_adds(b, "no rule differs from those that the log holds\n");
}

static void add_rules(const struct replay_report *r, struct buf *b)
{
    size_t count = 0;

    if (r->rules != NULL)
        buf_adds(b, "\nrules that differ:\n");
    for (const struct rule_difference *d = r->rules; d != NULL; d = d->next) {
        struct rule_ref rule = {d->where, d->text};

        if (++count > RULES_MAX)
            continue;
        buf_adds(b, d->added ? "  + " : "  - ");
        add_rule(b, &rule);
        buf_addc(b, '\n');
    }
    if (count > RULES_MAX)
        buf_addf(b, "  and %zu more\n", count - RULES_MAX);
}

static void add_counts(const struct replay_report *r, struct buf *b)
{
    const struct tally *t = r->tally;

    buf_addf(b, "\n%" PRIu64 " recipients\n", t->recipients);
    for (int c = REPLAY_SAME; c <= REPLAY_UNKNOWN; c++)
        buf_addf(b, "  %-8s %10" PRIu64 " %7.2f %%\n", replay_change_name((enum replay_change)c),
                 t->counts[c], percent(t->counts[c], t->recipients));
    if (t->known > 0)
        buf_addf(b, "of what changes, %" PRIu64 " from correspondents that your users "
                    "write to\n", t->known);
    if (t->asked_now > 0)
        buf_addf(b, "%" PRIu64 " were judged with answers of today\n", t->asked_now);
}

/* What is another thing where the action is the same. */
static void add_way(struct buf *b, const struct tally_group *g)
{
    if (g->fate != NULL)
        buf_addf(b, ", %s", g->fate);
    else if (g->was == g->now)
        buf_adds(b, " (another reply)");
}

static void add_edits(const struct replay_report *r, struct buf *b)
{
    size_t count = 0;

    if (r->tally->edits != NULL)
        buf_addf(b, "\nwhat is done to mail besides differs in %" PRIu64 " messages:\n",
                 r->tally->edited);
    for (const struct tally_edit *e = r->tally->edits; e != NULL; e = e->next) {
        if (++count > GROUPS_MAX)
            continue;
        buf_addf(b, "  %8" PRIu64 "  %s %s ", e->count, e->added ? "+" : "-", act_name(e->act));
        if (e->field != NULL) {
            add_printable(b, e->field);
            buf_addc(b, ' ');
        }
        add_rule(b, &e->rule);
        buf_addc(b, '\n');
    }
    if (count > GROUPS_MAX)
        buf_addf(b, "  and %zu more kinds\n", count - GROUPS_MAX);
}

static void add_groups(const struct replay_report *r, struct buf *b)
{
    size_t count = 0;

    if (r->tally->groups != NULL)
        buf_adds(b, "\nwhat changes:\n");
    for (const struct tally_group *g = r->tally->groups; g != NULL; g = g->next) {
        if (++count > GROUPS_MAX)
            continue;
        buf_addf(b, "  %8" PRIu64 "  %s -> %s", g->count, action_text(g->was),
                 action_text(g->now));
        add_way(b, g);
        buf_adds(b, ": ");
        add_rule(b, &g->rule);
        if (g->known > 0)
            buf_addf(b, "; of which %" PRIu64 " from correspondents", g->known);
        buf_addc(b, '\n');
    }
    if (count > GROUPS_MAX)
        buf_addf(b, "  and %zu more kinds of change\n", count - GROUPS_MAX);
}

static void add_sample(const struct tally_sample *s, struct buf *b)
{
    const char *reply = s->now_reply[0] != '\0' ? s->now_reply : s->was_reply;
    char when[24];

    buf_addf(b, "  %s ", time_text((s->id >> 22) + 1577836800000ll, when));
    if (s->queue_id[0] != '\0')
        add_printable(b, s->queue_id);
    else
        buf_addf(b, "%" PRId64, s->id);
    buf_adds(b, " <");
    add_printable(b, s->sender);
    buf_adds(b, "> -> <");
    add_printable(b, s->address);
    buf_addf(b, ">%s: %s -> %s", s->known ? " (correspondent)" : "", action_text(s->was),
             action_text(s->now));
    if (s->fate != NULL)
        buf_addf(b, ", %s", s->fate);
    buf_addf(b, "%s: ", s->asked_now ? " (asked today)" : "");
    add_printable(b, reply);
    buf_addc(b, '\n');
}

static void add_samples(const struct replay_report *r, struct buf *b)
{
    const struct tally *t = r->tally;
    size_t count = 0;

    if (t->groups != NULL)
        buf_adds(b, "\nlook at these first; `tamis explain` takes the word behind the time:\n");
    for (size_t class = 0; class < ARRAY_LEN(t->samples); class++)
        for (size_t i = 0; i < t->sample_counts[class] && count < TALLY_SAMPLES; i++, count++)
            add_sample(&t->samples[class][i], b);
}

static void add_gaps(const struct replay_report *r, struct buf *b)
{
    if (r->tally->gaps != NULL)
        buf_adds(b, "\nunknown, because nobody recorded:\n");
    for (const struct tally_gap *g = r->tally->gaps; g != NULL; g = g->next) {
        buf_addf(b, "  %8" PRIu64 "  ", g->count);
        add_printable(b, g->kind);
        buf_addf(b, "%s%s\n", g->parameter != NULL ? "; would be known with " : "",
                 g->parameter != NULL ? g->parameter : "; no parameter records it");
    }
}

void replay_print_text(const struct replay_report *r, struct buf *b)
{
    add_head(r, b);
    add_rules(r, b);
    add_counts(r, b);
    add_groups(r, b);
    add_edits(r, b);
    add_samples(r, b);
    add_gaps(r, b);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void add_json_rule(struct buf *b, const struct rule_ref *rule)
{
    buf_add_member(b, "file", rule->where.file);
    buf_addf(b, ",\"line\":%d,", rule->where.line);
    buf_add_member(b, "text", rule->text);
}

static void add_json_rules(const struct replay_report *r, struct buf *b)
{
    buf_adds(b, ",\"rules\":[");
    for (const struct rule_difference *d = r->rules; d != NULL; d = d->next) {
        struct rule_ref rule = {d->where, d->text};

        buf_addf(b, "%s{\"added\":%s,", d != r->rules ? "," : "", d->added ? "true" : "false");
        add_json_rule(b, &rule);
        buf_addc(b, '}');
    }
    buf_addc(b, ']');
}

static void add_json_groups(const struct tally *t, struct buf *b)
{
    buf_adds(b, ",\"changes\":[");
    for (const struct tally_group *g = t->groups; g != NULL; g = g->next) {
        buf_addf(b, "%s{\"was\":\"%s\",\"now\":\"%s\",\"as_far_as_seen\":%s,\"recipients\":%" PRIu64
                    ",\"correspondents\":%" PRIu64 ",",
                 g != t->groups ? "," : "", entry_action_name(g->was),
                 g->as_far_as_seen ? "accept" : entry_action_name(g->now),
                 g->as_far_as_seen ? "true" : "false", g->count, g->known);
        buf_add_member(b, "fate", g->fate);
        buf_adds(b, ",\"rule\":{");
        add_json_rule(b, &g->rule);
        buf_adds(b, "}}");
    }
    buf_addc(b, ']');
}

static void add_json_edits(const struct tally *t, struct buf *b)
{
    buf_addf(b, ",\"edited\":%" PRIu64 ",\"edits\":[", t->edited);
    for (const struct tally_edit *e = t->edits; e != NULL; e = e->next) {
        buf_addf(b, "%s{\"added\":%s,\"op\":\"%s\",", e != t->edits ? "," : "",
                 e->added ? "true" : "false", act_name(e->act));
        buf_add_member(b, "field", e->field);
        buf_addf(b, ",\"messages\":%" PRIu64 ",\"rule\":{", e->count);
        add_json_rule(b, &e->rule);
        buf_adds(b, "}}");
    }
    buf_addc(b, ']');
}

static void add_json_sample(const struct tally_sample *s, struct buf *b)
{
    buf_addf(b, "{\"id\":%" PRId64 ",", s->id);
    buf_add_member(b, "queue_id", s->queue_id[0] != '\0' ? s->queue_id : NULL);
    buf_add_member(b, "sender", s->sender);
    buf_add_member(b, "recipient", s->address);
    buf_addf(b, ",\"was\":\"%s\",\"now\":\"%s\",\"correspondent\":%s,\"asked_now\":%s,",
             entry_action_name(s->was),
             s->as_far_as_seen ? "accept" : entry_action_name(s->now), s->known ? "true" : "false",
             s->asked_now ? "true" : "false");
    buf_add_member(b, "fate", s->fate);
    buf_add_member(b, "was_reply", s->was_reply);
    buf_add_member(b, "now_reply", s->now_reply);
    buf_addc(b, '}');
}

static void add_json_samples(const struct tally *t, struct buf *b)
{
    size_t count = 0;

    buf_adds(b, ",\"look_at\":[");
    for (size_t class = 0; class < ARRAY_LEN(t->samples); class++)
        for (size_t i = 0; i < t->sample_counts[class] && count < TALLY_SAMPLES; i++) {
            buf_adds(b, count++ > 0 ? "," : "");
            add_json_sample(&t->samples[class][i], b);
        }
    buf_addc(b, ']');
}

static void add_json_gaps(const struct tally *t, struct buf *b)
{
    buf_adds(b, ",\"unknown_reasons\":[");
    for (const struct tally_gap *g = t->gaps; g != NULL; g = g->next) {
        buf_adds(b, g != t->gaps ? ",{" : "{");
        buf_add_member(b, "missing", g->kind);
        buf_add_member(b, "parameter", g->parameter);
        buf_addf(b, ",\"recipients\":%" PRIu64 "}", g->count);
    }
    buf_addc(b, ']');
}

void replay_print_json(const struct replay_report *r, struct buf *b)
{
    const struct tally *t = r->tally;
    char text[24];

    buf_addc(b, '{');
    buf_add_member(b, "policy", r->policy);
    buf_add_member(b, "log", r->log);
    buf_add_member(b, "from", r->first_ms != 0 ? time_text(r->first_ms, text) : NULL);
    buf_add_member(b, "until", r->last_ms != 0 ? time_text(r->last_ms, text) : NULL);
    buf_addf(b, ",\"status\":%d,\"messages\":%" PRIu64 ",\"recipients\":%" PRIu64, r->status,
             t->messages, t->recipients);
    for (int c = REPLAY_SAME; c <= REPLAY_UNKNOWN; c++)
        buf_addf(b, ",\"%s\":%" PRIu64, replay_change_name((enum replay_change)c), t->counts[c]);
    buf_addf(b, ",\"correspondents\":%" PRIu64 ",\"asked_now\":%" PRIu64, t->known, t->asked_now);
    if (r->logged_policy != 0)
        add_json_rules(r, b);
    else
        buf_adds(b, ",\"rules\":null");
    add_json_groups(t, b);
    add_json_edits(t, b);
    add_json_samples(t, b);
    add_json_gaps(t, b);
    buf_adds(b, "}\n");
}
