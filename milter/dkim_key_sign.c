/* dkim_key_sign - the one operation that mail needs of a private key */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_key_parts.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

bool dkim_key_failure(struct err *err, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return reason != NULL ? err_set(err, "%s: %s", what, reason) : err_set(err, "%s", what);
}

static bool prepare_rsa(struct dkim_key *key)
{
    key->rsa = EVP_PKEY_CTX_new(key->pkey, NULL);
    return key->rsa != NULL && EVP_PKEY_sign_init(key->rsa) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(key->rsa, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(key->rsa, EVP_sha256()) == 1;
}

static bool prepare_ed25519(struct dkim_key *key)
{
    key->ed25519 = EVP_MD_CTX_new();
    return key->ed25519 != NULL &&
           EVP_DigestSignInit(key->ed25519, NULL, NULL, NULL, key->pkey) == 1;
}

bool dkim_key_prepare(struct dkim_key *key, struct err *err)
{
    bool ready = key->algorithm == DKIM_RSA_SHA256 ? prepare_rsa(key) : prepare_ed25519(key);

    return ready || dkim_key_failure(err, "OpenSSL cannot sign with this key");
}

/* A copy of what was set up costs less than to set it up, and is the thread's own. */
static bool sign_rsa(const struct dkim_key *key, const unsigned char *digest,
                     unsigned char *signature, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->rsa);
    bool done = ctx != NULL && EVP_PKEY_sign(ctx, signature, len, digest, DKIM_DIGEST_SIZE) == 1;

    EVP_PKEY_CTX_free(ctx);
    return done;
}

static bool sign_ed25519(const struct dkim_key *key, const unsigned char *digest,
                         unsigned char *signature, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL && EVP_MD_CTX_copy_ex(ctx, key->ed25519) == 1 &&
                EVP_DigestSign(ctx, signature, len, digest, DKIM_DIGEST_SIZE) == 1;

    EVP_MD_CTX_free(ctx);
    return done;
}

bool dkim_key_sign(const struct dkim_key *key, const unsigned char digest[DKIM_DIGEST_SIZE],
                   unsigned char signature[DKIM_SIGNATURE_MAX], size_t *len, struct err *err)
{
    *len = DKIM_SIGNATURE_MAX;
    if (key->algorithm == DKIM_RSA_SHA256 ? sign_rsa(key, digest, signature, len)
                                          : sign_ed25519(key, digest, signature, len))
        return true;
    *len = 0;
    return dkim_key_failure(err, "OpenSSL cannot sign");
}
