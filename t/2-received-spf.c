/* 2-received-spf - the field Received-SPF: its words and quotes, whatever strangers write */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "question.h"
#include "policy.h"
#include "received_spf.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* Fields are built under a policy for a client, a HELO name and a sender, when SPF says this. */
struct row {
    const char *client, *helo, *sender;
    const char *answer; /* NULL: none is known */
    const char *want;   /* NULL: no field */
};

static const struct row rows[] = {
    {"192.0.2.1", "mail.example", "a@d.example",
     "pass domain=d.example term=ip4:192.0.2.1 why=\"it matches\" terms=0 voids=0 lookups=1",
     "Received-SPF: pass (mx.here.example: 192.0.2.1 is allowed to send for d.example)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\tenvelope-from=\"a@d.example\";\n"
     "\thelo=mail.example;\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tmechanism=\"ip4:192.0.2.1\""},
    {"2001:db8::1", "[IPv6:2001:db8::1]", "a=b@d.example",
     "fail domain=d.example term=-all explainer=d.example explanation=\"go (away\" terms=0 voids=0 "
     "lookups=2",
     "Received-SPF: fail (mx.here.example: 2001:db8::1 is not allowed to send for d.example)\n"
     "\tclient-ip=\"2001:db8::1\";\n"
     "\tenvelope-from=\"a=b@d.example\";\n"
     "\thelo=\"[IPv6:2001:db8::1]\";\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tmechanism=-all"},
    {"::ffff:192.0.2.1", "mail.example", "",
     "neutral domain=mail.example terms=0 voids=0 lookups=1",
     "Received-SPF: neutral (mx.here.example: mail.example does not say whether 192.0.2.1 is "
     "allowed to send for it)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\tenvelope-from=\"postmaster@mail.example\";\n"
     "\thelo=mail.example;\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tmechanism=default"},
    {"192.0.2.1", "mail.example", "a@d.example",
     "none domain=d.example why=\"d.example has no SPF record\" terms=0 voids=0 lookups=1",
     "Received-SPF: none (mx.here.example: d.example has no SPF record)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\tenvelope-from=\"a@d.example\";\n"
     "\thelo=mail.example;\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom"},
    {"192.0.2.1", "mail.example", "a@d.example",
     "permerror domain=d.example why=\"bad term: \\\"(a\\\\\" terms=0 voids=0 lookups=1",
     "Received-SPF: permerror (mx.here.example: bad term: \"\\(a\\\\)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\tenvelope-from=\"a@d.example\";\n"
     "\thelo=mail.example;\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tproblem=\"bad term: \\\"(a\\\\\""},
    {"192.0.2.1", "mail.example", "a@d.example", "temperror: SERVFAIL",
     "Received-SPF: temperror (mx.here.example: SERVFAIL)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\tenvelope-from=\"a@d.example\";\n"
     "\thelo=mail.example;\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tproblem=SERVFAIL"},
    /* what strangers write */
    {"192.0.2.1", "x;y=\"z\\", "\"a b\"@d.example", "softfail domain=d.example term=~all",
     "Received-SPF: softfail (mx.here.example: 192.0.2.1 is probably not allowed to send for "
     "d.example)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\tenvelope-from=\"\\\"a b\\\"@d.example\";\n"
     "\thelo=\"x;y=\\\"z\\\\\";\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tmechanism=~all"},
    {"192.0.2.1", "a\nSubject: b", "a\r\n@d.example", "softfail domain=d.example term=~all",
     "Received-SPF: softfail (mx.here.example: 192.0.2.1 is probably not allowed to send for "
     "d.example)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tmechanism=~all"},
    {"192.0.2.1", "b\xc3\xbc" "cher.example", "\xff@d.example", "softfail domain=d.example term=~all",
     "Received-SPF: softfail (mx.here.example: 192.0.2.1 is probably not allowed to send for "
     "d.example)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tmechanism=~all"},
    {"192.0.2.1", ".a..b.", "a@d.example", "softfail domain=d.example term=~all",
     "Received-SPF: softfail (mx.here.example: 192.0.2.1 is probably not allowed to send for "
     "d.example)\n"
     "\tclient-ip=192.0.2.1;\n"
     "\tenvelope-from=\"a@d.example\";\n"
     "\thelo=\".a..b.\";\n"
     "\treceiver=mx.here.example;\n"
     "\tidentity=mailfrom;\n"
     "\tmechanism=~all"},
    /* whom it is not asked about */
    {"192.0.2.1", "mail.example", "a@d.example", NULL, NULL},
    {"10.0.0.1", "mail.example", "a@d.example", "fail domain=d.example", NULL},
    {"127.0.0.1", "mail.example", "a@d.example", "fail domain=d.example", NULL},
    {"192.0.2.200", "mail.example", "a@d.example", "fail domain=d.example", NULL},
    {"192.0.2.1", "mail.example", "a@friend.example", "fail domain=friend.example", NULL},
    {"nonsense", "mail.example", "a@d.example", "fail domain=d.example", NULL},
};

static struct policy *load(const char *header)
{
    const char *overrides[] = {"postfix_config_directory=", "myhostname=mx.here.example",
                               "mynetworks=10.0.0.0/8", "spf_exempt_networks=192.0.2.200",
                               "spf_exempt_domains=friend.example", header};
    struct policy_source source = {NULL, overrides, ARRAY_LEN(overrides)};
    struct problems problems = {0};
    struct policy *policy = policy_load(&source, &problems);

    for (size_t i = 0; i < problems.count; i++)
        tap_diag("%s", problems.list[i].text);
    problems_free(&problems);
    if (policy == NULL)
        die("no policy");
    return policy;
}

/* NULL, or the field; what it needs in *need. */
static const char *field_of(const struct policy *policy, struct message *m, const struct row *row,
                            struct outcome *need)
{
    struct client client = {.name = "unknown", .addr_text = row->client, .helo = row->helo};
    struct scene scene = {.policy = policy, .client = &client, .message = m, .stage = STAGE_EOM,
                          .arena = m->arena};

    addr_parse(slice_of(row->client), &client.addr);
    m->has_mail = true;
    m->sender.text = row->sender;
    if (row->answer != NULL)
        message_add_finding(m, question_spf(SPF_MAILFROM, row->sender, &client.addr, row->helo,
                                            m->arena))->answer = row->answer;
    for (struct finding *f = m->findings; f != NULL; f = f->next)
        f->state = FINDING_FOUND;
    return received_spf(&scene, need);
}

static void check_rows(const struct policy *policy)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct message *m = message_new(0);
        struct outcome need = {0};
        const char *field = field_of(policy, m, &rows[i], &need);

        tap_is(field, rows[i].want, "row %zu: the field", i);
        tap_ok((need.need != NULL) == (rows[i].answer == NULL), "row %zu: what is needed", i);
        message_free(m);
    }
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        longest = len > longest ? len : longest;
        text += len + (text[len] != '\0');
    }
    return longest;
}

/* No line is longer than RFC 5322 allows, whatever comes. */
static void check_length(const struct policy *policy)
{
    static char helo[3000], sender[401], why[391], answer[512];
    struct row row = {"192.0.2.1", helo, sender, answer, NULL};
    struct message *m = message_new(0);
    struct outcome need = {0};
    const char *field;

    memset(helo, 'x', sizeof(helo) - 1);
    memset(sender, '"', sizeof(sender) - 1);
    memset(why, '(', sizeof(why) - 1);
    snprintf(answer, sizeof(answer), "permerror domain=d.example why=\"%s\"", why);
    field = field_of(policy, m, &row, &need);
    tap_ok(field != NULL && strstr(field, "helo=") == NULL, "a name that is too long is left out");
    tap_ok(field != NULL && strstr(field, " (") != NULL, "a comment of 390 parentheses");
    tap_ok(longest_line(field) == 823, "the longest line: %zu", longest_line(field));
    message_free(m);
}

int main(void)
{
    struct policy *on, *off;
    struct outcome need = {0};
    struct message *m = message_new(0);

    tap_start(30);
    on = load("received_spf_header=yes");
    off = load("received_spf_header=no");
    check_rows(on);
    check_length(on);
    tap_ok(field_of(off, m, &rows[0], &need) == NULL && need.need == NULL, "off by preset");
    message_free(m);
    policy_free(on);
    policy_free(off);
    return tap_done();
}
