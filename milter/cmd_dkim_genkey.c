/* cmd_dkim_genkey - `tamis dkim genkey`: a private key and the record that belongs to it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd_dkim.h"

#include "fold.h"
#include "key_record.h"
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { BITS_LARGE = 4096 }; /* verifiers need not take more (RFC 8301, 3.2) */

/* What the command line says, and what follows from it. */
struct request {
    const char *bits_text, *domain, *selector, *directory, *type, *hashes, *note, *format;
    const char *granularity, *testing, *restricted, *no_subdomains, *subdomains, *append;
    long bits;
    enum dkim_form form;
    bool rsa, ed25519;
    struct arena *arena;
    const struct options *options;
};

/* One key to be made. */
struct product {
    enum dkim_algorithm algorithm;
    const char *selector, *private_path, *record_path;
};

static bool is_type(const char *word)
{
    return word != NULL && (strcmp(word, "rsa") == 0 || strcmp(word, "ed25519") == 0 ||
                            strcmp(word, "both") == 0);
}

/* opendkim-genkey's -t is a switch, and ours names what kind of key: a word that is one decides. */
static char **untangle(struct arena *arena, int *argc, char **argv)
{
    char **list = arena_alloc(arena, ((size_t)*argc + 1) * sizeof(*list));
    int count = 0;

    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], "-t") == 0 && i + 1 < *argc && is_type(argv[i + 1]))
            list[count++] = arena_printf(arena, "--type=%s", argv[++i]);
        else if (strncmp(argv[i], "-t", 2) == 0 && is_type(argv[i] + 2))
            list[count++] = arena_printf(arena, "--type=%s", argv[i] + 2);
        else
            list[count++] = argv[i];
    }
    *argc = count;
    return list;
}

/* A day, in UTC; a letter behind it if there is such a key. */
static const char *dated_selector(const struct request *r, const char *kind)
{
    time_t now = time(NULL);
    struct tm tm;
    char day[16];
    const char *name = NULL;

    gmtime_r(&now, &tm);
    strftime(day, sizeof(day), "%Y%m%d", &tm);
    for (char letter = 'a' - 1; letter <= 'z'; letter++) {
        name = letter < 'a' ? arena_printf(r->arena, "%s%s", kind, day)
                            : arena_printf(r->arena, "%s%s%c", kind, day, letter);
        if (access(arena_printf(r->arena, "%s/%s.private", r->directory, name), F_OK) != 0 &&
            access(arena_printf(r->arena, "%s/%s.txt", r->directory, name), F_OK) != 0)
            break;
    }
    return name;
}

static bool plan(const struct request *r, enum dkim_algorithm algorithm, struct product *product)
{
    bool is_rsa = algorithm == DKIM_RSA_SHA256;
    const char *selector = r->selector;

    if (selector == NULL)
        selector = dated_selector(r, is_rsa ? "rsa" : "ed");
    else if (!is_rsa && r->rsa)
        selector = arena_printf(r->arena, "%s-ed25519", selector);
    *product = (struct product){
        .algorithm = algorithm,
        .selector = selector,
        .private_path = conf_path(r->directory, arena_printf(r->arena, "%s.private", selector),
                                  r->arena),
        .record_path = conf_path(r->directory, arena_printf(r->arena, "%s.txt", selector),
                                 r->arena),
    };
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? product->private_path : product->record_path;

        if (access(path, F_OK) != 0 && errno == ENOENT)
            continue;
        fprintf(stderr, "tamis dkim: %s is there already, and stays: choose another selector with "
                        "-s, or move it away\n", path);
        return false;
    }
    return true;
}

/* A new file, whole or not at all. */
static bool write_new(const char *path, const char *text, mode_t mode, const struct rights *owner)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    size_t len = strlen(text), done = 0;
    bool good = fd >= 0 && fchmod(fd, mode) == 0 &&
                (owner == NULL || fchown(fd, owner->uid, owner->gid) == 0);
    int error;

    while (good && done < len) {
        ssize_t n = write(fd, text + done, len - done);

        good = n > 0;
        done += n > 0 ? (size_t)n : 0;
    }
    good = good && fsync(fd) == 0;
    error = errno;
    if (fd >= 0)
        good = close(fd) == 0 && good;
    if (!good) {
        fprintf(stderr, "tamis dkim: %s: %s\n", path, strerror(error));
        if (fd >= 0)
            unlink(path);
    }
    return good;
}

/* Tags in front of p=: "h=sha256; s=email; t=y:s; n=note; ". */
static const char *extra_tags(const struct request *r)
{
    const char *flags = r->testing != NULL && r->no_subdomains != NULL ? "t=y:s; "
                        : r->testing != NULL                               ? "t=y; "
                        : r->no_subdomains != NULL                         ? "t=s; "
                                                                           : "";

    return arena_printf(r->arena, "%s%s%s%s%s%s%s%s", r->hashes != NULL ? "h=" : "",
                        r->hashes != NULL ? r->hashes : "", r->hashes != NULL ? "; " : "",
                        r->restricted != NULL ? "s=email; " : "", flags,
                        r->note != NULL ? "n=" : "", r->note != NULL ? r->note : "",
                        r->note != NULL ? "; " : "");
}

static const char *full_name(const struct request *r, const struct product *product)
{
    return r->domain != NULL ? key_record_name(product->selector, r->domain, r->arena)
                             : arena_printf(r->arena, "%s._domainkey", product->selector);
}

/* As opendkim-genkey writes it, and nothing else: scripts take the quoted strings out. */
static const char *record_file(const struct request *r, const struct product *product,
                               const char *record)
{
    const char *name = r->append != NULL
                           ? arena_printf(r->arena, "%s.", full_name(r, product))
                           : arena_printf(r->arena, "%s._domainkey", product->selector);

    return arena_printf(r->arena, "%s  ; ----- DKIM key %s%s%s\n",
                        key_record_bind(name, 0, record, r->arena), product->selector,
                        r->domain != NULL ? " for " : "", r->domain != NULL ? r->domain : "");
}

static void tell(const struct request *r, const struct product *product, const char *record)
{
    struct buf out = {0};
    char real[PATH_MAX];

    if (r->format != NULL) {
        dkim_form_add(&out, r->form, full_name(r, product), 0, record);
    } else {
        buf_addf(&out, "%s: the private key\n%s: the record to publish\n", product->private_path,
                 product->record_path);
        buf_addf(&out, "In a panel: %s TXT %s\n", full_name(r, product), record);
        if (r->domain != NULL && realpath(product->private_path, real) != NULL)
            buf_addf(&out,
                     "For milter.conf, if there is no table of keys: signing_key = %s:%s:%s\n"
                     "Else for key_table: %s %s:%s:%s\n"
                     "and for signing_table, refile: *@%s %s\n",
                     r->domain, product->selector, real, full_name(r, product), r->domain,
                     product->selector, real, r->domain, full_name(r, product));
    }
    fputs(buf_text(&out), stdout);
    buf_free(&out);
}

static int make(const struct request *r, const struct product *product, const struct rights *owner)
{
    struct err err = {""};
    struct dkim_key *key = dkim_key_generate(product->algorithm, (unsigned)r->bits, &err);
    char *pem = key != NULL ? dkim_key_pem(key, &err) : NULL;
    const char *record, *text;
    int status = EX_OK;

    if (pem == NULL) {
        fprintf(stderr, "tamis dkim: %s\n", err.text);
        dkim_key_free(key);
        return EX_SOFTWARE;
    }
    record = key_record_text(key, extra_tags(r), r->arena);
    text = record_file(r, product, record);
    if (!write_new(product->private_path, pem, 0600, owner)) {
        status = EX_CANTCREAT;
    } else if (!write_new(product->record_path, text, 0644, NULL)) {
        unlink(product->private_path);
        status = EX_CANTCREAT;
    }
    if (status == EX_OK)
        tell(r, product, record);
    dkim_secret_free(pem);
    dkim_key_free(key);
    return status;
}

/* Who the private key shall belong to; false: it stays ours. */
static bool find_owner(const struct options *options, struct rights *owner)
{
    struct problems ignored = {0};
    struct settings *settings;
    struct err err = {""};
    bool found = false;

    if (geteuid() != 0)
        return false;
    settings = options_settings(options, false, &ignored);
    if (settings != NULL && settings->user[0] != '\0') {
        found = rights_of_user(settings->user, owner, &err);
        if (!found)
            fprintf(stderr, "tamis dkim: %s; the key belongs to root\n", err.text);
    }
    settings_free(settings);
    problems_free(&ignored);
    return found;
}

static int make_all(struct request *r)
{
    struct product products[2];
    struct rights owner;
    size_t count = 0;
    bool has_owner;
    int status = EX_OK;

    if (r->rsa && !plan(r, DKIM_RSA_SHA256, &products[count++]))
        return EX_CANTCREAT;
    if (r->ed25519 && !plan(r, DKIM_ED25519_SHA256, &products[count++]))
        return EX_CANTCREAT;
    has_owner = find_owner(r->options, &owner);
    for (size_t i = 0; i < count && status == EX_OK; i++)
        status = make(r, &products[i], has_owner ? &owner : NULL);
    return status;
}

static bool has_sha256(const char *hashes)
{
    struct slice rest = slice_of(hashes), word;
    bool found = false;

    while (slice_word(&rest, ":", &word)) {
        for (size_t i = 0; i < word.len; i++)
            if (!is_alnum((unsigned char)word.ptr[i]) && word.ptr[i] != '-')
                return false;
        found = found || slice_is(word, "sha256");
    }
    return found;
}

/* n= is quoted-printable (RFC 6376, 3.6.1); what would need it is refused. */
static bool is_note(const char *note)
{
    for (; *note != '\0'; note++)
        if (!is_print((unsigned char)*note) || strchr("\"\\;=", *note) != NULL)
            return false;
    return true;
}

static int check_names(struct request *r)
{
    const struct options *o = r->options;
    struct stat st;

    if (r->domain != NULL)
        r->domain = fold_domain_ascii(r->domain, r->arena);
    if (r->domain != NULL && !keys_is_domain(r->domain))
        return options_usage_error(o, "-d %s: this is no domain", r->domain);
    if (r->append != NULL && r->domain == NULL)
        return options_usage_error(o, "-a needs the domain, -d DOMAIN");
    if (r->selector != NULL && !keys_is_selector(r->selector))
        return options_usage_error(o, "-s %s: a selector has letters, digits, hyphens, and dots "
                                   "between them", r->selector);
    if (r->directory == NULL)
        r->directory = ".";
    if (stat(r->directory, &st) != 0 || !S_ISDIR(st.st_mode)) {
        fprintf(stderr, "tamis dkim: -D %s: no such directory: make it first, with mode 0750\n",
                r->directory);
        return EX_CANTCREAT;
    }
    return -1;
}

static int check_request(struct request *r)
{
    const struct options *o = r->options;

    if (r->type != NULL && !is_type(r->type))
        return options_usage_error(o, "--type %s: rsa, ed25519 or both", r->type);
    r->rsa = r->type == NULL || strcmp(r->type, "ed25519") != 0;
    r->ed25519 = r->type != NULL && strcmp(r->type, "rsa") != 0;
    r->bits = DKIM_RSA_USUAL;
    if (r->bits_text != NULL &&
        !parse_long(slice_of(r->bits_text), DKIM_RSA_MIN, DKIM_RSA_MAX, &r->bits))
        return options_usage_error(o, "-b %s: from %d (RFC 8301) to %d bits", r->bits_text,
                                   DKIM_RSA_MIN, DKIM_RSA_MAX);
    if (r->hashes != NULL && !has_sha256(r->hashes))
        return options_usage_error(o, "-h %s: sha256 must be among them, with which we sign",
                                   r->hashes);
    if (r->note != NULL && !is_note(r->note))
        return options_usage_error(o, "-n: ASCII without \" \\ ; =");
    if (!dkim_form_find(r->format, &r->form))
        return options_usage_error(o, "--format %s: bind, line or json", r->format);
    if (r->rsa && r->bits < DKIM_RSA_USUAL)
        fprintf(stderr, "tamis dkim: warning: a key of %ld bits is weak: %d is usual\n", r->bits,
                DKIM_RSA_USUAL);
    if (r->rsa && r->bits > BITS_LARGE)
        fprintf(stderr, "tamis dkim: warning: not every verifier takes more than %d bits\n",
                BITS_LARGE);
    if (r->granularity != NULL)
        fprintf(stderr, "tamis dkim: -g has no meaning any more (RFC 6376), and is left out\n");
    return check_names(r);
}

int dkim_genkey(int argc, char **argv)
{
    struct request r = {.arena = arena_new()};
    const struct option_row rows[] = {
        {'d', "domain", "DOMAIN", "whose mail it signs", &r.domain, NULL},
        {'s', "selector", "NAME", "the key's name there; not given: a date", &r.selector, NULL},
        {'D', "directory", "DIR", "where its files go", &r.directory, NULL},
        {'b', "bits", "N", "size of an RSA key; 2048", &r.bits_text, NULL},
        {0, "type", "TYPE", "rsa, ed25519, or both; also -t TYPE", &r.type, NULL},
        {0, "format", "FORM", "print the record, too: bind, line, json", &r.format, NULL},
        {'a', "append-domain", NULL, "the whole name in the record", &r.append, NULL},
        {'h', "hash-algorithms", "LIST", "h= of the record, as sha256", &r.hashes, NULL},
        {'n', "note", "TEXT", "n= of the record", &r.note, NULL},
        {'r', "restrict", NULL, "s=email: for mail alone", &r.restricted, NULL},
        {'S', "nosubdomains", NULL, "t=s: no identities in subdomains", &r.no_subdomains, NULL},
        {0, "subdomains", NULL, "with them, as it is without a word", &r.subdomains, NULL},
        {'t', "testmode", NULL, "t=y: a test; but see --type", &r.testing, NULL},
        {'g', "granularity", "X", "without effect", &r.granularity, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis dkim genkey [OPTION…]",
        .about = "Makes NAME.private and NAME.txt, the record to publish.",
        .rows = rows,
    };
    int status;

    argv = untangle(r.arena, &argc, argv);
    r.options = &options;
    status = options_parse(&options, argc, argv);
    if (status < 0)
        status = options_no_arguments(&options, argv);
    if (status < 0)
        status = check_request(&r);
    if (status < 0)
        status = make_all(&r);
    options_free(&options);
    arena_free(r.arena);
    return status;
}
