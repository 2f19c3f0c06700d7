/* dkim_world - keys, a zone of keys, signed mails and their verification, for tests */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_world.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "dkim_tags.h"

static EVP_PKEY *key_of(enum dkim_test_key key)
{
    static const unsigned bits[KEY_COUNT] = {2048, 1024, 512, 1023, 0};
    static EVP_PKEY *keys[KEY_COUNT];

    if (keys[key] == NULL)
        keys[key] = key == KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                       : EVP_RSA_gen(bits[key]);
    if (keys[key] == NULL)
        die("OpenSSL makes no key");
    return keys[key];
}

static const char *encode(const void *data, size_t len)
{
    struct arena *arena = arena_new();
    char *text = xstrdup(dkim_to_base64((struct slice){data, len}, arena));

    arena_free(arena);
    return text;
}

const char *dkim_test_public(enum dkim_test_key key)
{
    static const char *texts[KEY_COUNT];
    unsigned char *der = NULL, raw[32];
    size_t len = sizeof(raw);

    if (texts[key] != NULL)
        return texts[key];
    if (key == KEY_ED25519) {
        EVP_PKEY_get_raw_public_key(key_of(key), raw, &len);
        texts[key] = encode(raw, len);
    } else {
        len = (size_t)i2d_PUBKEY(key_of(key), &der);
        texts[key] = encode(der, len);
        OPENSSL_free(der);
    }
    return texts[key];
}

const char *dkim_test_pkcs1(enum dkim_test_key key)
{
    static const char *texts[KEY_COUNT];
    unsigned char *der = NULL;
    int len;

    if (texts[key] == NULL) {
        len = i2d_PublicKey(key_of(key), &der);
        texts[key] = encode(der, (size_t)len);
        OPENSSL_free(der);
    }
    return texts[key];
}

const char *dkim_test_private(enum dkim_test_key key)
{
    static const char *texts[KEY_COUNT];
    unsigned char raw[32];
    size_t len = sizeof(raw);
    char *text;
    BIO *bio;

    if (texts[key] != NULL)
        return texts[key];
    if (key == KEY_ED25519) {
        EVP_PKEY_get_raw_private_key(key_of(key), raw, &len);
        texts[key] = encode(raw, len);
    } else {
        bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey_traditional(bio, key_of(key), NULL, NULL, 0, NULL, NULL);
        len = (size_t)BIO_get_mem_data(bio, &text);
        texts[key] = xstrndup(text, len);
        BIO_free(bio);
    }
    return texts[key];
}

void dkim_test_field(struct dkim_test_mail *mail, const char *name, const char *value)
{
    if (mail->count == DKIM_TEST_FIELDS)
        die("too many fields");
    mail->field[mail->count].name = name;
    mail->field[mail->count++].value = value;
}

void dkim_test_first(struct dkim_test_mail *mail, const char *name, const char *value)
{
    dkim_test_field(mail, name, value);
    memmove(&mail->field[1], &mail->field[0], (mail->count - 1) * sizeof(mail->field[0]));
    mail->field[0].name = name;
    mail->field[0].value = value;
}

void dkim_test_txt(struct dkim_test_mail *mail, const char *name, const char *txt)
{
    if (mail->names == DKIM_TEST_NAMES)
        die("too many names");
    mail->zone[mail->names].name = name;
    mail->zone[mail->names++].txt[0] = txt;
}

/* As it goes over the wire. */
static void add_crlf(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            buf_addc(out, '\r');
        buf_addc(out, *text);
    }
}

static void add_field(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "%s:", name);
    add_crlf(out, value);
}

static void add_selected(struct buf *out, const struct dkim_test_mail *mail, struct slice names)
{
    bool used[DKIM_TEST_FIELDS] = {false};
    struct slice name;

    while (dkim_list_next(&names, &name))
        for (size_t i = mail->count; i > 0; i--)
            if (!used[i - 1] && slice_is_nocase(name, mail->field[i - 1].name)) {
                used[i - 1] = true;
                add_field(out, mail->field[i - 1].name, mail->field[i - 1].value);
                buf_adds(out, "\r\n");
                break;
            }
}

static const char *make_signature(EVP_PKEY *key, const struct buf *data)
{
    unsigned char hash[32], sig[512];
    bool rsa = EVP_PKEY_is_a(key, "RSA");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = sizeof(sig);

    EVP_Q_digest(NULL, "SHA256", NULL, data->ptr, data->len, hash, NULL);
    if (EVP_DigestSignInit(ctx, NULL, rsa ? EVP_sha256() : NULL, NULL, key) != 1 ||
        EVP_DigestSign(ctx, sig, &len, rsa ? (const unsigned char *)data->ptr : hash,
                       rsa ? data->len : sizeof(hash)) != 1)
        die("OpenSSL does not sign");
    EVP_MD_CTX_free(ctx);
    return encode(sig, len);
}

const char *dkim_test_sign(const struct dkim_test_mail *mail, enum dkim_test_key key,
                           const char *tags, size_t length, struct arena *arena)
{
    const char *bh = strstr(tags, "@BH@"), *value, *b;
    unsigned char hash[32];
    struct buf data = {0};
    struct dkim_tags parsed;
    struct slice names = {0};
    char *bh_text;

    EVP_Q_digest(NULL, "SHA256", NULL, mail->body, length, hash, NULL);
    bh_text = (char *)(uintptr_t)encode(hash, sizeof(hash));
    value = bh == NULL ? arena_printf(arena, "%s b=", tags)
                       : arena_printf(arena, "%.*s%s%s b=", (int)(bh - tags), tags, bh_text,
                                      bh + 4);
    free(bh_text);
    if (dkim_tags_parse(slice_of(value), &parsed, NULL) && dkim_tags_find(&parsed, "h") != NULL)
        names = dkim_tags_find(&parsed, "h")->value;
    add_selected(&data, mail, names);
    add_field(&data, "DKIM-Signature", value);
    b = make_signature(key_of(key), &data);
    value = arena_printf(arena, "%s%s", value, b);
    free((char *)(uintptr_t)b);
    buf_free(&data);
    return value;
}

static void answer(void *ctx, const char *name, struct dkim_key_answer *a)
{
    struct dkim_test_mail *mail = ctx;

    mail->asked++;
    a->state = DKIM_KEY_NONE;
    for (size_t i = 0; i < mail->names; i++) {
        if (strcmp(mail->zone[i].name, name) != 0)
            continue;
        if (mail->zone[i].trouble != NULL) {
            a->state = DKIM_KEY_TEMPERROR;
            a->why = mail->zone[i].trouble;
        }
        for (a->count = 0; a->count < 3 && mail->zone[i].txt[a->count] != NULL; a->count++)
            mail->zone[i].txts[a->count] = slice_of(mail->zone[i].txt[a->count]);
        a->txt = mail->zone[i].txts;
        if (a->count > 0)
            a->state = DKIM_KEY_FOUND;
    }
}

static void feed_body(struct dkim_verifier *v, const struct dkim_test_mail *mail)
{
    unsigned seed = mail->seed;
    size_t at = 0;

    while (at < mail->body_len) {
        size_t len = mail->body_len - at;
        char *piece;

        if (mail->seed != 0) {
            size_t some = (size_t)rand_r(&seed) % (rand_r(&seed) % 3 == 0 ? 40 : 4);

            len = some < len ? some : len;
        }
        piece = xmalloc(len + 1); /* its own memory, so that reading behind it is seen */
        memcpy(piece, mail->body + at, len);
        dkim_verifier_body(v, piece, len);
        free(piece);
        at += len;
    }
}

const struct dkim_verdict *dkim_test_verify(struct dkim_test_mail *mail,
                                            const struct dkim_limits *limits, struct arena *arena)
{
    struct dkim_verifier *v = dkim_verifier_new(limits, arena);
    struct dkim_keys keys = {mail, answer};
    const struct dkim_verdict *verdict;
    size_t count;

    for (size_t i = 0; i < mail->count; i++)
        dkim_verifier_header(v, mail->field[i].name, mail->field[i].value);
    dkim_verifier_headers_end(v, &count);
    if (dkim_verifier_wants_body(v))
        feed_body(v, mail);
    verdict = dkim_verifier_end(v, &keys);
    dkim_verifier_free(v);
    return verdict;
}
