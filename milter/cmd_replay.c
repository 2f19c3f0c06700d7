/* cmd_replay - `tamis replay`: what another configuration would have done to logged mail */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "cmd_world.h"
#include "log.h"
#include "options.h"
#include "replay_content.h"
#include "replay_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define EPOCH_MS 1577836800000ll

/* What the command line asks for. */
struct query {
    const char *log;
    int64_t from, until; /* ids; until 0: no end */
    long limit;          /* messages; 0: no limit */
    double max_unknown;  /* percent */
    const char *zone;
    bool json, ask_now;
};

/* A policy of the log, and whether its content rules are the candidate's. */
struct era {
    struct era *next;
    int64_t policy;
    struct policy *loaded; /* NULL: cannot be */
    bool same_content;
};

struct run {
    const struct query *query;
    struct policy *candidate;
    struct logdb *log;
    struct replay *replay;
    struct tally tally;
    struct arena *arena;
    struct era *eras;
    struct era *newest; /* by its number, of those that can be loaded */
    int64_t first_ms, last_ms;
};

/* --- times ------------------------------------------------------------------------------------ */

static int64_t id_of(int64_t seconds)
{
    int64_t ms = seconds * 1000 - EPOCH_MS;

    return ms > 0 ? ms << 22 : 0;
}

/* "7d", "24h", "90m", "2026-11-01", "2026-11-01 12:00[:00]" (UTC), "all". False: none of these. */
static bool parse_time(const char *text, int64_t *id)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"};
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    size_t len = strlen(text);
    long number;

    *id = 0;
    if (strcmp(text, "all") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(units) && len > 1; i++)
        if (text[len - 1] == units[i].letter &&
            parse_long((struct slice){text, len - 1}, 0, 1000000, &number)) {
            *id = id_of(time(NULL) - number * units[i].seconds);
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, formats[i], &tm);

        if (end != NULL && *end == '\0') {
            *id = id_of(timegm(&tm));
            return true;
        }
    }
    return false;
}

static bool parse_percent(const char *text, double *percent)
{
    char *end;

    *percent = strtod(text, &end);
    return end != text && *percent >= 0 && *percent <= 100 &&
           (*end == '\0' || strcmp(end, "%") == 0);
}

/* --- policies of the log ---------------------------------------------------------------------- */

static struct era *load_era(struct run *r, int64_t id)
{
    struct era *era = arena_alloc(r->arena, sizeof(*era));
    struct replay_texts *texts = replay_texts_read(r->log, id, NULL);
    struct problems problems = {0};

    era->policy = id;
    if (texts != NULL)
        era->loaded = replay_texts_load(texts, NULL, &problems);
    if (era->loaded != NULL) {
        era->same_content = content_is_same(era->loaded, r->candidate);
        if (r->newest == NULL || r->newest->policy < id)
            r->newest = era;
    }
    problems_free(&problems);
    replay_texts_free(texts);
    era->next = r->eras;
    r->eras = era;
    return era;
}

static const struct era *era_of(struct run *r, int64_t id)
{
    for (struct era *e = r->eras; e != NULL; e = e->next)
        if (e->policy == id)
            return e;
    return load_era(r, id);
}

static void free_eras(struct run *r)
{
    for (struct era *e = r->eras; e != NULL; e = e->next)
        if (e->loaded != NULL)
            policy_release(e->loaded);
}

/* --- the run ---------------------------------------------------------------------------------- */

static bool judge_all(struct run *r, struct replay_reader *reader, struct err *err)
{
    const struct query *q = r->query;
    struct replay_facts facts;

    if (!replay_reader_seek(reader, q->from, q->until, err))
        return false;
    err->text[0] = '\0';
    while ((q->limit == 0 || r->tally.messages < (uint64_t)q->limit) &&
           replay_reader_next(reader, &facts, err)) {
        replay_set_same_content(r->replay,
                                facts.policy != 0 && era_of(r, facts.policy)->same_content);
        tally_add(&r->tally, &facts, replay_judge(r->replay, &facts));
        r->last_ms = (facts.id >> 22) + EPOCH_MS;
        if (r->first_ms == 0)
            r->first_ms = r->last_ms;
    }
    return err->text[0] == '\0';
}

static int status_of(const struct tally *t, double max_unknown)
{
    double unknown = (double)t->counts[REPLAY_UNKNOWN];

    if (t->known > 0)
        return 3;
    if (unknown * 100 > max_unknown * (double)t->recipients)
        return 2;
    return t->counts[REPLAY_CHANGED] > 0 ? 1 : 0;
}

static int report(struct run *r)
{
    const char *file = r->candidate->settings->file;
    struct replay_report report = {
        .tally = &r->tally,
        .policy = file != NULL ? file : "the presets",
        .log = r->query->log,
        .first_ms = r->first_ms,
        .last_ms = r->last_ms,
        .status = status_of(&r->tally, r->query->max_unknown),
    };
    struct buf out = {0};

    tally_sort(&r->tally);
    if (r->newest != NULL) {
        report.logged_policy = r->newest->policy;
        report.rules = rules_compare(r->newest->loaded, r->candidate, r->arena);
    }
    (r->query->json ? replay_print_json : replay_print_text)(&report, &out);
    fwrite(out.ptr, 1, out.len, stdout);
    buf_free(&out);
    return report.status;
}

static int run_log(struct run *r, struct world *ask_now)
{
    struct replay_reader *reader;
    struct err err = {{0}};
    int status = EX_DATAERR;

    reader = replay_reader_new(r->log, &err);
    if (reader != NULL) {
        log_silence(true);
        r->arena = arena_new();
        r->replay = replay_new(r->candidate, ask_now);
        tally_init(&r->tally, r->log);
        if (judge_all(r, reader, &err))
            status = report(r);
        tally_free(&r->tally);
        replay_free(r->replay);
        free_eras(r);
        arena_free(r->arena);
        log_silence(false);
    }
    replay_reader_free(reader);
    if (err.text[0] != '\0')
        fprintf(stderr, "tamis replay: %s\n", err.text);
    return status;
}

static int run_policy(struct policy *candidate, struct query *q)
{
    struct cmd_world world = {0};
    struct logdb log;
    struct run run = {.query = q, .candidate = candidate, .log = &log};
    struct err err;
    int status = EX_DATAERR;

    if (q->log == NULL)
        q->log = candidate->settings->log_file;
    if (!logdb_open(&log, q->log, &err)) {
        fprintf(stderr, "tamis replay: %s\n", err.text);
        return EX_NOINPUT;
    }
    if (!q->ask_now || cmd_world_open(&world, candidate->settings, q->zone))
        status = run_log(&run, world.world);
    cmd_world_close(&world);
    logdb_close(&log);
    return status;
}

static struct policy *load(const struct options *options, struct problems *problems)
{
    struct policy_source source;

    return options_source(options, false, &source, problems) ? replay_load(&source, NULL, problems)
                                                             : NULL;
}

static int run(const struct options *options, struct query *q)
{
    struct problems problems = {0};
    struct policy *policy = load(options, &problems);
    int status = EX_CONFIG;

    options_print_problems(&problems, policy == NULL ? SEV_ERROR : SEV_WARNING);
    problems_free(&problems);
    if (policy != NULL) {
        status = run_policy(policy, q);
        policy_release(policy);
    }
    policy_reap();
    return status;
}

/* Texts of options as what they mean; -1, or the exit status after a message. */
static int read_texts(const struct options *options, struct query *q, const char *since,
                      const char *until, const char *limit, const char *unknown)
{
    if (!parse_time(since, &q->from))
        return options_usage_error(options, "--since %s: 7d, 24h, 90m, a date, or all", since);
    if (until != NULL && !parse_time(until, &q->until))
        return options_usage_error(options, "--until %s: 7d, 24h, 90m, or a date", until);
    if (limit != NULL && !parse_long(slice_of(limit), 1, 1000000000, &q->limit))
        return options_usage_error(options, "--limit %s: no number of messages", limit);
    if (!parse_percent(unknown, &q->max_unknown))
        return options_usage_error(options, "--max-unknown %s: 1%%, or another percentage",
                                   unknown);
    return -1;
}

int cmd_replay(int argc, char **argv)
{
    struct query q = {0};
    const char *since = "7d", *until = NULL, *limit = NULL, *unknown = "1%", *json = NULL,
               *ask_now = NULL;
    const struct option_row rows[] = {
        {0, "since", "TIME", "from then on: 24h, 2026-11-01, all (7d)", &since, NULL},
        {0, "until", "TIME", "up to then, likewise", &until, NULL},
        {0, "limit", "COUNT", "so many messages at most", &limit, NULL},
        {0, "max-unknown", "PERCENT", "more than that is status 2 (1%)", &unknown, NULL},
        {0, "ask-now", NULL, "ask the DNS of today what was not recorded", &ask_now, NULL},
        {0, "zone", "FILE", "with --ask-now: a zone file in place of the DNS", &q.zone, NULL},
        {0, "json", NULL, "one JSON object", &json, NULL},
        {0, "file", "LOG", "this log, not the one that the configuration names", &q.log, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis replay [OPTION…] [-c CANDIDATE.conf]",
        .about = "Judges logged mail by another configuration and says what would change.",
        .rows = rows,
    };
    int status = options_parse(&options, argc, argv);

    q.json = json != NULL;
    q.ask_now = ask_now != NULL || q.zone != NULL;
    if (status < 0)
        status = options_no_arguments(&options, argv);
    if (status < 0)
        status = read_texts(&options, &q, since, until, limit, unknown);
    if (status < 0)
        status = run(&options, &q);
    options_free(&options);
    return status;
}
