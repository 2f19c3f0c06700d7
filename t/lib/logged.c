/* logged - entries for the decision log, and what the sqlite3 shell reads of it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "logged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_check(struct message *m, int recipient, const char *restriction,
                      const char *question)
{
    struct check_record *check = message_add_check(m);

    check->recipient = recipient;
    check->restriction = restriction;
    check->question = question;
    check->result = "dunno";
    check->us = 3;
}

struct entry *logged_entry(int number)
{
    struct message *m = message_new((1700000000000ll + number) * 1000 - 2500);
    struct address rcpt = {"<r@here.example>", "r@here.example", "r@here.example"};
    struct entry *entry = entry_new(m);

    entry->client = (struct client){.name = "mail.example", .addr_text = "192.0.2.1", .port = 25,
                                    .daemon_port = -1, .helo = "mail.example"};
    entry->duration_us = 2500;
    m->queue_id = arena_printf(m->arena, "Q%d", number);
    m->message_id = arena_printf(m->arena, "<%d@sender.example>", number);
    m->has_mail = true;
    m->sender.text = m->sender.key = arena_printf(m->arena, "s%d@sender.example", number);
    m->verdict.stage = STAGE_EOM;
    message_add_recipient(m, &rcpt);
    add_check(m, 0, "permit_mynetworks", NULL);
    add_check(m, 1, "check_sender_access hash:rules/sender",
              arena_printf(m->arena, "table hash:rules/sender %s", m->sender.key));
    return entry;
}

void logged_offer(struct journal *journal, int first, int count)
{
    for (int i = 0; i < count; i++)
        journal_offer(journal, logged_entry(first + i));
}

const char *logged_query(const char *file, const char *sql)
{
    static char text[65536];
    char *command = xasprintf("sqlite3 -readonly -cmd '.timeout 10000' -cmd '.nullvalue NULL' '%s'"
                              " \"%s\" 2>&1", file, sql);
    FILE *f = popen(command, "r");
    size_t len = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;

    if (f != NULL)
        pclose(f);
    text[len] = '\0';
    if (len > 0 && text[len - 1] == '\n')
        text[len - 1] = '\0';
    free(command);
    return text;
}

struct journal *logged_open(const char *path)
{
    struct journal_options options = {.path = path, .queue_limit = 10000};

    return journal_open(&options);
}

struct journal_status logged_status(struct journal *journal)
{
    struct journal_status status;

    journal_read_status(journal, &status);
    return status;
}

/* The writer tells nobody when it is done, so there is nothing to wait for but its counters. */
static struct journal_status status_later(struct journal *journal)
{
    usleep(1000);
    return logged_status(journal);
}

void logged_wait(struct journal *journal)
{
    struct journal_status s;

    do
        s = status_later(journal);
    while (s.written + s.dropped < s.offered);
}

void logged_wait_health(struct journal *journal, bool healthy)
{
    while (status_later(journal).healthy != healthy)
        continue;
}

struct journal_status logged_wait_error(struct journal *journal)
{
    struct journal_status s;

    do
        s = status_later(journal);
    while (s.errors == 0);
    return s;
}
