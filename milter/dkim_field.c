/* dkim_field - a DKIM-Signature field read and judged before anybody's library sees it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_field.h"

#include <stdlib.h>
#include <string.h>

#include "dkim_tags.h"
#include "fold.h"

enum { NAME_MAX_LEN = 255, HASH_TEXT = 44 };

struct reader {
    struct dkim_tags tags;
    struct arena *arena;
    struct dkim_signature *sig;
    struct dkim_field *field;
    int64_t now;
};

static bool object(struct reader *r, enum dkim_result result, const char *why)
{
    r->sig->result = result;
    r->sig->why = why;
    return false;
}

static bool wrong(struct reader *r, const char *why)
{
    return object(r, DKIM_PERMERROR, why);
}

static const char *lower(const char *text, struct arena *arena)
{
    char *copy = arena_strdup(arena, text);

    for (char *c = copy; *c != '\0'; c++)
        *c = (char)to_lower((unsigned char)*c);
    return copy;
}

bool dkim_is_domain(struct slice name, size_t labels)
{
    size_t len = 0, count = 1;

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c == '.') {
            if (len == 0)
                return false;
            len = 0;
            count++;
        } else if ((!is_alnum((unsigned char)c) && c != '-' && c != '_') || ++len > 63) {
            return false;
        }
    }
    return len > 0 && name.len <= 253 && count >= labels;
}

bool dkim_is_within(struct slice name, struct slice domain)
{
    const char *tail;

    if (name.len < domain.len)
        return false;
    tail = name.ptr + name.len - domain.len;
    return (name.len == domain.len || tail[-1] == '.') &&
           strncasecmp(tail, domain.ptr, domain.len) == 0;
}

/* Only these characters mean nothing to a reader of Authentication-Results. */
static bool is_harmless(const char *text, const char *others)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!is_alnum((unsigned char)*c) && strchr(others, *c) == NULL)
            return false;
    return *text != '\0' && strlen(text) <= DKIM_IDENTITY_MAX;
}

static const char *squeezed(struct reader *r, const char *name)
{
    const struct dkim_tag *tag = dkim_tags_find(&r->tags, name);

    return tag != NULL ? dkim_squeeze(tag->value, r->arena) : NULL;
}

/* All that can be shown, whether or not the field is good. */
static void take_texts(struct reader *r)
{
    struct dkim_field *f = r->field;
    struct dkim_signature *sig = r->sig;

    f->d = squeezed(r, "d");
    f->s = squeezed(r, "s");
    f->i = squeezed(r, "i");
    f->b = squeezed(r, "b");
    if (f->d != NULL && dkim_is_domain(slice_of(f->d), 1))
        sig->d = lower(f->d, r->arena);
    if (f->s != NULL && dkim_is_domain(slice_of(f->s), 1))
        sig->s = f->s;
    if (f->i != NULL && is_harmless(f->i, "-_.+@"))
        sig->i = f->i;
    else if (f->i == NULL && sig->d != NULL)
        sig->i = arena_printf(r->arena, "@%s", sig->d);
}

static bool check_domain(struct reader *r)
{
    const struct dkim_field *f = r->field;
    const struct dkim_tag *d = dkim_tags_find(&r->tags, "d");
    const struct dkim_tag *s = dkim_tags_find(&r->tags, "s");

    if (d == NULL)
        return wrong(r, "d= is missing");
    if (s == NULL)
        return wrong(r, "s= is missing");
    if ((d->eight_bit && is_utf8(d->value)) || (s->eight_bit && is_utf8(s->value)))
        return object(r, DKIM_NEUTRAL, "d= or s= is internationalized: not evaluated");
    if (!dkim_is_domain(slice_of(f->d), 2))
        return wrong(r, "d= is no domain name");
    if (!dkim_is_domain(slice_of(f->s), 1))
        return wrong(r, "s= is no selector");
    if (strlen(f->d) + strlen(f->s) + strlen("._domainkey.") > 253)
        return wrong(r, "s= and d= are too long for a name in the DNS");
    return true;
}

static bool is_hex(char c)
{
    return is_digit((unsigned char)c) || (c >= 'A' && c <= 'F');
}

static bool is_quoted_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '=') {
            if (!is_hex(text[1]) || !is_hex(text[2]) || strncmp(text, "=00", 3) == 0)
                return false;
            text += 2;
        }
    return true;
}

/* Decoded it would be two addresses to those who look for the first @. */
static bool check_identity(struct reader *r)
{
    const struct dkim_field *f = r->field;
    const struct dkim_tag *tag = dkim_tags_find(&r->tags, "i");
    const char *at;

    if (f->i == NULL)
        return true;
    if (tag->eight_bit && is_utf8(tag->value))
        return object(r, DKIM_NEUTRAL, "i= is internationalized: not evaluated");
    if (tag->eight_bit || strlen(f->i) > DKIM_IDENTITY_MAX || !is_quoted_printable(f->i))
        return wrong(r, "i= is malformed or too long");
    at = strrchr(f->i, '@');
    if (at == NULL || strchr(f->i, '@') != at || !dkim_is_domain(slice_of(at + 1), 2))
        return wrong(r, "i= has no domain");
    if (!dkim_is_within(slice_of(at + 1), slice_of(f->d)))
        return wrong(r, "the domain of i= is not within d=");
    return true;
}

bool dkim_field_is_own(const struct dkim_field *field)
{
    return field->i == NULL || strcasecmp(strrchr(field->i, '@') + 1, field->d) == 0;
}

static bool check_version(struct reader *r)
{
    const char *v = squeezed(r, "v");

    if (v == NULL)
        return wrong(r, "v= is missing");
    return strcmp(v, "1") == 0 || wrong(r, "v= is not 1");
}

static bool check_algorithm(struct reader *r)
{
    static const char *const names[] = {"rsa-sha256", "ed25519-sha256", "rsa-sha1"};
    static const char *const keys[] = {"rsa", "ed25519", "rsa"};
    const char *a = squeezed(r, "a");

    if (a == NULL)
        return wrong(r, "a= is missing");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(a, names[i]) == 0) {
            r->sig->a = names[i];
            r->field->key = keys[i];
            return true;
        }
    return wrong(r, "a= is no algorithm of RFC 8301 or RFC 8463");
}

static bool check_canonicalization(struct reader *r)
{
    static const struct {
        const char *text, *name;
    } forms[] = {{"simple/simple", "simple/simple"},   {"simple/relaxed", "simple/relaxed"},
                 {"relaxed/simple", "relaxed/simple"}, {"relaxed/relaxed", "relaxed/relaxed"},
                 {"simple", "simple/simple"},          {"relaxed", "relaxed/simple"}};
    const char *c = squeezed(r, "c");

    if (c == NULL)
        c = "simple/simple";
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (strcasecmp(c, forms[i].text) == 0) {
            r->sig->c = forms[i].name;
            return true;
        }
    return wrong(r, "c= is no canonicalization");
}

static bool is_field_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < 33 || name.ptr[i] > 126)
            return false;
    return name.len > 0 && name.len <= NAME_MAX_LEN;
}

static size_t items_in(const char *list)
{
    size_t n = 1;

    for (; (list = strchr(list, ':')) != NULL; list++)
        n++;
    return n;
}

static bool check_names(struct reader *r)
{
    const char *h = squeezed(r, "h");
    struct dkim_field *f = r->field;
    struct slice rest, name;
    bool from = false;

    if (h == NULL)
        return wrong(r, "h= is missing");
    if (strlen(h) > DKIM_NAMES_SIZE)
        return wrong(r, "h= is too long");
    if (items_in(h) > DKIM_NAMES_MAX)
        return wrong(r, "h= has too many names");
    rest = slice_of(h);
    f->names = arena_alloc(r->arena, items_in(h) * sizeof(*f->names));
    while (dkim_list_next(&rest, &name)) {
        if (!is_field_name(name))
            return wrong(r, "h= is no list of field names");
        f->names[f->count++] = name;
        from = from || slice_is_nocase(name, "from");
    }
    return from || wrong(r, "h= does not name From");
}

/* The tag's number; -1: there is none; -2: it is malformed. */
static int64_t number(struct reader *r, const char *name, size_t digits)
{
    const char *text = squeezed(r, name);
    int64_t value = 0;
    size_t len;

    if (text == NULL)
        return -1;
    len = strlen(text);
    if (len == 0 || len > digits || strspn(text, "0123456789") != len)
        return -2;
    for (; *text != '\0'; text++) {
        if (value > (INT64_MAX >> 4) / 10)
            return -2;
        value = value * 10 + (*text - '0');
    }
    return value;
}

static bool check_times(struct reader *r)
{
    struct dkim_signature *sig = r->sig;
    int64_t t = number(r, "t", 12), x = number(r, "x", 12);

    if (t == -2 || x == -2)
        return wrong(r, "t= or x= is no time");
    sig->t = t;
    sig->x = x;
    if (t >= 0 && x >= 0 && x <= t)
        return wrong(r, "x= is not later than t=");
    if (x >= 0 && r->now >= x + DKIM_CLOCK_SKEW) {
        sig->expired = true;
        return wrong(r, "expired");
    }
    if (t >= 0 && t < DKIM_CLOCK_SKEW)
        return object(r, DKIM_NEUTRAL, "t= is too small for libopendkim");
    return t - DKIM_CLOCK_SKEW <= r->now || wrong(r, "t= is in the future");
}

static bool check_rest(struct reader *r)
{
    const struct dkim_tag *q = dkim_tags_find(&r->tags, "q");
    int64_t length = number(r, "l", 76);

    if (length == -2)
        return wrong(r, "l= is no length");
    r->sig->has_length = length >= 0;
    r->sig->length = length >= 0 ? (uint64_t)length : 0;
    return q == NULL || dkim_list_has(q->value, "dns/txt") || wrong(r, "q= is not dns/txt");
}

/* The library compares the text of bh=. */
static bool check_hashes(struct reader *r)
{
    const char *bh = squeezed(r, "bh");
    const struct dkim_field *f = r->field;
    struct slice bytes;

    if (bh == NULL)
        return wrong(r, "bh= is missing");
    if (!dkim_from_base64(slice_of(bh), r->arena, &bytes))
        return wrong(r, "bh= is no Base64");
    r->sig->bh = bh;
    if (f->b == NULL)
        return wrong(r, "b= is missing");
    if (!dkim_from_base64(slice_of(f->b), r->arena, &bytes))
        return wrong(r, "b= is no Base64");
    if (strcmp(r->sig->a, "rsa-sha1") == 0)
        return object(r, DKIM_POLICY, "rsa-sha1 is not accepted");
    return strlen(bh) == HASH_TEXT || wrong(r, "bh= is no hash of SHA-256");
}

/* The library looks for the b in front of an =. */
static bool check_gaps(struct reader *r)
{
    for (size_t i = 0; i < r->tags.count; i++) {
        const struct dkim_tag *tag = &r->tags.tag[i];
        bool is_b = slice_is(tag->name, "b");

        if (tag->name.ptr[tag->name.len - 1] == 'b' && (!is_b || tag->spaced))
            return object(r, DKIM_NEUTRAL, is_b ? "white space between b and =: not evaluated"
                                                : "a tag whose name ends in b: not evaluated");
        if (tag->eight_bit)
            return wrong(r, "a tag that is not ASCII");
    }
    return true;
}

static bool check_all(struct reader *r)
{
    return check_version(r) && check_algorithm(r) && check_domain(r) && check_identity(r) &&
           check_canonicalization(r) && check_names(r) && check_rest(r) && check_hashes(r) &&
           check_times(r) && check_gaps(r);
}

bool dkim_field_read(struct slice value, int64_t now, struct arena *arena,
                     struct dkim_signature *sig, struct dkim_field *field)
{
    struct reader r = {.arena = arena, .sig = sig, .field = field, .now = now};
    struct err err;

    *sig = (struct dkim_signature){.t = -1, .x = -1};
    *field = (struct dkim_field){0};
    if (value.len > DKIM_FIELD_MAX)
        return wrong(&r, "the field is too long");
    if (!dkim_tags_parse(value, &r.tags, &err))
        return wrong(&r, arena_strdup(arena, err.text));
    take_texts(&r);
    return check_all(&r);
}
