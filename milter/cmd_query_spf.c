/* cmd_query_spf - `tamis query spf`: may this client send mail for that domain? */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd_query_spf.h"

#include "buf.h"
#include "cmd_world.h"
#include "options.h"
#include "question.h"
#include "spf_scene.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* What the command line says. */
struct request {
    const char *client, *from, *helo, *zone, *json;
    struct addr addr;
    enum spf_identity identity;
};

struct query {
    const struct request *request;
    bool verbose;
    struct arena *arena;
    struct spf_answer answer;
};

static bool is_null_sender(const char *from)
{
    return from[0] == '\0' || strcmp(from, "<>") == 0;
}

/* Without its < >. */
static const char *sender_of(const struct query *q)
{
    const char *from = q->request->from;
    size_t len = from != NULL ? strlen(from) : 0;

    if (len < 2 || from[0] != '<' || from[len - 1] != '>')
        return from;
    return arena_strndup(q->arena, from + 1, len - 2);
}

static void print_lookup(const struct dns_question *question, const struct dns_answer *answer,
                         void *arg)
{
    struct arena *arena = arg;

    fprintf(stderr, "%s: %s\n", dns_question_text(question, arena),
            answer != NULL ? dns_answer_text(answer, arena) : "no answer in time");
}

/* As the engine asks: until it is known, or the time is over. */
static void ask_world(struct query *q, struct world *world, uint64_t until_us)
{
    const struct request *r = q->request;
    const char *sender = r->from != NULL ? sender_of(q) : "";
    struct inquiry *inquiry = world->begin(world);
    struct finding finding = {0};

    finding.question = question_spf(r->identity, sender, &r->addr, r->helo, q->arena);
    while (!world->learn(world, inquiry, &finding, now_us() >= until_us, q->arena))
        world->wait(world, inquiry, until_us);
    spf_answer_of_finding(&finding, q->arena, &q->answer);
    if (q->verbose)
        world_dns_each(inquiry, print_lookup, q->arena);
    world->end(inquiry);
}

static void print_line(const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        printf("%-12s %s\n", name, value);
}

static void print_plain(const struct query *q)
{
    const struct spf_answer *a = &q->answer;
    char client[ADDR_TEXT_SIZE];
    const char *sentence = spf_sentence(a, addr_text(&q->request->addr, client), q->arena);

    print_line("result", spf_result_name(a->result));
    print_line("meaning", sentence);
    print_line("domain", a->domain);
    print_line("term", a->term);
    if (strcmp(sentence, a->why) != 0)
        print_line("why", a->why);
    if (a->explanation != NULL)
        printf("%-12s %s says: %s\n", "explanation",
               a->explainer != NULL ? a->explainer : a->domain, a->explanation);
    printf("%-12s %u to the DNS; terms that ask it: %u of %d; that found nothing: %u of %d\n",
           "questions", a->lookups, a->terms, SPF_TERM_LIMIT, a->voids, SPF_VOID_LIMIT);
}

static void print_json(const struct query *q)
{
    const struct request *r = q->request;
    const struct spf_answer *a = &q->answer;
    char client[ADDR_TEXT_SIZE];
    struct buf b = {0};

    buf_addc(&b, '{');
    buf_add_member(&b, "identity", r->identity == SPF_HELO ? "helo" : "mailfrom");
    buf_add_member(&b, "client", addr_text(&r->addr, client));
    buf_add_member(&b, "from", sender_of(q));
    buf_add_member(&b, "helo", r->helo[0] != '\0' ? r->helo : NULL);
    buf_add_member(&b, "result", spf_result_name(a->result));
    buf_add_member(&b, "domain", a->domain);
    buf_add_member(&b, "term", a->term);
    buf_add_member(&b, "why", a->why);
    buf_add_member(&b, "explainer", a->explainer);
    buf_add_member(&b, "explanation", a->explanation);
    buf_addf(&b, ",\"terms\":%u,\"voids\":%u,\"lookups\":%u}", a->terms, a->voids, a->lookups);
    puts(buf_text(&b));
    buf_free(&b);
}

static int answer(struct query *q, const struct settings *settings, struct world *world)
{
    ask_world(q, world, now_us() + (uint64_t)settings->stage_time_limit);
    if (q->request->json != NULL)
        print_json(q);
    else
        print_plain(q);
    if (fflush(stdout) != 0 || ferror(stdout))
        return EX_IOERR;
    return q->answer.result == SPF_TEMPERROR ? EX_TEMPFAIL : EX_OK;
}

/* Opens the DNS at once: that it cannot be asked is no answer. */
static bool open_world(struct cmd_world *world, const struct settings *settings, const char *zone)
{
    struct err err;

    if (!cmd_world_open(world, settings, zone))
        return false;
    if (world_dns_open(world->world, &err))
        return true;
    fprintf(stderr, "tamis query: %s\n", err.text);
    return false;
}

static int query(const struct options *options, const struct request *request)
{
    struct problems problems = {0};
    struct settings *settings = options_settings(options, false, &problems);
    struct query query = {.request = request, .verbose = options->verbose > 0,
                          .arena = arena_new()};
    struct cmd_world world = {0};
    int status = EX_CONFIG;

    options_print_problems(&problems, options->verbose ? SEV_WARNING : SEV_ERROR);
    if (problems.errors == 0 && open_world(&world, settings, request->zone))
        status = answer(&query, settings, world.world);
    cmd_world_close(&world);
    settings_free(settings);
    arena_free(query.arena);
    problems_free(&problems);
    return status;
}

static int check_usage(const struct options *options, struct request *request)
{
    if (request->client == NULL)
        return options_usage_error(options, "--client ADDRESS is needed");
    if (!addr_parse(slice_of(request->client), &request->addr))
        return options_usage_error(options, "--client %s is no address", request->client);
    if (request->from == NULL && request->helo == NULL)
        return options_usage_error(options, "--from ADDRESS or --helo NAME is needed");
    request->identity = request->from != NULL ? SPF_MAILFROM : SPF_HELO;
    if (request->from != NULL && is_null_sender(request->from) && request->helo == NULL)
        return options_usage_error(options, "the null sender is judged by --helo NAME");
    if (request->helo == NULL)
        request->helo = "";
    return EX_OK;
}

static int run(const struct options *options, void *arg)
{
    struct request *request = arg;
    int status = check_usage(options, request);

    return status == EX_OK ? query(options, request) : status;
}

int query_spf(int argc, char **argv)
{
    struct request request = {0};
    const struct option_row rows[] = {
        {0, "client", "ADDRESS", "the client", &request.client, NULL},
        {0, "from", "ADDRESS", "the sender; <> is the null sender", &request.from, NULL},
        {0, "helo", "NAME", "its HELO name; judged if there is no --from", &request.helo, NULL},
        {0, "zone", "FILE", "ask this zone file, not the network", &request.zone, NULL},
        {0, "json", NULL, "print one JSON object", &request.json, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis query spf --client ADDRESS --from SENDER [OPTION…]",
        .about = "Evaluates SPF (RFC 7208): the result, the term that decided, the explanation.\n"
                 "With -v each question to the DNS and its answer. Exemptions do not count.\n"
                 "Exit status: 0 answered, 75 temperror, 78 configuration or zone unusable.",
        .rows = rows,
    };

    return options_run(&options, argc, argv, run, &request);
}
