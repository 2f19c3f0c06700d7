/* 3-dkim-keys - what the DNS says about keys, and what becomes of signatures */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_scene.h"
#include "dkim_tags.h"

static const struct {
    const char *name;
    const char *record; /* @P@: the key */
    const char *tags, *result, *why;
} keys[] = {
    {"plain", "v=DKIM1; k=rsa; p=@P@", TAGS, "pass", ""},
    {"only p=", "p=@P@", TAGS, "pass", ""},
    {"g=*", "v=DKIM1; g=*; k=rsa; p=@P@;", TAGS, "pass", ""},
    {"notes of any kind", "v=DKIM1; n=\xc3\xbc and more; k=rsa; p=@P@", TAGS, "pass", ""},
    {"h= with sha256", "v=DKIM1; h=sha1 : sha256; p=@P@", TAGS, "pass", ""},
    {"s= any", "v=DKIM1; s=*; p=@P@", TAGS, "pass", ""},
    {"s= email", "v=DKIM1; s=other:email; p=@P@", TAGS, "pass", ""},
    {"t=s, i= is d=", "v=DKIM1; t=s; p=@P@", TAGS " i=a@example.org;", "pass", ""},
    {"t=s, i= below", "v=DKIM1; t=s; p=@P@", TAGS " i=a@x.example.org;", "permerror",
     "the key is not for i= below d="},
    {"t=y", "v=DKIM1; t=y:s; p=@P@", TAGS, "pass", "the key is for testing"},
    {"revoked", "v=DKIM1; p=", TAGS, "permerror", "the key is revoked"},
    {"no p=", "v=DKIM1; k=rsa", TAGS, "permerror", "the key record has no p="},
    {"p= is no Base64", "v=DKIM1; p=%%%", TAGS, "permerror", "p= of the key is no Base64"},
    {"p= is no key", "v=DKIM1; p=QUJDRA==", TAGS, "permerror", "p= of the key is no RSA key"},
    {"an exponent of 1",
     "v=DKIM1; p="
     "MIGHAoGBAP//////////////////////////////////////////////////////////////////////"
     "////////////////////////////////////////////////////////////////////////////////"
     "////////////////////AgEB",
     TAGS, "permerror", "the RSA key's exponent is 1: everybody could sign"},
    {"k= is another", "v=DKIM1; k=ed25519; p=@P@", TAGS, "permerror",
     "k= of the key is ed25519, a= wants rsa"},
    {"k= is unknown", "v=DKIM1; k=x;  p=@P@", TAGS, "permerror",
     "k= of the key is x, a= wants rsa"},
    {"a literal backslash", "v=DKIM1\\; k=rsa\\; p=@P@", TAGS, "permerror",
     "v= of the key is not DKIM1, or does not come first"},
    {"h= of another hash", "v=DKIM1; h=sha1; p=@P@", TAGS, "permerror",
     "h= of the key does not allow sha256"},
    {"s= of another use", "v=DKIM1; s=sip; p=@P@", TAGS, "permerror",
     "s= of the key does not allow email"},
    {"v= comes late", "k=rsa; v=DKIM1; p=@P@", TAGS, "permerror",
     "no key in the DNS: what is there is no DKIM record"},
    {"v=DKIM2", "v=DKIM2; p=@P@", TAGS, "permerror",
     "no key in the DNS: what is there is no DKIM record"},
    {"tag twice", "v=DKIM1; k=rsa; k=rsa; p=@P@", TAGS, "permerror",
     "the key record: the tag k= stands there twice"},
    {"quotes of a panel", "\"v=DKIM1; k=rsa; p=@P@\"", TAGS, "permerror",
     "no key in the DNS: what is there is no DKIM record"},
    {"another TXT", "v=spf1 -all", TAGS, "permerror",
     "no key in the DNS: what is there is no DKIM record"},
};

static const char *with_key(const char *record, enum dkim_test_key key, struct arena *arena)
{
    const char *at = strstr(record, "@P@");

    if (at == NULL)
        return record;
    return arena_printf(arena, "%.*s%s%s", (int)(at - record), record, dkim_test_public(key),
                        at + 3);
}

static void check_keys(void)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct arena *arena = arena_new();
        struct dkim_test_mail mail;

        start(&mail);
        dkim_test_txt(&mail, NAME, with_key(keys[i].record, KEY_2048, arena));
        dkim_test_first(&mail, "DKIM-Signature",
                        dkim_test_sign(&mail, KEY_2048, keys[i].tags, mail.body_len, arena));
        is_result(dkim_test_verify(&mail, &plain, arena), keys[i].result, keys[i].why,
                  keys[i].name);
        arena_free(arena);
    }
}

static void check_answers(struct arena *arena)
{
    const char *key = record_of(KEY_2048, "k=rsa;", arena);
    struct dkim_test_mail mail;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    is_result(dkim_test_verify(&mail, &plain, arena), "permerror", "no key in the DNS", "no name");
    dkim_test_txt(&mail, NAME, NULL);
    mail.zone[0].trouble = "SERVFAIL";
    is_result(dkim_test_verify(&mail, &plain, arena), "temperror",
              "no answer about the key: SERVFAIL", "SERVFAIL");
    mail.zone[0].trouble = "\"evil\"; dkim=pass\r\n";
    is_result(dkim_test_verify(&mail, &plain, arena), "temperror",
              "no answer about the key: ?evil?; dkim=pass??", "an evil reason");
    mail.zone[0].trouble = NULL;
    mail.zone[0].txt[0] = "v=spf1 -all";
    mail.zone[0].txt[1] = key;
    mail.zone[0].txt[2] = "site-verification=1";
    is_result(dkim_test_verify(&mail, &plain, arena), "pass", "", "other TXT beside the key");
    mail.zone[0].txt[2] = "v=DKIM1; p=";
    is_result(dkim_test_verify(&mail, &plain, arena), "permerror",
              "more than one key at that name", "two keys");
}

static void check_sizes(struct arena *arena)
{
    static const struct {
        enum dkim_test_key key;
        const char *result, *why;
        unsigned bits;
    } sizes[] = {{KEY_1024, "pass", "", 1024},
                 {KEY_1023, "policy", "a key of only 1023 bits", 1023},
                 {KEY_512, "policy", "a key of only 512 bits", 512}};
    struct dkim_limits limits = plain;
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        sign_plainly(&mail, sizes[i].key, TAGS, arena);
        dkim_test_txt(&mail, NAME, record_of(sizes[i].key, "", arena));
        verdict = dkim_test_verify(&mail, &plain, arena);
        is_result(verdict, sizes[i].result, sizes[i].why,
                  arena_printf(arena, "%u bits", sizes[i].bits));
        tap_is_int(verdict->signature->bits, sizes[i].bits, "and they are said");
    }
    limits.minimum_key_bits = 512;
    is_result(dkim_test_verify(&mail, &limits, arena), "pass", "", "512 bits, if that is allowed");
    limits.minimum_key_bits = 2049;
    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME,
                  arena_printf(arena, "v=DKIM1; p=%s", dkim_test_pkcs1(KEY_2048)));
    is_result(dkim_test_verify(&mail, &limits, arena), "policy", "a key of only 2048 bits",
              "a limit above 2048");
    is_result(dkim_test_verify(&mail, &plain, arena), "pass", "", "an RSAPublicKey in p=");
}

static void check_ed25519(struct arena *arena)
{
    static const char tags[] =
        " v=1; a=ed25519-sha256; d=example.org; s=sel; h=from:to; bh=@BH@;";
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_ED25519, tags, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_ED25519, "k=ed25519;", arena));
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "pass", "", "Ed25519");
    tap_is(verdict->signature->a, "ed25519-sha256", "its name");
    tap_is_int(verdict->signature->bits, 256, "its bits");
    mail.zone[0].txt[0] = record_of(KEY_ED25519, "", arena);
    is_result(dkim_test_verify(&mail, &plain, arena), "permerror",
              "k= of the key is rsa, a= wants ed25519", "Ed25519 without k=");
    mail.zone[0].txt[0] = record_of(KEY_2048, "k=ed25519;", arena);
    is_result(dkim_test_verify(&mail, &plain, arena), "permerror",
              "p= of the key is no Ed25519 key of 32 bytes", "an RSA key as Ed25519");
}

static void check_base64(struct arena *arena)
{
    static const struct {
        const char *text, *bytes;
    } rows[] = {{"QQ==", "A"},   {"QUI=", "AB"}, {"QUJD", "ABC"}, {" Q\r\n U J\tD ", "ABC"},
                {"QQ", "A"},     {"QQ=", NULL},  {"Q", NULL},     {"Q===", NULL},
                {"QUJD=", NULL}, {"=", NULL},    {"", NULL},      {"QQ==QQ==", NULL},
                {"Q-==", NULL}};
    struct slice bytes;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool good = dkim_from_base64(slice_of(rows[i].text), arena, &bytes);

        tap_ok(good == (rows[i].bytes != NULL) && (!good || slice_is(bytes, rows[i].bytes)),
               "Base64: row %zu", i);
    }
    tap_is(dkim_to_base64(slice_of("ABCD"), arena), "QUJDRA==", "and back");
}

int main(void)
{
    static void (*const checks[])(struct arena *) = {
        check_answers, check_sizes, check_ed25519, check_base64};

    tap_start(120);
    check_keys();
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct arena *arena = arena_new();

        checks[i](arena);
        arena_free(arena);
    }
    return tap_done();
}
