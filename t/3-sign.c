/* 3-sign - DKIM signatures to the byte, what they cover, and when there is none */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_base64.h"
#include "sign_dkim.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The keys, the mail and the signatures of RFC 8463, appendix A. */
static const char rsa_text[] =
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL";
static const char ed_text[] = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

static const struct sign_header joe[] = {
    {"From", " Joe SixPack <joe@football.example.com>"},
    {"To", " Suzie Q <suzie@shopping.example.net>"},
    {"Subject", " Is dinner ready?"},
    {"Date", " Fri, 11 Jul 2003 21:00:37 -0700 (PDT)"},
    {"Message-ID", " <20030712040037.46341.5F8J@football.example.com>"},
};
static const char joe_body[] = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
static const char *const joe_names[] = {"from", "to", "subject", "date", "message-id",
                                        "from", "subject", "date"};

static struct dkim_key *rsa, *ed;
static struct dkim_hash *body;
static struct arena *arena;

static struct dkim_key *read_key(const char *text)
{
    struct dkim_key *key = dkim_key_parse(text, strlen(text), NULL);

    if (key == NULL)
        die("no key");
    return key;
}

static void rfc_one(const struct dkim_key *key, const char *value, const char *want,
                    const char *name)
{
    unsigned char signature[DKIM_SIGNATURE_MAX];
    char b[BASE64_SIZE(DKIM_SIGNATURE_MAX) + 1] = "";
    struct sign_mentions mentions;
    struct buf fields = {0};
    size_t len;

    sign_fields_find(joe_names, ARRAY_LEN(joe_names), joe, ARRAY_LEN(joe), arena, &mentions);
    sign_fields_text(&mentions, DKIM_RELAXED, &fields);
    tap_ok(sign_dkim_raw(key, DKIM_RELAXED, (struct slice){fields.ptr, fields.len}, value,
                         signature, &len, NULL), "%s: signed", name);
    base64_encode(b, signature, len);
    tap_is(b, want, "%s: b=", name);
    buf_free(&fields);
}

static void rfc_8463(void)
{
    rfc_one(ed,
            " v=1; a=ed25519-sha256; c=relaxed/relaxed;\n d=football.example.com;"
            " i=@football.example.com;\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n"
            " subject : date : message-id : from : subject : date;\n"
            " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n b=",
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus"
            "Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==", "RFC 8463, Ed25519");
    rfc_one(rsa,
            " v=1; a=rsa-sha256; c=relaxed/relaxed;\n d=football.example.com;"
            " i=@football.example.com;\n q=dns/txt; s=test; t=1528637909; h=from : to : subject :\n"
            " date : message-id : from : subject : date;\n"
            " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n b=",
            "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3"
            "DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz"
            "dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=", "RFC 8463, RSA");
}

static struct sign_plan plan_of(const struct dkim_key *key)
{
    return (struct sign_plan){
        .domain = "football.example.com", .selector = "brisbane", .key = key,
        .header_canon = DKIM_RELAXED, .body_canon = DKIM_RELAXED, .fields = &sign_fields_default,
        .time = 1528637909,
    };
}

static struct sign_result sign_one(const struct sign_plan *plan, const struct sign_header *headers,
                                   size_t count)
{
    struct sign_mail mail = {headers, count, body};
    struct sign_result result;

    sign_dkim(plan, 1, &mail, arena, &result);
    return result;
}

static void values(void)
{
    struct sign_plan plans[3] = {plan_of(rsa), plan_of(ed), plan_of(ed)};
    struct sign_mail mail = {joe, ARRAY_LEN(joe), body};
    struct sign_result results[3];

    plans[2].header_canon = plans[2].body_canon = DKIM_SIMPLE;
    plans[2].identity = "joe;=\303\251@football.example.com";
    plans[2].ttl = 604800;
    sign_dkim(plans, 3, &mail, arena, results);
    tap_is(results[0].value, " v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;\n"
           "\ts=brisbane; t=1528637909;\n"
           "\th=From:Subject:Date:To:Message-ID:From:Reply-To:Subject:Date:To:Cc:\n"
           "\tMessage-ID:MIME-Version:Content-Type;\n"
           "\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
           "\tb=5BqbRfzNzHcqz8RFy3cAchdv1B66HFT/a3JtfS+BtZLJENI+eIdm/+Tfe2N1u2c93cii\n"
           "\tCWvkJNhnmhbfnwbqPusN99apA7xGqLD49UjuYEr3DeyieYCuY8uCW9RbQB0kp7Uf4xTGqO\n"
           "\tabm1xlS8HOJO5axmsTDia3B2eowYE/1N4=",
           "an RSA signature");
    tap_is(results[1].value, " v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"
           "\td=football.example.com; s=brisbane; t=1528637909;\n"
           "\th=From:Subject:Date:To:Message-ID:From:Reply-To:Subject:Date:To:Cc:\n"
           "\tMessage-ID:MIME-Version:Content-Type;\n"
           "\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
           "\tb=SD6in2QTAIdGXQDBRykVXVPmp874qM2jd3+y1xMkUYeF561ASL2ixqUbtsZOp46vQ//m\n"
           "\tnxpf7ipZ9U2uT/G5AA==",
           "an Ed25519 signature beside it");
    tap_is(results[2].value, " v=1; a=ed25519-sha256; c=simple/simple;\n"
           "\td=football.example.com; s=brisbane;\n"
           "\ti=joe=3B=3D=C3=A9@football.example.com; t=1528637909; x=1529242709;\n"
           "\th=From:Subject:Date:To:Message-ID:From:Reply-To:Subject:Date:To:Cc:\n"
           "\tMessage-ID:MIME-Version:Content-Type;\n"
           "\tbh=4bLNXImK9drULnmePzZNEBleUanJCX5PIsDIFoH4KTQ=;\n"
           "\tb=kshBU2H1sQWHC8ng3WzWYIsIGcqT5/GtL8eQwpXCTElEWQbSGCLVYhbn0sbyabR4p1by\n"
           "\t+AzkXJ6hH1GmVO0JCQ==",
           "simple, with identity and expiry");
    tap_ok(results[0].error == NULL && results[1].error == NULL, "no errors");
}

/* The names in h=, without folds. */
static const char *names_of(const struct sign_fields *fields, const struct sign_header *headers,
                            size_t count)
{
    struct sign_mentions mentions;
    struct err err = {{0}};
    struct buf out = {0};
    const char *text;

    if (!sign_fields_choose(fields, headers, count, arena, &mentions, &err))
        return arena_strdup(arena, err.text);
    for (size_t i = 0; i < mentions.count; i++)
        buf_addf(&out, "%s%s%s", i > 0 ? ":" : "", mentions.names[i],
                 mentions.headers[i] == NULL ? "-" : "");
    text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

static void choice(void)
{
    static const char *const few[] = {"Subject", "To", "subject", NULL}, *const none[] = {NULL};
    static const char *const more[] = {"Cc", "To", NULL};
    static const struct sign_header mail[] = {
        {"Received", " a"}, {"To", " 1"}, {"subject", " one"}, {"TO", " 2"}, {"From", " x"},
        {"Return-Path", " b"}, {"X-Other", " c"}, {"Subject", " two"},
    };
    struct sign_fields fields = {few, more};
    struct sign_mentions mentions;
    struct buf out = {0};

    tap_is(names_of(&fields, mail, ARRAY_LEN(mail)),
           "From:Subject:Subject:To:To:To-:Cc-", "what is there, then what is not to be added");
    fields.oversign = none;
    tap_is(names_of(&fields, mail, ARRAY_LEN(mail)), "From:Subject:Subject:To:To",
           "nothing oversigned");
    fields.sign = none;
    tap_is(names_of(&fields, mail, ARRAY_LEN(mail)), "From", "From is signed always");
    tap_is(names_of(&sign_fields_default, mail, ARRAY_LEN(mail)),
           "From:Subject:Subject:To:To:From-:Reply-To-:Subject-:Date-:To-:Cc-:Message-ID-:"
           "MIME-Version-:Content-Type-", "the default");
    fields.sign = few;
    sign_fields_choose(&fields, mail, ARRAY_LEN(mail), arena, &mentions, NULL);
    sign_fields_text(&mentions, DKIM_SIMPLE, &out);
    tap_is(out.ptr,
           "From: x\r\nSubject: two\r\nsubject: one\r\nTO: 2\r\nTo: 1\r\n", "from the bottom up");
    buf_free(&out);
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

/* A mail with `count` fields of one name, and a From. */
static const char *crowd(const char *name, size_t count)
{
    struct sign_header *headers = arena_alloc(arena, (count + 1) * sizeof(*headers));

    for (size_t i = 0; i < count; i++)
        headers[i] = (struct sign_header){name, " x"};
    headers[count] = (struct sign_header){"From", " x"};
    return names_of(&sign_fields_default, headers, count + 1);
}

static void limits(void)
{
    const char *names = crowd("References", 5000);
    struct sign_header joes[21];

    tap_is_int((long long)count_of(names, ":") + 1, 100, "100 names at most");
    tap_is_int((long long)count_of(names, "References"), 90, "the crowd has what the others leave");
    tap_is_int((long long)count_of(names, "From"), 2, "From is not pushed out");
    tap_is_int((long long)count_of(crowd("Subject", 5000), "Subject"), 91, "oversigned, too");
    tap_is_int((long long)count_of(crowd("X-Other", 5000), ":"), 9, "what is not signed");
    for (size_t i = 0; i < ARRAY_LEN(joes); i++)
        joes[i] = joe[0];
    tap_is_int((long long)count_of(names_of(&sign_fields_default, joes, 20), "From"), 21,
               "20 From fields");
    tap_is(names_of(&sign_fields_default, joes, 21), "there are 21 From fields",
           "21 are no mail to be signed");
    tap_is(names_of(&sign_fields_default, joe + 1, 4), "there is no From field", "none, neither");
    tap_is(names_of(&sign_fields_default, NULL, 0), "there is no From field", "no fields at all");
    tap_ok(sign_fields_is_name(slice_of("X-Spam_1!")), "a name");
    tap_ok(!sign_fields_is_name(slice_of("")), "no name");
    tap_ok(!sign_fields_is_name(slice_of("a:b")), "a colon");
    tap_ok(!sign_fields_is_name(slice_of("a;b")), "a semicolon");
    tap_ok(!sign_fields_is_name(slice_of("a b")), "a blank");
    tap_ok(!sign_fields_is_name(slice_of("caf\303\251")), "8 bits");
}

static void refused(const struct sign_plan *plan, const char *want)
{
    struct sign_result result = sign_one(plan, joe, ARRAY_LEN(joe));

    tap_is(result.error, want, "%s", want);
    tap_ok(result.value == NULL, "and no signature");
}

static void failures(void)
{
    struct sign_plan plan = plan_of(ed), plans[2] = {plan_of(ed), plan_of(rsa)};
    struct sign_mail mail = {joe, ARRAY_LEN(joe), body};
    struct dkim_hash *whole = body, *simple = dkim_hash_new(DKIM_HASH(DKIM_SIMPLE), NULL);
    struct sign_result results[2];
    char *long_text = xmalloc(301);

    memset(long_text, 'a', 300);
    long_text[300] = '\0';
    plan.domain = "example.org; x=1";
    refused(&plan, "the domain is no domain name");
    plan.domain = "a\r\nb";
    refused(&plan, "the domain is no domain name");
    plan.domain = long_text;
    refused(&plan, "the domain is no domain name");
    plan = plan_of(ed);
    plan.selector = "";
    refused(&plan, "the selector is no domain name");
    plan = plan_of(ed);
    plan.identity = long_text;
    refused(&plan, "the identity is longer than 250 characters");
    plan = plan_of(ed);
    plan.ttl = INT64_MAX;
    refused(&plan, "the time of expiry is out of range");
    plan = plan_of(ed);
    body = simple;
    refused(&plan, "the body was not hashed");
    body = whole;
    plans[0].selector = "a b";
    sign_dkim(plans, 2, &mail, arena, results);
    tap_ok(results[0].value == NULL && results[1].value != NULL, "one that fails harms no other");
    dkim_hash_free(simple);
    free(long_text);
}

/* Whether all signatures of one thread were those that `values` saw. */
static void *sign_often(void *good)
{
    struct sign_plan plans[2] = {plan_of(rsa), plan_of(ed)};
    struct sign_mail mail = {joe, ARRAY_LEN(joe), body};
    struct arena *own = arena_new();

    *(bool *)good = true;
    for (int i = 0; i < 100; i++) {
        struct sign_result results[2];

        sign_dkim(plans, 2, &mail, own, results);
        if (results[0].value == NULL || strstr(results[0].value, "b=5BqbRfzN") == NULL ||
            results[1].value == NULL || strstr(results[1].value, "b=SD6in2QT") == NULL)
            *(bool *)good = false;
        arena_reset(own);
    }
    arena_free(own);
    return NULL;
}

static void threads(void)
{
    pthread_t thread[4];
    bool good[ARRAY_LEN(thread)];

    for (size_t i = 0; i < ARRAY_LEN(thread); i++)
        if (pthread_create(&thread[i], NULL, sign_often, &good[i]) != 0)
            die("no thread");
    for (size_t i = 0; i < ARRAY_LEN(thread); i++) {
        pthread_join(thread[i], NULL);
        tap_ok(good[i], "thread %zu signs with the same keys", i);
    }
}

int main(void)
{
    tap_start(60);
    arena = arena_new();
    rsa = read_key(rsa_text);
    ed = read_key(ed_text);
    body = dkim_hash_new(DKIM_HASH(DKIM_SIMPLE) | DKIM_HASH(DKIM_RELAXED), NULL);
    dkim_hash_add(body, joe_body, strlen(joe_body));
    dkim_hash_end(body, NULL);
    rfc_8463();
    values();
    choice();
    limits();
    failures();
    threads();
    dkim_hash_free(body);
    dkim_key_free(rsa);
    dkim_key_free(ed);
    arena_free(arena);
    return tap_done();
}
