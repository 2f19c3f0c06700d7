/* 2-world - questions answered from a zone: learnt without waiting, waited for, given up */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "question.h"
#include "tap.h"
#include "world_dns.h"

#include <string.h>
#include <unistd.h>

static const char names[] =
    "a.example. A 192.0.2.1\n"
    "a.example. MX 10 mx.a.example.\n"
    "a.example. TXT \"v=spf1 a:b.example include:c.example -all\"\n"
    "b.example. A 192.0.2.9\n"
    "c.example. TXT \"v=spf1 mx:d.example -all\"\n"
    "d.example. MX 10 mx.d.example.\n"
    "mx.d.example. 0 A 192.0.2.7\n"
    "late.example. TXT \"v=spf1 a:never.example -all\"\n"
    "$TIMEOUT never.example\n"
    "$SERVFAIL fail.example\n"
    "2.0.0.127.list.example. A 127.0.0.2\n"
    "2.0.0.127.list.example. TXT \"see https://list.example\"\n"
    "bad.example.names.example. A 127.0.1.2\n"
    "2.0.0.127.shut.example. A 127.0.0.1\n"
    "3.0.0.127.shut.example. A 127.0.0.2\n";

static struct arena *arena;

static uint64_t spf_us; /* of the worlds to come */

static struct world *world_of(const char *more, uint64_t timeout_us)
{
    static struct dns_options dns;
    struct world_dns_options options = {.dns = &dns, .receiver = "mx.example",
                                        .rest_us = 3600u * 1000000, .spf_us = spf_us};
    struct problems problems = {0};

    dns.limits = (struct dns_limits){1 << 20, 0, 3600, 300, 100, timeout_us};
    options.zone = dns_zone_new();
    dns_zone_read(options.zone, "zone", slice_of(names), &problems);
    dns_zone_read(options.zone, "more", slice_of(more), &problems);
    if (problems.errors > 0)
        die("the zone: %s", problem_text(&problems.list[0]));
    problems_free(&problems);
    return world_dns_new(&options);
}

/* Learns, waiting as long as it takes; returns how often it waited. */
static int learn(struct world *world, struct inquiry *inquiry, struct finding *f)
{
    int waits = 0;

    while (!world->learn(world, inquiry, f, false, arena)) {
        world->wait(world, inquiry, now_us() + 20 * 1000000);
        waits++;
    }
    return waits;
}

static void asks(struct world *world, const char *question, enum finding_state state,
                 const char *answer)
{
    struct inquiry *inquiry = world->begin(world);
    struct finding f = {.question = question};

    learn(world, inquiry, &f);
    tap_is_int(f.state, state, "%s: state", question);
    tap_is(f.answer, answer, "%s", question);
    world->end(inquiry);
}

static void test_kinds(void)
{
    struct world *world = world_of("", 5000000);

    asks(world, "dns A a.example", FINDING_FOUND, "192.0.2.1");
    asks(world, "dns MX a.example", FINDING_FOUND, "10 mx.a.example");
    asks(world, "dns AAAA a.example", FINDING_NONE, "no data");
    asks(world, "dns A nobody.example", FINDING_NONE, "no such name");
    asks(world, "dns A fail.example", FINDING_TEMPERROR, "temperror: SERVFAIL");
    asks(world, "dns A", FINDING_TEMPERROR, "temperror: no name in the DNS");
    asks(world, "dns HINFO a.example", FINDING_TEMPERROR, "temperror: no name in the DNS");
    asks(world, "cook a.example", FINDING_TEMPERROR, "temperror: nobody knows");
    asks(world, "rbl list.example 127.0.0.2", FINDING_FOUND,
         "127.0.0.2; \"see https://list.example\"");
    asks(world, "rbl list.example 127.0.0.3", FINDING_NONE, "no such name");
    asks(world, "rbl names.example bad.example", FINDING_FOUND, "127.0.1.2");
    asks(world, "rbl fail.example 127.0.0.2", FINDING_NONE, "no such name");
    asks(world, "spf mailfrom x@a.example 192.0.2.9 h.example", FINDING_FOUND,
         "pass domain=a.example term=a:b.example "
         "why=\"192.0.2.9 matches a:b.example in the record of a.example\" "
         "terms=1 voids=0 lookups=2");
    asks(world, "spf mailfrom <> 192.0.2.7 a.example", FINDING_FOUND,
         "pass domain=a.example term=include:c.example "
         "why=\"192.0.2.7 matches include:c.example in the record of a.example\" "
         "terms=3 voids=0 lookups=5");
    world_dns_free(world);
}

static void test_rest(void)
{
    struct world *world = world_of("", 5000000);

    asks(world, "rbl shut.example 127.0.0.3", FINDING_FOUND, "127.0.0.2");
    asks(world, "rbl shut.example 127.0.0.2", FINDING_FOUND, "127.0.0.1");
    asks(world, "rbl shut.example 127.0.0.3", FINDING_TEMPERROR,
         "temperror: shut.example rests: the list answers as one that was shut down");
    asks(world, "rbl list.example 127.0.0.3", FINDING_NONE, "no such name");
    world_dns_free(world);
}

/* Answers take 30 ms: one step of the chain each. */
static void test_steps(void)
{
    struct world *world = world_of("$DELAY 30\n", 5000000);
    struct inquiry *inquiry = world->begin(world);
    struct finding f = {.question = "spf mailfrom x@a.example 192.0.2.7 h.example"};
    struct finding a = {.question = "dns A a.example"};

    tap_ok(!world->learn(world, inquiry, &a, false, arena), "not at once");
    tap_is_int(learn(world, inquiry, &f), 5, "five lookups, one behind the other");
    tap_ok(world->learn(world, inquiry, &a, false, arena), "meanwhile the other has come");
    tap_ok(world->learn(world, inquiry, &f, false, arena), "what is known stays known, TTL or not");
    world->end(inquiry);
    world_dns_free(world);
}

static void test_giving_up(void)
{
    struct world *world = world_of("", 20 * 1000000);
    struct inquiry *inquiry = world->begin(world);
    struct finding f = {.question = "spf mailfrom x@late.example 192.0.2.7 h.example"};
    struct finding a = {.question = "dns A never.example"};

    tap_ok(!world->learn(world, inquiry, &f, false, arena), "nobody answers");
    world->wait(world, inquiry, now_us() + 1000);
    tap_ok(!world->learn(world, inquiry, &f, false, arena), "still nobody");
    tap_ok(world->learn(world, inquiry, &f, true, arena), "late: an answer");
    tap_is_int(f.state, FINDING_TEMPERROR, "which is temporary");
    tap_ok(strncmp(f.answer, "temperror domain=late.example ", 30) == 0, "%s", f.answer);
    tap_ok(world->learn(world, inquiry, &a, true, arena), "late: an answer of the DNS");
    tap_is(a.answer, "temperror: timeout", "which says why");
    world->end(inquiry);
    world_dns_free(world);

    world = world_of("", 10000);
    asks(world, "dns A never.example", FINDING_TEMPERROR, "temperror: timeout");
    world_dns_stop(world);
    asks(world, "dns A b.example", FINDING_TEMPERROR, "temperror: shutting down");
    world_dns_free(world);

    world = world_of("", 5000000);
    world_dns_stop(world);
    asks(world, "dns A b.example", FINDING_TEMPERROR, "temperror: shutting down");
    world_dns_free(world);
    world_dns_free(NULL);
}

/* The client takes its time between two commands: that is not the evaluation's. */
static void test_spf_time(void)
{
    const char *pass = "pass domain=a.example term=include:c.example "
                       "why=\"192.0.2.7 matches include:c.example in the record of a.example\" "
                       "terms=3 voids=0 lookups=5";
    struct finding f = {.question = "spf mailfrom x@a.example 192.0.2.7 h.example"};
    struct finding helo = {.question = "spf helo <> 192.0.2.7 late.example"};
    struct finding again = {.question = "spf helo <> 192.0.2.7 a.example"};
    struct world *world;
    struct inquiry *inquiry;

    spf_us = 50000;
    world = world_of("$DELAY 5\n", 20 * 1000000);
    inquiry = world->begin(world);
    tap_ok(!world->learn(world, inquiry, &f, false, arena), "begun");
    usleep(60000);
    learn(world, inquiry, &f);
    tap_is(f.answer, pass, "only waiting counts");
    learn(world, inquiry, &helo);
    tap_is_int(helo.state, FINDING_TEMPERROR, "what is waited for too long fails");
    learn(world, inquiry, &again);
    tap_is(again.answer, pass, "another HELO name has its own time");
    world->end(inquiry);
    world_dns_free(world);
    spf_us = 0;
}

/* Strings without a byte: sixteen times as large when read. */
static const char *huge_zone(void)
{
    struct buf zone = {0};
    const char *text;

    buf_adds(&zone, "*.huge.example. TXT");
    for (int i = 0; i < 60000; i++)
        buf_adds(&zone, " \"\"");
    buf_adds(&zone, "\n");
    text = arena_strdup(arena, buf_text(&zone));
    buf_free(&zone);
    return text;
}

/* What all the answers of one message may take. */
static void test_much(void)
{
    struct world *world = world_of(huge_zone(), 5000000);
    struct inquiry *inquiry = world->begin(world);
    struct finding f = {0};
    int count;

    for (count = 0; count < 100 && f.state != FINDING_TEMPERROR; count++) {
        f.question = arena_printf(arena, "spf mailfrom x@n%d.huge.example 192.0.2.7 h.example", count);
        learn(world, inquiry, &f);
    }
    tap_ok(count > 5 && count < 40, "after %d huge answers there are no more", count);
    f.question = "dns A b.example";
    learn(world, inquiry, &f);
    tap_is(f.answer, "temperror: too many answers for one message", "which says why");
    f.question = "dns TXT n0.huge.example";
    learn(world, inquiry, &f);
    tap_is_int(f.state, FINDING_FOUND, "what was known stays known");
    world->end(inquiry);
    world_dns_free(world);
}

static void count_lookup(const struct dns_question *question, const struct dns_answer *answer,
                         void *arg)
{
    (void)question;
    *(int *)arg += answer != NULL;
}

static void test_each(void)
{
    struct world *world = world_of("", 5000000);
    struct inquiry *inquiry = world->begin(world);
    struct finding f = {.question = "spf mailfrom x@a.example 192.0.2.7 h.example"};
    struct dns_stats stats;
    int count = 0;

    tap_ok(!world_dns_stats(world, &stats), "nothing was asked");
    world_dns_each(inquiry, count_lookup, &count);
    tap_is_int(count, 0, "no lookups");
    learn(world, inquiry, &f);
    world_dns_each(inquiry, count_lookup, &count);
    tap_is_int(count, 5, "each lookup once");
    tap_ok(world_dns_stats(world, &stats) && stats.sent == 5, "five sent");
    world->end(inquiry);
    world_dns_free(world);
}

int main(void)
{
    tap_start(60);
    arena = arena_new();
    test_kinds();
    test_rest();
    test_steps();
    test_giving_up();
    test_spf_time();
    test_much();
    test_each();
    arena_free(arena);
    return tap_done();
}
