/* sign_dkim - DKIM signatures of a mail, as many as its sender has keys for (RFC 6376, RFC 8463) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign_dkim.h"

#include "dkim_base64.h"

#include <inttypes.h>
#include <string.h>

/* A line's columns, a tab counted as eight: RFC 5322, section 2.1.1. */
enum { LINE_WIDTH = 78, TAB_WIDTH = 8, NAME_MAX_LEN = 253, IDENTITY_MAX = 250 };

/* A field's value under way. */
struct writer {
    struct buf text, tag;
    size_t column;
};

/* What the plans of one mail share. */
struct shared {
    const struct sign_mail *mail;
    struct arena *arena;
    const struct sign_fields *fields; /* whose mentions these are; NULL: none yet */
    struct sign_mentions mentions;
    bool chosen;
    struct err why;
    struct buf canon[DKIM_CANONS]; /* the mentions' text; empty: none yet */
};

static void put(struct writer *w, const char *text, size_t len)
{
    buf_add(&w->text, text, len);
    w->column += len;
}

static void new_line(struct writer *w)
{
    buf_adds(&w->text, "\n\t");
    w->column = TAB_WIDTH;
}

/* w->tag, on this line behind a blank or on a line of its own. */
static void put_tag(struct writer *w)
{
    if (w->column + 1 + w->tag.len > LINE_WIDTH)
        new_line(w);
    else
        put(w, " ", 1);
    put(w, w->tag.ptr, w->tag.len);
    buf_clear(&w->tag);
}

/* dkim-quoted-printable (section 2.11). */
static void add_identity(struct buf *out, const char *identity)
{
    for (; *identity != '\0'; identity++) {
        unsigned char c = (unsigned char)*identity;

        if (c > ' ' && c < 0x7f && c != ';' && c != '=')
            buf_addc(out, (char)c);
        else
            buf_addf(out, "=%02X", c);
    }
}

static void put_names(struct writer *w, const struct sign_mentions *mentions)
{
    new_line(w);
    put(w, "h=", 2);
    for (size_t i = 0; i < mentions->count; i++) {
        size_t len = strlen(mentions->names[i]);

        if (w->column + len + 1 > LINE_WIDTH)
            new_line(w);
        put(w, mentions->names[i], len);
        put(w, i + 1 < mentions->count ? ":" : ";", 1);
    }
}

/* All but the signature: it ends in "b=". */
static void put_tags(struct writer *w, const struct sign_plan *plan,
                     const struct sign_mentions *mentions, const unsigned char *digest)
{
    char bh[BASE64_SIZE(DKIM_DIGEST_SIZE) + 1];

    w->column = strlen(SIGN_DKIM_FIELD ":");
    buf_addf(&w->tag, "v=1; a=%s;", dkim_algorithm_name(dkim_key_algorithm(plan->key)));
    put_tag(w);
    buf_addf(&w->tag, "c=%s/%s;", dkim_canon_name(plan->header_canon),
             dkim_canon_name(plan->body_canon));
    put_tag(w);
    buf_addf(&w->tag, "d=%s;", plan->domain);
    put_tag(w);
    buf_addf(&w->tag, "s=%s;", plan->selector);
    put_tag(w);
    if (plan->identity != NULL) {
        buf_adds(&w->tag, "i=");
        add_identity(&w->tag, plan->identity);
        buf_addc(&w->tag, ';');
        put_tag(w);
    }
    if (plan->time >= 0) {
        buf_addf(&w->tag, "t=%" PRId64 ";", plan->time);
        put_tag(w);
    }
    if (plan->time >= 0 && plan->ttl > 0) {
        buf_addf(&w->tag, "x=%" PRId64 ";", plan->time + plan->ttl);
        put_tag(w);
    }
    put_names(w, mentions);
    base64_encode(bh, digest, DKIM_DIGEST_SIZE);
    new_line(w);
    put(w, "bh=", 3);
    put(w, bh, strlen(bh));
    put(w, ";", 1);
    new_line(w);
    put(w, "b=", 2);
}

static void put_signature(struct writer *w, const unsigned char *signature, size_t len)
{
    char b[BASE64_SIZE(DKIM_SIGNATURE_MAX) + 1];
    size_t left = base64_encode(b, signature, len), room = LINE_WIDTH - w->column;

    for (const char *at = b; left > 0; room = LINE_WIDTH - TAB_WIDTH) {
        size_t n = left < room ? left : room;

        if (at != b)
            new_line(w);
        put(w, at, n);
        at += n;
        left -= n;
    }
}

static bool is_name(const char *text)
{
    size_t n = 0;

    for (; text[n] != '\0'; n++)
        if (!is_alnum((unsigned char)text[n]) && strchr("-._", text[n]) == NULL)
            return false;
    return n > 0 && n <= NAME_MAX_LEN;
}

/* A domain may come from a mail, by way of a key table; what it says must not become a tag. */
static bool check_plan(const struct sign_plan *plan, struct err *err)
{
    if (!is_name(plan->domain))
        return err_set(err, "the domain is no domain name");
    if (!is_name(plan->selector))
        return err_set(err, "the selector is no domain name");
    if (plan->identity != NULL && strlen(plan->identity) > IDENTITY_MAX)
        return err_set(err, "the identity is longer than %d characters", IDENTITY_MAX);
    if (plan->ttl < 0 || (plan->time > 0 && plan->ttl > INT64_MAX - plan->time))
        return err_set(err, "the time of expiry is out of range");
    return true;
}

static bool choose_fields(struct shared *shared, const struct sign_fields *fields, struct err *err)
{
    if (shared->fields != fields) {
        shared->fields = fields;
        for (int how = 0; how < DKIM_CANONS; how++)
            buf_clear(&shared->canon[how]);
        shared->chosen = sign_fields_choose(fields, shared->mail->headers,
                                            shared->mail->header_count, shared->arena,
                                            &shared->mentions, &shared->why);
    }
    return shared->chosen || err_set(err, "%s", shared->why.text);
}

static struct slice fields_text(struct shared *shared, enum dkim_canon how)
{
    struct buf *text = &shared->canon[how];

    if (text->len == 0)
        sign_fields_text(&shared->mentions, how, text);
    return (struct slice){text->ptr, text->len};
}

bool sign_dkim_raw(const struct dkim_key *key, enum dkim_canon how, struct slice fields,
                   const char *value, unsigned char signature[DKIM_SIGNATURE_MAX], size_t *len,
                   struct err *err)
{
    unsigned char digest[DKIM_DIGEST_SIZE];
    struct buf text = {0};
    bool done;

    buf_add(&text, fields.ptr, fields.len);
    dkim_canon_field(&text, how, SIGN_DKIM_FIELD, value);
    *len = 0;
    done = dkim_sha256(text.ptr, text.len, digest, err) &&
           dkim_key_sign(key, digest, signature, len, err);
    buf_free(&text);
    return done;
}

static bool sign(const struct sign_plan *plan, struct shared *shared, const char **value,
                 struct err *err)
{
    unsigned char signature[DKIM_SIGNATURE_MAX];
    const unsigned char *digest = dkim_hash_digest(shared->mail->body, plan->body_canon);
    struct writer w = {0};
    bool done;
    size_t len;

    if (!check_plan(plan, err) || !choose_fields(shared, plan->fields, err))
        return false;
    if (digest == NULL)
        return err_set(err, "the body was not hashed");
    put_tags(&w, plan, &shared->mentions, digest);
    done = sign_dkim_raw(plan->key, plan->header_canon, fields_text(shared, plan->header_canon),
                         w.text.ptr, signature, &len, err);
    if (done) {
        put_signature(&w, signature, len);
        *value = arena_strndup(shared->arena, w.text.ptr, w.text.len);
    }
    buf_free(&w.text);
    buf_free(&w.tag);
    return done;
}

void sign_dkim(const struct sign_plan *plans, size_t count, const struct sign_mail *mail,
               struct arena *arena, struct sign_result *results)
{
    struct shared shared = {.mail = mail, .arena = arena};

    for (size_t i = 0; i < count; i++) {
        struct err err = {{0}};

        results[i] = (struct sign_result){0};
        if (!sign(&plans[i], &shared, &results[i].value, &err))
            results[i].error = arena_strdup(arena, err.text);
    }
    for (int how = 0; how < DKIM_CANONS; how++)
        buf_free(&shared.canon[how]);
}
