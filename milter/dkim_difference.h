/* dkim_difference - what keeps a DKIM signature from being good, in words */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_DIFFERENCE_H
#define TAMIS_DKIM_DIFFERENCE_H

#include "arena.h"
#include "dkim_result.h"

/* Of the verdict's signature: the hash of the header that its signer saw, Base64. A good signature
 * shows it, and an RSA signature that the published key made; else NULL: nobody can know. In the
 * arena or the verdict's. Takes as long as a verification. */
const char *dkim_signed_hash(const struct dkim_signature *signature, struct arena *arena);

/* The first thing that differs, of the record, the body, the header: one line, in the arena; NULL
 * when nothing does. `signed_hash` is what dkim_signed_hash returned. */
const char *dkim_difference(const struct dkim_signature *signature, const char *signed_hash,
                            struct arena *arena);

/* h= as "from:to:subject", in the arena; "" when it could not be read. */
const char *dkim_signed_fields(const struct dkim_signature *signature, struct arena *arena);

#endif
