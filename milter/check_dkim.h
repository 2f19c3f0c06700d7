/* check_dkim - the DKIM signatures of a mail, verified by libopendkim behind guards */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CHECK_DKIM_H
#define TAMIS_CHECK_DKIM_H

#include "arena.h"
#include "dkim_plan.h"
#include "dkim_record.h"
#include "dkim_result.h"

/* One mail's verification: new, header (each), headers_end, body (any number), end, free. free may
 * come at any time. One thread at a time. Nothing blocks but dkim_verifier_end in `answer`. */
struct dkim_verifier;

/* Lives in the arena, which must outlive it; the limits are copied. */
struct dkim_verifier *dkim_verifier_new(const struct dkim_limits *limits, struct arena *arena);

/* The next field, top to bottom, as libmilter gives it with SMFIP_HDR_LEADSPC: the value begins
 * right behind the colon, folds are "\n" and a blank. Both texts must live until headers_end. */
void dkim_verifier_header(struct dkim_verifier *verifier, const char *name, const char *value);

/* There are more fields, which nobody kept: nothing can pass. */
void dkim_verifier_cut(struct dkim_verifier *verifier);

/* The end of the header: returns the names whose TXT records are needed, each to be asked for once;
 * *count may be 0. They live as long as the arena. May be called again, for the same list. */
const char *const *dkim_verifier_headers_end(struct dkim_verifier *verifier, size_t *count);

/* Behind headers_end: false when the body makes no difference. */
bool dkim_verifier_wants_body(const struct dkim_verifier *verifier);

/* The next bytes of the body, cut anywhere. */
void dkim_verifier_body(struct dkim_verifier *verifier, const char *data, size_t len);

/* Where answers come from. `name` is one of the questions; *answer comes zeroed, and what it points
 * to must live until dkim_verifier_end returns. It may block. */
struct dkim_keys {
    void *ctx;
    void (*answer)(void *ctx, const char *name, struct dkim_key_answer *answer);
};

/* Judges every signature; each question is put once, in their order. The verdict is in the arena.
 * Called once. Signatures are RFC 6376's and RFC 8463's, results those of RFC 8601, 2.7.1:
 * - permerror: what is malformed, expired, has no key, a revoked one, or one for other uses;
 * - policy: rsa-sha1, small keys, a part of the body only, more signatures than the limit, several
 *   From fields, a header that was cut;
 * - temperror: nobody could answer;
 * - neutral: a bad signature whose key says t=y; what libopendkim cannot evaluate. */
const struct dkim_verdict *dkim_verifier_end(struct dkim_verifier *verifier,
                                             const struct dkim_keys *keys);

/* Must come before the arena goes; NULL is allowed. The verdict stays. */
void dkim_verifier_free(struct dkim_verifier *verifier);

#endif
