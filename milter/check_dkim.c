/* check_dkim - the DKIM signatures of a mail, verified by libopendkim behind guards */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "check_dkim.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* dkim.h needs these before it. */
#include <stdbool.h>
#include <sys/types.h>

#include <opendkim/dkim.h>

#include "buf.h"
#include "dkim_feed.h"
#include "dkim_length.h"
#include "dkim_tags.h"

enum { KEY_BITS = 1024, DUMMY_SIZE = 40 };

/* Of the process: set up once, then only read. */
static struct {
    pthread_once_t once;
    DKIM_LIB *lib;
    char dummy[DUMMY_SIZE];
} library = {.once = PTHREAD_ONCE_INIT};

struct dkim_verifier {
    struct dkim_limits limits;
    struct arena *arena;
    struct dkim_header *header;
    size_t count, room;
    bool planned, cut;
    struct dkim_plan plan;
    struct dkim_record *record; /* for each signature, its key */
    DKIM_SIGINFO **info;        /* for each signature; NULL: not the library's business */
    DKIM *dkim;
    struct dkim_feed body;
    bool measured; /* some l= must be compared with the body's length */
    struct dkim_length length;
    struct dkim_verdict verdict;
};

static void take_option(dkim_opts_t option, void *value, size_t size)
{
    if (dkim_options(library.lib, DKIM_OP_SETOPT, option, value, size) != DKIM_STAT_OK)
        die("libopendkim refuses option %d", (int)option);
}

static DKIM_CBSTAT on_key(DKIM *dkim, DKIM_SIGINFO *info, u_char *buf, size_t size)
{
    const struct dkim_verifier *v = dkim_get_user_context(dkim);

    for (size_t i = 0; i < v->plan.count; i++)
        if (v->info[i] == info && v->record[i].text != NULL &&
            strlen(v->record[i].text) < size) {
            memcpy(buf, v->record[i].text, strlen(v->record[i].text) + 1);
            return DKIM_CBSTAT_CONTINUE;
        }
    return DKIM_CBSTAT_NOTFOUND;
}

/* A field that no signature can name keeps the library from writing behind an array that holds as
 * many names as there are fields. */
static void make_dummy(void)
{
    uint64_t secret;

    if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
        die("getrandom gives nothing");
    snprintf(library.dummy, sizeof(library.dummy), "X-%016llx: 1", (unsigned long long)secret);
}

static void library_init(void)
{
    unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;
    unsigned bits = 1; /* the limit is ours */

    library.lib = dkim_init(NULL, NULL);
    if (library.lib == NULL)
        die("libopendkim cannot be initialized");
    take_option(DKIM_OPTS_FLAGS, &flags, sizeof(flags));
    take_option(DKIM_OPTS_MINKEYBITS, &bits, sizeof(bits));
    if (dkim_set_key_lookup(library.lib, on_key) != DKIM_STAT_OK)
        die("libopendkim takes no lookup of keys");
    make_dummy();
}

static void to_library(void *ctx, const char *data, size_t len)
{
    struct dkim_verifier *v = ctx;
    union {
        const char *in;
        u_char *out;
    } bytes = {.in = data};

    dkim_body(v->dkim, bytes.out, len);
    if (v->measured)
        dkim_length_feed(&v->length, data, len);
}

struct dkim_verifier *dkim_verifier_new(const struct dkim_limits *limits, struct arena *arena)
{
    struct dkim_verifier *v = arena_alloc(arena, sizeof(*v));

    pthread_once(&library.once, library_init);
    v->limits = *limits;
    v->arena = arena;
    v->body.sink = to_library;
    v->body.ctx = v;
    return v;
}

void dkim_verifier_header(struct dkim_verifier *v, const char *name, const char *value)
{
    struct dkim_header *more;

    if (v->count == v->room) {
        v->room = v->room == 0 ? 32 : 2 * v->room;
        more = arena_alloc(v->arena, v->room * sizeof(*more));
        if (v->count > 0)
            memcpy(more, v->header, v->count * sizeof(*more));
        v->header = more;
    }
    v->header[v->count++] = (struct dkim_header){slice_of(name), slice_of(value)};
}

void dkim_verifier_cut(struct dkim_verifier *v)
{
    v->cut = true;
}

/* The field as it came over the wire. */
static void add_field(struct buf *text, const struct dkim_header *header)
{
    struct slice rest = header->value;
    const char *lf;

    buf_clear(text);
    buf_add(text, header->name.ptr, header->name.len);
    buf_addc(text, ':');
    while ((lf = memchr(rest.ptr, '\n', rest.len)) != NULL) {
        size_t len = (size_t)(lf - rest.ptr);

        buf_add(text, rest.ptr, len > 0 && lf[-1] == '\r' ? len - 1 : len);
        buf_adds(text, "\r\n");
        rest.ptr += len + 1;
        rest.len -= len + 1;
    }
    buf_add(text, rest.ptr, rest.len);
}

/* What the library takes for blanks where white space is relaxed, and a reader may not. */
static bool has_odd_space(const struct buf *field)
{
    for (size_t i = 0; i < field->len; i++) {
        char c = field->ptr[i];

        if (c == '\v' || c == '\f' ||
            (c == '\r' && (i + 1 == field->len || field->ptr[i + 1] != '\n')))
            return true;
    }
    return false;
}

static bool feed_header(struct dkim_verifier *v)
{
    struct buf text = {0};
    DKIM_STAT status;
    bool fed = true;

    for (size_t i = 0; i < v->count && fed; i++)
        if (v->plan.wanted[i]) {
            add_field(&text, &v->header[i]);
            fed = !has_odd_space(&text);
            if (!fed)
                break;
            status = dkim_header(v->dkim, (u_char *)text.ptr, text.len);
            /* SYNTAX: it keeps a handle for a signature that it does not understand */
            fed = status == DKIM_STAT_OK || status == DKIM_STAT_SYNTAX;
        }
    buf_free(&text);
    return fed &&
           dkim_header(v->dkim, (u_char *)library.dummy, strlen(library.dummy)) == DKIM_STAT_OK;
}

/* The library's signatures, in the order in which they were fed. */
static bool take_infos(struct dkim_verifier *v)
{
    DKIM_SIGINFO **infos;
    int n = 0, used = 0;

    if (dkim_getsiglist(v->dkim, &infos, &n) != DKIM_STAT_OK || n < 0 ||
        (size_t)n != v->plan.judged)
        return false;
    for (size_t i = 0; i < v->plan.count; i++)
        if (v->plan.entry[i].judged) {
            v->info[i] = infos[used++];
            v->measured = v->measured || v->plan.signature[i].has_length;
        }
    return true;
}

static bool start_library(struct dkim_verifier *v)
{
    static const unsigned char id[] = "tamis";
    DKIM_STAT status;

    v->dkim = dkim_verify(library.lib, id, NULL, &status);
    return v->dkim != NULL && dkim_set_user_context(v->dkim, v) == DKIM_STAT_OK &&
           feed_header(v) && dkim_eoh(v->dkim) == DKIM_STAT_OK && take_infos(v);
}

static void make_plan(struct dkim_verifier *v)
{
    struct dkim_plan *plan = &v->plan;

    v->planned = true;
    dkim_plan_make(v->header, v->count, &v->limits, v->arena, plan);
    v->info = arena_alloc(v->arena, (plan->count + 1) * sizeof(DKIM_SIGINFO *));
    v->record = arena_alloc(v->arena, (plan->count + 1) * sizeof(*v->record));
    if (plan->judged == 0 || start_library(v))
        return;
    dkim_verifier_free(v);
    plan->questions = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->entry[i].judged) {
            plan->entry[i].judged = false;
            plan->signature[i].result = DKIM_NEUTRAL;
            plan->signature[i].why = "libopendkim cannot evaluate this header";
        }
}

const char *const *dkim_verifier_headers_end(struct dkim_verifier *v, size_t *count)
{
    if (!v->planned)
        make_plan(v);
    *count = v->plan.questions;
    return v->plan.question;
}

bool dkim_verifier_wants_body(const struct dkim_verifier *v)
{
    return v->dkim != NULL;
}

void dkim_verifier_body(struct dkim_verifier *v, const char *data, size_t len)
{
    if (v->dkim != NULL)
        dkim_feed_add(&v->body, data, len);
}

/* What has no usable key is not worth the library's time. */
static void judge_keys(struct dkim_verifier *v, const struct dkim_keys *keys)
{
    struct dkim_plan *plan = &v->plan;
    struct dkim_key_answer *answer =
        arena_alloc(v->arena, (plan->questions + 1) * sizeof(*answer));

    for (size_t q = 0; q < plan->questions; q++)
        keys->answer(keys->ctx, plan->question[q], &answer[q]);
    for (size_t i = 0; i < plan->count; i++) {
        struct dkim_signature *sig = &plan->signature[i];

        if (!plan->entry[i].judged)
            continue;
        sig->secure = answer[plan->entry[i].question].secure;
        sig->result = dkim_record_judge(&answer[plan->entry[i].question], &plan->entry[i].field,
                                        v->arena, &v->record[i], &sig->why);
        sig->bits = v->record[i].bits;
        sig->testing = v->record[i].testing;
        sig->record = v->record[i].text;
        if (sig->result != DKIM_NONE)
            dkim_sig_ignore(v->info[i]);
    }
}

/* The library compares hashes of the body only where the header was good. A signature that it could
 * not prepare has no hashes, and asking for them would abort. */
static void measure_body(struct dkim_verifier *v, size_t i)
{
    struct dkim_signature *sig = &v->plan.signature[i];
    void *header_hash, *body_hash;
    size_t header_len, body_len;
    ssize_t covered = 0;
    bool relaxed = strstr(sig->c, "/relaxed") != NULL;

    if (dkim_sig_getcanonlen(v->dkim, v->info[i], NULL, &covered, NULL) != DKIM_STAT_OK)
        return;
    if (dkim_sig_gethashes(v->info[i], &header_hash, &header_len, &body_hash, &body_len) ==
        DKIM_STAT_OK) {
        sig->header_hash = dkim_to_base64((struct slice){header_hash, header_len}, v->arena);
        sig->body_hash = dkim_to_base64((struct slice){body_hash, body_len}, v->arena);
        sig->body_match = strcmp(sig->body_hash, sig->bh) == 0 ? DKIM_MATCH : DKIM_MISMATCH;
    }
    sig->partial = sig->has_length && sig->length < dkim_length_of(&v->length, relaxed);
    if (!sig->has_length)
        sig->length = (uint64_t)covered;
}

static enum dkim_result object(struct dkim_signature *sig, enum dkim_result result,
                               const char *why)
{
    sig->why = why;
    return result;
}

static enum dkim_result failed(struct dkim_signature *sig)
{
    if (sig->testing)
        return object(sig, DKIM_NEUTRAL, "bad signature, but its key is for testing");
    if (sig->header_match == DKIM_MATCH)
        return object(sig, DKIM_FAIL, "the body was altered");
    if (sig->body_match == DKIM_MATCH)
        return object(sig, DKIM_FAIL, "the signed header was altered, or the key is another");
    return object(sig, DKIM_FAIL, "bad signature, and the body was altered");
}

static enum dkim_result passed(const struct dkim_verifier *v, struct dkim_signature *sig)
{
    unsigned least = v->limits.minimum_key_bits != 0 ? v->limits.minimum_key_bits : KEY_BITS;

    if (strcmp(sig->a, "ed25519-sha256") != 0 && sig->bits < least)
        return object(sig, DKIM_POLICY,
                      arena_printf(v->arena, "a key of only %u bits", sig->bits));
    if (v->cut) /* there may be another From, or another of any signed field */
        return object(sig, DKIM_POLICY, "the mail has too many header fields");
    if (v->plan.from_count > 1) /* who knows which of them a reader is shown */
        return object(sig, DKIM_POLICY,
                      arena_printf(v->arena, "the mail has %u From fields", v->plan.from_count));
    if (sig->partial && !v->limits.accept_partial)
        return object(sig, DKIM_POLICY, "only a part of the body is signed");
    if (sig->partial)
        sig->why = "only a part of the body is signed";
    else if (sig->testing)
        sig->why = "the key is for testing";
    return DKIM_PASS;
}

static enum dkim_result conclude(const struct dkim_verifier *v, struct dkim_signature *sig,
                                 DKIM_SIGINFO *info)
{
    int error = dkim_sig_geterror(info);
    unsigned flags = dkim_sig_getflags(info);

    if ((flags & DKIM_SIGFLAG_PROCESSED) != 0)
        sig->header_match = flags & DKIM_SIGFLAG_PASSED ? DKIM_MATCH : DKIM_MISMATCH;
    if (error == DKIM_SIGERROR_OK && (flags & DKIM_SIGFLAG_PASSED) != 0 &&
        dkim_sig_getbh(info) == DKIM_SIGBH_MATCH && sig->body_match == DKIM_MATCH)
        return passed(v, sig);
    if (error == DKIM_SIGERROR_BADSIG)
        return failed(sig);
    if (error == DKIM_SIGERROR_TOOLARGE_L)
        return object(sig, DKIM_PERMERROR, "l= is more than the body");
    if (error == DKIM_SIGERROR_KEYDECODE)
        return object(sig, DKIM_PERMERROR, "the key cannot be decoded");
    if (error == DKIM_SIGERROR_EXPIRED) {
        sig->expired = true;
        return object(sig, DKIM_PERMERROR, "expired");
    }
    if (error > DKIM_SIGERROR_OK)
        return object(sig, DKIM_PERMERROR,
                      arena_printf(v->arena, "libopendkim refuses it: error %d", error));
    return object(sig, DKIM_NEUTRAL, "libopendkim did not evaluate it");
}

static void run_library(struct dkim_verifier *v, const struct dkim_keys *keys)
{
    bool testing = false;

    judge_keys(v, keys);
    dkim_feed_end(&v->body);
    dkim_eom(v->dkim, &testing);
    for (size_t i = 0; i < v->plan.count; i++) {
        if (v->info[i] == NULL)
            continue;
        measure_body(v, i);
        if (v->plan.signature[i].result == DKIM_NONE)
            v->plan.signature[i].result = conclude(v, &v->plan.signature[i], v->info[i]);
    }
}

const struct dkim_verdict *dkim_verifier_end(struct dkim_verifier *v, const struct dkim_keys *keys)
{
    const struct dkim_plan *plan = &v->plan;

    if (!v->planned)
        make_plan(v);
    if (v->dkim != NULL)
        run_library(v, keys);
    v->verdict = (struct dkim_verdict){.result = dkim_result_of(plan->signature, plan->count),
                                       .signature = plan->signature,
                                       .count = plan->count,
                                       .unlisted = plan->unlisted,
                                       .from_count = plan->from_count,
                                       .from_domain = plan->from_domain};
    dkim_verifier_free(v);
    return &v->verdict;
}

void dkim_verifier_free(struct dkim_verifier *v)
{
    if (v == NULL || v->dkim == NULL)
        return;
    dkim_free(v->dkim);
    v->dkim = NULL;
}
