/* dkim_key_recover - what an RSA signature was made over, as its public key shows */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_KEY_RECOVER_H
#define TAMIS_DKIM_KEY_RECOVER_H

#include "dkim_key.h"

/* `p` is the public half as in p= (a SubjectPublicKeyInfo or an RSAPublicKey), `b` the signature,
 * both Base64. False when the signature was not made with that key over a SHA-256 digest
 * (RSASSA-PKCS1-v1_5, RFC 8017, 8.2), or either is malformed. Any thread; never blocks. */
bool dkim_key_recover(struct slice p, struct slice b, unsigned char digest[DKIM_DIGEST_SIZE]);

#endif
