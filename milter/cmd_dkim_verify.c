/* cmd_dkim_verify - `tamis dkim verify`: the signatures of a mail, and what was changed since */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd_dkim.h"

#include "check_dkim.h"
#include "dkim_difference.h"
#include "eml.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum { NOT_GOOD = 1 };
#define WAIT_US 20000000u

struct verifying {
    struct arena *arena;
    struct dns *dns;
    struct dkim_verifier *verifier;
    const char *const *names; /* of the key records; NULL before the end of the header */
    struct dns_job **jobs;    /* for each name; NULL: no name at all */
    size_t count;
};

/* --- the mail --------------------------------------------------------------------------------- */

static void on_header(void *arg, const char *name, const char *value)
{
    struct verifying *v = arg;

    dkim_verifier_header(v->verifier, arena_strdup(v->arena, name), arena_strdup(v->arena, value));
}

/* All keys are asked for at once. */
static void on_headers_end(void *arg)
{
    struct verifying *v = arg;
    struct dns_question question;

    v->names = dkim_verifier_headers_end(v->verifier, &v->count);
    v->jobs = arena_alloc(v->arena, (v->count + 1) * sizeof(struct dns_job *));
    for (size_t i = 0; i < v->count; i++)
        if (dns_question_make(slice_of(v->names[i]), DNS_TXT, v->arena, &question))
            v->jobs[i] = dns_start(v->dns, &question);
}

static void on_body(void *arg, const char *data, size_t len)
{
    struct verifying *v = arg;

    dkim_verifier_body(v->verifier, data, len);
}

static void on_answer(void *ctx, const char *name, struct dkim_key_answer *answer)
{
    struct verifying *v = ctx;
    struct dns_answer dns = {.state = DNS_NXDOMAIN};
    struct slice *txt;

    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->names[i], name) == 0 && v->jobs[i] != NULL)
            dns_wait(v->jobs[i], now_us() + WAIT_US, v->arena, &dns);
    txt = arena_alloc(v->arena, (dns.count + 1) * sizeof(*txt));
    for (size_t i = 0; i < dns.count; i++)
        txt[i] = dns.records[i].txt.joined;
    answer->state = dns.state == DNS_FOUND ? DKIM_KEY_FOUND
                    : dns.state == DNS_TEMPERROR ? DKIM_KEY_TEMPERROR : DKIM_KEY_NONE;
    answer->txt = txt;
    answer->count = dns.count;
    answer->why = dns.why;
    answer->secure = dns.secure;
}

/* NULL after a message. */
static const struct dkim_verdict *verify(struct verifying *v, const struct settings *settings,
                                         const char *path)
{
    struct eml_events events = {on_header, on_headers_end, on_body, v};
    struct dkim_limits limits = {
        .max_signatures = (size_t)settings->dkim_max_signatures,
        .minimum_key_bits = (unsigned)settings->dkim_minimum_key_bits,
        .accept_partial = settings->dkim_partial_body == PARTIAL_ACCEPT,
        .now = time(NULL),
    };
    struct dkim_keys keys = {v, on_answer};
    const struct dkim_verdict *verdict = NULL;
    struct err err;

    v->verifier = dkim_verifier_new(&limits, v->arena);
    if (eml_read(path, &events, &err)) {
        if (v->names == NULL)
            on_headers_end(v);
        verdict = dkim_verifier_end(v->verifier, &keys);
    } else {
        fprintf(stderr, "tamis dkim: %s\n", err.text);
    }
    dkim_verifier_free(v->verifier);
    for (size_t i = 0; i < v->count; i++)
        dns_release(v->jobs[i]);
    return verdict;
}

/* --- what is printed -------------------------------------------------------------------------- */

static const char *match_name(enum dkim_match match)
{
    static const char *const names[] = {
        [DKIM_UNTESTED] = "not compared", [DKIM_MATCH] = "as signed", [DKIM_MISMATCH] = "differs",
    };

    return names[match];
}

static const char *or_unknown(const char *text)
{
    return text != NULL ? text : "?";
}

static void add_hashes(struct buf *out, const char *what, enum dkim_match match,
                       const char *computed, const char *signed_hash)
{
    buf_addf(out, "    %s: %s", what, match_name(match));
    if (computed != NULL)
        buf_addf(out, ", hash %s, signed %s", computed,
                 signed_hash != NULL ? signed_hash : "not to be seen");
    buf_addc(out, '\n');
}

static void add_text(struct buf *out, const struct dkim_signature *sig, size_t number,
                     struct arena *arena)
{
    const char *header = dkim_signed_hash(sig, arena);
    const char *difference = dkim_difference(sig, header, arena);

    buf_addf(out, "signature %zu: %s%s%s\n", number, dkim_result_name(sig->result),
             difference != NULL ? ": " : "", difference != NULL ? difference : "");
    buf_addf(out, "    d=%s, s=%s, a=%s, c=%s", or_unknown(sig->d), or_unknown(sig->s),
             or_unknown(sig->a), or_unknown(sig->c));
    if (sig->bits > 0)
        buf_addf(out, ", a key of %u bits%s%s", sig->bits, sig->testing ? ", for testing" : "",
                 sig->secure ? ", DNSSEC" : "");
    buf_addc(out, '\n');
    if (sig->name_count > 0)
        buf_addf(out, "    h=%s\n", dkim_signed_fields(sig, arena));
    add_hashes(out, "header", sig->header_match, sig->header_hash, header);
    add_hashes(out, "body", sig->body_match, sig->body_hash, sig->bh);
}

static void print_text(const struct dkim_verdict *verdict, struct arena *arena)
{
    struct buf out = {0};

    buf_addf(&out, "%s: %zu signature%s, From %s\n", dkim_result_name(verdict->result),
             verdict->count + verdict->unlisted,
             verdict->count + verdict->unlisted == 1 ? "" : "s",
             verdict->from_domain != NULL ? verdict->from_domain : "is not one address");
    for (size_t i = 0; i < verdict->count; i++)
        add_text(&out, &verdict->signature[i], i + 1, arena);
    if (verdict->unlisted > 0)
        buf_addf(&out, "%zu more were not looked at\n", verdict->unlisted);
    fputs(buf_text(&out), stdout);
    buf_free(&out);
}

static const char *match_word(enum dkim_match match)
{
    return match == DKIM_MATCH ? "match" : match == DKIM_MISMATCH ? "mismatch" : NULL;
}

static void add_json(struct buf *out, const struct dkim_signature *sig, struct arena *arena)
{
    const char *header = dkim_signed_hash(sig, arena);

    buf_addf(out, "{\"result\":\"%s\"", dkim_result_name(sig->result));
    buf_add_member(out, "difference", dkim_difference(sig, header, arena));
    buf_add_member(out, "why", sig->why);
    buf_add_member(out, "d", sig->d);
    buf_add_member(out, "s", sig->s);
    buf_add_member(out, "a", sig->a);
    buf_add_member(out, "c", sig->c);
    buf_add_member(out, "i", sig->i);
    buf_add_member(out, "h", dkim_signed_fields(sig, arena));
    buf_add_member(out, "record", sig->question);
    buf_add_member(out, "header", match_word(sig->header_match));
    buf_add_member(out, "header_hash", sig->header_hash);
    buf_add_member(out, "header_signed", header);
    buf_add_member(out, "body", match_word(sig->body_match));
    buf_add_member(out, "body_hash", sig->body_hash);
    buf_add_member(out, "body_signed", sig->bh);
    buf_addf(out, ",\"bits\":%u,\"testing\":%s,\"expired\":%s,\"partial\":%s,\"aligned\":%s}",
             sig->bits, sig->testing ? "true" : "false", sig->expired ? "true" : "false",
             sig->partial ? "true" : "false", sig->aligned ? "true" : "false");
}

static void print_json(const struct dkim_verdict *verdict, struct arena *arena)
{
    struct buf out = {0};

    buf_addf(&out, "{\"result\":\"%s\",\"unlisted\":%zu", dkim_result_name(verdict->result),
             verdict->unlisted);
    buf_add_member(&out, "from", verdict->from_domain);
    buf_adds(&out, ",\"signatures\":[");
    for (size_t i = 0; i < verdict->count; i++) {
        if (i > 0)
            buf_addc(&out, ',');
        add_json(&out, &verdict->signature[i], arena);
    }
    buf_adds(&out, "]}");
    puts(buf_text(&out));
    buf_free(&out);
}

/* --- the command ------------------------------------------------------------------------------ */

static int status_of(const struct dkim_verdict *verdict)
{
    if (verdict == NULL)
        return EX_NOINPUT;
    return verdict->result == DKIM_PASS ? EX_OK
           : verdict->result == DKIM_TEMPERROR ? EX_TEMPFAIL : NOT_GOOD;
}

static int verify_and_print(const struct settings *settings, const char *path, const char *zone,
                            bool json)
{
    struct verifying v = {.arena = arena_new()};
    const struct dkim_verdict *verdict;
    int status = EX_CONFIG;

    v.dns = dkim_dns_open(settings, zone, v.arena);
    if (v.dns != NULL) {
        verdict = verify(&v, settings, path);
        status = status_of(verdict);
        if (verdict != NULL && json)
            print_json(verdict, v.arena);
        else if (verdict != NULL)
            print_text(verdict, v.arena);
    }
    dns_close(v.dns);
    arena_free(v.arena);
    return status;
}

static int run(const struct options *options, const char *path, const char *zone, bool json)
{
    struct problems problems = {0};
    struct settings *settings = options_settings(options, false, &problems);
    int status = EX_CONFIG;

    options_print_problems(&problems, SEV_ERROR);
    if (problems.errors == 0 && settings != NULL)
        status = verify_and_print(settings, path, zone, json);
    settings_free(settings);
    problems_free(&problems);
    return status;
}

int dkim_verify_mail(int argc, char **argv)
{
    const char *zone = NULL, *json = NULL;
    const struct option_row rows[] = {
        {0, "zone", "FILE", "ask a zone file, not the DNS", &zone, NULL},
        {0, "json", NULL, "one JSON object", &json, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis dkim verify [OPTION…] [MAIL.eml]",
        .about =
            "Verifies the DKIM signatures of a mail, of standard input if none is named, and\n"
            "says of each what was changed. Exit status: 0 pass, 1 anything else, 66 the mail\n"
            "cannot be read, 75 temperror, 78 the configuration cannot be used.",
        .rows = rows,
    };
    int status = options_parse(&options, argc, argv);

    if (status < 0 && argv[options.first] != NULL && argv[options.first + 1] != NULL)
        status = options_usage_error(&options, "one mail file, or none");
    if (status < 0)
        status = run(&options, argv[options.first] != NULL ? argv[options.first] : "-", zone,
                     json != NULL);
    options_free(&options);
    return status;
}
