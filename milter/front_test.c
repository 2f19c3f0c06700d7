/* front_test - `tamis test --session`: a script of SMTP events, one answer a line */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "front_test.h"

#include "rehearsal.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64 };

struct script {
    struct rehearsal *rehearsal;
    struct policy *policy; /* of this script alone, held; NULL: the published one */
    const char *dir;
    struct policy_source source; /* overrides: those of the command line and of `set` */
    const char **overrides;      /* owned; each text, too */
    FILE *out;
};

/* One line taken apart; the texts point into it. */
struct command {
    const char *words[WORDS_MAX + 1]; /* ended by NULL */
    size_t count;
    const char *rest; /* behind the second word, blanks trimmed */
};

static void complain(struct script *s, const char *what)
{
    fprintf(s->out, "error: %s\n", what);
}

/* What tamis answers to the MTA at `stage`. */
static void answer(struct script *s, enum stage stage)
{
    const struct verdict *verdict;
    struct err err;
    struct session *session = rehearsal_play(s->rehearsal, stage, 0, &verdict, &err);
    struct arena *arena = arena_new();

    if (session == NULL)
        complain(s, err.text);
    else
        fprintf(s->out, "%s\n", verdict_reply(verdict, arena));
    if (session != NULL)
        session_free(session);
    arena_free(arena);
}

static void on_client(struct script *s, const struct command *c)
{
    rehearsal_client(s->rehearsal, c->words[1], c->words[2], c->words[3]);
    answer(s, STAGE_CONNECT);
}

static void on_macro(struct script *s, const struct command *c)
{
    rehearsal_macro(s->rehearsal, c->words[1], c->rest);
    fputs("250 2.0.0 Ok\n", s->out);
}

static void on_auth(struct script *s, const struct command *c)
{
    rehearsal_auth(s->rehearsal, c->words[1], c->words[2]);
    fputs("250 2.0.0 Ok\n", s->out);
}

static void on_helo(struct script *s, const struct command *c)
{
    rehearsal_helo(s->rehearsal, c->words[1]);
    answer(s, STAGE_HELO);
}

static void on_mail(struct script *s, const struct command *c)
{
    rehearsal_mail(s->rehearsal, c->words + 1, c->count - 1);
    answer(s, STAGE_MAIL);
}

static void on_rcpt(struct script *s, const struct command *c)
{
    rehearsal_rcpt(s->rehearsal, c->words + 1, c->count - 1);
    answer(s, STAGE_RCPT);
}

static void on_data(struct script *s, const struct command *c)
{
    (void)c;
    answer(s, STAGE_DATA);
}

static void on_message(struct script *s, const struct command *c)
{
    struct arena *arena = arena_new();

    rehearsal_message(s->rehearsal,
                      s->dir != NULL ? conf_path(s->dir, c->words[1], arena) : c->words[1]);
    arena_free(arena);
    answer(s, STAGE_EOM);
    rehearsal_message(s->rehearsal, "");
}

static void on_reset(struct script *s, const struct command *c)
{
    (void)c;
    rehearsal_reset(s->rehearsal);
    fputs("250 2.0.0 Ok\n", s->out);
}

static void print_warnings(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        char *text = problem_text(&problems->list[i]);

        fprintf(stderr, "%s\n", text);
        free(text);
    }
}

static void drop_override(struct script *s)
{
    free((char *)(uintptr_t)s->overrides[--s->source.override_count]);
}

/* The policy from here on. */
static void adopt(struct script *s, struct policy *policy)
{
    if (s->policy == NULL) {
        policy_publish(policy);
        policy_reap();
        return;
    }
    policy_hold(policy);
    rehearsal_set_policy(s->rehearsal, policy);
    policy_release(s->policy);
    s->policy = policy;
}

static void on_set(struct script *s, const struct command *c)
{
    struct problems problems = {0};
    struct policy *policy;
    struct err err;

    s->overrides = xreallocarray(s->overrides, s->source.override_count + 1, sizeof(*s->overrides));
    s->overrides[s->source.override_count++] = xasprintf("%s=%s", c->words[1], c->rest);
    s->source.overrides = s->overrides;
    policy = policy_load(&s->source, &problems);
    if (s->policy == NULL)
        print_warnings(&problems);
    if (policy != NULL) {
        adopt(s, policy);
        fputs("250 2.0.0 Ok\n", s->out);
    } else {
        problems_first_error(&problems, &err);
        complain(s, err.text);
        drop_override(s);
    }
    problems_free(&problems);
}

static const struct verb {
    const char *name;
    size_t least, most; /* words behind the name */
    void (*run)(struct script *s, const struct command *c);
    const char *usage;
} verbs[] = {
    {"client", 2, 3, on_client, "client NAME ADDR [PTR]"},
    {"macro", 1, WORDS_MAX, on_macro, "macro {NAME} VALUE"},
    {"auth", 1, 2, on_auth, "auth LOGIN [METHOD]"},
    {"helo", 1, 1, on_helo, "helo NAME"},
    {"mail", 1, WORDS_MAX, on_mail, "mail ADDR [ARG...]"},
    {"rcpt", 1, WORDS_MAX, on_rcpt, "rcpt ADDR [ARG...]"},
    {"data", 0, 0, on_data, "data"},
    {"message", 1, 1, on_message, "message FILE.eml"},
    {"reset", 0, 0, on_reset, "reset"},
    {"set", 1, WORDS_MAX, on_set, "set NAME [VALUE]"},
};

/* Words are separated by blanks; a quoted local part may hold some. */
static char *word_end(char *p)
{
    bool quoted = false;

    for (; *p != '\0' && (quoted || !is_blank((unsigned char)*p)); p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (*p == '\\' && p[1] != '\0')
            p++;
    }
    return p;
}

static const char *skip_blanks(const char *p)
{
    while (is_blank((unsigned char)*p))
        p++;
    return p;
}

/* False when there are too many words. */
static bool split(char *line, char *copy, struct command *c)
{
    const char *second = skip_blanks(word_end(line));

    *c = (struct command){.rest = skip_blanks(second + strcspn(second, " \t"))};
    while (*(copy += strspn(copy, " \t")) != '\0') {
        char *end = word_end(copy);

        if (c->count == WORDS_MAX)
            return false;
        c->words[c->count++] = copy;
        copy = *end == '\0' ? end : end + 1;
        *end = '\0';
    }
    return true;
}

static void run_line(struct script *s, char *line)
{
    char *copy = xstrdup(line);
    const struct verb *verb = NULL;
    struct command c;
    bool good = split(line, copy, &c);

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (slice_is_nocase(slice_of(c.words[0]), verbs[i].name))
            verb = &verbs[i];
    if (!good)
        complain(s, "too many words");
    else if (verb == NULL)
        complain(s, "unknown command (client, macro, auth, helo, mail, rcpt, data, message, reset, "
                    "set)");
    else if (c.count - 1 < verb->least || c.count - 1 > verb->most)
        fprintf(s->out, "error: usage: %s\n", verb->usage);
    else
        verb->run(s, &c);
    fflush(s->out);
    free(copy);
}

struct script *script_new(const struct policy_source *source, struct policy *policy,
                          struct world *world, const char *dir, FILE *out)
{
    struct script *s = xcalloc(1, sizeof(*s));

    *s = (struct script){.rehearsal = rehearsal_new(world), .policy = policy, .dir = dir,
                         .source = *source, .out = out};
    if (policy != NULL) {
        policy_hold(policy);
        rehearsal_set_policy(s->rehearsal, policy);
    }
    s->overrides = xcalloc(source->override_count + 1, sizeof(*s->overrides));
    for (size_t i = 0; i < source->override_count; i++)
        s->overrides[i] = xstrdup(source->overrides[i]);
    s->source.overrides = s->overrides;
    return s;
}

void script_free(struct script *s)
{
    while (s->source.override_count > 0)
        drop_override(s);
    free(s->overrides);
    rehearsal_free(s->rehearsal);
    if (s->policy != NULL)
        policy_release(s->policy);
    free(s);
}

bool script_line(struct script *s, char *line)
{
    struct slice text = slice_trim((struct slice){line, strlen(line)});

    line[(size_t)(text.ptr - line) + text.len] = '\0';
    if (text.len == 0 || text.ptr[0] == '#')
        return false;
    run_line(s, line + (text.ptr - line));
    return true;
}

bool test_session(FILE *in, FILE *out, const struct policy_source *source, struct world *world)
{
    struct script *s = script_new(source, NULL, world, NULL, out);
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    bool good;

    while ((len = getline(&line, &size, in)) >= 0)
        script_line(s, line);
    good = feof(in) && !ferror(in);
    free(line);
    script_free(s);
    return good;
}
