/* journal - what a logged message costs: journal [MESSAGES [SENDERS [short|long [LIMIT]]]] */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHECKS = 8 };

static const char *const questions[CHECKS] = {
    "table hash:rules/client mail%d.example", "table cidr:rules/net 192.0.2.%d",
    "table hash:rules/helo mail%d.example",   "table hash:rules/sender user%d@sender.example",
    NULL, NULL, "table hash:rules/rcpt rcpt@here.example", NULL,
};

static struct entry *make(int number, int senders, bool long_ids)
{
    struct message *m = message_new((int64_t)time(NULL) * 1000000);
    struct entry *entry = entry_new(m);
    struct arena *a = m->arena;
    int host = number % 200;
    struct address rcpt = {"<rcpt@here.example>", "rcpt@here.example", "rcpt@here.example"};
    struct check_record *check;

    entry->client = (struct client){.name = arena_printf(a, "mail%d.example", host),
                                    .addr_text = arena_printf(a, "192.0.2.%d", host)};
    entry->client.helo = entry->client.name;
    m->has_mail = true;
    /* Postfix's short queue ids come at random, the long ones in order. */
    m->queue_id = arena_printf(a, "4X%08XzZ", (unsigned)number * (long_ids ? 1 : 2654435761u));
    m->message_id = arena_printf(a, "<%d.%x@sender.example>", number, (unsigned)number * 40503u);
    m->sender.text = arena_printf(a, "user%d@sender.example", number % senders);
    m->verdict.stage = STAGE_EOM;
    message_add_recipient(m, &rcpt);
    for (int i = 0; i < CHECKS; i++) {
        check = message_add_check(m);
        check->recipient = i == 6;
        check->restriction = i % 2 ? "permit_mynetworks" : "check_client_access hash:rules/client";
        check->result = "dunno";
        check->us = (unsigned)(number + i) % 9;
        if (questions[i] != NULL)
            check->question = arena_printf(a,
                                           i == 3 ? "table hash:rules/sender user%d@sender.example"
                                           : i == 1 ? "table cidr:rules/net 192.0.2.%d"
                                                    : "table hash:rules/x mail%d.example",
                                           i == 3 ? number % senders : host);
    }
    entry->duration_us = 1500;
    return entry;
}

static double cpu(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 200000, senders = argc > 2 ? atoi(argv[2]) : 20000;
    bool long_ids = argc > 3 && strcmp(argv[3], "long") == 0;
    struct journal_options options = {.path = "bench.db", .queue_limit = 10000,
                                      .size_limit = argc > 4 ? (uint64_t)atoll(argv[4]) : 0};
    struct journal_status status = {0};
    struct journal *journal;
    double process, thread, offering = 0, before;
    struct stat st;

    unlink(options.path);
    journal = journal_open(&options);
    process = cpu(CLOCK_PROCESS_CPUTIME_ID);
    thread = cpu(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < count; i++) {
        struct entry *entry = make(i, senders, long_ids);

        before = cpu(CLOCK_THREAD_CPUTIME_ID);
        journal_offer(journal, entry);
        offering += cpu(CLOCK_THREAD_CPUTIME_ID) - before;
        while (i % 1000 == 999 && (journal_read_status(journal, &status), status.queued > 3000))
            usleep(1000);
    }
    thread = cpu(CLOCK_THREAD_CPUTIME_ID) - thread;
    journal_read_status(journal, &status);
    journal_close(journal);
    process = cpu(CLOCK_PROCESS_CPUTIME_ID) - process;
    stat(options.path, &st);
    printf("%d messages, %d senders: writer %.2f us/message, offer %.2f us, %.0f bytes/message, "
           "dropped %d,"
           " details dropped %d\n",
           count, senders, (process - thread) / count, offering / count, (double)st.st_size / count,
           (int)status.dropped, (int)status.details_dropped);
    return 0;
}
