/* cmd_query - `tamis query`: asks a lookup table, as postmap -q */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"

#include "access_keys.h"
#include "address.h"
#include "cmd_query_spf.h"
#include "fold.h"
#include "mime.h"
#include "net.h"
#include "options.h"
#include "site.h"
#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Exit statuses beside 0, found. */
enum { NOT_FOUND = 1, LOOKUP_FAILED = EX_TEMPFAIL };

enum as { AS_KEY, AS_CLIENT, AS_HELO, AS_SENDER, AS_RECIPIENT };

/* What the command line says. */
struct request {
    const char *as_name, *headers, *mime, *body;
    enum as as;
};

struct query {
    const struct table *table;
    const struct settings *settings;
    const struct site *site; /* with --as only */
    enum as as;
    struct arena *arena;
    bool verbose;
    bool any_bytes; /* keys from a mail, which need not be UTF-8 */
    bool show_key;  /* the keys come from a list */
    struct slice given; /* the key as given, for show_key */
    bool found, failed;
};

static void complain(const struct query *q, struct slice key, const char *why)
{
    fprintf(stderr, "tamis query: %s: key %.*s: %s\n", table_spec(q->table), (int)key.len, key.ptr,
            why);
}

static void print_rule(const struct query *q, const struct hit *hit)
{
    if (hit->rule.file != NULL)
        fprintf(stderr, "%s:%d: %s\n", hit->rule.file, hit->rule.line, hit->text);
    else
        fprintf(stderr, "%s: %s\n", table_spec(q->table),
                hit->text != NULL ? hit->text : hit->value);
    fflush(stderr);
}

static void print_hit(struct query *q, const struct hit *hit)
{
    if (q->verbose)
        print_rule(q, hit);
    if (q->show_key)
        printf("%.*s\t", (int)q->given.len, q->given.ptr);
    printf("%s\n", hit->value);
    if (q->verbose) /* the next rule shall stand behind this value */
        fflush(stdout);
    q->found = true;
}

/* As table_lookup, with what Postfix adds: a key that is no UTF-8 is not looked up, a value that is
 * none is an error, but for keys from a mail; an empty value is an error only when it is used. */
static enum table_result look_up(struct query *q, struct slice key, struct hit *hit)
{
    bool utf8 = q->settings->smtputf8_enable && !q->any_bytes;
    enum table_result result;

    *hit = (struct hit){0};
    if (utf8 && !is_utf8(key)) {
        complain(q, key, "not UTF-8: not looked up");
        return TABLE_NOT_FOUND;
    }
    result = table_lookup(q->table, key, q->arena, hit);
    if (hit->undecided.file != NULL)
        fprintf(stderr, "tamis query: %s:%d: counts as not matched: %s\n", hit->undecided.file,
                hit->undecided.line, hit->undecided_why);
    if (result == TABLE_ERROR && hit->value != NULL && hit->value[0] == '\0') {
        complain(q, key, "the result is empty, which fails (451) where it is used");
        return TABLE_FOUND;
    }
    if (result == TABLE_FOUND && utf8 && !is_utf8(slice_of(hit->value))) {
        hit->why = "the value is not UTF-8";
        return TABLE_ERROR;
    }
    return result;
}

/* One key; true ends the search for other keys: it was found, or nothing can be known. */
static bool ask(void *arg, struct slice key)
{
    struct query *q = arg;
    struct hit hit;
    enum table_result result = look_up(q, key, &hit);

    if (q->verbose && q->as != AS_KEY)
        fprintf(stderr, "key %.*s: %s\n", (int)key.len, key.ptr,
                result == TABLE_FOUND       ? "found"
                : result == TABLE_NOT_FOUND ? "not found"
                                            : "failed");
    if (result == TABLE_ERROR) {
        complain(q, key, hit.why != NULL ? hit.why : "the lookup failed");
        q->failed = true;
    } else if (result == TABLE_FOUND) {
        print_hit(q, &hit);
    }
    return result != TABLE_NOT_FOUND;
}

/* The usual text of an address, as tables are asked for it; what is no address stays. */
static const char *canonical(const struct query *q, const char *text)
{
    char usual[ADDR_TEXT_SIZE];
    struct addr addr;

    if (!addr_parse(slice_of(text), &addr))
        return text;
    return arena_strdup(q->arena, addr_text(&addr, usual));
}

/* NAME[ADDRESS], a name, or an address. */
static void ask_client(struct query *q, const struct access_keys *keys, const char *text)
{
    size_t name_len = strcspn(text, "["), len = strlen(text);
    const char *address = NULL;
    struct addr addr;

    if (name_len < len && text[len - 1] == ']')
        address = arena_strndup(q->arena, text + name_len + 1, len - name_len - 2);
    else if (addr_parse(slice_of(text), &addr))
        address = text, name_len = 0;
    else
        name_len = len;
    if (name_len > 0 && access_keys_name(keys, arena_strndup(q->arena, text, name_len)))
        return;
    if (address != NULL)
        access_keys_address(keys, canonical(q, address));
}

static void ask_mail(struct query *q, const struct access_keys *keys, const char *text)
{
    struct address address;

    address_read(&address, text, NULL, q->site->myorigin, q->arena);
    site_resolve(q->site, &address, q->arena);
    if (q->as == AS_SENDER)
        access_keys_sender(keys, address.key);
    else if (strcasecmp(address.text, "postmaster") != 0 && strchr(address.key, '@') != NULL)
        access_keys_mail(keys, address.key);
    else if (q->verbose)
        fprintf(stderr, "postmaster without a domain is never looked up\n");
}

/* The keys that access(5) makes of a text. */
static void ask_as(struct query *q, struct slice text)
{
    struct access_keys keys = {
        .ask = ask,
        .arg = q,
        .whole_only = table_has_patterns(q->table),
        .bare_parents = q->site->access_parents,
        .delimiters = q->site->recipient_delimiter,
        .null_sender = q->site->null_access_lookup_key,
        .arena = q->arena,
    };
    const char *subject = arena_strndup(q->arena, text.ptr, text.len);

    if (q->as == AS_CLIENT)
        ask_client(q, &keys, subject);
    else if (q->as == AS_HELO)
        access_keys_name(&keys, subject);
    else
        ask_mail(q, &keys, subject);
}

/* A key ends at a NUL, as postmap's do. */
static void ask_given(struct query *q, struct slice key)
{
    key.len = strnlen(key.ptr, key.len);
    q->given = key;
    if (q->as == AS_KEY)
        ask(q, key);
    else
        ask_as(q, key);
    arena_reset(q->arena);
}

static int ask_list(struct query *q, FILE *in)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while (!q->failed && (len = getline(&line, &cap, in)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        ask_given(q, (struct slice){line, (size_t)len});
    }
    free(line);
    return ferror(in) ? EX_IOERR : EX_OK;
}

/* A mail on standard input. */
struct mail {
    struct query *query;
    bool primary_only, is_done;
};

static void on_header(void *arg, const struct mime_header *header)
{
    struct query *q = ((struct mail *)arg)->query;

    if (!q->failed)
        ask_given(q, header->text);
}

static void on_text(void *arg, struct slice line, bool more, size_t offset)
{
    struct query *q = ((struct mail *)arg)->query;

    (void)more, (void)offset;
    if (!q->failed)
        ask_given(q, line);
}

static void on_end_of_headers(void *arg)
{
    struct mail *mail = arg;

    mail->is_done = mail->primary_only;
}

static int read_mail(struct query *q, const struct request *request, int fd)
{
    struct mail mail = {q, request->mime == NULL && request->body == NULL, false};
    struct mime_options options = {
        .primary_only = request->mime == NULL,
        .keep_cr = true,
        .header_limit = (size_t)q->settings->header_size_limit,
    };
    struct mime_events events = {
        .header = request->headers != NULL ? on_header : NULL,
        .end_of_headers = on_end_of_headers,
        .text = request->body != NULL ? on_text : NULL,
        .arg = &mail,
    };
    struct mime *m = mime_new(&options, &events);
    char block[65536];
    ssize_t n = 0;

    while (!q->failed && !mail.is_done && (n = read(fd, block, sizeof(block))) > 0)
        mime_feed(m, block, (size_t)n);
    if (n >= 0)
        mime_end(m);
    mime_free(m);
    return n < 0 ? EX_IOERR : EX_OK;
}

static int ask_all(struct query *q, const struct request *request, const char *key)
{
    int status = EX_OK;

    q->any_bytes = request->headers != NULL || request->body != NULL;
    q->show_key = strcmp(key, "-") == 0;
    if (!q->show_key)
        ask_given(q, slice_of(key));
    else if (q->any_bytes)
        status = read_mail(q, request, STDIN_FILENO);
    else
        status = ask_list(q, stdin);
    if (status != EX_OK)
        fprintf(stderr, "tamis query: standard input: %s\n", strerror(errno));
    if (status == EX_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = EX_IOERR;
    return status != EX_OK ? status : q->failed ? LOOKUP_FAILED : q->found ? EX_OK : NOT_FOUND;
}

static bool read_as(struct request *request)
{
    static const char *const names[] = {
        [AS_CLIENT] = "client", [AS_HELO] = "helo", [AS_SENDER] = "sender",
        [AS_RECIPIENT] = "recipient",
    };

    if (request->as_name == NULL)
        return true;
    for (size_t i = AS_CLIENT; i < ARRAY_LEN(names); i++)
        if (strcmp(request->as_name, names[i]) == 0)
            request->as = (enum as)i;
    return request->as != AS_KEY;
}

static struct table_limits limits_of(const struct settings *s)
{
    return (struct table_limits){
        .pcre_match = (unsigned long)s->pcre_match_limit,
        .pcre_depth = (unsigned long)s->pcre_depth_limit,
        .pcre_heap_kb = (unsigned long)(s->pcre_heap_limit / 1024),
        .regexp_text = (unsigned long)s->regexp_text_limit,
        .strict = s->strict_tables,
    };
}

/* With --as the site's facts say how keys are made; what is wrong with its other facts is the
 * business of `tamis check`. */
static int ask_table(const struct settings *settings, const struct table *table,
                     const struct options *options, const struct request *request, const char *key)
{
    struct tables *tables = request->as ? tables_new(NULL) : NULL;
    struct site *site = request->as ? site_new(settings, tables, NULL) : NULL;
    struct query query = {
        .table = table,
        .settings = settings,
        .site = site,
        .as = request->as,
        .arena = arena_new(),
        .verbose = options->verbose > 0,
    };
    int status = ask_all(&query, request, key);

    arena_free(query.arena);
    site_free(site);
    tables_free(tables);
    return status;
}

static int run(const struct options *options, const struct request *request, char **arguments)
{
    struct problems ours = {0}, problems = {0};
    struct settings *settings = options_settings(options, false, &ours);
    struct table *table = NULL;
    int status = EX_CONFIG;

    if (ours.errors == 0) {
        struct table_limits limits = limits_of(settings);

        table = table_open(arguments[0], NULL, (struct where){NULL, 0}, &limits, &problems);
    }
    options_print_problems(&ours, options->verbose ? SEV_WARNING : SEV_ERROR);
    options_print_problems(&problems, SEV_WARNING);
    if (table != NULL && problems.errors == 0)
        status = ask_table(settings, table, options, request, arguments[1]);
    table_free(table);
    settings_free(settings);
    problems_free(&ours);
    problems_free(&problems);
    return status;
}

static int check_usage(const struct options *options, struct request *request, char **arguments)
{
    bool of_mail = request->headers != NULL || request->mime != NULL || request->body != NULL;

    if (arguments[0] == NULL || arguments[1] == NULL || arguments[2] != NULL)
        return options_usage_error(options, "a table and a key are needed");
    if (!read_as(request))
        return options_usage_error(options, "--as %s: client, helo, sender or recipient",
                                   request->as_name);
    if (of_mail && strcmp(arguments[1], "-") != 0)
        return options_usage_error(options, "-h, -m and -b need the key -");
    if (of_mail && request->as != AS_KEY)
        return options_usage_error(options, "--as does not go with -h, -m and -b");
    if (request->mime != NULL && request->headers == NULL && request->body == NULL)
        fprintf(stderr, "tamis query: -m without -h or -b is ignored, as in postmap\n");
    return EX_OK;
}

/* The word `spf` in place of a table: the first argument that is no option. It is taken out. */
static bool take_spf(int *argc, char **argv)
{
    int i = 1;

    while (i < *argc && argv[i][0] == '-' && argv[i][1] != '\0')
        i += (argv[i][1] == 'c' || argv[i][1] == 'o') && argv[i][2] == '\0' ? 2 : 1;
    if (i >= *argc || strcmp(argv[i], "spf") != 0)
        return false;
    memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
    --*argc;
    return true;
}

int cmd_query(int argc, char **argv)
{
    struct request request = {0};
    const struct option_row rows[] = {
        {0, "as", "CLASS", "client, helo, sender, recipient: keys as access(5)",
         &request.as_name, NULL},
        {'h', NULL, NULL, "with key -: a mail's headers, as header_checks(5)",
         &request.headers, NULL},
        {'m', NULL, NULL, "with -h, -b: also the headers of its MIME parts",
         &request.mime, NULL},
        {'b', NULL, NULL, "with key -: the lines of its body", &request.body, NULL},
        {0},
    };
    struct options options = {
        .usage = "tamis query [OPTION…] TYPE:FILE KEY\n"
                 "       tamis query spf --client ADDRESS --from SENDER [OPTION…]",
        .about = "Asks a lookup table, as postmap -q. KEY may be - : keys, or a mail, on standard\n"
                 "input. A client is NAME[ADDR], a name, or an address.\n"
                 "Exit status: 0 found, 1 not found, 75 lookup failed, 78 table unusable.",
        .rows = rows,
    };
    int status;

    if (take_spf(&argc, argv))
        return query_spf(argc, argv);
    status = options_parse(&options, argc, argv);
    if (status < 0) {
        status = check_usage(&options, &request, argv + options.first);
        if (status == EX_OK)
            status = run(&options, &request, argv + options.first);
    }
    options_free(&options);
    return status;
}
