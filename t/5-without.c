/* 5-without - a policy without one rule is the policy that was written without it; so explain says */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain_again.h"
#include "log.h"
#include "replay_read.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char fqdn[] = "reject_non_fqdn_helo_hostname";
static const char pair[] = "{r7@here.example = REJECT no}, ";
static const char row[] = "s11.example\n    REJECT two\n";

static const char *write_rules(const char *step, const char *inlined, const char *rows)
{
    char *conf = xasprintf("mode = enforce\n"
                           "postfix_config_directory =\n"
                           "authentication_results =\n"
                           "helo_restrictions = reject_invalid_helo_hostname, %s\n"
                           "sender_restrictions = check_sender_access texthash:senders\n"
                           "recipient_restrictions = check_recipient_access inline:{ %s\n"
                           "    {r8@here.example = DEFER later} }\n",
                           step, inlined);
    char *senders = xasprintf("u1@s12.example REJECT one\n%ss12.example REJECT three\n", rows);
    const char *path;

    tap_file("senders", senders);
    path = tap_file("milter.conf", conf);
    free(conf);
    free(senders);
    return path;
}

static bool play(const char *conf, const char *log)
{
    const char *top = getenv("builddir");
    char *command = xasprintf("%s/t/lib/play_log '%s' '%s' %d '%s'", top != NULL ? top : ".", conf,
                              log, getenv("LONG") != NULL ? 10000 : 3000, tap_file("zone", ""));
    FILE *f = popen(command, "r");

    free(command);
    return f != NULL && pclose(f) == 0;
}

struct pair {
    struct replay *without, *written;
    const char *conf;     /* written */
    struct rule_ref rule; /* that is left out */
    int told;             /* of how many mails explain said the same */
};

static bool is_equal(const struct replay_outcome *a, const struct replay_outcome *b)
{
    return a->change == b->change && a->now == b->now && a->verdict.code == b->verdict.code &&
           strcmp(a->verdict.text != NULL ? a->verdict.text : "",
                  b->verdict.text != NULL ? b->verdict.text : "") == 0;
}

static bool is_by(const struct verdict *v, const struct rule_ref *rule)
{
    return v->rule.where.file != NULL && v->rule.where.line == rule->where.line &&
           strcmp(v->rule.where.file, rule->where.file) == 0 &&
           strcmp(v->rule.text, rule->text) == 0;
}

/* The words for what comes out of the policy that was written without the rule. */
static const char *words(const struct replay_outcome *o, const struct rule_ref *rule,
                         struct arena *arena)
{
    const struct verdict *v = &o->verdict;
    bool in_conf = strstr(rule->where.file, "/milter.conf") != NULL;
    const char *place = arena_printf(arena, "%s:%d%s%s", rule->where.file, rule->where.line,
                                     in_conf ? " " : "", in_conf ? rule->text : "");

    if (o->now == ENTRY_ACCEPT)
        return arena_printf(arena, "%s: accepted", place);
    if (o->now == ENTRY_ABORTED)
        return arena_printf(arena, "%s: accepted, as far as the log has seen it", place);
    return arena_printf(arena, "%s: still %s by %s:%d: %d %s %s", place,
                        o->now == ENTRY_REJECT ? "rejected" : "deferred", v->rule.where.file,
                        v->rule.where.line, v->code, v->dsn, v->text);
}

/* Does explain say so? */
static bool is_told(struct logdb *log, const struct replay_facts *facts,
                    const struct replay_outcome *o, struct pair *p)
{
    struct arena *arena = arena_new();
    struct policy_source source = {.path = p->conf};
    struct err err = {"nothing"};
    struct explanation *e = explain_read(log, facts->id, o->number, arena, &err);
    struct explain_again *again = e != NULL ? explain_again_open(log, e, &source, &err) : NULL;
    const char *wanted = words(o, &p->rule, arena), *got = err.text;
    bool same;

    if (again != NULL) {
        explain_again_tell(again, false);
        for (const struct explain_line *line = e->again; line != NULL; line = line->next)
            if (strcmp(line->kind, "without") == 0)
                got = line->text;
    }
    same = strcmp(got, wanted) == 0;
    p->told += same;
    if (!same)
        tap_diag("explain: %s\nwanted: %s", got, wanted);
    explain_again_close(again);
    arena_free(arena);
    return same;
}

/* All messages of the log by both, and those that the rule refused by explain; the number of those that come out otherwise than they did, or -1
 * when these differ. */
static int compare(struct logdb *log, struct pair *p)
{
    struct err err;
    struct replay_reader *reader = replay_reader_new(log, &err);
    struct replay_facts facts;
    int changed = 0;

    if (reader == NULL || !replay_reader_seek(reader, 0, 0, &err))
        return -1;
    while (changed >= 0 && replay_reader_next(reader, &facts, &err)) {
        const struct replay_outcome *a = replay_judge(p->without, &facts)->outcomes;
        const struct replay_outcome *b = replay_judge(p->written, &facts)->outcomes;

        for (; a != NULL && b != NULL && changed >= 0; a = a->next, b = b->next) {
            changed = is_equal(a, b) ? changed + (a->change == REPLAY_CHANGED) : -1;
            if (changed >= 0 && is_by(&a->recorded, &p->rule) && !is_told(log, &facts, b, p))
                changed = -1;
        }
    }
    replay_reader_free(reader);
    return changed;
}

static void try(struct logdb *log, const char *name, struct rule_ref rule, const char *written)
{
    struct problems problems = {0};
    struct policy_source source = {.path = written};
    struct err err;
    struct replay_texts *texts = replay_texts_read(log, 1, &err);
    struct policy *without = texts != NULL ? replay_texts_load(texts, &rule, &problems) : NULL;
    struct policy *other = replay_load(&source, NULL, &problems);
    struct pair p = {.conf = written, .rule = rule};
    int changed;

    if (!tap_ok(without != NULL && other != NULL, "%s: both are loaded", name)) {
        problems_first_error(&problems, &err);
        tap_diag("%s", err.text);
        return;
    }
    p.without = replay_new(without, NULL);
    p.written = replay_new(other, NULL);
    changed = compare(log, &p);
    tap_ok(changed >= 0, "%s: left out or never written, all comes out the same", name);
    tap_ok(changed > 2, "%s: the rule had decided something", name);
    tap_ok(p.told > 2, "%s: explain says what becomes of these", name);
    replay_free(p.without);
    replay_free(p.written);
    policy_release(without);
    policy_release(other);
    policy_reap();
    replay_texts_free(texts);
    problems_free(&problems);
}

static void try_missing(struct logdb *log, const char *conf)
{
    struct rule_ref rule = {{conf, 4}, "reject_unknown_helo_hostname"};
    struct problems problems = {0};
    struct err err;
    struct replay_texts *texts = replay_texts_read(log, 1, &err);

    tap_ok(replay_texts_load(texts, &rule, &problems) == NULL, "no such rule: no policy");
    problems_first_error(&problems, &err);
    tap_ok(strstr(err.text, "there is no rule \"reject_unknown_helo_hostname\"") != NULL,
           "no such rule: told");
    replay_texts_free(texts);
    problems_free(&problems);
    tap_ok(replay_texts_read(log, 99, &err) == NULL, "no such policy");
    tap_is(err.text, "the log does not hold the policy that was in force then", "and told");
}

int main(void)
{
    char *conf = xstrdup(write_rules(fqdn, pair, row)), *path = xasprintf("%s/log.db", tap_dir());
    char *senders = xasprintf("%s/senders", tap_dir());
    struct logdb log;
    struct err err;

    tap_start(getenv("LONG") != NULL ? 900 : 120);
    if (!tap_ok(play(conf, path), "a log is made") || !logdb_open(&log, path, &err))
        return tap_done();
    log_silence(true);
    try(&log, "a restriction", (struct rule_ref){{conf, 4}, fqdn}, write_rules("", pair, row));
    try(&log, "a pair of an inline table", (struct rule_ref){{conf, 6}, "r7@here.example=REJECT no"},
        write_rules(fqdn, "", row));
    try(&log, "a row of a table", (struct rule_ref){{senders, 2}, "s11.example    REJECT two"},
        write_rules(fqdn, pair, "#\n#\n"));
    try_missing(&log, conf);
    logdb_close(&log);
    free(conf);
    free(path);
    free(senders);
    return tap_done();
}
