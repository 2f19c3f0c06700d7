/* dkim_hash - SHA-256 of a body while it passes, in the canonicalizations that are wanted */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_hash.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

struct digest {
    struct dkim_body body;
    EVP_MD_CTX *ctx;
    bool failed, done;
    unsigned char result[DKIM_DIGEST_SIZE];
};

struct dkim_hash {
    struct digest *digest[DKIM_CANONS]; /* NULL: not wanted */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;

/* Kept until the process ends: looking it up costs more than to hash a header. */
static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static const EVP_MD *algorithm(void)
{
    pthread_once(&once, fetch);
    return sha256;
}

static bool failure(struct err *err)
{
    ERR_clear_error();
    return err_set(err, "OpenSSL cannot compute SHA-256");
}

static void on_text(void *sink, const void *data, size_t len)
{
    struct digest *digest = sink;

    if (EVP_DigestUpdate(digest->ctx, data, len) != 1)
        digest->failed = true;
}

static struct digest *start(enum dkim_canon how)
{
    struct digest *digest = xmalloc(sizeof(*digest));

    digest->failed = digest->done = false;
    digest->ctx = EVP_MD_CTX_new();
    if (digest->ctx == NULL || algorithm() == NULL ||
        EVP_DigestInit_ex(digest->ctx, algorithm(), NULL) != 1) {
        EVP_MD_CTX_free(digest->ctx);
        free(digest);
        return NULL;
    }
    dkim_body_start(&digest->body, how, on_text, digest);
    return digest;
}

struct dkim_hash *dkim_hash_new(unsigned wanted, struct err *err)
{
    struct dkim_hash *hash = xcalloc(1, sizeof(*hash));

    for (unsigned how = 0; how < DKIM_CANONS; how++) {
        if ((wanted & DKIM_HASH(how)) == 0)
            continue;
        hash->digest[how] = start((enum dkim_canon)how);
        if (hash->digest[how] == NULL) {
            dkim_hash_free(hash);
            failure(err);
            return NULL;
        }
    }
    return hash;
}

void dkim_hash_free(struct dkim_hash *hash)
{
    if (hash == NULL)
        return;
    for (int how = 0; how < DKIM_CANONS; how++)
        if (hash->digest[how] != NULL) {
            EVP_MD_CTX_free(hash->digest[how]->ctx);
            free(hash->digest[how]);
        }
    free(hash);
}

void dkim_hash_add(struct dkim_hash *hash, const void *data, size_t len)
{
    for (int how = 0; how < DKIM_CANONS; how++)
        if (hash->digest[how] != NULL)
            dkim_body_add(&hash->digest[how]->body, data, len);
}

bool dkim_hash_end(struct dkim_hash *hash, struct err *err)
{
    for (int how = 0; how < DKIM_CANONS; how++) {
        struct digest *digest = hash->digest[how];

        if (digest == NULL)
            continue;
        dkim_body_end(&digest->body);
        if (digest->failed || EVP_DigestFinal_ex(digest->ctx, digest->result, NULL) != 1)
            return failure(err);
        digest->done = true;
    }
    return true;
}

const unsigned char *dkim_hash_digest(const struct dkim_hash *hash, enum dkim_canon how)
{
    const struct digest *digest = hash->digest[how];

    return digest != NULL && digest->done ? digest->result : NULL;
}

bool dkim_sha256(const void *data, size_t len, unsigned char digest[DKIM_DIGEST_SIZE],
                 struct err *err)
{
    return (algorithm() != NULL && EVP_Digest(data, len, digest, NULL, algorithm(), NULL) == 1) ||
           failure(err);
}
