/* dkim_key - a private key that signs mail, and what the DNS says of it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_key_parts.h"

#include "dkim_base64.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_SIZE = 32, FORM_PUBLISHED = 0, FORM_OTHER = 1, FORMS = 2 };

const char *dkim_algorithm_name(enum dkim_algorithm algorithm)
{
    return algorithm == DKIM_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256";
}

const char *dkim_algorithm_key(enum dkim_algorithm algorithm)
{
    return algorithm == DKIM_RSA_SHA256 ? "rsa" : "ed25519";
}

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key)
{
    return key->algorithm;
}

unsigned dkim_key_bits(const struct dkim_key *key)
{
    return key->bits;
}

const char *dkim_key_public(const struct dkim_key *key)
{
    return key->public;
}

void dkim_key_free(struct dkim_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_CTX_free(key->rsa);
    EVP_MD_CTX_free(key->ed25519);
    EVP_PKEY_free(key->pkey);
    for (int i = 0; i < FORMS; i++)
        OPENSSL_free(key->form[i]);
    free(key->public);
    free(key);
}

static bool raw_public(const EVP_PKEY *pkey, unsigned char **form, size_t *len)
{
    *len = SEED_SIZE;
    *form = OPENSSL_malloc(SEED_SIZE);
    return *form != NULL && EVP_PKEY_get_raw_public_key(pkey, *form, len) == 1;
}

static bool encode_public(struct dkim_key *key, struct err *err)
{
    bool rsa = key->algorithm == DKIM_RSA_SHA256;
    int info = rsa ? FORM_PUBLISHED : FORM_OTHER, bare = 1 - info;
    int info_len = i2d_PUBKEY(key->pkey, &key->form[info]), bare_len = 0;

    if (rsa) {
        bare_len = i2d_PublicKey(key->pkey, &key->form[bare]);
        key->form_len[bare] = bare_len > 0 ? (size_t)bare_len : 0;
    } else {
        bare_len = raw_public(key->pkey, &key->form[bare], &key->form_len[bare]) ? 1 : 0;
    }
    if (info_len <= 0 || bare_len <= 0)
        return dkim_key_failure(err, "its public half cannot be had");
    key->form_len[info] = (size_t)info_len;
    key->public = xmalloc(BASE64_SIZE(key->form_len[FORM_PUBLISHED]) + 1);
    base64_encode(key->public, key->form[FORM_PUBLISHED], key->form_len[FORM_PUBLISHED]);
    return true;
}

/* A key whose halves do not belong together would make signatures that nobody can verify. */
static bool try_out(struct dkim_key *key, struct err *err)
{
    static const unsigned char digest[DKIM_DIGEST_SIZE] = {1, 2, 3};
    unsigned char signature[DKIM_SIGNATURE_MAX];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *rsa = NULL;
    bool good = false;
    size_t len;

    if (!dkim_key_sign(key, digest, signature, &len, err)) {
        EVP_MD_CTX_free(md);
        return false;
    }
    if (key->algorithm == DKIM_RSA_SHA256) {
        rsa = EVP_PKEY_CTX_new(key->pkey, NULL);
        good = rsa != NULL && EVP_PKEY_verify_init(rsa) == 1 &&
               EVP_PKEY_CTX_set_signature_md(rsa, EVP_sha256()) == 1 &&
               EVP_PKEY_verify(rsa, signature, len, digest, sizeof(digest)) == 1;
    } else {
        good = md != NULL && EVP_DigestVerifyInit(md, NULL, NULL, NULL, key->pkey) == 1 &&
               EVP_DigestVerify(md, signature, len, digest, sizeof(digest)) == 1;
    }
    EVP_PKEY_CTX_free(rsa);
    EVP_MD_CTX_free(md);
    return good || dkim_key_failure(err, "its private and its public half do not fit together");
}

static bool judge(struct dkim_key *key, struct err *err)
{
    const char *name;

    switch (EVP_PKEY_get_base_id(key->pkey)) {
    case EVP_PKEY_ED25519:
        key->algorithm = DKIM_ED25519_SHA256;
        key->bits = 256;
        return true;
    case EVP_PKEY_RSA:
        key->algorithm = DKIM_RSA_SHA256;
        key->bits = (unsigned)EVP_PKEY_get_bits(key->pkey);
        if (key->bits < DKIM_RSA_MIN)
            return err_set(err, "an RSA key of %u bits: verifiers refuse less than %d; make a new "
                           "one of %d", key->bits, DKIM_RSA_MIN, DKIM_RSA_USUAL);
        if (key->bits > DKIM_RSA_MAX)
            return err_set(err, "an RSA key of %u bits: no more than %d; %d is usual", key->bits,
                           DKIM_RSA_MAX, DKIM_RSA_USUAL);
        return true;
    default:
        name = EVP_PKEY_get0_type_name(key->pkey);
        return err_set(err, "a key of type %s: DKIM knows RSA and Ed25519",
                       name != NULL ? name : "unknown");
    }
}

struct dkim_key *dkim_key_adopt(EVP_PKEY *pkey, struct err *err)
{
    struct dkim_key *key = xcalloc(1, sizeof(*key));

    key->pkey = pkey;
    if (judge(key, err) && encode_public(key, err) && dkim_key_prepare(key, err) &&
        try_out(key, err))
        return key;
    dkim_key_free(key);
    return NULL;
}

enum dkim_key_match dkim_key_compare(const struct dkim_key *key, struct slice p)
{
    unsigned char *bytes = xmalloc(BASE64_BYTES(p.len));
    enum dkim_key_match match = DKIM_KEY_DIFFERS;
    size_t len;

    if (!base64_decode(bytes, &len, p))
        match = DKIM_KEY_BROKEN;
    else if (len == 0)
        match = DKIM_KEY_REVOKED;
    else if (len == key->form_len[FORM_PUBLISHED] &&
             memcmp(bytes, key->form[FORM_PUBLISHED], len) == 0)
        match = DKIM_KEY_MATCHES;
    else if (len == key->form_len[FORM_OTHER] && memcmp(bytes, key->form[FORM_OTHER], len) == 0)
        match = DKIM_KEY_REFORM;
    free(bytes);
    return match;
}
