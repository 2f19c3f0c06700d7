/* 3-dkim - DKIM signatures: each way in which they can come out */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_scene.h"

/* Each is signed as it stands. */
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

/* libopendkim takes all that C calls white space for blanks, which relaxed forgives; a reader may
 * take it for a line's end. */
static void check_controls(struct arena *arena)
{
    static const struct {
        const char *subject, *result;
    } rows[] = {{" Is \t dinner\n ready?", "pass"}, {" Is\r\n dinner ready?", "pass"},
                {" Is \rdinner ready?", "neutral"},  {" Is\rdinner ready?", "neutral"},
                {" Is dinner ready?\r", "neutral"},  {" Is \r\r\n dinner ready?", "neutral"},
                {" Is\vdinner ready?", "neutral"},   {" Is \f dinner ready?", "neutral"}};
    struct dkim_test_mail mail;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rfc8463_mail(&mail);
        mail.field[4].value = rows[i].subject;
        tap_is(dkim_result_name(dkim_test_verify(&mail, &plain, arena)->signature[0].result),
               rows[i].result, "white space, and what is none: %zu", i);
    }
    for (const char *c = "\r\v\f"; *c != '\0'; c++) {
        char *body = arena_strdup(arena, RFC_BODY);

        rfc8463_mail(&mail);
        strstr(body, "  Are")[1] = *c;
        mail.body = body;
        tap_is(dkim_result_name(dkim_test_verify(&mail, &plain, arena)->signature[0].result),
               "fail", "a control character in the body: %d", *c);
    }
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

int main(void)
{
    static void (*const checks[])(struct arena *) = {
        check_altered, check_partial, check_white_space_before, check_chained, check_unsigned,
        check_aborted, check_rfc8463, check_controls, check_rfc6376};

    tap_start(120);
    check_fields();
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct arena *arena = arena_new();

        checks[i](arena);
        arena_free(arena);
    }
    return tap_done();
}
