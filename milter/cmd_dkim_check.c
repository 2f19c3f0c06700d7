/* cmd_dkim_check - `tamis dkim check`: are the public halves of the keys in the DNS, and right? */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd_dkim.h"

#include "fold.h"
#include "key_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

enum {
    NOT_READY = 1,
    AT_A_TIME = 32, /* lookups side by side */
    DAY_SECONDS = 24 * 60 * 60,
    OLD_DAYS = 180,
    KEY_TEXT_MAX = 64 * 1024,
};
#define WAIT_US 20000000u

/* What the command line says. */
struct request {
    const char *zone, *domain, *selector, *key_file, *json;
};

/* One key at one name. */
struct sought {
    const struct dkim_key *key;
    const char *selector, *domain, *name;
    int64_t made, not_before, not_after; /* 0: not known; always; for ever */
    struct dns_job *job;
};

struct checking {
    const struct request *request;
    const struct options *options;
    struct dns *dns;
    struct arena *arena;
    struct sought *list;
    size_t count, cap;
    int64_t now;
    bool unready, unknown;
};

static void add(struct checking *c, const struct key_choice *choice, const char *domain)
{
    const char *name = key_record_name(choice->selector, domain, c->arena);

    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].key == choice->key && strcmp(c->list[i].name, name) == 0)
            return;
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        c->list = xreallocarray(c->list, c->cap, sizeof(*c->list));
    }
    c->list[c->count++] = (struct sought){
        .key = choice->key,
        .selector = arena_strdup(c->arena, choice->selector),
        .domain = arena_strdup(c->arena, domain),
        .name = name,
        .made = choice->made,
        .not_before = choice->not_before,
        .not_after = choice->not_after,
    };
}

static void on_key(const struct key_choice *choice, void *arg)
{
    struct checking *c = arg;
    const char *wanted = c->request->domain;
    bool any = strcmp(choice->domain, "%") == 0;

    if (c->request->selector != NULL && strcmp(c->request->selector, choice->selector) != 0)
        return;
    if (any && wanted == NULL)
        fprintf(stderr, "tamis dkim: %s:%d: the key signs for any domain: name one with -d\n",
                choice->where.file, choice->where.line);
    else if (wanted == NULL || any || strcmp(wanted, choice->domain) == 0)
        add(c, choice, any ? wanted : choice->domain);
}

static const char *kind_of(const struct dkim_key *key)
{
    return dkim_key_algorithm(key) == DKIM_RSA_SHA256 ? "RSA" : "Ed25519";
}

/* What is odd with the key itself. */
static void judge_key(const struct checking *c, const struct sought *s, struct problems *found)
{
    struct where none = {NULL, 0};
    long long days = (long long)((c->now - s->made) / DAY_SECONDS);

    if (dkim_key_algorithm(s->key) == DKIM_RSA_SHA256 && dkim_key_bits(s->key) < DKIM_RSA_USUAL)
        problems_add(found, SEV_WARNING, none, "%s: a key of %u bits is weak: %d is usual", s->name,
                     dkim_key_bits(s->key), DKIM_RSA_USUAL);
    if (s->made > 0 && days > OLD_DAYS)
        problems_add(found, SEV_WARNING, none, "%s: the key is %lld days old: think of a new one",
                     s->name, days);
    if (s->not_before > c->now)
        problems_add(found, SEV_NOTE, none, "%s: the key is before its time, and signs nothing yet",
                     s->name);
    if (s->not_after != 0 && s->not_after < c->now)
        problems_add(found, SEV_NOTE, none, "%s: the key is past its time, and signs nothing",
                     s->name);
}

/* Panels and zone files add the zone to a name that has it already. */
static void look_for_doubled(const struct checking *c, const struct sought *s,
                             struct problems *found)
{
    const char *doubled = arena_printf(c->arena, "%s.%s", s->name, s->domain);
    struct dns_question question;
    struct dns_answer answer;

    if (!dns_question_make(slice_of(doubled), DNS_TXT, c->arena, &question))
        return;
    dns_ask(c->dns, &question, now_us() + WAIT_US, c->arena, &answer);
    if (answer.state == DNS_FOUND)
        problems_add(found, SEV_ERROR, (struct where){NULL, 0},
                     "%s: the domain is there twice: in the zone write the name with a dot at its "
                     "end, or %s._domainkey alone", doubled, s->selector);
}

static void print_text(const struct checking *c, const struct sought *s, enum key_state state,
                       const struct dns_answer *answer, const struct problems *found)
{
    printf("%s: %s (%s, %u bits", s->name, key_state_name(state), kind_of(s->key),
           dkim_key_bits(s->key));
    if (s->made > 0)
        printf(", %lld days old", (long long)((c->now - s->made) / DAY_SECONDS));
    if (answer->state == DNS_FOUND)
        printf(", TTL %lu s%s", (unsigned long)answer->ttl, answer->secure ? ", DNSSEC" : "");
    puts(")");
    for (size_t i = 0; i < found->count; i++) {
        size_t len = strlen(s->name);
        const char *text = found->list[i].text;

        if (strncmp(text, s->name, len) == 0 && strncmp(text + len, ": ", 2) == 0)
            text += len + 2;
        printf("    %s: %s\n", severity_name(found->list[i].severity), text);
    }
}

static void print_json(const struct checking *c, const struct sought *s, enum key_state state,
                       const struct dns_answer *answer, const struct problems *found)
{
    struct buf b = {0};

    buf_addc(&b, '{');
    buf_add_member(&b, "name", s->name);
    buf_addf(&b, ",\"state\":\"%s\",\"algorithm\":\"%s\",\"bits\":%u", key_state_name(state),
             dkim_algorithm_name(dkim_key_algorithm(s->key)), dkim_key_bits(s->key));
    if (s->made > 0)
        buf_addf(&b, ",\"days\":%lld", (long long)((c->now - s->made) / DAY_SECONDS));
    if (answer->state == DNS_FOUND)
        buf_addf(&b, ",\"ttl\":%lu", (unsigned long)answer->ttl);
    buf_adds(&b, ",\"problems\":[");
    for (size_t i = 0; i < found->count; i++) {
        buf_adds(&b, i > 0 ? ",{" : "{");
        buf_add_member(&b, "severity", severity_name(found->list[i].severity));
        buf_add_member(&b, "text", found->list[i].text);
        buf_addc(&b, '}');
    }
    buf_adds(&b, "]}");
    puts(buf_text(&b));
    buf_free(&b);
}

static void judge(struct checking *c, struct sought *s)
{
    struct problems found = {0};
    struct dns_answer answer = {.state = DNS_NXDOMAIN};
    enum key_state state;

    if (s->job != NULL)
        dns_wait(s->job, now_us() + WAIT_US, c->arena, &answer);
    dns_release(s->job);
    state = key_record_judge(s->key, s->name, &answer, &found);
    if (state == KEY_ABSENT)
        look_for_doubled(c, s, &found);
    judge_key(c, s, &found);
    if (c->request->json != NULL)
        print_json(c, s, state, &answer, &found);
    else
        print_text(c, s, state, &answer, &found);
    c->unknown = c->unknown || state == KEY_UNKNOWN;
    c->unready = c->unready || (state != KEY_READY && state != KEY_UNKNOWN);
    problems_free(&found);
}

static void judge_all(struct checking *c)
{
    for (size_t i = 0; i < c->count; i += AT_A_TIME) {
        size_t end = c->count - i < AT_A_TIME ? c->count : i + AT_A_TIME;

        for (size_t j = i; j < end; j++) {
            struct dns_question question;

            if (dns_question_make(slice_of(c->list[j].name), DNS_TXT, c->arena, &question))
                c->list[j].job = dns_start(c->dns, &question);
        }
        for (size_t j = i; j < end; j++)
            judge(c, &c->list[j]);
    }
}

static bool open_dns(struct checking *c, const struct settings *settings)
{
    c->dns = dkim_dns_open(settings, c->request->zone, c->arena);
    return c->dns != NULL;
}

/* -k FILE: a key that no table need name. */
static struct dkim_key *read_key(struct checking *c)
{
    const struct request *r = c->request;
    FILE *in = fopen(r->key_file, "re");
    char *text = xcalloc(1, KEY_TEXT_MAX + 1);
    size_t len = in != NULL ? fread(text, 1, KEY_TEXT_MAX, in) : 0;
    struct err err = {"cannot be read"};
    struct dkim_key *key = in != NULL ? dkim_key_parse(text, len, &err) : NULL;
    struct key_choice choice = {.selector = r->selector, .key = key};
    struct stat st;

    if (key == NULL)
        fprintf(stderr, "tamis dkim: %s: %s\n", r->key_file, err.text);
    if (in != NULL && fstat(fileno(in), &st) == 0)
        choice.made = st.st_mtime;
    if (key != NULL)
        add(c, &choice, r->domain);
    if (in != NULL)
        fclose(in);
    dkim_secret_free(text);
    return key;
}

static int result(const struct checking *c)
{
    if (c->count == 0) {
        fprintf(stderr, "tamis dkim: no such key in the configuration\n");
        return NOT_READY;
    }
    return c->unready ? NOT_READY : c->unknown ? EX_TEMPFAIL : EX_OK;
}

static int check_file(struct checking *c)
{
    struct problems problems = {0};
    struct settings *settings = options_settings(c->options, false, &problems);
    struct dkim_key *key = NULL;
    int status = EX_CONFIG;

    options_print_problems(&problems, SEV_ERROR);
    if (problems.errors == 0 && (key = read_key(c)) != NULL && open_dns(c, settings)) {
        judge_all(c);
        status = result(c);
    }
    dkim_key_free(key);
    settings_free(settings);
    problems_free(&problems);
    return status;
}

static int check_tables(struct checking *c)
{
    struct dkim_tables tables;
    int status = dkim_tables_open(&tables, c->options);

    if (tables.keys != NULL && !keys_are_empty(tables.keys)) {
        keys_each(tables.keys, on_key, c);
        if (open_dns(c, tables.settings))
            judge_all(c);
        else
            status = EX_CONFIG;
        if (status == EX_OK)
            status = result(c);
    }
    dkim_tables_close(&tables);
    return status;
}

static int run(const struct options *options, void *arg)
{
    struct request *request = arg;
    struct checking c = {.request = request, .options = options, .arena = arena_new(),
                         .now = time(NULL)};
    int status;

    if (request->domain != NULL)
        request->domain = fold_domain_ascii(request->domain, c.arena);
    if (request->key_file != NULL && (request->domain == NULL || request->selector == NULL))
        status = options_usage_error(options, "-k needs the domain (-d) and the selector (-s)");
    else
        status = request->key_file != NULL ? check_file(&c) : check_tables(&c);
    dns_close(c.dns);
    free(c.list);
    arena_free(c.arena);
    return status;
}

int dkim_check(int argc, char **argv)
{
    struct request request = {0};
    const struct option_row rows[] = {
        {'d', "domain", "DOMAIN", "only keys of this domain", &request.domain, NULL},
        {'s', "selector", "NAME", "only keys with this selector", &request.selector, NULL},
        {'k', "key", "FILE", "this private key, whatever the tables say", &request.key_file, NULL},
        {0, "zone", "FILE", "ask a zone file, not the DNS", &request.zone, NULL},
        {0, "json", NULL, "one JSON object a line", &request.json, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis dkim check [OPTION…]",
        .about =
            "Looks for the record of each private key, and says what is wrong with it.\n"
            "Exit status: 0 all are ready, 1 one is not, 75 the DNS does not answer, 78 a key\n"
            "or the configuration cannot be used.",
        .rows = rows,
    };

    return options_run(&options, argc, argv, run, &request);
}
