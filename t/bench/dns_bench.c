/* dns_bench - what asking the DNS adds to a message beside its slowest chain; cache; SPF */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "meter.h"
#include "question.h"
#include "session.h"
#include "world_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 200, ROUNDS = 60, DELAY_MS = 20, LISTS = 8, CACHED = 4000000, SPF = 200000 };

struct bench {
    const char *dir;
    struct arena *arena;
    struct world *world; /* answers after DELAY_MS, remembers nothing */
};

/* What one scene has its rules ask. */
static const struct scene_row {
    const char *name, *restrictions, *methods;
} scenes[] = {
    {"nothing", "", ""},
    {"8 block lists", "lists", ""},
    {"iprev: PTR, address", "", "iprev"},
    {"SPF: record, include, address", "reject_spf_fail", ""},
    {"all of them", "lists, reject_spf_fail", "iprev, spf"},
};

/* The networks' clients have names that lead back, their domains a record that includes another. */
static struct dns_zone *zone_new(unsigned delay_ms)
{
    struct dns_zone *zone = dns_zone_new();
    struct problems problems = {0};
    struct buf text = {0};

    for (int i = 0; i < CLIENTS; i++) {
        buf_addf(&text, "%d.2.0.192.in-addr.arpa. PTR h%d.example.\nh%d.example. A 192.0.2.%d\n", i,
                 i, i, i);
        buf_addf(&text, "d%d.example. TXT \"v=spf1 include:i%d.example -all\"\n", i, i);
        buf_addf(&text, "i%d.example. TXT \"v=spf1 a:s%d.example -all\"\ns%d.example. A 192.0.2.%d\n", i,
                 i, i, i);
    }
    buf_addf(&text, "$DELAY %u\n", delay_ms);
    dns_zone_read(zone, "zone", slice_of(buf_text(&text)), &problems);
    if (problems.errors > 0)
        die("the zone is wrong: %s", problem_text(&problems.list[0]));
    problems_free(&problems);
    buf_free(&text);
    return zone;
}

static struct world *world_new(unsigned delay_ms, size_t cache, struct dns_options *dns)
{
    struct world_dns_options options = {.dns = dns, .receiver = "mx.example"};

    *dns = (struct dns_options){.limits = {cache, 0, 3600, 300, 1000, 5000000}};
    options.zone = zone_new(delay_ms);
    return world_dns_new(&options);
}

static struct policy *policy_of(const struct bench *b, const struct scene_row *row)
{
    char *path = xasprintf("%s/dns.conf", b->dir);
    struct policy_source source = {.path = path};
    struct problems problems = {0};
    FILE *out = fopen(path, "w");
    struct policy *policy;

    if (out == NULL)
        die("%s cannot be written", path);
    fputs("postfix_config_directory =\nmydestination = here.example\nmyhostname = mx.example\n"
          "mynetworks = 127.0.0.0/8\nauthserv_id = mx.example\n"
          "restriction_classes = lists\nlists =", out);
    for (int i = 0; i < LISTS; i++)
        fprintf(out, " reject_rbl_client l%d.example", i);
    fprintf(out, "\nrecipient_restrictions = %s\nauthentication_results = %s\n", row->restrictions,
            row->methods);
    fclose(out);
    policy = policy_load(&source, &problems);
    if (policy == NULL)
        die("the policy: %s", problem_text(&problems.list[0]));
    problems_free(&problems);
    free(path);
    return policy;
}

static const char *no_macro(void *arg, const char *name)
{
    (void)arg, (void)name;
    return NULL;
}

/* From CONNECT to the answer at the end of the message, in microseconds. */
static uint32_t play(struct bench *b, struct policy *policy, int client)
{
    struct macros macros = {no_macro, NULL};
    char addr[32], sender[64];
    const char *mail[] = {sender, NULL}, *rcpt[] = {"<r@here.example>", NULL};
    struct session *session;
    uint64_t begun;
    uint32_t us;

    snprintf(addr, sizeof(addr), "192.0.2.%d", client);
    snprintf(sender, sizeof(sender), "<a@d%d.example>", client);
    policy_hold(policy);
    session = session_new(policy, b->world, NULL, true);
    session_set_quiet(session, true);
    begun = now_us();
    session_connect(session, "unknown", addr, 25, &macros);
    session_helo(session, "helo.example", &macros);
    session_mail(session, mail, &macros);
    session_rcpt(session, rcpt, &macros);
    session_data(session, &macros);
    session_header(session, "From", " a");
    if (session_eom(session, &macros)->act != ACT_DUNNO)
        die("the message is refused");
    us = (uint32_t)(now_us() - begun);
    session_done(session, NULL);
    session_free(session);
    return us;
}

/* Scene after scene, round for round; each message is the first of its client. */
static void latency(struct bench *b)
{
    static uint32_t times[ARRAY_LEN(scenes)][ROUNDS];
    struct policy *policies[ARRAY_LEN(scenes)];
    double slowest = 0, median = 0;

    for (size_t s = 0; s < ARRAY_LEN(scenes); s++) {
        policies[s] = policy_of(b, &scenes[s]);
        policy_publish(policies[s]);
        policy_hold(policies[s]);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (size_t s = 0; s < ARRAY_LEN(scenes); s++)
            times[s][round] = play(b, policies[s], (round * 7 + (int)s) % CLIENTS);
    for (size_t s = 0; s < ARRAY_LEN(scenes); s++) {
        median = meter_percentile(times[s], ROUNDS, 50);
        printf("  %-32s %7.2f ms\n", scenes[s].name, median / 1000);
        if (s + 1 < ARRAY_LEN(scenes) && median > slowest)
            slowest = median;
    }
    printf("  all of them / the slowest chain     %.2f   (wanted: at most 1.30)\n", median / slowest);
}

static void cached(void)
{
    struct arena *arena = arena_new(), *scratch = arena_new();
    struct dns_limits limits = {4 << 20, 0, 3600, 300, 1000, 5000000};
    struct dns_source source = dns_zone_source(zone_new(0));
    struct dns *dns = dns_open(&limits, &source);
    struct dns_question questions[CLIENTS];
    struct dns_answer answer;
    uint64_t begun;

    for (int i = 0; i < CLIENTS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "h%d.example", i);
        dns_question_make(slice_of(name), DNS_A, arena, &questions[i]);
        dns_ask(dns, &questions[i], now_us() + 1000000, arena, &answer);
    }
    begun = now_us();
    for (int i = 0; i < CACHED; i++) {
        dns_ask(dns, &questions[i % CLIENTS], UINT64_MAX, scratch, &answer);
        if (i % 64 == 0)
            arena_reset(scratch);
    }
    printf("  lookups of remembered names, one thread  %.2f million/s   (wanted: at least 1)\n",
           CACHED / (double)(now_us() - begun));
    dns_close(dns);
    arena_free(scratch);
    arena_free(arena);
}

/* Each evaluation is a new inquiry of a world that remembers: three lookups. */
static void spf(void)
{
    struct dns_options options;
    struct world *world = world_new(0, 4 << 20, &options);
    struct arena *arena = arena_new();
    struct addr client;
    uint64_t begun = now_us();

    for (int i = 0; i < SPF; i++) {
        char sender[64], addr[32];
        struct inquiry *inquiry = world->begin(world);
        struct finding f = {0};

        snprintf(sender, sizeof(sender), "a@d%d.example", i % CLIENTS);
        snprintf(addr, sizeof(addr), "192.0.2.%d", i % CLIENTS);
        addr_parse(slice_of(addr), &client);
        f.question = question_spf(SPF_MAILFROM, sender, &client, "helo.example", arena);
        while (!world->learn(world, inquiry, &f, false, arena))
            world->wait(world, inquiry, UINT64_MAX);
        if (strncmp(f.answer, "pass ", 5) != 0)
            die("SPF says %s", f.answer);
        world->end(inquiry);
        arena_reset(arena);
    }
    printf("  SPF, record, include, address known      %.0f/s   (wanted: at least 50000)\n",
           SPF * 1e6 / (double)(now_us() - begun));
    arena_free(arena);
    world_dns_free(world);
}

int main(int argc, char **argv)
{
    struct bench b = {.dir = argc > 1 ? argv[1] : "/tmp", .arena = arena_new()};
    struct dns_options options;

    b.world = world_new(DELAY_MS, 0, &options);
    printf("  added to a message of a new client, a name server that takes %d ms (medians of %d)\n",
           DELAY_MS, ROUNDS);
    latency(&b);
    cached();
    spf();
    return 0;
}
