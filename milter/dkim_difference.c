/* dkim_difference - what keeps a DKIM signature from being good, in words */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_difference.h"

#include "buf.h"
#include "dkim_base64.h"
#include "dkim_key_recover.h"

#include <string.h>

const char *dkim_signed_hash(const struct dkim_signature *signature, struct arena *arena)
{
    static const char rsa[] = "k=rsa; p=";
    unsigned char digest[DKIM_DIGEST_SIZE];
    const char *record = signature->record;
    char *text;

    if (signature->header_match == DKIM_MATCH)
        return signature->header_hash;
    if (record == NULL || signature->whole == NULL || signature->header_hash == NULL ||
        strncmp(record, rsa, sizeof(rsa) - 1) != 0 ||
        !dkim_key_recover(slice_of(record + sizeof(rsa) - 1), slice_of(signature->whole), digest))
        return NULL;
    text = arena_alloc(arena, BASE64_SIZE(sizeof(digest)) + 1);
    base64_encode(text, digest, sizeof(digest));
    return text;
}

const char *dkim_signed_fields(const struct dkim_signature *signature, struct arena *arena)
{
    struct buf list = {0};
    const char *copy;

    for (size_t i = 0; i < signature->name_count; i++) {
        if (i > 0)
            buf_addc(&list, ':');
        buf_add(&list, signature->names[i].ptr, signature->names[i].len);
    }
    copy = arena_strndup(arena, buf_text(&list), list.len);
    buf_free(&list);
    return copy;
}

static const char *header_difference(const struct dkim_signature *sig, const char *signed_hash,
                                     struct arena *arena)
{
    const char *fields = dkim_signed_fields(sig, arena);

    if (signed_hash != NULL && strcmp(signed_hash, sig->header_hash) == 0)
        return arena_printf(arena, "the header is as it was signed, but the signature is bad");
    if (signed_hash != NULL)
        return arena_printf(arena,
                            "the header was changed: hash %s, signed %s: one of these fields "
                            "was changed, added or taken away: %s",
                            sig->header_hash, signed_hash, fields);
    if (strcmp(sig->a, "rsa-sha256") == 0)
        return arena_printf(arena, "the signature was made with another key than the published one "
                            "(%s)", sig->question);
    return arena_printf(arena, "the header was changed, or the published key (%s) is another; "
                        "signed are: %s", sig->question, fields);
}

const char *dkim_difference(const struct dkim_signature *signature, const char *signed_hash,
                            struct arena *arena)
{
    const char *body = NULL;

    if (signature->body_match == DKIM_MISMATCH && signature->bh != NULL)
        body = arena_printf(arena, "the body was changed: hash %s, signed %s", signature->body_hash,
                            signature->bh);
    if (signature->header_match == DKIM_MISMATCH && body != NULL)
        return arena_printf(arena, "%s; and %s", body,
                            header_difference(signature, signed_hash, arena));
    if (signature->header_match == DKIM_MISMATCH)
        return header_difference(signature, signed_hash, arena);
    return body != NULL && signature->header_match == DKIM_MATCH ? body : signature->why;
}
