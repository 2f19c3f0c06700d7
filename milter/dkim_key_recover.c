/* dkim_key_recover - what an RSA signature was made over, as its public key shows */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_key_recover.h"

#include "dkim_base64.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static EVP_PKEY *public_key(const unsigned char *der, size_t len)
{
    const unsigned char *at = der;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)len);

    at = der;
    return key != NULL ? key : d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)len);
}

static bool recover(EVP_PKEY_CTX *ctx, const unsigned char *signature, size_t len,
                    unsigned char digest[DKIM_DIGEST_SIZE])
{
    unsigned char out[DKIM_SIGNATURE_MAX];
    size_t out_len = sizeof(out);

    if (EVP_PKEY_verify_recover_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1 ||
        EVP_PKEY_verify_recover(ctx, out, &out_len, signature, len) != 1 ||
        out_len != DKIM_DIGEST_SIZE)
        return false;
    memcpy(digest, out, DKIM_DIGEST_SIZE);
    return true;
}

static bool recover_with(const unsigned char *der, size_t der_len, const unsigned char *signature,
                         size_t len, unsigned char digest[DKIM_DIGEST_SIZE])
{
    EVP_PKEY *key = public_key(der, der_len);
    bool usable = key != NULL && EVP_PKEY_is_a(key, "RSA") &&
                  EVP_PKEY_get_size(key) <= DKIM_SIGNATURE_MAX;
    EVP_PKEY_CTX *ctx = usable ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool done = ctx != NULL && recover(ctx, signature, len, digest);

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return done;
}

bool dkim_key_recover(struct slice p, struct slice b, unsigned char digest[DKIM_DIGEST_SIZE])
{
    unsigned char *der = xmalloc(BASE64_BYTES(p.len)), *signature = xmalloc(BASE64_BYTES(b.len));
    size_t der_len = 0, len = 0;
    bool done = base64_decode(der, &der_len, p) && base64_decode(signature, &len, b) &&
                recover_with(der, der_len, signature, len, digest);

    free(der);
    free(signature);
    return done;
}
