/* key_record - does the DNS hold the public half of a key, and does it say what it should? */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_record.h"

#include "buf.h"
#include "dkim_tags.h"

#include <stdlib.h>
#include <string.h>

enum { STRING_MAX = 255 };

struct reading {
    const struct dkim_key *key;
    const char *name; /* in the DNS */
    struct problems *problems;
    enum key_state state;
    struct dkim_tags tags;
};

const char *key_state_name(enum key_state state)
{
    static const char *const names[] = {
        [KEY_UNKNOWN] = "unknown",           [KEY_READY] = "ready",
        [KEY_ABSENT] = "no record",          [KEY_DIFFERENT] = "another key's record",
        [KEY_REVOKED] = "revoked",           [KEY_FAULTY] = "faulty record",
    };

    return names[state];
}

const char *key_record_name(const char *selector, const char *domain, struct arena *arena)
{
    return arena_printf(arena, "%s._domainkey.%s", selector, domain);
}

static void note(struct reading *r, enum severity severity, const char *text)
{
    problems_add(r->problems, severity, (struct where){NULL, 0}, "%s: %s", r->name, text);
}

/* The first thing that is fatal decides. */
static void fault(struct reading *r, enum key_state state, const char *text)
{
    note(r, SEV_ERROR, text);
    if (r->state == KEY_READY)
        r->state = state;
}

static const struct dkim_tag *find(const struct reading *r, const char *name)
{
    return dkim_tags_find(&r->tags, name);
}

/* As strict as those who verify, so that nothing passes here and fails there. */
static void read_tags(struct reading *r, struct slice text)
{
    struct err err;

    if (!dkim_tags_parse(text, &r->tags, &err)) {
        char *why = xasprintf("%s: write NAME=VALUE; …, each name once", err.text);

        fault(r, KEY_FAULTY, why);
        free(why);
    }
}

static void judge_public(struct reading *r, const struct dkim_tag *p)
{
    switch (dkim_key_compare(r->key, p->value)) {
    case DKIM_KEY_MATCHES:
        break;
    case DKIM_KEY_DIFFERS:
        fault(r, KEY_DIFFERENT, "the record belongs to another key: publish the one of this key");
        break;
    case DKIM_KEY_REVOKED:
        fault(r, KEY_REVOKED, "p= is empty: the key is revoked");
        break;
    case DKIM_KEY_BROKEN:
        fault(r, KEY_FAULTY, "p= is no Base64: publish the record again, in one piece");
        break;
    case DKIM_KEY_REFORM:
        note(r, SEV_WARNING, "the right key in a form that not every verifier reads: publish the "
             "record that tamis dkim zone prints");
        break;
    }
}

static void judge_tags(struct reading *r)
{
    const char *type = dkim_algorithm_key(dkim_key_algorithm(r->key));
    const struct dkim_tag *v = find(r, "v"), *k = find(r, "k"), *h = find(r, "h"),
                          *s = find(r, "s");
    const struct dkim_tag *t = find(r, "t"), *p = find(r, "p");

    if (v != NULL && (v != &r->tags.tag[0] || !slice_is(v->value, "DKIM1")))
        fault(r, KEY_FAULTY, "v= must come first and be DKIM1");
    if (!slice_is_nocase(k != NULL ? k->value : slice_of("rsa"), type))
        fault(r, KEY_FAULTY, dkim_key_algorithm(r->key) == DKIM_RSA_SHA256
                                 ? "k= is not rsa, as this key is"
                                 : "k= is not ed25519, as this key is");
    if (h != NULL && !dkim_list_has(h->value, "sha256"))
        fault(r, KEY_FAULTY, "h= leaves sha256 out, with which we sign: remove h=");
    if (s != NULL && !dkim_list_has(s->value, "email") && !dkim_list_has(s->value, "*"))
        fault(r, KEY_FAULTY, "s= excludes email: remove s=");
    if (t != NULL && dkim_list_has(t->value, "y"))
        note(r, SEV_WARNING, "t=y says that this is a test: who verifies may take the mail for "
             "unsigned; remove it when all is well");
    if (t != NULL && dkim_list_has(t->value, "s"))
        note(r, SEV_NOTE, "t=s: no identities (i=) in subdomains");
    if (find(r, "g") != NULL)
        note(r, SEV_NOTE, "g= has no meaning any more (RFC 6376)");
    if (p == NULL)
        fault(r, KEY_FAULTY, "there is no p=, the public key");
    else
        judge_public(r, p);
}

/* What becomes of records on their way through panels and zone files. */
static void judge_text(struct reading *r, struct slice text)
{
    if (memmem(text.ptr, text.len, "\\;", 2) != NULL)
        fault(r, KEY_FAULTY, "a literal \\; stands in the record: write ; without the backslash");
    else if (memchr(text.ptr, '\\', text.len) != NULL)
        fault(r, KEY_FAULTY, "a literal backslash stands in the record: remove it");
    if (memchr(text.ptr, '"', text.len) != NULL || memchr(text.ptr, '(', text.len) != NULL)
        fault(r, KEY_FAULTY, "quotes or parentheses stand in the record: publish the text between "
              "them");
}

/* Not every TXT record at such a name is a key. */
static bool is_key(struct slice text)
{
    struct slice rest = text, item;

    while (slice_word(&rest, ";", &item)) {
        struct slice part = slice_trim(item);

        while (part.len > 0 && strchr("\"( \\", part.ptr[0]) != NULL)
            part.ptr++, part.len--;
        if (part.len >= 2 && part.ptr[0] == 'p' &&
            (part.ptr[1] == '=' || is_space((unsigned char)part.ptr[1])))
            return true;
        if (part.len >= 7 && memcmp(part.ptr, "v=DKIM1", 7) == 0)
            return true;
    }
    return false;
}

static void judge_records(struct reading *r, const struct dns_answer *answer)
{
    const struct dns_record *chosen = NULL;
    size_t keys = 0;

    for (size_t i = 0; i < answer->count; i++)
        if (answer->records[i].type == DNS_TXT && is_key(answer->records[i].txt.joined)) {
            chosen = &answer->records[i];
            keys++;
        }
    if (keys == 0) {
        fault(r, KEY_ABSENT, "no TXT record there is a key");
        return;
    }
    if (keys > 1) {
        fault(r, KEY_FAULTY, "more than one key: remove all records but one");
        return;
    }
    if (answer->count > 1)
        note(r, SEV_WARNING, "there are other TXT records beside the key, which some verifiers do "
             "not bear: remove them");
    judge_text(r, chosen->txt.joined);
    if (r->state == KEY_READY)
        read_tags(r, chosen->txt.joined);
    if (r->state == KEY_READY)
        judge_tags(r);
}

enum key_state key_record_judge(const struct dkim_key *key, const char *name,
                                const struct dns_answer *answer, struct problems *problems)
{
    struct reading r = {.key = key, .name = name, .problems = problems, .state = KEY_READY};

    switch (answer->state) {
    case DNS_FOUND:
        judge_records(&r, answer);
        return r.state;
    case DNS_NODATA:
        note(&r, SEV_ERROR, "there is no TXT record at this name: publish it");
        return KEY_ABSENT;
    case DNS_NXDOMAIN:
        note(&r, SEV_ERROR, "there is no such name: publish the record");
        return KEY_ABSENT;
    case DNS_TEMPERROR:
        break;
    }
    problems_add(problems, SEV_ERROR, (struct where){NULL, 0}, "%s: the DNS cannot be asked: %s",
                 name, answer->why != NULL ? answer->why : "no answer");
    return KEY_UNKNOWN;
}

const char *key_record_text(const struct dkim_key *key, const char *extra, struct arena *arena)
{
    return arena_printf(arena, "v=DKIM1; k=%s; %sp=%s",
                        dkim_algorithm_key(dkim_key_algorithm(key)), extra, dkim_key_public(key));
}

const char *key_record_bind(const char *name, unsigned ttl, const char *record,
                            struct arena *arena)
{
    struct buf b = {0};
    const char *text, *p = strstr(record, "p=");
    size_t len = strlen(record), front = p != NULL ? (size_t)(p - record) : 0;

    buf_addf(&b, "%s\t", name);
    if (ttl > 0)
        buf_addf(&b, "%u\t", ttl);
    buf_adds(&b, "IN\tTXT\t(");
    if (front > 0 && front <= STRING_MAX)
        buf_addf(&b, " \"%.*s\"\n\t", (int)front, record);
    else
        front = 0;
    for (size_t i = front; i < len; i += STRING_MAX)
        buf_addf(&b, "%s \"%.*s\"", i > front ? "\n\t" : "",
                 (int)(len - i < STRING_MAX ? len - i : STRING_MAX), record + i);
    buf_adds(&b, " )");
    text = arena_strdup(arena, buf_text(&b));
    buf_free(&b);
    return text;
}
