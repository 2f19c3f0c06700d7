/* rule_tests - policy_tests: scripts with the replies that the rules must give */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule_tests.h"

#include "front_test.h"
#include "lines.h"
#include "world_dns.h"
#include "world_recorded.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

enum { SCRIPT_MAX = 16 * 1024 * 1024 };

struct test {
    const struct policy_source *source;
    struct policy *policy;
    struct problems *problems;
    struct arena *arena;
    const char *path, *dir;
    struct finding *findings;
    struct dns_zone *zone; /* NULL: none, or given to a world */
    struct dns_options dns;
    struct world *asked, *world; /* the zone's, NULL: none; all answers */
    struct script *script;
    char *reply; /* to the last command */
    size_t reply_len;
    FILE *out;
    bool has_command;
    char *command;
};

static void fail(struct test *t, struct where at, const char *what, const char *detail)
{
    problems_add(t->problems, SEV_ERROR, at, "policy_tests: %s%s", what, detail);
}

/* What stands behind "# NAME:"; NULL when the line is something else. */
static const char *directive(struct test *t, struct slice line, const char *name)
{
    struct slice text = slice_trim(line);
    size_t len = strlen(name);

    if (text.len == 0 || text.ptr[0] != '#')
        return NULL;
    text = slice_trim((struct slice){text.ptr + 1, text.len - 1});
    if (text.len <= len || strncmp(text.ptr, name, len) != 0 || text.ptr[len] != ':')
        return NULL;
    text = slice_trim((struct slice){text.ptr + len + 1, text.len - len - 1});
    return arena_strndup(t->arena, text.ptr, text.len);
}

static void read_zone(struct test *t, const char *file)
{
    if (t->zone == NULL)
        t->zone = dns_zone_new();
    dns_zone_load(t->zone, conf_path(t->dir, file, t->arena), t->problems);
}

static void read_answer(struct test *t, struct where at, const char *text)
{
    static const char *const states[] = {"found", "none", "temperror"};
    struct slice rest = slice_of(text), state;
    struct finding *f = arena_alloc(t->arena, sizeof(*f));
    const char *arrow;
    size_t i = 0;

    if (!slice_word(&rest, " ", &state))
        state = (struct slice){"", 0};
    rest = slice_trim(rest);
    while (i < ARRAY_LEN(states) && !slice_is(state, states[i]))
        i++;
    arrow = rest.len > 0 ? strstr(rest.ptr, " =>") : NULL;
    if (i == ARRAY_LEN(states) || arrow == NULL) {
        fail(t, at, "an answer is written as: found|none|temperror QUESTION => ANSWER", "");
        return;
    }
    f->state = (enum finding_state)i;
    f->question = arena_strndup(t->arena, rest.ptr, (size_t)(arrow - rest.ptr));
    rest = slice_trim(slice_of(arrow + 3));
    f->answer = arena_strndup(t->arena, rest.ptr, rest.len);
    f->next = t->findings;
    t->findings = f;
}

/* What is to be known before the first command. */
static void read_answers(struct test *t, struct lines *lines)
{
    struct slice line;
    struct where at;

    while (lines_next_physical(lines, &line, &at)) {
        const char *file = directive(t, line, "zone");
        const char *answer = directive(t, line, "answer");

        if (file != NULL)
            read_zone(t, file);
        if (answer != NULL)
            read_answer(t, at, answer);
    }
}

static void compare(struct test *t, struct where at, const char *expected)
{
    const char *missing = world_recorded_missing(t->world);
    struct slice reply = slice_trim((struct slice){t->reply, t->reply_len});

    if (!t->has_command) {
        fail(t, at, "expect: stands below the command that it is about", "");
        return;
    }
    if (missing != NULL)
        fail(t, at, "neither a zone nor an answer of the script tells: ", missing);
    if (!slice_is(reply, expected))
        fail(t, at, "",
             arena_printf(t->arena, "\"%s\" is answered with \"%.*s\", not with \"%s\"", t->command,
                          (int)reply.len, reply.ptr, expected));
}

static void play_line(struct test *t, struct slice line)
{
    char *text = xstrndup(line.len ? line.ptr : "", line.len);

    world_recorded_mark(t->world);
    rewind(t->out);
    if (script_line(t->script, text)) {
        t->has_command = true;
        t->command = arena_strdup(t->arena, text + strspn(text, " \t"));
        fflush(t->out);
    }
    free(text);
}

static void play(struct test *t, struct lines *lines)
{
    struct slice line;
    struct where at;

    while (lines_next_physical(lines, &line, &at)) {
        const char *expected = directive(t, line, "expect");

        if (expected != NULL)
            compare(t, at, expected);
        else if (slice_trim(line).len > 0 && slice_trim(line).ptr[0] != '#')
            play_line(t, line);
    }
}

static void open_world(struct test *t)
{
    const struct settings *settings = t->policy->settings;
    struct world_dns_options options = {.dns = &t->dns, .zone = t->zone,
                                        .receiver = settings->myhostname,
                                        .rest_us = (uint64_t)settings->rbl_rest_time};
    struct problems problems = {0};

    if (t->zone != NULL) {
        dns_options_of(settings, t->arena, &t->dns, &problems);
        problems_free(&problems);
        t->asked = world_dns_new(&options);
    }
    t->world = world_recorded_new(t->asked);
    world_recorded_set(t->world, t->findings, world_clock(t->world));
}

static void run_lines(struct test *t, struct lines *answers, struct lines *commands)
{
    size_t errors = t->problems->errors;

    read_answers(t, answers);
    if (t->problems->errors > errors) {
        dns_zone_free(t->zone);
        return;
    }
    open_world(t);
    t->out = open_memstream(&t->reply, &t->reply_len);
    if (t->out == NULL)
        die("open_memstream: out of memory");
    t->script = script_new(t->source, t->policy, t->world, t->dir, t->out);
    play(t, commands);
    script_free(t->script);
    fclose(t->out);
    free(t->reply);
    world_recorded_free(t->world);
    world_dns_free(t->asked);
}

static void run_script(struct policy *policy, const struct policy_source *source, const char *path,
                       struct where named, struct problems *problems)
{
    struct test t = {.source = source, .policy = policy, .problems = problems,
                     .arena = arena_new(), .path = path};
    struct lines *answers, *commands;
    struct err err;

    t.dir = conf_dir((struct where){path, 1}, t.arena);
    answers = lines_read(path, SCRIPT_MAX, &err);
    commands = answers != NULL ? lines_read(path, SCRIPT_MAX, &err) : NULL;
    if (commands != NULL)
        run_lines(&t, answers, commands);
    else
        fail(&t, named, "", err.text);
    lines_free(answers);
    lines_free(commands);
    arena_free(t.arena);
}

/* A pattern that no file fits is no error: there may be no test yet. */
static void run_pattern(struct policy *policy, const struct policy_source *source,
                        const char *pattern, struct problems *problems)
{
    struct where named = policy->settings->policy_tests.where;
    glob_t found = {0};
    int rc = glob(pattern, GLOB_BRACE, NULL, &found);

    if (rc == GLOB_NOMATCH && strpbrk(pattern, "*?[{") == NULL)
        problems_add(problems, SEV_ERROR, named, "policy_tests: %s: no such file", pattern);
    else if (rc != 0 && rc != GLOB_NOMATCH)
        problems_add(problems, SEV_ERROR, named, "policy_tests: %s: cannot be read", pattern);
    for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
        run_script(policy, source, found.gl_pathv[i], named, problems);
    globfree(&found);
}

struct policy *rule_tests_load(const struct policy_source *source, struct problems *problems)
{
    struct policy *policy = policy_load(source, problems);
    struct arena *arena;
    struct slice rest, word;
    const char *dir;

    if (policy == NULL || policy->settings->policy_tests.text[0] == '\0')
        return policy;
    arena = arena_new();
    dir = settings_dir(policy->settings, policy->settings->policy_tests.where);
    rest = slice_of(policy->settings->policy_tests.text);
    policy_hold(policy);
    while (slice_word(&rest, ", \t\r\n", &word))
        run_pattern(policy, source,
                    conf_path(dir, arena_strndup(arena, word.ptr, word.len), arena), problems);
    policy_unhold(policy);
    policy_reap(); /* those that scripts have set */
    arena_free(arena);
    return problems->errors == 0 ? policy : policy_refuse(policy, problems);
}
