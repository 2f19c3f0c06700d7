/* journal - what a logged message costs: journal [MESSAGES [SENDERS [short|long [LIMIT [EVIDENCE]]]]] */
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

static bool with_evidence;

static const char *const questions[CHECKS] = {
    "table hash:rules/client mail%d.example", "table cidr:rules/net 192.0.2.%d",
    "table hash:rules/helo mail%d.example",   "table hash:rules/sender user%d@sender.example",
    NULL, NULL, "table hash:rules/rcpt rcpt@here.example", NULL,
};

/* What SPF and DKIM leave: four questions, a signature. */
static void add_answers(struct message *m, int number, int senders, int host)
{
    struct arena *a = m->arena;
    int domain = number % senders % (senders / 4 + 1);
    const char *const asked[][2] = {
        {arena_printf(a, "spf mailfrom %s 192.0.2.%d mail%d.example", m->sender.text, host, host),
         arena_printf(a, "pass domain=d%d.example term=ip4:192.0.2.0/24", domain)},
        {arena_printf(a, "dns TXT d%d.example", domain), "\"v=spf1 ip4:192.0.2.0/24 -all\""},
        {arena_printf(a, "dns TXT k1._domainkey.d%d.example", domain), "\"v=DKIM1; p=MIIBIjANBgkqh\""},
        {arena_printf(a, "rbl zen.example 192.0.2.%d", host), "NXDOMAIN"},
    };
    struct logged_signature *s = message_log_signature(m);

    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        struct finding *f = message_add_finding(m, asked[i][0]);

        f->state = i == 3 ? FINDING_NONE : FINDING_FOUND;
        f->answer = asked[i][1];
        f->us = (unsigned)(number * 7919) % 40000;
    }
    s->domain = arena_printf(a, "d%d.example", domain);
    s->selector = "k1";
    s->algorithm = "rsa-sha256";
    s->canonicalization = "relaxed/relaxed";
    s->result = "pass";
    s->bits = 2048;
}

static void add_evidence(struct message *m, int number)
{
    static const char *const fields[][2] = {
        {"From", " \"Anna Example\" <anna%d@sender.example>"}, {"To", " <rcpt%d@here.example>"},
        {"Date", " Sun, 22 Nov 2026 08:15:%02d +0000"}, {"MIME-Version", " 1.0"},
        {"Message-ID", " <%d.4711@sender.example>"},
        {"Content-Type", " multipart/alternative; boundary=\"=_%d_boundary\""},
    };
    char value[128];

    m->keeps_evidence = true;
    m->esmtp = "SIZE=20480 BODY=8BITMIME";
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *percent = strchr(fields[i][1], '%');
        const char *rest = percent != NULL ? strchr(percent, 'd') + 1 : "";

        snprintf(value, sizeof(value), "%.*s%.0d%s",
                 (int)(percent != NULL ? percent - fields[i][1] : (int)strlen(fields[i][1])),
                 fields[i][1], percent != NULL ? number + 1 : 0, rest);
        message_add_evidence(m, fields[i][0], value);
    }
}

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
    m->sender.text = arena_printf(a, "user%d@d%d.example", number % senders,
                                  number % senders % (senders / 4 + 1));
    m->sender.arg = NULL;
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
                                           i == 3 ? "table hash:rules/sender user%d@d.example"
                                           : i == 1 ? "table cidr:rules/net 192.0.2.%d"
                                                    : "table hash:rules/x mail%d.example",
                                           i == 3 ? number % senders : host);
    }
    entry->client.ptr = entry->client.name;
    entry->client.resolve = "OK";
    entry->client.daemon_port = 25;
    entry->client.mta_version = "Postfix 3.7.11";
    entry->policy = "0000000000000000000000000000000000000000000000000000000000000000";
    m->size = 20480;
    addr_parse(slice_of(entry->client.addr_text), &entry->client.addr);
    add_answers(m, number, senders, host);
    if (with_evidence)
        add_evidence(m, number);
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

    with_evidence = argc > 5;
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
