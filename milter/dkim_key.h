/* dkim_key - a private key that signs mail, and what the DNS says of it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_KEY_H
#define TAMIS_DKIM_KEY_H

#include "base.h"

/* Sizes in bits: what is refused below (RFC 8301, section 3.2) and above, and what is usual. */
enum { DKIM_RSA_MIN = 1024, DKIM_RSA_USUAL = 2048, DKIM_RSA_MAX = 8192 };
/* Of any signature, in bytes; of a SHA-256 digest. */
enum { DKIM_SIGNATURE_MAX = DKIM_RSA_MAX / 8, DKIM_DIGEST_SIZE = 32 };

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };

const char *dkim_algorithm_name(enum dkim_algorithm algorithm); /* a=: "rsa-sha256" */
const char *dkim_algorithm_key(enum dkim_algorithm algorithm);  /* k=: "rsa" */

/* Never changes once it is made: any number of threads may read it and sign with it at a time. */
struct dkim_key;

/* Reads a key file's content: PEM (PKCS#1 or PKCS#8; RSA or Ed25519; what stands around it is
 * ignored), the same DER in bare Base64, or the bare Base64 of an Ed25519 seed of 32 bytes. The key
 * is tried out. NULL with err (a text that goes on after "FILE: ") for anything else, an encrypted
 * key, a public one, RSA outside of DKIM_RSA_MIN to DKIM_RSA_MAX. Takes some milliseconds. The
 * caller frees the key with dkim_key_free, and wipes the text. */
struct dkim_key *dkim_key_parse(const char *text, size_t len, struct err *err);

/* A new key; bits are for RSA only, within the limits above. NULL with err. A second or more for
 * large ones. */
struct dkim_key *dkim_key_generate(enum dkim_algorithm algorithm, unsigned bits, struct err *err);

void dkim_key_free(struct dkim_key *key); /* NULL is allowed */

/* The private key as PKCS#8 in PEM, as openssl-genpkey(1) writes it; the caller releases it with
 * dkim_secret_free. NULL with err. */
char *dkim_key_pem(const struct dkim_key *key, struct err *err);

/* Overwrites and frees a text; NULL is allowed. */
void dkim_secret_free(char *text);

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key);
unsigned dkim_key_bits(const struct dkim_key *key); /* of the modulus; 256 for Ed25519 */

/* The public half as the tag p= wants it, Base64 on one line: SubjectPublicKeyInfo for RSA (RFC
 * 6376, section 3.6.1), 32 bytes for Ed25519 (RFC 8463, section 4.2). Belongs to the key. */
const char *dkim_key_public(const struct dkim_key *key);

enum dkim_key_match {
    DKIM_KEY_MATCHES,
    DKIM_KEY_DIFFERS,
    DKIM_KEY_REVOKED, /* p= is empty */
    DKIM_KEY_BROKEN,  /* p= is no Base64 */
    DKIM_KEY_REFORM,  /* the right key in a form that not every verifier reads: RSAPublicKey without
                       * its SubjectPublicKeyInfo, or an Ed25519 key with one */
};

/* Compares the public half with the value of a p= tag; white space within it does not count. */
enum dkim_key_match dkim_key_compare(const struct dkim_key *key, struct slice p);

/* Signs a SHA-256 digest: RSASSA-PKCS1-v1_5 over the digest, or Ed25519 with the digest as its
 * message (RFC 8463, section 3). *len becomes the signature's length. False with err when OpenSSL
 * fails. Does not block; 0.05 to some milliseconds of processor time. */
bool dkim_key_sign(const struct dkim_key *key, const unsigned char digest[DKIM_DIGEST_SIZE],
                   unsigned char signature[DKIM_SIGNATURE_MAX], size_t *len, struct err *err);

#endif
