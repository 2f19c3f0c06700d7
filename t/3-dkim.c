/* 3-dkim - DKIM signatures: each way in which they can come out, and what is hostile in them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "dkim_tags.h"
#include "dkim_world.h"

#define NAME "sel._domainkey.example.org"
#define TAGS " v=1; a=rsa-sha256; d=example.org; s=sel; h=from:to:subject; bh=@BH@;"
#define BODY "Hello,\r\n\r\nhere we are.\r\n"

static const struct dkim_limits plain = {.now = 1700000000};

static void start(struct dkim_test_mail *mail)
{
    memset(mail, 0, sizeof(*mail));
    dkim_test_field(mail, "Received", " from a by b; today");
    dkim_test_field(mail, "From", " Alice <alice@example.org>");
    dkim_test_field(mail, "To", " bob@example.net,\n\tcarol@example.net");
    dkim_test_field(mail, "Subject", " =?utf-8?q?x?= \xc3\xa4");
    mail->body = BODY;
    mail->body_len = strlen(BODY);
}

static const char *record_of(enum dkim_test_key key, const char *tags, struct arena *arena)
{
    return arena_printf(arena, "v=DKIM1; %s p=%s", tags, dkim_test_public(key));
}

static void is_result(const struct dkim_verdict *verdict, const char *result, const char *why,
                      const char *name)
{
    const struct dkim_signature *sig = verdict->signature;

    tap_is(verdict->count > 0 ? dkim_result_name(sig->result) : "no signature", result, "%s",
           name);
    if (verdict->count > 0)
        tap_is(sig->why != NULL ? sig->why : "", why, "%s: why", name);
}

/* Fields: each is signed as it stands and must come out as said. */

static const struct {
    const char *name, *tags, *result, *why;
} fields[] = {
    {"good", TAGS, "pass", ""},
    {"i= below d=", TAGS " i=x@sub.example.org;", "pass", ""},
    {"unknown tags", TAGS " r=y; z=From:x|To:y; _x=1;", "permerror", "a tag whose name is none"},
    {"unknown tag", TAGS " xx=1; r=y;", "pass", ""},
    {"oversigned", " v=1; a=rsa-sha256; d=example.org; s=sel; h=from:to:subject:from:to:cc:date;"
     " bh=@BH@;", "pass", ""},
    {"h= is all there is and more", " v=1; a=rsa-sha256; d=example.org; s=sel;"
     " h=received:from:to:subject:x:y:z:received:a:b; bh=@BH@;", "pass", ""},
    {"folds and blanks", " v = 1;\n a=rsa-\n sha256; d=exam\n\tple.org; s=sel; h=from :\n to :"
     " subject; bh=@BH@;", "pass", ""},
    {"q= with a future method", TAGS " q=new/opt:dns/txt;", "pass", ""},
    {"upper case d=", " v=1; a=rsa-sha256; d=EXAMPLE.org; s=Sel; h=from; bh=@BH@;", "pass", ""},
    {"x= far away", TAGS " t=1600000000; x=99999999999;", "pass", ""},
    {"tag twice", TAGS " s=sel;", "permerror", "the tag s= stands there twice"},
    {"bad name of a tag", TAGS " 1x=2;", "permerror", "a tag whose name is none"},
    {"tag without =", TAGS " x;", "permerror", "a tag without ="},
    {"empty tag", TAGS ";", "permerror", "an empty tag"},
    {"control character", TAGS " y=\001;", "permerror", "a control character in the tag y="},
    {"v=2", " v=2; a=rsa-sha256; d=example.org; s=sel; h=from; bh=@BH@;", "permerror",
     "v= is not 1"},
    {"no v=", " a=rsa-sha256; d=example.org; s=sel; h=from; bh=@BH@;", "permerror",
     "v= is missing"},
    {"no a=", " v=1; d=example.org; s=sel; h=from; bh=@BH@;", "permerror", "a= is missing"},
    {"a= unknown", " v=1; a=rsa-md5; d=example.org; s=sel; h=from; bh=@BH@;", "permerror",
     "a= is no algorithm of RFC 8301 or RFC 8463"},
    {"sha1", " v=1; a=rsa-sha1; d=example.org; s=sel; h=from; bh=@BH@;", "policy",
     "rsa-sha1 is not accepted"},
    {"no d=", " v=1; a=rsa-sha256; s=sel; h=from; bh=@BH@;", "permerror", "d= is missing"},
    {"empty d=", " v=1; a=rsa-sha256; d=; s=sel; h=from; bh=@BH@;", "permerror",
     "d= is no domain name"},
    {"d= with a comment", " v=1; a=rsa-sha256; d=example.net(.example.org; s=sel; h=from;"
     " bh=@BH@;", "permerror", "d= is no domain name"},
    {"no s=", " v=1; a=rsa-sha256; d=example.org; h=from; bh=@BH@;", "permerror",
     "s= is missing"},
    {"s= with a comment", " v=1; a=rsa-sha256; d=example.org; s=sel(x; h=from; bh=@BH@;",
     "permerror", "s= is no selector"},
    {"d= in UTF-8", " v=1; a=rsa-sha256; d=b\xc3\xbc.example; s=sel; h=from; bh=@BH@;", "neutral",
     "d= or s= is internationalized: not evaluated"},
    {"d= in Latin 1", " v=1; a=rsa-sha256; d=b\xfc.example; s=sel; h=from; bh=@BH@;", "permerror",
     "d= is no domain name"},
    {"8-bit tag", TAGS " y=\xff;", "permerror", "a tag that is not ASCII"},
    {"no h=", " v=1; a=rsa-sha256; d=example.org; s=sel; bh=@BH@;", "permerror", "h= is missing"},
    {"h= without From", " v=1; a=rsa-sha256; d=example.org; s=sel; h=to:subject; bh=@BH@;",
     "permerror", "h= does not name From"},
    {"h= with an empty name", " v=1; a=rsa-sha256; d=example.org; s=sel; h=from::to; bh=@BH@;",
     "permerror", "h= is no list of field names"},
    {"h= with From as a prefix", " v=1; a=rsa-sha256; d=example.org; s=sel; h=fr:f; bh=@BH@;",
     "permerror", "h= does not name From"},
    {"i= ending in =", TAGS " i=x=@example.org=;", "permerror", "i= is malformed or too long"},
    {"i= with half a code", TAGS " i=x=4@example.org;", "permerror", "i= is malformed or too long"},
    {"i= ending in a half code", TAGS " i=@example.org=4;", "permerror",
     "i= is malformed or too long"},
    {"i= with a NUL", TAGS " i=x=00@example.org;", "permerror", "i= is malformed or too long"},
    {"i= outside d=", TAGS " i=@example.com;", "permerror",
     "the domain of i= is not within d="},
    {"i= ends like d=", TAGS " i=@badexample.org;", "permerror",
     "the domain of i= is not within d="},
    {"i= without @", TAGS " i=example.org;", "permerror", "i= has no domain"},
    {"i= with two @", TAGS " i=a@example.org@example.org;", "permerror", "i= has no domain"},
    {"i= in UTF-8", TAGS " i=\xc3\xbc@example.org;", "neutral",
     "i= is internationalized: not evaluated"},
    {"c= unknown", TAGS " c=relaxed/nowsp;", "permerror", "c= is no canonicalization"},
    {"l= empty", TAGS " l=;", "permerror", "l= is no length"},
    {"l= of 2^63", TAGS " l=9223372036854775808;", "permerror", "l= is no length"},
    {"l= of 2^64", TAGS " l=18446744073709551616;", "permerror", "l= is no length"},
    {"l= negative", TAGS " l=-1;", "permerror", "l= is no length"},
    {"l= beyond the body", TAGS " l=1000;", "permerror", "l= is more than the body"},
    {"l= is the body", TAGS " l=24;", "pass", ""},
    {"q= unknown", TAGS " q=http;", "permerror", "q= is not dns/txt"},
    {"expired", TAGS " t=1600000000; x=1600000100;", "permerror", "expired"},
    {"a time that libopendkim takes for the future", TAGS " t=100;", "neutral",
     "t= is too small for libopendkim"},
    {"x= before t=", TAGS " t=1600000000; x=1500000000;", "permerror", "x= is not later than t="},
    {"x= is no number", TAGS " x=soon;", "permerror", "t= or x= is no time"},
    {"from the future", TAGS " t=1700001000;", "permerror", "t= is in the future"},
    {"no bh=", " v=1; a=rsa-sha256; d=example.org; s=sel; h=from;", "permerror", "bh= is missing"},
    {"bh= is no Base64", " v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=(();", "permerror",
     "bh= is no Base64"},
    {"bh= too short", " v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=QUJD;", "permerror",
     "bh= is no hash of SHA-256"},
    {"another's bh=", " v=1; a=rsa-sha256; d=example.org; s=sel; h=from;"
     " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;", "fail", "the body was altered"},
    {"a tag that ends in b", TAGS " xb=1;", "neutral",
     "a tag whose name ends in b: not evaluated"},
};

static void check_fields(void)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct arena *arena = arena_new();
        struct dkim_test_mail mail;

        start(&mail);
        dkim_test_txt(&mail, NAME, record_of(KEY_2048, "k=rsa;", arena));
        dkim_test_first(&mail, "DKIM-Signature",
                        dkim_test_sign(&mail, KEY_2048, fields[i].tags, mail.body_len, arena));
        is_result(dkim_test_verify(&mail, &plain, arena), fields[i].result, fields[i].why,
                  fields[i].name);
        arena_free(arena);
    }
}

/* Keys. */

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

/* A good signature by a key, with whatever the zone holds. */
static void sign_plainly(struct dkim_test_mail *mail, enum dkim_test_key key, const char *tags,
                         struct arena *arena)
{
    start(mail);
    dkim_test_first(mail, "DKIM-Signature",
                    dkim_test_sign(mail, key, tags, mail->body_len, arena));
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

static void check_altered(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    mail.body = "Hello,\r\n\r\nhere we ARE.\r\n";
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "fail", "the body was altered", "another body");
    tap_is_int(verdict->signature->header_match, DKIM_MATCH, "the header is that signed");
    tap_is_int(verdict->signature->body_match, DKIM_MISMATCH, "the body is not");
    mail.body = BODY;
    mail.field[4].value = " Another subject";
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "fail", "the signed header was altered, or the key is another",
              "another subject");
    tap_is_int(verdict->signature->header_match, DKIM_MISMATCH, "the header is not that signed");
    tap_is_int(verdict->signature->body_match, DKIM_MATCH, "the body is");
    mail.zone[0].txt[0] = record_of(KEY_2048, "t=y;", arena);
    is_result(dkim_test_verify(&mail, &plain, arena), "neutral",
              "bad signature, but its key is for testing", "another subject, key for testing");
    mail.zone[0].txt[0] = record_of(KEY_512, "", arena);
    mail.body_len = 0;
    is_result(dkim_test_verify(&mail, &plain, arena), "fail",
              "bad signature, and the body was altered", "all is wrong");
}

static void check_partial(struct arena *arena)
{
    struct dkim_limits accept = {.now = plain.now, .accept_partial = true};
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    start(&mail);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "DKIM-Signature",
                    dkim_test_sign(&mail, KEY_2048, TAGS " l=8;", 8, arena));
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "policy", "only a part of the body is signed", "l= below the body");
    tap_ok(verdict->signature->partial && verdict->signature->length == 8, "it is a part");
    verdict = dkim_test_verify(&mail, &accept, arena);
    is_result(verdict, "pass", "only a part of the body is signed", "the same, accepted");
    start(&mail);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "DKIM-Signature",
                    dkim_test_sign(&mail, KEY_2048, TAGS " l=0;", 0, arena));
    is_result(dkim_test_verify(&mail, &plain, arena), "policy",
              "only a part of the body is signed", "l=0");
    mail.body = BODY "\r\n\r\n";
    mail.body_len = strlen(mail.body);
    start(&mail);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "DKIM-Signature",
                    dkim_test_sign(&mail, KEY_2048, TAGS " l=24;", 24, arena));
    mail.body = BODY "\r\n\r\n";
    mail.body_len = strlen(mail.body);
    is_result(dkim_test_verify(&mail, &plain, arena), "pass", "",
              "empty lines behind l= are no part of the body");
}

/* What may be printed. */

static void check_texts(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_signature *sig;
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_2048,
                 TAGS " i=foo=3B=20dkim=3Dpass=20header.d=3Dbank.example=0D=0AX:@example.org;",
                 arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "pass", "", "i= with encoded line breaks");
    tap_ok(verdict->signature->i == NULL, "is not shown");
    sign_plainly(&mail, KEY_2048, TAGS, arena);
    sig = dkim_test_verify(&mail, &plain, arena)->signature;
    tap_is(sig->d, "example.org", "d");
    tap_is(sig->s, "sel", "s");
    tap_is(sig->i, "@example.org", "i, when there is none");
    tap_is(sig->a, "rsa-sha256", "a");
    tap_is(sig->c, "simple/simple", "c");
    tap_is(sig->question, NAME, "the question");
    tap_is_int((long long)strlen(sig->b), 8, "b: 8 characters");
    start(&mail);
    dkim_test_first(&mail, "DKIM-Signature", " v=1; a=rsa-sha256; d=a(b; s=c\"d; i=\"@x; b=(\"xIU");
    sig = dkim_test_verify(&mail, &plain, arena)->signature;
    tap_ok(sig->d == NULL && sig->s == NULL && sig->i == NULL && sig->b == NULL,
           "nothing that could mean something else");
}

static void check_prefixes(struct arena *arena)
{
    static const char *const values[] = {
        " v=1; a=rsa-sha256; d=e.org; s=s; h=from; bh=QQ==; b=AAAABBBBCCCCDDDD",
        " v=1; a=rsa-sha256; d=e.org; s=s; h=from; bh=QQ==; b=AAAABBBBCCCCEEEE",
        " v=1; a=rsa-sha256; d=e.org; s=s; h=from; bh=QQ==; b=BBBB\n BBBBCCCCEEEE",
    };
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    start(&mail);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        dkim_test_field(&mail, "DKIM-Signature", values[i]);
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is_int((long long)verdict->count, 3, "three signatures");
    tap_is(verdict->signature[0].b, "AAAABBBBCCCCD", "b is long enough");
    tap_is(verdict->signature[1].b, "AAAABBBBCCCCE", "to tell one from the other");
    tap_is(verdict->signature[2].b, "BBBBBBBBCCCCE", "blanks do not count");
}

/* Many. */

static void check_cap(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;
    size_t capped = 0;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    for (int i = 0; i < 99; i++)
        dkim_test_first(&mail, "DKIM-Signature",
                        arena_printf(arena, " v=1; a=rsa-sha256; d=d%d.example; s=s; h=from;"
                                     " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; l=%d;"
                                     " b=QUJD%04d", i, i, i));
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is(dkim_result_name(verdict->result), "pass", "99 others do not hide the sender's own");
    tap_is_int(mail.asked, 8, "8 are evaluated");
    for (size_t i = 0; i < verdict->count; i++)
        capped += verdict->signature[i].capped && verdict->signature[i].result == DKIM_POLICY;
    tap_is_int((long long)capped, 92, "the others are said to be too many");
    tap_is_int((long long)verdict->count, 100, "all are listed");
    for (int i = 0; i < 50; i++)
        dkim_test_first(&mail, "DKIM-Signature", " =foo");
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is_int((long long)verdict->unlisted, 50, "beyond 100 they are counted");
}

static void check_hostile(struct arena *arena)
{
    struct dkim_test_mail mail;
    struct buf big = {0};
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    buf_adds(&big, " v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=x; b=");
    while (big.len < 65536 + 100)
        buf_adds(&big, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo");
    dkim_test_first(&mail, "DKIM-Signature", buf_text(&big));
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "permerror", "the field is too long", "64 kB of signature");
    tap_is(dkim_result_name(verdict->result), "pass", "and the other one is evaluated");
    buf_clear(&big);
    buf_adds(&big, " v=1; a=rsa-sha256; d=example.org; s=sel; bh=@BH@; h=from");
    while (big.len < 4300)
        buf_adds(&big, ":abcdefghijklmnopqrstuvwxyz");
    buf_addc(&big, ';');
    sign_plainly(&mail, KEY_2048, big.ptr, arena);
    is_result(dkim_test_verify(&mail, &plain, arena), "permerror", "h= is too long", "h= of 4 kB");
    buf_clear(&big);
    buf_adds(&big, TAGS " i=");
    for (int i = 0; i < 300; i++)
        buf_addc(&big, 'a');
    buf_adds(&big, "@example.org;");
    sign_plainly(&mail, KEY_2048, big.ptr, arena);
    is_result(dkim_test_verify(&mail, &plain, arena), "permerror", "i= is malformed or too long",
              "i= of 300 bytes");
    buf_free(&big);
}

static void check_three_headers(struct arena *arena)
{
    struct dkim_test_mail mail;

    memset(&mail, 0, sizeof(mail));
    mail.body = "";
    dkim_test_field(&mail, "From", " a@example.org");
    dkim_test_field(&mail, "To", " b@example.org");
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "DKIM-Signature",
                    " v=1; a=rsa-sha256; d=example.org; s=sel; h=from:to:dkim-signature:x;"
                    " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=QUJD");
    is_result(dkim_test_verify(&mail, &plain, arena), "fail",
              "bad signature, and the body was altered", "three fields, and h= names all");
}

static void check_white_space_before(struct arena *arena)
{
    struct dkim_test_mail mail;

    start(&mail);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "DKIM-Signature",
                    " v=1; a=rsa-sha256; d=example.org; s=sel; h=from;"
                    " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b =QUJD");
    is_result(dkim_test_verify(&mail, &plain, arena), "neutral",
              "white space between b and =: not evaluated", "b =");
}

static void check_chained(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "DKIM-Signature",
                    dkim_test_sign(&mail, KEY_2048,
                                   " v=1; a=rsa-sha256; d=example.org; s=sel;"
                                   " h=from:dkim-signature; bh=@BH@;",
                                   mail.body_len, arena));
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "pass", "", "a signature over another");
    tap_is_int(mail.asked, 1, "one name is asked once");
    dkim_test_field(&mail, "DKIM-Signature", " =foo");
    is_result(dkim_test_verify(&mail, &plain, arena), "neutral",
              "it covers another signature that is not evaluated", "over one that is malformed");
}

/* From. */

static const struct {
    const char *from, *domain;
    bool aligned, strict;
} froms[] = {
    {" alice@example.org", "example.org", true, true},
    {" \"x@evil.example, y\" <alice@EXAMPLE.org> (z@evil.example)", "example.org", true, true},
    {" A <a@lists.example.org>", "lists.example.org", true, false},
    {" A <a@org>", "org", false, false},
    {" A <a@example.com>", "example.com", false, false},
    {" A <a@badexample.org>", "badexample.org", false, false},
    {" A <a@b\xc3\xbc""cher.example>", "xn--bcher-kva.example", false, false},
    {" a@example.org, b@example.com", NULL, false, false},
    {" a@example.org b@example.com", NULL, false, false},
    {" a@example.org <b@example.com", NULL, false, false},
    {" <a@example.com> <b@example.org>", NULL, false, false},
    {" <a@example.com>@example.org", NULL, false, false},
    {" <@example.com:a@example.org>", NULL, false, false},
    {" g: a@example.org;", NULL, false, false},
    {" (a@example.org", NULL, false, false},
    {" \"a\\\"@example.com\"@example.org", "example.org", true, true},
    {" nobody", NULL, false, false},
    {"", NULL, false, false},
};

static void check_from(void)
{
    for (size_t i = 0; i < ARRAY_LEN(froms); i++) {
        struct arena *arena = arena_new();
        struct dkim_test_mail mail;
        const struct dkim_verdict *verdict;

        start(&mail);
        mail.field[1].value = froms[i].from;
        dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
        dkim_test_first(&mail, "DKIM-Signature",
                        dkim_test_sign(&mail, KEY_2048, TAGS, mail.body_len, arena));
        verdict = dkim_test_verify(&mail, &plain, arena);
        tap_is(verdict->from_domain != NULL ? verdict->from_domain : "none",
               froms[i].domain != NULL ? froms[i].domain : "none", "From:%s", froms[i].from);
        tap_ok(verdict->signature->aligned == froms[i].aligned &&
                   verdict->signature->aligned_strict == froms[i].strict &&
                   verdict->result == DKIM_PASS,
               "alignment and pass");
        arena_free(arena);
    }
}

static void check_two_froms(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_first(&mail, "From", " <bank@example.com>");
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is_int(verdict->from_count, 2, "two From fields are counted");
    tap_ok(!verdict->signature->aligned && verdict->from_domain == NULL, "and nothing is aligned");
    start(&mail);
    mail.field[1].name = "Fro";
    dkim_test_first(&mail, "DKIM-Signature",
                    dkim_test_sign(&mail, KEY_2048, TAGS, mail.body_len, arena));
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    verdict = dkim_test_verify(&mail, &plain, arena);
    tap_is_int(verdict->from_count, 0, "no From");
    is_result(verdict, "pass", "", "no From, which is what was signed");
}

static void check_unsigned(struct arena *arena)
{
    struct dkim_verifier *v = dkim_verifier_new(&plain, arena);
    size_t count = 1;

    dkim_verifier_header(v, "From", " a@example.org");
    dkim_verifier_headers_end(v, &count);
    tap_is_int((long long)count, 0, "unsigned: no questions");
    tap_ok(!dkim_verifier_wants_body(v), "nobody needs the body");
    dkim_verifier_body(v, "x", 1);
    tap_is(dkim_result_name(dkim_verifier_end(v, NULL)->result), "none", "none");
    v = dkim_verifier_new(&plain, arena);
    dkim_verifier_header(v, "DKIM-Signature", " =foo");
    dkim_verifier_headers_end(v, &count);
    tap_ok(count == 0 && !dkim_verifier_wants_body(v), "malformed: neither");
    tap_is(dkim_result_name(dkim_verifier_end(v, NULL)->result), "permerror", "permerror");
}

static void check_aborted(struct arena *arena)
{
    struct dkim_verifier *v = dkim_verifier_new(&plain, arena);
    struct dkim_test_mail mail;
    size_t count;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    for (size_t i = 0; i < mail.count; i++)
        dkim_verifier_header(v, mail.field[i].name, mail.field[i].value);
    tap_is(dkim_verifier_headers_end(v, &count)[0], NAME, "the question is known at once");
    tap_is_int((long long)count, 1, "it is one");
    dkim_verifier_body(v, "abc\r", 4);
    dkim_verifier_free(v);
    dkim_verifier_free(v);
    dkim_verifier_free(NULL);
    tap_ok(true, "broken off in the midst of the body");
}

static void *verify_many(void *arg)
{
    const struct dkim_test_mail *first = arg;
    struct dkim_test_mail *mail = xmalloc(sizeof(*mail));
    intptr_t passed = 0;

    *mail = *first;
    for (mail->seed = 1; mail->seed <= 50; mail->seed++) {
        struct arena *arena = arena_new();

        passed += dkim_test_verify(mail, &plain, arena)->result == DKIM_PASS;
        arena_free(arena);
    }
    free(mail);
    return (void *)passed;
}

static void check_threads(struct arena *arena)
{
    struct dkim_test_mail mail;
    pthread_t thread[4];
    intptr_t passed = 0;
    void *one;

    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    for (size_t i = 0; i < ARRAY_LEN(thread); i++)
        if (pthread_create(&thread[i], NULL, verify_many, &mail) != 0)
            die("no thread");
    for (size_t i = 0; i < ARRAY_LEN(thread); i++) {
        pthread_join(thread[i], &one);
        passed += (intptr_t)one;
    }
    tap_is_int((long long)passed, 200, "four threads, 200 mails");
}

static void check_long_name(struct arena *arena)
{
    struct dkim_test_mail mail;
    char *name = arena_alloc(arena, 60001);

    memset(name, 'n', 60000);
    sign_plainly(&mail, KEY_2048, TAGS, arena);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    dkim_test_field(&mail, name, " x");
    dkim_test_field(&mail, "b\xc3\xa4" "d;", " x");
    dkim_test_field(&mail, "", " x");
    is_result(dkim_test_verify(&mail, &plain, arena), "pass", "", "fields with odd names");
}

/* Bodies. */

static const struct {
    const char *name, *sent, *canonical;
} bodies[] = {
    {"empty", "", "\r\n"},
    {"one line", "x\r\n", "x\r\n"},
    {"no CR LF at the end", "x\r\ny", "x\r\ny\r\n"},
    {"a CR at the end", "x\r\ny\r", "x\r\ny\r\r\n"},
    {"only empty lines", "\r\n\r\n\r\n", "\r\n"},
    {"empty lines behind", "x\r\n\r\n\r\n", "x\r\n"},
    {"empty lines between", "x\r\n\r\n\r\ny\r\n", "x\r\n\r\n\r\ny\r\n"},
    {"a bare CR", "a\rb\r\n\r\n\rc\r\n", "a\rb\r\n\r\n\rc\r\n"},
    {"many CRs", "a\r\r\r\r\r\nb\r\r\rc\r\n", "a\r\r\r\r\r\nb\r\r\rc\r\n"},
    {"a bare LF", "a\nb\n\r\nc\r\n", "a\r\nb\r\n\r\nc\r\n"},
    {"blanks at the end", "a \t\r\n \r\n", "a \t\r\n \r\n"},
    {"8-bit", "\xff\xfe \xc3\xa4\r\n", "\xff\xfe \xc3\xa4\r\n"},
    {"dots", ".\r\n..\r\n", ".\r\n..\r\n"},
};

static void check_bodies(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct arena *arena = arena_new();
        struct dkim_test_mail mail;
        unsigned passed = 0;

        start(&mail);
        dkim_test_txt(&mail, NAME, record_of(KEY_1024, "", arena));
        mail.body = bodies[i].canonical;
        dkim_test_first(&mail, "DKIM-Signature",
                        dkim_test_sign(&mail, KEY_1024, TAGS, strlen(mail.body), arena));
        mail.body = bodies[i].sent;
        mail.body_len = strlen(mail.body);
        for (mail.seed = 0; mail.seed < 50; mail.seed++)
            passed += dkim_test_verify(&mail, &plain, arena)->result == DKIM_PASS;
        tap_is_int(passed, 50, "body: %s, cut anywhere", bodies[i].name);
        arena_free(arena);
    }
}

static void check_long_lines(struct arena *arena)
{
    static const char tags[] =
        " v=1; a=rsa-sha256; d=example.org; s=sel; h=from:x-long; bh=@BH@;";
    enum { MEGABYTE = 1 << 20 };
    struct dkim_test_mail mail;
    char *body = arena_alloc(arena, MEGABYTE + 1);

    memset(body, 'x', MEGABYTE);
    memcpy(body + MEGABYTE - 2, "\r\n", 2);
    start(&mail);
    dkim_test_txt(&mail, NAME, record_of(KEY_2048, "", arena));
    mail.body = body;
    mail.body_len = MEGABYTE;
    dkim_test_field(&mail, "X-Long", arena_strndup(arena, body, MEGABYTE - 2));
    dkim_test_first(&mail, "DKIM-Signature",
                    dkim_test_sign(&mail, KEY_2048, tags, mail.body_len, arena));
    tap_is(dkim_result_name(dkim_test_verify(&mail, &plain, arena)->result), "pass",
           "a line and a field of a megabyte");
}

/* Published examples. */

#define RFC_BODY "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

static void rfc8463_mail(struct dkim_test_mail *mail)
{
    memset(mail, 0, sizeof(*mail));
    dkim_test_field(mail, "DKIM-Signature",
                    " v=1; a=ed25519-sha256; c=relaxed/relaxed;\n d=football.example.com;"
                    " i=@football.example.com;\n q=dns/txt; s=brisbane; t=1528637909; h=from : to"
                    " :\n subject : date : message-id : from : subject : date;\n"
                    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
                    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n"
                    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==");
    dkim_test_field(mail, "DKIM-Signature",
                    " v=1; a=rsa-sha256; c=relaxed/relaxed;\n d=football.example.com;"
                    " i=@football.example.com;\n q=dns/txt; s=test; t=1528637909; h=from : to :"
                    " subject :\n date : message-id : from : subject : date;\n"
                    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
                    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n"
                    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n"
                    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=");
    dkim_test_field(mail, "From", " Joe SixPack <joe@football.example.com>");
    dkim_test_field(mail, "To", " Suzie Q <suzie@shopping.example.net>");
    dkim_test_field(mail, "Subject", " Is dinner ready?");
    dkim_test_field(mail, "Date", " Fri, 11 Jul 2003 21:00:37 -0700 (PDT)");
    dkim_test_field(mail, "Message-ID", " <20030712040037.46341.5F8J@football.example.com>");
    mail->body = RFC_BODY;
    mail->body_len = strlen(RFC_BODY);
    dkim_test_txt(mail, "brisbane._domainkey.football.example.com",
                  "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    dkim_test_txt(mail, "test._domainkey.football.example.com",
                  "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
                  "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
                  "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
                  "Ip3G+2kryOTIKT+l/K4w3QIDAQAB");
}

static void check_rfc8463(struct arena *arena)
{
    struct dkim_test_mail mail;
    const struct dkim_verdict *verdict;

    rfc8463_mail(&mail);
    verdict = dkim_test_verify(&mail, &plain, arena);
    is_result(verdict, "pass", "", "RFC 8463, A.3: Ed25519");
    tap_is(dkim_result_name(verdict->signature[1].result), "pass", "RFC 8463, A.3: RSA");
    tap_is(verdict->signature[0].body_hash, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
           "the body's hash");
    tap_ok(verdict->signature[1].aligned_strict, "aligned");
    tap_is_int(verdict->signature[0].t, 1528637909, "t=");
}

static void check_rfc6376(struct arena *arena)
{
    struct dkim_test_mail mail;

    memset(&mail, 0, sizeof(mail));
    dkim_test_field(&mail, "DKIM-Signature",
                    " v=1; a=rsa-sha256; s=brisbane; d=example.com;\n"
                    "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\n"
                    "      h=Received : From : To : Subject : Date : Message-ID;\n"
                    "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
                    "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\n"
                    "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\n"
                    "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\n"
                    "      4bmp/YzhwvcubU4=;");
    dkim_test_field(&mail, "Received",
                    " from client1.football.example.com  [192.0.2.1]\n"
                    "      by submitserver.example.com with SUBMISSION;\n"
                    "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)");
    dkim_test_field(&mail, "From", " Joe SixPack <joe@football.example.com>");
    dkim_test_field(&mail, "To", " Suzie Q <suzie@shopping.example.net>");
    dkim_test_field(&mail, "Subject", " Is dinner ready?");
    dkim_test_field(&mail, "Date", " Fri, 11 Jul 2003 21:00:37 -0700 (PDT)");
    dkim_test_field(&mail, "Message-ID", " <20030712040037.46341.5F8J@football.example.com>");
    mail.body = "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";
    mail.body_len = strlen(mail.body);
    dkim_test_txt(&mail, "brisbane._domainkey.example.com",
                  "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"
                  "KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
                  "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v"
                  "/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
                  "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB");
    is_result(dkim_test_verify(&mail, &plain, arena), "pass", "", "RFC 6376, A.2");
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
        check_base64,   check_answers,  check_sizes,      check_ed25519,       check_altered,
        check_partial,  check_texts,    check_prefixes,   check_cap,           check_hostile,
        check_chained,  check_unsigned, check_two_froms,  check_three_headers, check_aborted,
        check_threads,  check_long_name, check_rfc8463,  check_rfc6376,  check_long_lines, check_white_space_before};

    tap_start(120);
    check_fields();
    check_keys();
    check_from();
    check_bodies();
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct arena *arena = arena_new();

        checks[i](arena);
        arena_free(arena);
    }
    return tap_done();
}
