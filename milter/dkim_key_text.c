/* dkim_key_text - private keys as texts: what files hold, and new ones */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_key_parts.h"

#include "dkim_base64.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 65536, SEED_SIZE = 32 };

static bool contains(const char *text, size_t len, const char *what)
{
    return memmem(text, len, what, strlen(what)) != NULL;
}

/* Called for an encrypted key. Without this, OpenSSL would ask at the terminal. */
static int on_passphrase(char *text, int size, int writing, void *asked)
{
    (void)text, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

static EVP_PKEY *read_pem(const char *text, size_t len, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    bool encrypted = false;
    EVP_PKEY *pkey = NULL;

    if (bio != NULL)
        pkey = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &encrypted);
    BIO_free(bio);
    if (pkey != NULL) {
        ERR_clear_error();
        return pkey;
    }
    ERR_clear_error();
    if (encrypted)
        err_set(err, "the key is encrypted, and nobody is there to give the passphrase; decrypt "
                "it: openssl pkey -in FILE -out NEWFILE");
    else if (contains(text, len, "PUBLIC KEY-----") && !contains(text, len, "PRIVATE KEY-----"))
        err_set(err, "a public key; the private one is wanted here");
    else
        err_set(err, "no private key can be read from this PEM file");
    return NULL;
}

static EVP_PKEY *read_der(const unsigned char *der, size_t len)
{
    const unsigned char *at = der;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)len);

    if (pkey != NULL && at != der + len) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    ERR_clear_error();
    return pkey;
}

static EVP_PKEY *read_bare(const char *text, size_t len, struct err *err)
{
    size_t size = BASE64_BYTES(len), bytes_len = 0;
    unsigned char *bytes = xmalloc(size);
    EVP_PKEY *pkey = NULL;

    if (!base64_decode(bytes, &bytes_len, (struct slice){text, len}))
        err_set(err, "neither PEM nor Base64");
    else if (bytes_len == SEED_SIZE)
        pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, SEED_SIZE);
    else
        pkey = read_der(bytes, bytes_len);
    if (pkey == NULL && (err == NULL || err->text[0] == '\0'))
        err_set(err, "no private key: neither DER nor the 32 bytes of an Ed25519 seed in Base64");
    OPENSSL_cleanse(bytes, size);
    free(bytes);
    return pkey;
}

struct dkim_key *dkim_key_parse(const char *text, size_t len, struct err *err)
{
    struct slice trimmed = slice_trim((struct slice){text, len});
    struct err why = {{0}};
    EVP_PKEY *pkey = NULL;

    if (trimmed.len == 0)
        err_set(&why, "empty: no private key");
    else if (len > TEXT_MAX)
        err_set(&why, "no private key: larger than %d bytes", TEXT_MAX);
    else if (contains(text, len, "-----BEGIN "))
        pkey = read_pem(text, len, &why);
    else
        pkey = read_bare(text, len, &why);
    if (pkey != NULL)
        return dkim_key_adopt(pkey, err);
    err_set(err, "%s", why.text);
    return NULL;
}

struct dkim_key *dkim_key_generate(enum dkim_algorithm algorithm, unsigned bits, struct err *err)
{
    EVP_PKEY *pkey;

    if (algorithm == DKIM_RSA_SHA256 && (bits < DKIM_RSA_MIN || bits > DKIM_RSA_MAX)) {
        err_set(err, "an RSA key of %u bits: from %d to %d, %d is usual", bits, DKIM_RSA_MIN,
                DKIM_RSA_MAX, DKIM_RSA_USUAL);
        return NULL;
    }
    pkey = algorithm == DKIM_RSA_SHA256 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits)
                                        : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (pkey != NULL)
        return dkim_key_adopt(pkey, err);
    dkim_key_failure(err, "OpenSSL cannot make a key");
    return NULL;
}

char *dkim_key_pem(const struct dkim_key *key, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL, *pem = NULL;
    long len;

    if (bio != NULL &&
        PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1 &&
        (len = BIO_get_mem_data(bio, &text)) > 0)
        pem = xstrndup(text, (size_t)len);
    BIO_free(bio);
    if (pem == NULL)
        dkim_key_failure(err, "OpenSSL cannot write the key");
    return pem;
}

void dkim_secret_free(char *text)
{
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}
