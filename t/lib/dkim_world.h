/* dkim_world - keys, a zone of keys, signed mails and their verification, for tests */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_WORLD_H
#define TAMIS_DKIM_WORLD_H

#include "check_dkim.h"

enum dkim_test_key { KEY_2048, KEY_1024, KEY_512, KEY_1023, KEY_ED25519, KEY_COUNT };

/* Base64 for p=: a SubjectPublicKeyInfo, or 32 bytes; for RSA also the bare RSAPublicKey. Static,
 * as is the key itself: PEM (PKCS#1) or the Base64 of an Ed25519 seed. */
const char *dkim_test_public(enum dkim_test_key key);
const char *dkim_test_pkcs1(enum dkim_test_key key);
const char *dkim_test_private(enum dkim_test_key key);

enum { DKIM_TEST_FIELDS = 400, DKIM_TEST_NAMES = 200 };

/* Texts are the caller's; body has CR LF line ends. */
struct dkim_test_mail {
    struct {
        const char *name, *value;
    } field[DKIM_TEST_FIELDS];
    size_t count;
    const char *body;
    size_t body_len;
    struct {
        const char *name;
        const char *txt[3]; /* all NULL: no data */
        const char *trouble;  /* not NULL: temperror */
        struct slice txts[3]; /* as they were answered */
    } zone[DKIM_TEST_NAMES];
    size_t names;
    unsigned asked; /* how many questions were put */
    unsigned seed;  /* 0: the body in one piece; else cut by chance */
};

void dkim_test_field(struct dkim_test_mail *mail, const char *name, const char *value);
void dkim_test_first(struct dkim_test_mail *mail, const char *name, const char *value);
void dkim_test_txt(struct dkim_test_mail *mail, const char *name, const char *txt);

/* The value of a DKIM-Signature field over the mail as it is, simple/simple: the tags given (they
 * begin with a blank), in which @BH@ is replaced by the body's hash, and " b=…" behind them. The
 * first `length` bytes of the body are hashed. In the arena. */
const char *dkim_test_sign(const struct dkim_test_mail *mail, enum dkim_test_key key,
                           const char *tags, size_t length, struct arena *arena);

const struct dkim_verdict *dkim_test_verify(struct dkim_test_mail *mail,
                                            const struct dkim_limits *limits,
                                            struct arena *arena);

#endif
