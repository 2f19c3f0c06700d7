/* dkim_scene - the mail that DKIM's tests are about, the key that they sign with */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_SCENE_H
#define TAMIS_DKIM_SCENE_H

#include "dkim_world.h"
#include "tap.h"

#include <string.h>

#define NAME "sel._domainkey.example.org"
#define TAGS " v=1; a=rsa-sha256; d=example.org; s=sel; h=from:to:subject; bh=@BH@;"
#define BODY "Hello,\r\n\r\nhere we are.\r\n"

static const struct dkim_limits plain = {.now = 1700000000};

/* The mail, unsigned; no key is in the zone. */
static inline void start(struct dkim_test_mail *mail)
{
    memset(mail, 0, sizeof(*mail));
    dkim_test_field(mail, "Received", " from a by b; today");
    dkim_test_field(mail, "From", " Alice <alice@example.org>");
    dkim_test_field(mail, "To", " bob@example.net,\n\tcarol@example.net");
    dkim_test_field(mail, "Subject", " =?utf-8?q?x?= \xc3\xa4");
    mail->body = BODY;
    mail->body_len = strlen(BODY);
}

/* A key record with these tags before p=. */
static inline const char *record_of(enum dkim_test_key key, const char *tags, struct arena *arena)
{
    return arena_printf(arena, "v=DKIM1; %s p=%s", tags, dkim_test_public(key));
}

/* The mail with a signature on top. */
static inline void sign_plainly(struct dkim_test_mail *mail, enum dkim_test_key key,
                                const char *tags, struct arena *arena)
{
    start(mail);
    dkim_test_first(mail, "DKIM-Signature",
                    dkim_test_sign(mail, key, tags, mail->body_len, arena));
}

/* Two tests: the first signature's result and why. */
static inline void is_result(const struct dkim_verdict *verdict, const char *result,
                             const char *why, const char *name)
{
    const struct dkim_signature *sig = verdict->signature;

    tap_is(verdict->count > 0 ? dkim_result_name(sig->result) : "no signature", result, "%s",
           name);
    if (verdict->count > 0)
        tap_is(sig->why != NULL ? sig->why : "", why, "%s: why", name);
}

#endif
