/* session - any bytes as what an MTA tells of its clients, under rules of every kind */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "address.h"
#include "fold.h"
#include "header_edits.h"
#include "session.h"
#include "world_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MACROS = 16, WORDS = 8 };

#define PATTERNS_FD 3
#define PATTERNS "pcre:/proc/self/fd/3"

/* One script being read: a line an event, a letter and what belongs to it. */
struct script {
    struct session *session;
    struct arena *arena;
    const char *names[MACROS], *values[MACROS];
    size_t macro_count;
};

static const char *const rules[] = {
    "postfix_config_directory =",
    "myhostname = mx.test.example",
    "received_spf_header = yes",
    "mydestination = here.example, hash.example",
    "mynetworks = 127.0.0.0/8, [2001:db8::]/32",
    "myorigin = here.example",
    "restriction_classes = careful, loop",
    "careful = reject_non_fqdn_sender reject_invalid_helo_hostname reject_non_fqdn_helo_hostname",
    "loop = check_sender_access inline:{{x = loop}}, loop",
    "client_restrictions = permit_mynetworks, check_client_access inline:{{192.0.2 = "
    "DEFER_IF_PERMIT net}, {example = careful}}, check_reverse_client_hostname_access "
    "inline:{{a = WARN ptr}}",
    "helo_restrictions = warn_if_reject reject_non_fqdn_helo_hostname, check_helo_access "
    "inline:{{h = HOLD}, {[1 = 550 5.7.1 x}}, permit_naked_ip_address",
    "sender_restrictions = check_sender_access inline:{{<> = INFO null}, {s@ = REDIRECT "
    "r@here.example}, {loop = loop}, {d = DISCARD}}, reject_non_fqdn_sender, check_sasl_access "
    "inline:{{joe = BCC b@here.example}}",
    "relay_restrictions = permit_sasl_authenticated, defer_unauth_destination",
    "recipient_restrictions = check_recipient_access inline:{{p@ = PREPEND X-A: b}, {r = REJECT}, "
    "{t = 451 4.2.2 été}, {here.example = permit}, {u = frobnicate}}, reject_non_fqdn_recipient, "
    "reject_multi_recipient_bounce, careful",
    "data_restrictions = reject_multi_recipient_bounce, permit_tls_all_clientcerts",
    "end_of_data_restrictions = check_sender_access inline:{{e@ = 421 4.7.0 end}}, permit",
    "recipient_delimiter = +-",
    "header_checks = " PATTERNS,
    "body_checks = " PATTERNS,
};

static const char patterns[] = "/^Subject: *(.*)x/ REPLACE Subject: $1 y\n"
                               "/^X-(.*):(.*)/ PREPEND Y-$1: $2\n"
                               "/^(From|To): .*strip/ STRIP $1\n"
                               "/^Content-Type: (.*)/ INFO $1\n"
                               "/^i/ IGNORE\n/^h/ HOLD $0\n/^r(.*)/ REJECT 4.7.1 $1\n"
                               "/^d/ DISCARD\n/@(.*)@/ REDIRECT a@$1\n/%(.*)/ BCC $1\n/^$/ WARN\n";

/* A file that goes with the process. */
static void write_patterns(void)
{
    static bool written;

    if (!written && (memfd_create("patterns", 0) != PATTERNS_FD ||
                     write(PATTERNS_FD, patterns, strlen(patterns)) < 0))
        exit(1);
    written = true;
}

static struct policy *load(const char *extra)
{
    const char *overrides[ARRAY_LEN(rules) + 1];
    struct policy_source source = {NULL, overrides, ARRAY_LEN(overrides)};
    struct problems problems = {0};
    struct policy *policy;

    write_patterns();
    memcpy(overrides, rules, sizeof(rules));
    overrides[ARRAY_LEN(rules)] = extra;
    policy = policy_load(&source, &problems);
    for (size_t i = 0; policy == NULL && i < problems.count; i++)
        fprintf(stderr, "%s\n", problem_text(&problems.list[i]));
    if (policy == NULL)
        exit(1);
    problems_free(&problems);
    return policy;
}

static const char *get_macro(void *arg, const char *name)
{
    const struct script *s = arg;

    for (size_t i = 0; i < s->macro_count; i++)
        if (strcmp(s->names[i], name) == 0)
            return s->values[i];
    return NULL;
}

static void set_macro(struct script *s, char *text)
{
    static const char *const names[] = {
        "{mail_addr}",   "{rcpt_addr}", "{rcpt_mailer}", "{rcpt_host}",   "{auth_authen}",
        "{auth_type}",   "i",           "{client_name}", "{client_ptr}",  "{cert_subject}",
        "{daemon_port}", "{daemon_name}",
    };
    size_t which = (unsigned char)text[0] % ARRAY_LEN(names);

    if (s->macro_count == MACROS || text[0] == '\0')
        return;
    s->names[s->macro_count] = names[which];
    s->values[s->macro_count++] = arena_strdup(s->arena, text + 1);
}

static void fail_if(bool wrong)
{
    if (wrong)
        abort();
}

static bool has_controls(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

/* An answer that Postfix would take: else it drops the filter for the rest of the session. */
static void check(const struct verdict *v)
{
    fail_if(v == NULL);
    if (!verdict_refuses(v))
        return;
    fail_if(v->code < 400 || v->code > 599 || v->dsn == NULL || v->text == NULL);
    fail_if(v->dsn[0] != '0' + v->code / 100 || v->dsn[1] != '.');
    fail_if((v->act == ACT_REJECT) != (v->code >= 500));
    fail_if(has_controls(v->text) || strlen(v->text) > 510 || has_controls(v->dsn));
}

/* Words end at a blank; at most WORDS, the array ends with NULL. */
static void split(char *text, const char **words)
{
    size_t count = 0;

    words[count++] = text;
    for (; *text != '\0' && count < WORDS; text++)
        if (*text == ' ') {
            *text = '\0';
            words[count++] = text + 1;
        }
    words[count] = NULL;
}

static void check_address(const char *arg, struct arena *arena)
{
    struct address address;

    address_read(&address, arg, NULL, "here.example", arena);
    fail_if(has_controls(address.text) || address.key == NULL);
    address_quote(address.text, arena);
    address_is_routed(&address);
    address_extension(address.key, "+-");
    fold_domain_utf8(address.text, arena);
}

static void play(struct script *s, char *line)
{
    struct macros macros = {get_macro, s};
    const char *words[WORDS + 1];
    char letter = line[0];

    line += letter != '\0';
    if (letter == 'm') {
        set_macro(s, line);
        return;
    }
    if (letter == 'h') {
        char *colon = strchr(line, ':');

        if (colon != NULL)
            *colon = '\0';
        session_header(s->session, line, colon != NULL ? colon + 1 : "");
        return;
    }
    if (letter == 'b') {
        size_t len = strlen(line);

        line[len] = '\n'; /* in place of the end */
        session_body(s->session, line, len + 1);
        line[len] = '\0';
        return;
    }
    split(line, words);
    if (letter == 'C')
        check(session_connect(s->session, words[0], words[1], words[1] != NULL ? 25 : 0, &macros));
    else if (letter == 'H')
        check(session_helo(s->session, line, &macros));
    else if (letter == 'M')
        check_address(line, s->arena), check(session_mail(s->session, words, &macros));
    else if (letter == 'R')
        check_address(line, s->arena), check(session_rcpt(s->session, words, &macros));
    else if (letter == 'D')
        check(session_data(s->session, &macros));
    else if (letter == 'A')
        session_abort(s->session);
    else if (letter == 'E') {
        check(session_eom(s->session, &macros));
        header_changes_plan(session_message(s->session), session_edits(s->session));
        session_done(s->session, line[0] ? line : NULL);
    }
}

/* Each policy once for all scripts: lists at RCPT, lists in their own time, not in earnest. */
static struct policy *policy_of(uint8_t choice)
{
    static struct policy *policies[3];

    if (policies[0] == NULL) {
        policies[0] = load("log_mta_rejects = yes");
        policies[1] = load("delay_reject = no");
        policies[2] = load("mode = annotate");
    }
    policy_hold(policies[choice % 3]);
    return policies[choice % 3];
}

/* A DNS with a few names, which answers at once. */
static struct world *small_world(void)
{
    static const char names[] = "a.example. TXT \"v=spf1 a mx include:b.example -all\"\n"
                                "a.example. A 192.0.2.1\na.example. MX 10 mx.a.example.\n"
                                "b.example. TXT \"v=spf1 exists:%{ir}.a.example ?all\"\n"
                                "1.2.0.192.list.example. A 127.0.0.2\n"
                                "1.2.0.192.in-addr.arpa. PTR a.example.\n"
                                "$SERVFAIL fail.example\n";
    static struct dns_options dns = {.limits = {1 << 20, 0, 3600, 300, 100, 1000000}};
    static struct world *world;
    struct world_dns_options options = {.dns = &dns, .receiver = "mx.example"};
    struct problems problems = {0};

    if (world == NULL) {
        options.zone = dns_zone_new();
        dns_zone_read(options.zone, "zone", slice_of(names), &problems);
        world = world_dns_new(&options);
    }
    return world;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {.macro_count = 0};
    struct slice rest, line;

    if (size == 0)
        return 0;
    script.arena = arena_new();
    script.session = session_new(policy_of(data[0]), small_world(), NULL, false);
    session_set_quiet(script.session, data[0] % 64 != 0);
    rest = (struct slice){(const char *)data + 1, size - 1};
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);

        line = (struct slice){rest.ptr, end != NULL ? (size_t)(end - rest.ptr) : rest.len};
        rest.ptr += line.len + (end != NULL);
        rest.len -= line.len + (end != NULL);
        play(&script, arena_strndup(script.arena, line.ptr, line.len));
    }
    session_free(script.session);
    arena_free(script.arena);
    return 0;
}
