/* dkim_hash - SHA-256 of a body while it passes, in the canonicalizations that are wanted */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_HASH_H
#define TAMIS_DKIM_HASH_H

#include "dkim_canon.h"
#include "dkim_key.h"

/* Of one body, in one or both canonicalizations, read once. One thread at a time. */
struct dkim_hash;

/* What dkim_hash_new is asked for: one of these, or both. */
#define DKIM_HASH(how) (1u << (how))

/* NULL with err when OpenSSL has no SHA-256. The caller frees it. */
struct dkim_hash *dkim_hash_new(unsigned wanted, struct err *err);
void dkim_hash_free(struct dkim_hash *hash); /* NULL is allowed */

/* Chunks of any size (dkim_body_add); not after dkim_hash_end. */
void dkim_hash_add(struct dkim_hash *hash, const void *data, size_t len);

/* The body is complete. False with err when OpenSSL failed here or before: there is no digest. */
bool dkim_hash_end(struct dkim_hash *hash, struct err *err);

/* The digest in bh=, raw; it belongs to the hash. NULL before dkim_hash_end, after its failure,
 * and for a canonicalization that was not asked for. */
const unsigned char *dkim_hash_digest(const struct dkim_hash *hash, enum dkim_canon how);

/* Of a text at once. False with err when OpenSSL fails. */
bool dkim_sha256(const void *data, size_t len, unsigned char digest[DKIM_DIGEST_SIZE],
                 struct err *err);

#endif
