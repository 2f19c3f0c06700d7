/* dkim_verify - what the guards around libopendkim cost, beside its bare loop in the same run */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "check_dkim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* dkim.h needs these before it. */
#include <stdbool.h>
#include <sys/types.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <opendkim/dkim.h>

#include "buf.h"
#include "dkim_tags.h"
#include "meter.h"

enum { ROUNDS = 31, FIELDS = 20, PIECE = 65535 };

/* A mail as libmilter gives it, and as the library wants it. */
struct mail {
    char *name[FIELDS + 2], *value[FIELDS + 2], *text[FIELDS + 2];
    size_t count;
    char *body;
    size_t len;
};

static struct buf record, pem;
static DKIM_LIB *lib;

static u_char *bytes(const void *text)
{
    union {
        const void *in;
        u_char *out;
    } u = {.in = text};

    return u.out;
}

static DKIM_CBSTAT on_key(DKIM *dkim, DKIM_SIGINFO *sig, u_char *buf, size_t size)
{
    (void)dkim;
    (void)sig;
    snprintf((char *)buf, size, "%s", record.ptr);
    return DKIM_CBSTAT_CONTINUE;
}

static void open_library(void)
{
    unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;
    static const char *names[] = {"from", "to", "subject", "date", "message-id", "x-field", NULL};

    lib = dkim_init(NULL, NULL);
    if (lib == NULL ||
        dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags)) != 0 ||
        dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_SIGNHDRS, names, sizeof(char **)) != 0)
        die("libopendkim does not start");
    dkim_set_key_lookup(lib, on_key);
}

static void make_keys(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct arena *arena = arena_new();
    unsigned char *der = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    int len = i2d_PUBKEY(key, &der);
    char *text;

    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    buf_add(&pem, text, (size_t)BIO_get_mem_data(bio, &text));
    buf_addf(&record, "v=DKIM1; k=rsa; p=%s",
             dkim_to_base64((struct slice){(char *)der, (size_t)len}, arena));
    OPENSSL_free(der);
    BIO_free(bio);
    EVP_PKEY_free(key);
    arena_free(arena);
}

static void add(struct mail *m, const char *name, const char *value)
{
    struct buf text = {0};

    buf_addf(&text, "%s:", name);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n')
            buf_addc(&text, '\r');
        buf_addc(&text, *c);
    }
    m->name[m->count] = xstrdup(name);
    m->value[m->count] = xstrdup(value);
    m->text[m->count++] = buf_steal(&text);
}

static void feed_body(DKIM *dkim, const struct mail *m)
{
    for (size_t at = 0; at < m->len; at += PIECE)
        dkim_body(dkim, bytes(m->body + at), m->len - at < PIECE ? m->len - at : PIECE);
}

static char *sign(const struct mail *m)
{
    DKIM_STAT status;
    struct buf value = {0};
    u_char *field;
    size_t len;
    DKIM *dkim = dkim_sign(lib, bytes("id"), NULL, bytes(pem.ptr), bytes("sel"),
                           bytes("example.org"), DKIM_CANON_RELAXED, DKIM_CANON_RELAXED,
                           DKIM_SIGN_RSASHA256, -1, &status);

    for (size_t i = 0; i < m->count; i++)
        dkim_header(dkim, bytes(m->text[i]), strlen(m->text[i]));
    dkim_eoh(dkim);
    feed_body(dkim, m);
    if (dkim_eom(dkim, NULL) != 0 || dkim_getsighdr_d(dkim, 16, &field, &len) != 0)
        die("libopendkim does not sign");
    buf_addc(&value, ' ');
    for (size_t i = 0; i < len; i++)
        if (field[i] != '\r')
            buf_addc(&value, (char)field[i]);
    dkim_free(dkim);
    return buf_steal(&value);
}

static struct mail *make_mail(size_t len, size_t signatures)
{
    struct mail *m = xcalloc(1, sizeof(*m)), *whole = xcalloc(1, sizeof(*m));
    char *value;

    add(m, "From", " Alice <alice@example.org>");
    add(m, "To", " bob@example.net");
    add(m, "Subject", " a subject of the usual length, about nothing");
    add(m, "Date", " Fri, 11 Jul 2003 21:00:37 -0700");
    add(m, "Message-ID", " <20030712040037.46341.5F8J@example.org>");
    while (m->count < FIELDS)
        add(m, "X-Other", " something that nobody signs;\n\tin two lines, as Received is");
    m->body = xmalloc(len + 2);
    for (m->len = 0; m->len < len; m->len++)
        m->body[m->len] = m->len % 72 == 70 ? '\r' : m->len % 72 == 71 ? '\n'
                                                   : m->len % 7 == 6   ? ' '
                                                                       : 'x';
    memcpy(m->body + m->len - 2, "\r\n", 2);
    *whole = (struct mail){.body = m->body, .len = m->len};
    for (size_t i = 0; i < signatures; i++) {
        value = sign(m);
        add(whole, "DKIM-Signature", value);
        free(value);
    }
    for (size_t i = 0; i < m->count; i++)
        add(whole, m->name[i], m->value[i]);
    return whole;
}

static void run_bare(const struct mail *m)
{
    DKIM_STAT status;
    DKIM *dkim = dkim_verify(lib, bytes("id"), NULL, &status);

    for (size_t i = 0; i < m->count; i++)
        dkim_header(dkim, bytes(m->text[i]), strlen(m->text[i]));
    dkim_eoh(dkim);
    feed_body(dkim, m);
    if (dkim_eom(dkim, NULL) != DKIM_STAT_OK)
        die("the bare loop: %s", dkim_geterror(dkim));
    dkim_free(dkim);
}

static void answer(void *ctx, const char *name, struct dkim_key_answer *a)
{
    static struct slice txt;

    (void)ctx;
    (void)name;
    txt = (struct slice){record.ptr, record.len};
    *a = (struct dkim_key_answer){.state = DKIM_KEY_FOUND, .txt = &txt, .count = 1};
}

static void run_ours(const struct mail *m, struct arena *arena)
{
    static const struct dkim_limits limits = {.now = 2000000000};
    static const struct dkim_keys keys = {NULL, answer};
    struct dkim_verifier *v = dkim_verifier_new(&limits, arena);
    size_t count;

    for (size_t i = 0; i < m->count; i++)
        dkim_verifier_header(v, m->name[i], m->value[i]);
    dkim_verifier_headers_end(v, &count);
    for (size_t at = 0; at < m->len; at += PIECE)
        dkim_verifier_body(v, m->body + at, m->len - at < PIECE ? m->len - at : PIECE);
    if (dkim_verifier_end(v, &keys)->result != DKIM_PASS)
        die("check_dkim does not let it pass");
    dkim_verifier_free(v);
    arena_reset(arena);
}

static void measure(size_t len, size_t signatures, unsigned mails)
{
    struct mail *m = make_mail(len, signatures);
    struct arena *arena = arena_new();
    double bare[ROUNDS], ours[ROUNDS], b, o;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_us(), middle;

        for (unsigned i = 0; i < mails; i++)
            run_bare(m);
        middle = now_us();
        for (unsigned i = 0; i < mails; i++)
            run_ours(m, arena);
        bare[round] = (double)(middle - start) / mails;
        ours[round] = (double)(now_us() - middle) / mails;
    }
    b = meter_median(bare, ROUNDS);
    o = meter_median(ours, ROUNDS);
    printf("%8zu %10zu %12.1f %12.1f %8.2f  (at most 1.15)\n", len, signatures, b, o, o / b);
    fflush(stdout);
    arena_free(arena);
}

int main(void)
{
    make_keys();
    open_library();
    printf("%8s %10s %12s %12s %8s\n", "body", "signatures", "bare us", "check_dkim", "ratio");
    measure(1000, 1, 100);
    measure(10000, 1, 100);
    measure(10000, 2, 50);
    measure(200000, 1, 20);
    return 0;
}
