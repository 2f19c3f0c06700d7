/* dkim_record - the DNS's answer about a key, read and judged for one signature */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_record.h"

#include <string.h>
#include <strings.h>

#include "dkim_tags.h"

enum { DER_INTEGER = 0x02, DER_BITS = 0x03, DER_OID = 0x06, DER_SEQUENCE = 0x30 };

/* A longer exponent only makes verification slow. */
enum { EXPONENT_MAX = 8, ED25519_BYTES = 32, MODULUS_MAX = 2048 };

static const char rsa_oid[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

/* AlgorithmIdentifier { rsaEncryption, NULL } */
static const char rsa_algorithm[] = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

static bool der_length(struct slice *in, size_t *len)
{
    size_t bytes;

    if (in->len < 1)
        return false;
    *len = (unsigned char)in->ptr[0];
    bytes = *len & 0x7f;
    in->ptr++;
    in->len--;
    if (*len < 0x80)
        return *len <= in->len;
    if (bytes < 1 || bytes > 2 || in->len < bytes)
        return false;
    for (*len = 0; bytes > 0; bytes--) {
        *len = *len << 8 | (unsigned char)*in->ptr++;
        in->len--;
    }
    return *len <= in->len;
}

static bool der_take(struct slice *in, unsigned char tag, struct slice *content)
{
    size_t len;

    if (in->len < 1 || (unsigned char)in->ptr[0] != tag)
        return false;
    in->ptr++;
    in->len--;
    if (!der_length(in, &len))
        return false;
    *content = (struct slice){in->ptr, len};
    in->ptr += len;
    in->len -= len;
    return true;
}

/* A positive odd number without its leading zeros. */
static bool der_number(struct slice *in, struct slice *number)
{
    if (!der_take(in, DER_INTEGER, number) || number->len == 0 || (number->ptr[0] & 0x80) != 0)
        return false;
    while (number->len > 0 && number->ptr[0] == 0) {
        number->ptr++;
        number->len--;
    }
    return number->len > 0 && (number->ptr[number->len - 1] & 1) != 0;
}

struct rsa {
    struct slice modulus, exponent;
};

static bool rsa_take(struct slice der, struct rsa *rsa)
{
    struct slice in;

    return der_take(&der, DER_SEQUENCE, &in) && der_number(&in, &rsa->modulus) &&
           der_number(&in, &rsa->exponent);
}

static bool rsa_parse(struct slice der, struct rsa *rsa)
{
    struct slice in, algorithm, oid, bits, outer = der;

    if (rsa_take(der, rsa))
        return true;
    if (!der_take(&outer, DER_SEQUENCE, &in) || !der_take(&in, DER_SEQUENCE, &algorithm) ||
        !der_take(&algorithm, DER_OID, &oid) || oid.len != sizeof(rsa_oid) - 1 ||
        memcmp(oid.ptr, rsa_oid, oid.len) != 0 || !der_take(&in, DER_BITS, &bits) ||
        bits.len < 1 || bits.ptr[0] != 0)
        return false;
    return rsa_take((struct slice){bits.ptr + 1, bits.len - 1}, rsa);
}

static unsigned rsa_bits(const struct rsa *rsa)
{
    unsigned bits = (unsigned)rsa->modulus.len * 8;

    for (unsigned first = (unsigned char)rsa->modulus.ptr[0]; first < 0x80; first <<= 1)
        bits--;
    return bits;
}

/* Builds from its end to its start, so that each length is known when it is written. */
struct der {
    char *start, *end;
};

static void der_put(struct der *der, const void *data, size_t len)
{
    der->start -= len;
    memcpy(der->start, data, len);
}

static void der_byte(struct der *der, size_t byte)
{
    char c = (char)byte;

    der_put(der, &c, 1);
}

static void der_head(struct der *der, unsigned char tag, const char *end)
{
    size_t len = (size_t)(end - der->start);

    der_byte(der, len & 0xff);
    if (len > 0xff) {
        der_byte(der, len >> 8);
        der_byte(der, 0x82);
    } else if (len > 0x7f) {
        der_byte(der, 0x81);
    }
    der_byte(der, tag);
}

static void der_integer(struct der *der, struct slice number)
{
    const char *end = der->start;

    der_put(der, number.ptr, number.len);
    if ((number.ptr[0] & 0x80) != 0)
        der_byte(der, 0);
    der_head(der, DER_INTEGER, end);
}

/* A SubjectPublicKeyInfo of our own, so that OpenSSL reads no stranger's DER. */
static struct slice rsa_write(const struct rsa *rsa, struct arena *arena)
{
    size_t size = rsa->modulus.len + rsa->exponent.len + 64;
    char *room = arena_alloc(arena, size);
    struct der der = {room + size, room + size};

    der_integer(&der, rsa->exponent);
    der_integer(&der, rsa->modulus);
    der_head(&der, DER_SEQUENCE, der.end);
    der_byte(&der, 0);
    der_head(&der, DER_BITS, der.end);
    der_put(&der, rsa_algorithm, sizeof(rsa_algorithm) - 1);
    der_head(&der, DER_SEQUENCE, der.end);
    return (struct slice){der.start, (size_t)(der.end - der.start)};
}

static enum dkim_result object(const char **why, enum dkim_result result, const char *text)
{
    *why = text;
    return result;
}

static enum dkim_result read_rsa(struct slice der, struct arena *arena, struct dkim_record *record,
                                 const char **why)
{
    struct rsa rsa;

    if (!rsa_parse(der, &rsa))
        return object(why, DKIM_PERMERROR, "p= of the key is no RSA key");
    if (rsa.exponent.len > EXPONENT_MAX)
        return object(why, DKIM_PERMERROR, "the RSA key's exponent is too long");
    if (slice_is(rsa.exponent, "\1"))
        return object(why, DKIM_PERMERROR, "the RSA key's exponent is 1: everybody could sign");
    if (rsa.modulus.len > MODULUS_MAX)
        return object(why, DKIM_POLICY, "the RSA key is too large");
    record->bits = rsa_bits(&rsa);
    record->text = arena_printf(arena, "k=rsa; p=%s",
                                dkim_to_base64(rsa_write(&rsa, arena), arena));
    if (strlen(record->text) >= DKIM_RECORD_SIZE)
        return object(why, DKIM_POLICY,
                      arena_printf(arena, "the RSA key of %u bits is too large", record->bits));
    return DKIM_NONE;
}

static enum dkim_result read_ed25519(struct slice bytes, struct arena *arena,
                                     struct dkim_record *record, const char **why)
{
    if (bytes.len != ED25519_BYTES)
        return object(why, DKIM_PERMERROR, "p= of the key is no Ed25519 key of 32 bytes");
    record->bits = 256;
    record->text = arena_printf(arena, "k=ed25519; p=%s", dkim_to_base64(bytes, arena));
    return DKIM_NONE;
}

static enum dkim_result read_key(const struct dkim_tags *tags, const char *key,
                                 struct arena *arena, struct dkim_record *record, const char **why)
{
    const struct dkim_tag *p = dkim_tags_find(tags, "p");
    struct slice bytes;

    if (p == NULL)
        return object(why, DKIM_PERMERROR, "the key record has no p=");
    if (*dkim_squeeze(p->value, arena) == '\0')
        return object(why, DKIM_PERMERROR, "the key is revoked");
    if (!dkim_from_base64(p->value, arena, &bytes))
        return object(why, DKIM_PERMERROR, "p= of the key is no Base64");
    if (strcmp(key, "rsa") == 0)
        return read_rsa(bytes, arena, record, why);
    return read_ed25519(bytes, arena, record, why);
}

/* NULL: the tags allow this use. */
static const char *find_objection(const struct dkim_tags *tags, const char *key,
                                  struct arena *arena)
{
    const struct dkim_tag *v = dkim_tags_find(tags, "v"), *k = dkim_tags_find(tags, "k");
    const struct dkim_tag *h = dkim_tags_find(tags, "h"), *s = dkim_tags_find(tags, "s");
    const char *type = k != NULL ? dkim_squeeze(k->value, arena) : "rsa";

    if (v != NULL && (v != &tags->tag[0] || !slice_is(v->value, "DKIM1")))
        return "v= of the key is not DKIM1, or does not come first";
    if (strchr(type, '\\') != NULL)
        return "the key record has a literal backslash in k=";
    if (strcasecmp(type, key) != 0)
        return arena_printf(arena, "k= of the key is %s, a= wants %s",
                            dkim_quote(slice_of(type), arena), key);
    if (h != NULL && !dkim_list_has(h->value, "sha256"))
        return "h= of the key does not allow sha256";
    if (s != NULL && !dkim_list_has(s->value, "*") && !dkim_list_has(s->value, "email"))
        return "s= of the key does not allow email";
    return NULL;
}

enum dkim_result dkim_record_read(struct slice text, const char *key, struct arena *arena,
                                  struct dkim_record *record, const char **why)
{
    const struct dkim_tag *t;
    struct dkim_tags tags;
    struct err err;

    *record = (struct dkim_record){0};
    *why = NULL;
    if (!dkim_tags_parse(text, &tags, &err))
        return object(why, DKIM_PERMERROR, arena_printf(arena, "the key record: %s", err.text));
    t = dkim_tags_find(&tags, "t");
    record->testing = t != NULL && dkim_list_has(t->value, "y");
    record->strict = t != NULL && dkim_list_has(t->value, "s");
    *why = find_objection(&tags, key, arena);
    return *why != NULL ? DKIM_PERMERROR : read_key(&tags, key, arena, record, why);
}

static bool has_tag_p(struct slice text)
{
    struct dkim_tags tags;

    return dkim_tags_parse(text, &tags, NULL) && dkim_tags_find(&tags, "p") != NULL &&
           dkim_tags_find(&tags, "v") == NULL;
}

/* Is it meant to be a key? What is not (SPF records, site verifications …) is passed over. */
static bool is_key(struct slice text)
{
    static const char version[] = "v=DKIM1";
    char squeezed[sizeof(version)];
    size_t len = 0;

    for (size_t i = 0; i < text.len && len < sizeof(version); i++)
        if (!is_space((unsigned char)text.ptr[i]))
            squeezed[len++] = text.ptr[i];
    if (len >= sizeof(version) - 1 && memcmp(squeezed, version, sizeof(version) - 1) == 0 &&
        (len < sizeof(version) || !is_alnum((unsigned char)squeezed[len - 1])))
        return true;
    return has_tag_p(text);
}

static const struct slice *find_key(const struct dkim_key_answer *answer, size_t *keys)
{
    const struct slice *key = NULL;

    *keys = 0;
    for (size_t i = 0; i < answer->count; i++)
        if (is_key(answer->txt[i])) {
            key = &answer->txt[i];
            ++*keys;
        }
    return key;
}

enum dkim_result dkim_record_judge(const struct dkim_key_answer *answer,
                                   const struct dkim_field *field, struct arena *arena,
                                   struct dkim_record *record, const char **why)
{
    struct slice trouble = slice_of(answer->why != NULL ? answer->why : "unknown");
    const struct slice *key;
    enum dkim_result result;
    size_t keys;

    *record = (struct dkim_record){0};
    if (answer->state == DKIM_KEY_TEMPERROR)
        return object(why, DKIM_TEMPERROR,
                      arena_printf(arena, "no answer about the key: %s",
                                   dkim_quote(trouble, arena)));
    if (answer->state == DKIM_KEY_NONE || answer->count == 0)
        return object(why, DKIM_PERMERROR, "no key in the DNS");
    key = find_key(answer, &keys);
    if (keys != 1)
        return object(why, DKIM_PERMERROR,
                      keys == 0 ? "no key in the DNS: what is there is no DKIM record"
                                : "more than one key at that name");
    result = dkim_record_read(*key, field->key, arena, record, why);
    if (result == DKIM_NONE && record->strict && !dkim_field_is_own(field))
        return object(why, DKIM_PERMERROR, "the key is not for i= below d=");
    return result;
}
