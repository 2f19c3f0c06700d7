/* 2-dns-live - answers over UDP and TCP from a name server that fails, lies and is silent */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_live.h"
#include "dns_options.h"
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 200, THREADS = 4 };
static const uint64_t SECOND = 1000000;

static const char script[] =
    "a.example A ttl=77 192.0.2.2\n"
    "a.example A ttl=77 192.0.2.1\n"
    "a.example AAAA 2001:db8::1\n"
    "host.test A 192.0.2.3\n"
    "a.example MX 20 b.example\n"
    "a.example MX 10 c.example\n"
    "a.example TXT \"v=spf1 \" \"-all\"\n"
    "null.example MX 0 .\n"
    "alias.example CNAME a.example\n"
    "dangling.example CNAME missing.example\n"
    "7.2.0.192.in-addr.arpa PTR host.example\n"
    "failed.example * servfail\n"
    "refused.example * refused\n"
    "silent.example * silence\n"
    "silent0.example * silence\n"
    "silent1.example * silence\n"
    "good.example A 192.0.2.9\n"
    "large.example TXT truncate\n"
    "large.example TXT \"over tcp\"\n"
    "short.example A hex:c00002\n"
    "long.example MX hex:000a0161006162\n"
    "strings.example TXT hex:0561\n"
    "none.example TXT hex:\n"
    "control.example TXT hex:040d0a0041\n";

static struct arena *arena;
static FILE *server_out;
static int server_in = -1;
static pid_t server;
static char address[40];

static void serve(const int in[2], const int out[2], const char *file, const char *log)
{
    const char *top = getenv("srcdir");
    char library[4096];

    snprintf(library, sizeof(library), "-I%s/t/lib", top == NULL ? "." : top);
    dup2(in[0], 0);
    dup2(out[1], 1);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    execlp("perl", "perl", library, "-MTamis::Dns", "-e", "Tamis::Dns::main", file, log,
           (char *)NULL);
    _exit(127);
}

/* It ends with its standard input, so with this process, too. */
static void start_server(const char *log)
{
    const char *file = tap_file("script", script);
    int in[2], out[2], port;

    if (pipe(in) != 0 || pipe(out) != 0)
        die("pipe");
    server = fork();
    if (server == 0)
        serve(in, out, file, log);
    close(in[0]);
    close(out[1]);
    server_in = in[1];
    server_out = fdopen(out[0], "r");
    if (server_out == NULL || fscanf(server_out, "%d", &port) != 1)
        die("no name server");
    snprintf(address, sizeof(address), "127.0.0.1@%d", port);
}

static void stop_server(void)
{
    close(server_in);
    fclose(server_out);
    waitpid(server, NULL, 0);
}

static struct dns *live_open(uint64_t timeout_us, const char *trust_anchor, bool recursion)
{
    static const struct dns_limits preset = {
        .cache_size = 1 << 20, .max_ttl = 3600, .max_negative_ttl = 300, .under_way = 1000,
    };
    const char *servers[] = {address};
    struct dns_live_options options = {
        .servers = servers, .server_count = 1, .recursion = recursion,
        .trust_anchor = trust_anchor, .cache_size = 3 << 20, .under_way = 1000,
    };
    struct dns_limits limits = preset;
    struct dns_source source;
    struct err err = {0};

    limits.timeout_us = timeout_us;
    if (!dns_live_open(&options, &source, &err))
        die("%s", err.text);
    return dns_open(&limits, &source);
}

static struct dns_question question(const char *name, enum dns_type type)
{
    struct dns_question q;

    if (!dns_question_make(slice_of(name), type, arena, &q))
        die("%s", name);
    return q;
}

static void test_answers(struct dns *dns)
{
    static const struct {
        const char *name;
        enum dns_type type;
        unsigned ttl;
        const char *want;
    } rows[] = {
        {"a.example", DNS_A, 77, "192.0.2.1, 192.0.2.2"},
        {"A.EXAMPLE", DNS_AAAA, 300, "2001:db8::1"},
        {"host.test", DNS_A, 300, "192.0.2.3"},
        {"a.example", DNS_MX, 300, "10 c.example, 20 b.example"},
        {"a.example", DNS_TXT, 300, "\"v=spf1 \" \"-all\""},
        {"a.example", DNS_NS, 30, "no data"},
        {"null.example", DNS_MX, 300, "0 ."},
        {"alias.example", DNS_A, 77, "192.0.2.1, 192.0.2.2"},
        {"dangling.example", DNS_A, 30, "no such name"},
        {"7.2.0.192.in-addr.arpa", DNS_PTR, 300, "host.example"},
        {"missing.example", DNS_TXT, 30, "no such name"},
        {"failed.example", DNS_A, 0, "temperror: SERVFAIL"},
        {"refused.example", DNS_TXT, 0, "temperror: SERVFAIL"},
        {"large.example", DNS_TXT, 300, "\"over tcp\""},
        {"a b.example", DNS_TXT, 30, "no such name"},
        {"control.example", DNS_TXT, 300, "\"\\013\\010\\000A\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dns_question q = question(rows[i].name, rows[i].type);
        struct dns_answer answer;

        dns_ask(dns, &q, UINT64_MAX, arena, &answer);
        tap_is(dns_answer_text(&answer, arena), rows[i].want, "%s %s", rows[i].name,
               dns_type_name(rows[i].type));
        tap_ok(answer.ttl <= rows[i].ttl && answer.ttl + 40 >= rows[i].ttl, "its TTL, %u",
               answer.ttl);
    }
}

/* Whatever the library makes of it, no record comes out of it. */
static void test_malformed(struct dns *dns)
{
    static const struct {
        const char *name;
        enum dns_type type;
    } rows[] = {
        {"short.example", DNS_A}, {"long.example", DNS_MX}, {"strings.example", DNS_TXT},
        {"none.example", DNS_TXT},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dns_question q = question(rows[i].name, rows[i].type);
        struct dns_answer answer;

        dns_ask(dns, &q, UINT64_MAX, arena, &answer);
        tap_ok(answer.count == 0, "%s: %s", rows[i].name, dns_answer_text(&answer, arena));
    }
}

static void test_many(struct dns *dns)
{
    struct dns_job *jobs[MANY];
    int wrong = 0;

    for (int i = 0; i < MANY; i++) {
        struct dns_question q = question(arena_printf(arena, "n%d.example", i), DNS_A);

        jobs[i] = dns_start(dns, &q);
    }
    for (int i = 0; i < MANY; i++) {
        struct dns_answer answer;

        dns_wait(jobs[i], UINT64_MAX, arena, &answer);
        dns_release(jobs[i]);
        wrong += answer.state != DNS_NXDOMAIN;
    }
    tap_is_int(wrong, 0, "many at once");
}

static void test_silence(struct dns *dns)
{
    struct dns_question q = question("silent.example", DNS_A);
    struct dns_answer answer;

    dns_ask(dns, &q, now_us() + SECOND / 20, arena, &answer);
    tap_is(dns_answer_text(&answer, arena), "temperror: timeout", "silence ends at the deadline");
}

/* Strangers' names whose servers are silent, one after the other: others are answered. */
static void test_silent_names(void)
{
    static const char *const names[] = {"silent0.example", "silent1.example"};
    struct dns *dns = live_open(20 * SECOND, "", false);
    struct dns_question good = question("good.example", DNS_A);
    struct dns_answer answer;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct dns_question q = question(names[i], DNS_A);

        dns_ask(dns, &q, now_us() + 3 * SECOND, arena, &answer);
        tap_ok(answer.state == DNS_TEMPERROR, "%s: %s", names[i], answer.why);
    }
    dns_ask(dns, &good, UINT64_MAX, arena, &answer);
    tap_is(dns_answer_text(&answer, arena), "192.0.2.9", "another name is answered");
    dns_close(dns);
}

static int count_lines(const char *file, const char *want)
{
    FILE *in = fopen(file, "r");
    char line[512];
    int count = 0;

    while (in != NULL && fgets(line, sizeof(line), in) != NULL)
        count += strcmp(line, want) == 0;
    if (in != NULL)
        fclose(in);
    return count;
}

static void test_options(void)
{
    static const struct {
        const char *servers;
        size_t count;
        const char *want;
    } rows[] = {
        {"dns_servers =", 0, ""},
        {"dns_servers = 192.0.2.1, 2001:db8::1@5353 127.0.0.1@53", 3, ""},
        {"dns_servers = ns.example", 0,
         "error: dns_servers: ns.example is no address; write ADDRESS or ADDRESS@PORT"},
        {"dns_servers = 192.0.2.1@65536", 0,
         "error: dns_servers: 192.0.2.1@65536 is no address; write ADDRESS or ADDRESS@PORT"},
        {"dns_servers = 192.0.2.1:53", 0,
         "error: dns_servers: 192.0.2.1:53 is no address; write ADDRESS or ADDRESS@PORT"},
        {"dns_servers = IPv6:::1", 0,
         "error: dns_servers: IPv6:::1 is no address; write ADDRESS or ADDRESS@PORT"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const given[] = {rows[i].servers, "postfix_config_directory ="};
        struct problems problems = {0}, loading = {0};
        struct settings *settings = settings_load(NULL, given, 2, &loading);
        struct dns_options options;
        struct err err = {0};

        dns_options_of(settings, arena, &options, &problems);
        problems_first_error(&problems, &err);
        tap_ok(strlen(err.text) >= strlen(rows[i].want) &&
                   strcmp(err.text + strlen(err.text) - strlen(rows[i].want), rows[i].want) == 0,
               "%s: %s", rows[i].servers, err.text);
        tap_is_int((long long)options.live.server_count, (long long)rows[i].count, "servers");
        tap_ok(options.limits.timeout_us == 5 * SECOND && options.limits.max_ttl == 3600 &&
                   options.limits.max_negative_ttl == 300 && options.limits.under_way == 1000,
               "presets");
        problems_free(&problems);
        problems_free(&loading);
        settings_free(settings);
    }
}

static void test_refused_options(void)
{
    const char *servers[] = {"127.0.0.1"};
    struct dns_live_options options = {
        .servers = servers, .server_count = 1, .trust_anchor = "/nonexistent/root.key",
        .cache_size = 3 << 20, .under_way = 100,
    };
    struct dns_source source;
    struct err err = {0};

    tap_ok(!dns_live_open(&options, &source, &err), "a trust anchor that is not there");
    tap_is(err.text, "dns_trust_anchor: /nonexistent/root.key: No such file or directory",
           "says so");
}

/* With lookups under way, the context goes; none of them holds it up. */
static void test_shutdown(void)
{
    struct dns *dns = live_open(60 * SECOND, "", false);
    struct dns_question q = question("silent.example", DNS_TXT);
    struct dns_job *job = dns_start(dns, &q);
    struct dns_answer answer;
    uint64_t before = now_us();

    dns_close(dns);
    dns_wait(job, UINT64_MAX, arena, &answer);
    tap_is(dns_answer_text(&answer, arena), "temperror: shutting down", "the end");
    tap_ok(now_us() - before < 20 * SECOND, "is not waited for");
    dns_release(job);
}

/* Asks what nobody asked before, until the end. */
static void *storm(void *arg)
{
    struct dns *dns = arg;
    struct arena *own = arena_new();
    struct dns_answer answer;
    bool told;

    for (int i = 0;; i++) {
        struct dns_question q = {arena_printf(own, "s%d.%p.example", i, (void *)own), DNS_A};

        dns_ask(dns, &q, UINT64_MAX, own, &answer);
        if (answer.state != DNS_NXDOMAIN)
            break;
        arena_reset(own);
    }
    told = answer.state == DNS_TEMPERROR && strcmp(answer.why, "shutting down") == 0;
    arena_free(own);
    return told ? dns : NULL;
}

static void test_storm(void)
{
    struct dns *dns = live_open(60 * SECOND, "", false);
    pthread_t threads[THREADS];
    int fine = 0;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, storm, dns);
    while (dns_stats(dns).sent < 10 * THREADS)
        sched_yield();
    dns_stop(dns);
    for (int i = 0; i < THREADS; i++) {
        void *end;

        pthread_join(threads[i], &end);
        fine += end == dns;
    }
    tap_is_int(fine, THREADS, "an end in the midst of it");
    dns_close(dns);
}

/* Nobody has signed a.example, though its parent's key says so. */
static void test_bogus(void)
{
    const char *file = tap_file("anchor",
                                "example. IN DS 12345 8 2 0123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef\n");
    struct dns *dns = live_open(20 * SECOND, file, false);
    struct dns_question q = question("a.example", DNS_A);
    struct dns_answer answer;

    dns_ask(dns, &q, UINT64_MAX, arena, &answer);
    tap_ok(answer.state == DNS_TEMPERROR && strncmp(answer.why, "bogus: ", 7) == 0 &&
               answer.count == 0,
           "an answer that should be signed: %s", dns_answer_text(&answer, arena));
    q = question("host.test", DNS_A);
    dns_ask(dns, &q, UINT64_MAX, arena, &answer);
    tap_ok(answer.state == DNS_FOUND && !answer.secure, "one that need not be: %s",
           dns_answer_text(&answer, arena));
    dns_close(dns);
}

/* No question goes out. */
static void test_recursion(void)
{
    struct dns *dns = live_open(20 * SECOND, "", true);
    struct dns_question q = question("localhost", DNS_A);
    struct dns_answer answer;

    dns_ask(dns, &q, UINT64_MAX, arena, &answer);
    tap_is(dns_answer_text(&answer, arena), "127.0.0.1", "without forwarders");
    dns_close(dns);
}

static void test_dead_server(struct dns *dns)
{
    struct dns_question q = question("dead.example", DNS_A);
    struct dns_answer answer;

    dns_ask(dns, &q, UINT64_MAX, arena, &answer);
    tap_ok(answer.state == DNS_TEMPERROR, "a dead server: %s", dns_answer_text(&answer, arena));
    q = question("a.example", DNS_A);
    dns_ask(dns, &q, 0, arena, &answer);
    tap_is(dns_answer_text(&answer, arena), "192.0.2.1, 192.0.2.2", "what is known stays");
}

int main(void)
{
    char log[4200];
    struct dns *dns;

    tap_start(120);
    arena = arena_new();
    test_options();
    test_refused_options();
    snprintf(log, sizeof(log), "%s/log", tap_dir());
    start_server(log);
    dns = live_open(20 * SECOND, "", false);
    test_answers(dns);
    test_malformed(dns);
    test_many(dns);
    test_silence(dns);
    test_silent_names();
    tap_is_int(count_lines(log, "tcp large.example TXT\n"), 1, "what is cut is asked over TCP");
    tap_is_int(count_lines(log, "udp missing.example TXT\n"), 1, "what is not there is asked once");
    test_shutdown();
    test_storm();
    test_bogus();
    test_recursion();
    stop_server();
    test_dead_server(dns);
    dns_close(dns);
    arena_free(arena);
    return tap_done();
}
