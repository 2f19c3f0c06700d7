/* dkim_key_parts - a private key's inside, for the files dkim_key_* */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_KEY_PARTS_H
#define TAMIS_DKIM_KEY_PARTS_H

#include "dkim_key.h"

#include <openssl/evp.h>

struct dkim_key {
    enum dkim_algorithm algorithm;
    unsigned bits;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *rsa;   /* set up for signing, to be copied; NULL for Ed25519 */
    EVP_MD_CTX *ed25519; /* the same; NULL for RSA */
    char *public;        /* p= */
    unsigned char *form[2]; /* the public half, decoded: as in p=; in its other form */
    size_t form_len[2];
};

/* Takes pkey over, whatever comes of it. NULL with err when it is of no use for DKIM. */
struct dkim_key *dkim_key_adopt(EVP_PKEY *pkey, struct err *err);

/* Sets up the contexts for dkim_key_sign. */
bool dkim_key_prepare(struct dkim_key *key, struct err *err);

/* What OpenSSL says of the last failure in this thread, into err behind `what`; its memory of
 * errors is cleared. Returns false. */
bool dkim_key_failure(struct err *err, const char *what);

#endif
