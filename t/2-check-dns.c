/* 2-check-dns - what a message keeps of the DNS: answers read once, found quickly */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "check.h"
#include "tap.h"

#include <stdio.h>

enum { RECORDS = 4000, TIMES = 1000 };

static const char *many_addresses(struct arena *arena)
{
    struct buf text = {0};
    const char *copy;

    for (int i = 0; i < RECORDS; i++)
        buf_addf(&text, "%s192.0.%d.%d", i > 0 ? ", " : "", i / 250, i % 250);
    copy = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

/* As for a HELO name that each recipient's lists ask about. */
static void test_many_records(void)
{
    struct message *m = message_new(0);
    struct scene scene = {.message = m, .arena = m->arena};
    struct finding *f = message_add_finding(m, "dns A big.example");
    struct dns_answer answer;
    struct outcome need;
    size_t before, right = 0;

    f->state = FINDING_FOUND;
    f->answer = many_addresses(m->arena);
    tap_ok(check_dns(&scene, "big.example", DNS_A, &answer, &need), "the answer is known");
    tap_is_int((long)answer.count, RECORDS, "all of it");
    before = arena_size(m->arena);
    for (int i = 0; i < TIMES; i++)
        right += check_dns(&scene, "big.example", DNS_A, &answer, &need) &&
                 answer.count == RECORDS && answer.records[RECORDS - 1].addr.bytes[3] == 249;
    tap_is_int((long)right, TIMES, "known each time");
    tap_ok(arena_size(m->arena) - before < 512 * 1024, "and kept once: %zu bytes for %d judgements",
           arena_size(m->arena) - before, TIMES);
    message_free(m);
}

/* What no reader understands is a failure, the second time too. */
static void test_nonsense(void)
{
    struct message *m = message_new(0);
    struct scene scene = {.message = m, .arena = m->arena};
    struct finding *f = message_add_finding(m, "dns A odd.example");
    struct dns_answer answer;
    struct outcome need;

    f->state = FINDING_FOUND;
    f->answer = "192.0.2.1, nonsense";
    for (int i = 0; i < 2; i++) {
        tap_ok(check_dns(&scene, "ODD.example", DNS_A, &answer, &need), "known");
        tap_is_int(answer.state, DNS_TEMPERROR, "as a failure");
        tap_is(answer.why, "an answer like no other", "which says why");
    }
    tap_ok(!check_dns(&scene, "other.example", DNS_A, &answer, &need), "another is not known");
    tap_is(need.need, "dns A other.example", "but asked for");
    message_free(m);
}

/* Each recipient brings questions of its own. */
static void test_finding(void)
{
    struct message *m = message_new(0);
    char text[64];
    int right = 0, count = 0;

    for (int i = 0; i < TIMES; i++) {
        snprintf(text, sizeof(text), "dns MX d%d.example", i);
        message_add_finding(m, text)->us = (unsigned)i;
    }
    for (int i = 0; i < TIMES; i++) {
        snprintf(text, sizeof(text), "dns MX d%d.example", i);
        right += message_find(m, text) != NULL && message_find(m, text)->us == (unsigned)i;
    }
    tap_is_int(right, TIMES, "each is found");
    tap_ok(message_find(m, "dns MX d.example") == NULL, "no other");
    for (const struct finding *f = m->findings; f != NULL; f = f->next)
        count += f->us == (unsigned)count;
    tap_is_int(count, TIMES, "in the order in which they were learnt");
    message_free(m);
}

int main(void)
{
    tap_start(60);
    test_many_records();
    test_nonsense();
    test_finding();
    return tap_done();
}
