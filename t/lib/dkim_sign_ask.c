/* dkim_sign_ask - signing for a script, with libopendkim as the judge of what comes out */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "escaped.h"
#include "sign_dkim.h"

#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELDS_MAX = 16, KEYS_MAX = 8, HEADERS_MAX = 1024, NOW = 1700000000 };

/* A key's name is its selector. */
struct named_key {
    char *name;
    struct dkim_key *key;
};

struct scene {
    struct arena *arena; /* of the mail */
    struct named_key keys[KEYS_MAX];
    size_t key_count;
    struct sign_header headers[HEADERS_MAX];
    size_t header_count;
    struct slice chunks[HEADERS_MAX]; /* the body */
    size_t chunk_count;
    DKIM_LIB *judge;
};

static struct scene scene;

static void print_escaped(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text == '%')
            printf("%%%02X", (unsigned char)*text);
        else
            putchar(*text);
}

static const struct named_key *find_key(const char *name)
{
    for (size_t i = 0; i < scene.key_count; i++)
        if (strcmp(scene.keys[i].name, name) == 0)
            return &scene.keys[i];
    die("no key %s", name);
}

static void add_key(const char *name, struct dkim_key *key, const struct err *err)
{
    if (key == NULL || scene.key_count == KEYS_MAX)
        die("%s: %s", name, err->text);
    scene.keys[scene.key_count++] = (struct named_key){xstrdup(name), key};
    printf("%s\n", dkim_key_public(key));
}

static void clear_mail(void)
{
    arena_reset(scene.arena);
    scene.header_count = scene.chunk_count = 0;
}

static void add_header(const char *name, const char *value)
{
    if (scene.header_count == HEADERS_MAX)
        die("too many headers");
    scene.headers[scene.header_count++] = (struct sign_header){
        arena_strdup(scene.arena, name), arena_strdup(scene.arena, value)};
}

static void add_chunk(const char *text)
{
    if (scene.chunk_count == HEADERS_MAX)
        die("too many chunks");
    scene.chunks[scene.chunk_count++] = slice_of(arena_strdup(scene.arena, text));
}

static struct dkim_hash *hash_body(void)
{
    struct dkim_hash *hash =
        dkim_hash_new(DKIM_HASH(DKIM_SIMPLE) | DKIM_HASH(DKIM_RELAXED), NULL);

    for (size_t i = 0; i < scene.chunk_count; i++)
        dkim_hash_add(hash, scene.chunks[i].ptr, scene.chunks[i].len);
    if (!dkim_hash_end(hash, NULL))
        die("no hash");
    return hash;
}

/* sign HEADER/BODY DOMAIN IDENTITY TTL KEY... */
static void sign(char *const *field, int n)
{
    struct sign_plan plans[KEYS_MAX];
    struct sign_result results[KEYS_MAX];
    struct dkim_hash *hash = hash_body();
    struct sign_mail mail = {scene.headers, scene.header_count, hash};
    struct arena *arena = arena_new();
    size_t count = 0;

    for (int i = 5; i < n; i++) {
        const struct named_key *key = find_key(field[i]);
        struct sign_plan *plan = &plans[count++];

        *plan = (struct sign_plan){.domain = field[2], .selector = key->name, .key = key->key,
                                   .fields = &sign_fields_default, .time = NOW};
        plan->identity = field[3][0] != '\0' ? field[3] : NULL;
        plan->ttl = strtol(field[4], NULL, 10);
        if (!dkim_canon_parse(slice_of(field[1]), &plan->header_canon, &plan->body_canon))
            die("no canonicalization: %s", field[1]);
    }
    sign_dkim(plans, count, &mail, arena, results);
    for (size_t i = 0; i < count; i++) {
        if (results[i].value == NULL)
            die("%s", results[i].error);
        print_escaped(results[i].value);
        putchar(i + 1 < count ? '\t' : '\n');
    }
    arena_free(arena);
    dkim_hash_free(hash);
}

static DKIM_CBSTAT on_key(DKIM *dkim, DKIM_SIGINFO *sig, u_char *text, size_t size)
{
    const struct named_key *key = find_key((const char *)dkim_sig_getselector(sig));

    (void)dkim;
    snprintf((char *)text, size, "v=DKIM1; k=%s; p=%s",
             dkim_algorithm_key(dkim_key_algorithm(key->key)), dkim_key_public(key->key));
    return DKIM_CBSTAT_CONTINUE;
}

/* The field as it goes over the wire. */
static void show_header(DKIM *dkim, const char *name, const char *value)
{
    struct buf text = {0};

    buf_addf(&text, "%s:", name);
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            buf_addc(&text, '\r');
        buf_addc(&text, *value);
    }
    dkim_header(dkim, (u_char *)text.ptr, text.len);
    buf_free(&text);
}

/* The body as it goes over the wire: whole, its last line ended. */
static void show_body(DKIM *dkim)
{
    struct buf text = {0};

    for (size_t i = 0; i < scene.chunk_count; i++)
        buf_add(&text, scene.chunks[i].ptr, scene.chunks[i].len);
    if (text.len > 0 && text.ptr[text.len - 1] != '\n')
        buf_adds(&text, "\r\n");
    if (text.len > 0)
        dkim_body(dkim, (u_char *)text.ptr, text.len);
    buf_free(&text);
}

/* verify VALUE...: what libopendkim says of each signature, put above the mail in this order. */
static void verify(char *const *field, int n)
{
    DKIM_STAT status;
    DKIM *dkim = dkim_verify(scene.judge, (const u_char *)"t", NULL, &status);
    DKIM_SIGINFO **list;
    int count = 0;

    if (dkim == NULL)
        die("dkim_verify: %d", status);
    for (int i = 1; i < n; i++)
        show_header(dkim, SIGN_DKIM_FIELD, field[i]);
    for (size_t i = 0; i < scene.header_count; i++)
        show_header(dkim, scene.headers[i].name, scene.headers[i].value);
    /* libopendkim writes past an array when h= has more names than there are fields */
    show_header(dkim, "X-Ask-7c1f", "1");
    status = dkim_eoh(dkim);
    if (status == DKIM_STAT_OK) {
        show_body(dkim);
        dkim_eom(dkim, NULL);
    }
    if (dkim_getsiglist(dkim, &list, &count) != DKIM_STAT_OK)
        count = 0;
    for (int i = 0; i < count; i++) {
        bool passed = (dkim_sig_getflags(list[i]) & DKIM_SIGFLAG_PASSED) != 0 &&
                      dkim_sig_getbh(list[i]) == DKIM_SIGBH_MATCH &&
                      dkim_sig_geterror(list[i]) == DKIM_SIGERROR_OK;

        printf("%s%s:%s", i > 0 ? " " : "", (const char *)dkim_sig_getselector(list[i]),
               passed ? "pass" : dkim_sig_geterrorstr(dkim_sig_geterror(list[i])));
    }
    putchar('\n');
    dkim_free(dkim);
}

static void obey(char *const *field, int n)
{
    struct err err = {{0}};

    if (n == 3 && strcmp(field[0], "key") == 0)
        add_key(field[1], dkim_key_parse(field[2], strlen(field[2]), &err), &err);
    else if (n == 3 && strcmp(field[0], "generate") == 0)
        add_key(field[1], dkim_key_generate(DKIM_RSA_SHA256,
                                            (unsigned)strtoul(field[2], NULL, 10), &err), &err);
    else if (n == 1 && strcmp(field[0], "mail") == 0)
        clear_mail();
    else if (n == 3 && strcmp(field[0], "header") == 0)
        add_header(field[1], field[2]);
    else if (n == 2 && strcmp(field[0], "body") == 0)
        add_chunk(field[1]);
    else if (n > 5 && strcmp(field[0], "sign") == 0)
        sign(field, n);
    else if (n > 1 && strcmp(field[0], "verify") == 0)
        verify(field, n);
    else
        die("cannot read: %s", field[0]);
}

static void start_judge(void)
{
    unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES;

    scene.judge = dkim_init(NULL, NULL);
    if (scene.judge == NULL ||
        dkim_options(scene.judge, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags)) !=
            DKIM_STAT_OK ||
        dkim_set_key_lookup(scene.judge, on_key) != DKIM_STAT_OK)
        die("libopendkim does not start");
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    alarm(300);
    setvbuf(stdout, NULL, _IOLBF, 0);
    scene.arena = arena_new();
    start_judge();
    while (getline(&line, &size, stdin) > 0) {
        char *field[FIELDS_MAX], *rest = line, *next;
        int n = 0;

        line[strcspn(line, "\n")] = '\0';
        while (n < FIELDS_MAX && (next = strsep(&rest, "\t")) != NULL) {
            field[n++] = next;
            escaped_read(next);
        }
        obey(field, n);
    }
    free(line);
    arena_free(scene.arena);
    for (size_t i = 0; i < scene.key_count; i++) {
        free(scene.keys[i].name);
        dkim_key_free(scene.keys[i].key);
    }
    dkim_close(scene.judge);
    return 0;
}
