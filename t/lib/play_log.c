/* play_log - writes a log of varied transactions, judged by a policy: play_log CONF LOG COUNT ZONE */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd_world.h"
#include "journal.h"
#include "log.h"
#include "logged.h"
#include "policy_record.h"
#include "session.h"
#include "shadow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

/* The same numbers in each run. */
static unsigned pick(unsigned of)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % of;
}

struct facts {
    char name[64], addr[64], ptr[64], login[32], queue_id[32];
};

static const char *get_macro(void *arg, const char *name)
{
    const struct facts *f = arg;

    if (strcmp(name, "{client_ptr}") == 0)
        return f->ptr;
    if (strcmp(name, "{client_resolve}") == 0)
        return strcmp(f->name, "unknown") == 0 ? "FAIL" : "OK";
    if (strcmp(name, "{daemon_name}") == 0)
        return "smtpd";
    if (strcmp(name, "{daemon_port}") == 0)
        return f->login[0] ? "587" : "25";
    if (strcmp(name, "{auth_authen}") == 0)
        return f->login;
    if (strcmp(name, "{auth_type}") == 0)
        return f->login[0] ? "PLAIN" : NULL;
    if (strcmp(name, "v") == 0)
        return "Postfix 3.7.11";
    return strcmp(name, "i") == 0 ? f->queue_id : NULL;
}

static void begin_client(struct session *s, struct facts *f, const struct macros *macros)
{
    static const char *const helos[][2] = {
        {"mail.s", ".example"}, {"s", ""}, {"bad!", ""}, {"h", ".example"}};
    const char *const *words = helos[pick(4)];
    unsigned host = pick(200);
    char helo[64];

    snprintf(f->addr, sizeof(f->addr), "%s%u", pick(10) ? "192.0.2." : "2001:db8::", host);
    snprintf(f->name, sizeof(f->name), "unknown");
    if (host % 3 != 0)
        snprintf(f->name, sizeof(f->name), "mail.s%u.example", host);
    if (host % 7 == 0)
        snprintf(f->ptr, sizeof(f->ptr), "ptr.s%u.example", host);
    else
        snprintf(f->ptr, sizeof(f->ptr), "%s", f->name);
    f->login[0] = '\0';
    if (host % 11 == 0)
        snprintf(f->login, sizeof(f->login), "user%u", host);
    session_connect(s, f->name, f->addr, 40000, macros);
    snprintf(helo, sizeof(helo), "%s%u%s", words[0], host, words[1]);
    if (pick(50))
        session_helo(s, helo, macros);
}

static bool is_refused(const struct verdict *v)
{
    return verdict_refuses(v) && v->enforced;
}

/* A mail in two parts, one a file. */
static void send_parts(struct session *s, unsigned file)
{
    static const char *const files[] = {"a.txt", "b.exe", "c.pdf"};
    char text[300];
    int len = snprintf(text, sizeof(text), "--b\r\nContent-Type: text/plain\r\n\r\nsome text\r\n--b\r\n"
                       "Content-Type: application/octet-stream;\r\n name=\"%s\"\r\n\r\nxxx\r\n--b--\r\n",
                       files[file % 3]);

    session_header(s, "Content-Type", " multipart/mixed; boundary=b");
    session_body(s, text, (size_t)len);
}

static void send_content(struct session *s)
{
    static const char *const subjects[] = {" hello", " buy pills", " invoice", " bad news"};
    unsigned first = pick(1000000), second = pick(1000000);
    char id[64];

    snprintf(id, sizeof(id), " <%u.%u@s.example>", first, second);
    session_header(s, "From", " \"Somebody\" <s@s.example>");
    session_header(s, "Subject", subjects[pick(4)]);
    session_header(s, "Message-ID", id);
    if (first % 4 == 0)
        send_parts(s, second);
    else
        session_body(s, "some text\r\n", 11);
}

/* False when the client has nothing more to say. */
static bool send_mail(struct session *s, const struct macros *macros)
{
    char sender[80], rcpt[80];
    const char *mail[] = {sender, "SIZE=1000", NULL}, *to[] = {rcpt, NULL};
    bool any = false;
    unsigned count = 1 + pick(3) * !pick(3);

    snprintf(sender, sizeof(sender), "<>");
    if (pick(20))
        snprintf(sender, sizeof(sender), "<u%u@s%u.example>", pick(50), pick(200));
    if (is_refused(session_mail(s, mail, macros)))
        return false;
    for (unsigned i = 0; i < count; i++) {
        snprintf(rcpt, sizeof(rcpt), "<r%u@here.example>", pick(60));
        if (pick(9) == 0)
            snprintf(rcpt, sizeof(rcpt), "<u%u@s%u.example>", pick(50), pick(200));
        any |= !is_refused(session_rcpt(s, to, macros));
    }
    if (!any || !pick(40) || is_refused(session_data(s, macros)))
        return false;
    send_content(s);
    session_eom(s, macros);
    session_done(s, NULL);
    return true;
}

static void play(struct world *world, struct journal *journal, int count)
{
    struct facts facts = {0};
    struct macros macros = {get_macro, &facts};

    for (int i = 0; i < count; i++) {
        struct session *s = session_new(policy_acquire(), world, journal, false);

        session_set_quiet(s, true);
        snprintf(facts.queue_id, sizeof(facts.queue_id), "4Q%d", i);
        begin_client(s, &facts, &macros);
        send_mail(s, &macros);
        session_free(s);
        if (i % 500 == 499)
            logged_wait(journal);
    }
    logged_wait(journal);
}

int main(int argc, char **argv)
{
    struct policy_source source = {.path = argc > 1 ? argv[1] : NULL};
    struct problems problems = {0};
    struct journal_options options = {.path = argc > 2 ? argv[2] : "", .queue_limit = 1000000,
                                      .queue_bytes = 1 << 30, .written = shadow_take};
    struct policy *policy = argc > 4 ? policy_load(&source, &problems) : NULL;
    struct cmd_world world = {0};
    struct journal *journal;
    struct entry *loaded;
    struct err err;

    if (policy != NULL)
        shadow_load(policy, &source, &problems);
    problems_first_error(&problems, &err);
    if (policy == NULL) {
        fprintf(stderr, "usage: play_log CONF LOG COUNT ZONE\n%s\n", err.text);
        return 2;
    }
    log_silence(true);
    loaded = policy_record(policy, &source, "start");
    policy_publish(policy);
    if (!cmd_world_open(&world, policy->settings, argv[4]))
        return 2;
    journal = journal_open(&options);
    shadow_start(journal);
    journal_offer(journal, loaded);
    play(world.world, journal, (int)strtol(argv[3], NULL, 10));
    shadow_stop();
    journal_close(journal);
    cmd_world_close(&world);
    policy_publish(NULL);
    policy_reap();
    problems_free(&problems);
    return 0;
}
