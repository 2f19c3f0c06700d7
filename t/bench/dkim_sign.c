/* dkim_sign - our signatures beside the bare cryptography, in turns within one run */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "meter.h"
#include "sign_dkim.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 41, TIMES = 60, BODY_SIZE = 10240 };

static const struct sign_header headers[] = {
    {"Received", " from client.example.net (client.example.net [192.0.2.7])\n\tby mx.example.org "
                 "(Postfix) with ESMTPSA id 4F2k9d3Zz\n\tfor <bob@example.net>; Sun, 22 Nov 2026 "
                 "07:00:00 +0000 (UTC)"},
    {"From", " Alice Example <alice@example.org>"},
    {"To", " Bob Example <bob@example.net>,\n\tCarol <carol@example.com>"},
    {"Cc", " dave@example.com"},
    {"Subject", " =?utf-8?Q?Dinner_at_caf=C3=A9?= and what is to be brought along"},
    {"Date", " Sun, 22 Nov 2026 07:00:00 +0000"},
    {"Message-ID", " <20261122070000.4F2k9d3Zz@client.example.net>"},
    {"In-Reply-To", " <CAF+abcdefghijklmnopqrstuvwxyz@mail.example.com>"},
    {"References", " <1@mail.example.com>\n <2@mail.example.com>\n <3@mail.example.com>"},
    {"User-Agent", " Mailer 1.0"},
    {"X-Mailer-Flags", " 0x1f"},
    {"MIME-Version", " 1.0"},
    {"Content-Type", " text/plain; charset=utf-8; format=flowed"},
    {"Content-Transfer-Encoding", " 8bit"},
    {"Content-Language", " en"},
};

static struct {
    struct dkim_key *rsa, *ed;
    EVP_PKEY *bare_rsa, *bare_ed;
    EVP_MD *sha256;
    EVP_MD_CTX *md, *sign_ed;
    EVP_PKEY_CTX *sign_rsa;
    char body[BODY_SIZE];
    struct arena *arena;
} bench;

static EVP_PKEY *bare_key(const struct dkim_key *key)
{
    char *pem = dkim_key_pem(key, NULL);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    if (pkey == NULL)
        die("no key");
    BIO_free(bio);
    dkim_secret_free(pem);
    return pkey;
}

static void set_up(void)
{
    static const char line[] =
        "Some words of a letter, as people write them, in lines of seventy-odd\r\n";

    bench.rsa = dkim_key_generate(DKIM_RSA_SHA256, DKIM_RSA_USUAL, NULL);
    bench.ed = dkim_key_generate(DKIM_ED25519_SHA256, 0, NULL);
    bench.bare_rsa = bare_key(bench.rsa);
    bench.bare_ed = bare_key(bench.ed);
    for (size_t i = 0; i < BODY_SIZE; i++)
        bench.body[i] = line[i % (sizeof(line) - 1)];
    memcpy(bench.body + BODY_SIZE - 2, "\r\n", 2);
    bench.arena = arena_new();
    bench.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static void prepare_bare(void)
{
    bench.md = EVP_MD_CTX_new();
    bench.sign_ed = EVP_MD_CTX_new();
    bench.sign_rsa = EVP_PKEY_CTX_new(bench.bare_rsa, NULL);
    if (EVP_PKEY_sign_init(bench.sign_rsa) != 1 ||
        EVP_PKEY_CTX_set_signature_md(bench.sign_rsa, EVP_sha256()) != 1 ||
        EVP_DigestSignInit(bench.sign_ed, NULL, NULL, NULL, bench.bare_ed) != 1)
        die("no contexts");
}

/* The digest of the body, and a signature over a digest: what no signer can do without, all made
 * ready before. */
static void bare(bool ed)
{
    unsigned char digest[DKIM_DIGEST_SIZE], signature[DKIM_SIGNATURE_MAX];
    size_t len = sizeof(signature);
    int done;

    if (EVP_DigestInit_ex(bench.md, bench.sha256, NULL) != 1 ||
        EVP_DigestUpdate(bench.md, bench.body, BODY_SIZE) != 1 ||
        EVP_DigestFinal_ex(bench.md, digest, NULL) != 1)
        die("no digest");
    done = ed ? EVP_DigestSign(bench.sign_ed, signature, &len, digest, sizeof(digest))
              : EVP_PKEY_sign(bench.sign_rsa, signature, &len, digest, sizeof(digest));
    if (done != 1)
        die("no signature");
}

static void ours(enum dkim_canon how, const struct dkim_key *first, const struct dkim_key *second)
{
    struct sign_plan plans[2];
    struct sign_result results[2];
    struct dkim_hash *hash = dkim_hash_new(DKIM_HASH(how), NULL);
    struct sign_mail mail = {headers, ARRAY_LEN(headers), hash};

    plans[0] = (struct sign_plan){.domain = "example.org", .selector = "mail", .key = first,
                                  .header_canon = how, .body_canon = how,
                                  .fields = &sign_fields_default, .time = 1700000000};
    plans[1] = plans[0];
    plans[1].key = second;
    dkim_hash_add(hash, bench.body, BODY_SIZE);
    dkim_hash_end(hash, NULL);
    sign_dkim(plans, second != NULL ? 2 : 1, &mail, bench.arena, results);
    if (results[0].value == NULL || (second != NULL && results[1].value == NULL))
        die("no signature");
    dkim_hash_free(hash);
    arena_reset(bench.arena);
}

enum { BARE_RSA, SIMPLE_RSA, RELAXED_RSA, DUAL, BARE_ED, SIMPLE_ED, RELAXED_ED, RUNS };

static void once(int run)
{
    switch (run) {
    case BARE_RSA: bare(false); break;
    case SIMPLE_RSA: ours(DKIM_SIMPLE, bench.rsa, NULL); break;
    case RELAXED_RSA: ours(DKIM_RELAXED, bench.rsa, NULL); break;
    case DUAL: ours(DKIM_RELAXED, bench.rsa, bench.ed); break;
    case BARE_ED: bare(true); break;
    case SIMPLE_ED: ours(DKIM_SIMPLE, bench.ed, NULL); break;
    case RELAXED_ED: ours(DKIM_RELAXED, bench.ed, NULL); break;
    default: break;
    }
}

/* Microseconds of this thread's processor time. */
static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(void)
{
    static double us[RUNS][ROUNDS];
    double m[RUNS];

    set_up();
    prepare_bare();
    for (int round = -1; round < ROUNDS; round++)
        for (int run = 0; run < RUNS; run++) {
            double start = cpu_us();

            for (int i = 0; i < TIMES; i++)
                once(run);
            us[run][round < 0 ? 0 : round] = (cpu_us() - start) / TIMES;
        }
    for (int run = 0; run < RUNS; run++)
        m[run] = meter_median(us[run], ROUNDS);
    printf("%d bytes of body, %zu fields; CPU, medians of %d rounds\n", BODY_SIZE,
           ARRAY_LEN(headers), ROUNDS);
    printf("%-22s %9s %9s %9s %12s %12s\n", "", "bare us", "simple", "relaxed", "bare/simple",
           "bare/relaxed");
    printf("%-22s %9.1f %9.1f %9.1f %12.2f %12.2f  (at least 0.85)\n", "RSA, 2048 bits",
           m[BARE_RSA], m[SIMPLE_RSA], m[RELAXED_RSA], m[BARE_RSA] / m[SIMPLE_RSA],
           m[BARE_RSA] / m[RELAXED_RSA]);
    printf("%-22s %9.1f %9.1f %9.1f %12.2f %12.2f\n", "Ed25519", m[BARE_ED], m[SIMPLE_ED],
           m[RELAXED_ED], m[BARE_ED] / m[SIMPLE_ED], m[BARE_ED] / m[RELAXED_ED]);
    printf("RSA and Ed25519: %.1f us, %.2f times RSA alone (at most 1.25)\n", m[DUAL],
           m[DUAL] / m[RELAXED_RSA]);
    dkim_key_free(bench.rsa);
    dkim_key_free(bench.ed);
    EVP_MD_free(bench.sha256);
    EVP_MD_CTX_free(bench.md);
    EVP_MD_CTX_free(bench.sign_ed);
    EVP_PKEY_CTX_free(bench.sign_rsa);
    EVP_PKEY_free(bench.bare_rsa);
    EVP_PKEY_free(bench.bare_ed);
    arena_free(bench.arena);
    return 0;
}
