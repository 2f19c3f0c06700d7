/* cmd_shadow - `tamis shadow promote`, `tamis rollback`: another configuration is put in force */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "conf_swap.h"
#include "control.h"
#include "options.h"
#include "overlay.h"
#include "rule_tests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define RELOAD_WAIT_US 310000000 /* a little longer than the filter lets a client wait */

/* One command at work. */
struct swap {
    struct options *options;
    struct policy_source source;
    struct settings *settings; /* of what is in force, as far as it can be read */
    char *path;                /* by which it is read, from the root */
    char *conf;                /* the file itself, whatever links lead to it */
    const char *name;          /* "tamis rollback" */
    struct buf text;           /* what it is to hold */
};

static int fail(const struct swap *s, int status, const char *text)
{
    fprintf(stderr, "%s: %s; nothing was changed\n", s->name, text);
    return status;
}

/* From the root, the last name as it is: relative names are looked for beside that. malloc'd; NULL
 * with errno when its directory is not there. */
static char *whole_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *last = slash != NULL ? slash + 1 : path;
    char *directory = slash == NULL ? xstrdup(".") : xasprintf("%.*s/", (int)(slash - path), path);
    char *whole = realpath(directory, NULL);
    char *name = whole != NULL ? xasprintf("%s/%s", strcmp(whole, "/") == 0 ? "" : whole, last)
                               : NULL;

    free(whole);
    free(directory);
    return name;
}

static bool begin(struct swap *s, struct options *options, const char *name)
{
    struct problems problems = {0};
    bool found = options_source(options, true, &s->source, &problems);
    struct err err;

    s->options = options;
    s->name = name;
    if (found)
        s->settings = options_settings(options, true, &problems);
    if (s->settings != NULL)
        s->conf = realpath(s->source.path, NULL);
    if (s->conf != NULL)
        s->source.path = s->path = whole_name(s->source.path);
    problems_first_error(&problems, &err);
    if (s->conf == NULL)
        fail(s, EX_CONFIG, s->settings == NULL ? err.text : strerror(errno));
    problems_free(&problems);
    return s->conf != NULL;
}

static void end(struct swap *s)
{
    settings_free(s->settings);
    buf_free(&s->text);
    free(s->path);
    free(s->conf);
}

/* --- whether it may be put in force ----------------------------------------------------------- */

static const char *find_text(void *arg, const char *path, size_t *len)
{
    struct swap *s = arg;

    if (strcmp(path, s->source.path) != 0)
        return NULL;
    *len = s->text.len;
    return buf_text(&s->text);
}

/* The text as it will be read where it is to stand. NULL after its problems were printed. */
static struct policy *load(struct swap *s)
{
    struct overlay overlay = {.find = find_text, .arg = s};
    struct problems problems = {0};
    struct policy *policy;

    overlay_set(&overlay);
    policy = rule_tests_load(&s->source, &problems);
    overlay_set(NULL);
    if (policy == NULL)
        options_print_most(s->options, &problems, SEV_WARNING);
    problems_free(&problems);
    return policy;
}

struct files {
    struct buf text; /* names, one a line */
    const char *but; /* the configuration itself, */
    const char *nor; /* and the shadow */
};

static void add_file(const char *path, void *arg)
{
    struct files *f = arg;

    if (strcmp(path, f->but) != 0 && strcmp(path, f->nor) != 0)
        buf_addf(&f->text, "%s\n", path);
}

/* All that a relative name could mean. */
static struct files files_of(const struct policy *p, const char *shadow)
{
    const struct settings *t = p->settings;
    const char *const others[] = {t->log_file, t->control_socket, t->pid_file, t->socket};
    struct files f = {.but = t->file, .nor = shadow};

    policy_each_file(p, add_file, &f);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        buf_addf(&f.text, "%s\n", others[i]);
    return f;
}

/* The first name of `a` that stands elsewhere in `b`; 0: they are the same. */
static size_t first_difference(const char *a, const char *b, const char **name)
{
    size_t len;

    for (; *a != '\0'; a += len + 1, b += len + 1) {
        len = strcspn(a, "\n");
        if (strncmp(a, b, len + 1) != 0) {
            *name = a;
            return len;
        }
    }
    return 0;
}

/* Elsewhere its relative names would mean other files. */
static bool means_the_same(struct swap *s, const char *path, const struct policy *there)
{
    struct policy_source source = s->source;
    struct problems problems = {0};
    struct policy *here;
    struct files was, is;
    const char *name = NULL;
    size_t len = 0;

    source.path = path;
    here = policy_load(&source, &problems);
    if (here != NULL) {
        was = files_of(here, path);
        is = files_of(there, path);
        len = first_difference(buf_text(&was.text), buf_text(&is.text), &name);
        if (len > 0)
            fprintf(stderr, "%s: %s names %.*s, which would be another file in %s: write its path "
                            "in full, or put both into one directory; nothing was changed\n",
                    s->name, path, (int)len, name, s->conf);
        buf_free(&was.text);
        buf_free(&is.text);
    } else {
        options_print_most(s->options, &problems, SEV_WARNING);
        fail(s, EX_CONFIG, "the shadow cannot be used");
    }
    policy_free(here);
    problems_free(&problems);
    return here != NULL && len == 0;
}

/* --- putting it in force ---------------------------------------------------------------------- */

enum reload { RELOAD_DONE, RELOAD_REFUSED, RELOAD_NOBODY };

static enum reload reload(const struct swap *s)
{
    struct buf out = {0};
    struct err err;
    int status = control_ask(s->settings->control_socket, "reload", RELOAD_WAIT_US, &out, &err);

    if (status < 0)
        fprintf(stderr, "%s: %s; it takes effect when a filter starts\n", s->name, err.text);
    else
        fputs(buf_text(&out), status == EX_OK ? stdout : stderr);
    buf_free(&out);
    return status < 0 ? RELOAD_NOBODY : status == EX_OK ? RELOAD_DONE : RELOAD_REFUSED;
}

/* How a configuration is exchanged for `from`, which the old one is kept beside. */
struct exchange {
    const char *keep_as; /* part of the name that the old one gets */
    const char *told[2]; /* what the configuration is now, around `from` */
    const char *done;    /* behind "in force" */
    bool (*put)(const struct swap *s, const char *from, struct err *err);
    bool (*take_back)(const struct swap *s, const char *from, const char *kept, struct err *err);
};

static int reload_exchanged(const struct swap *s, const struct exchange *how, const char *from,
                            const char *kept)
{
    struct err err;

    switch (reload(s)) {
    case RELOAD_DONE:
        printf("in force%s\n", how->done);
        return EX_OK;
    case RELOAD_NOBODY:
        return EX_UNAVAILABLE;
    case RELOAD_REFUSED:
        break;
    }
    if (how->take_back(s, from, kept, &err))
        fprintf(stderr, "%s: refused by the filter: %s is as it was\n", s->name, s->conf);
    else
        fprintf(stderr, "%s: refused by the filter, and %s\n", s->name, err.text);
    return EX_CONFIG;
}

static int exchange(const struct swap *s, const struct exchange *how, const char *from)
{
    struct err err;
    char *kept;
    int status;

    if (!conf_swap_keep(s->conf, how->keep_as, &kept, &err))
        return fail(s, EX_CANTCREAT, err.text);
    if (how->put(s, from, &err)) {
        printf("%s: kept as %s\n%s: %s%s%s\n", s->conf, kept, s->conf, how->told[0], from,
               how->told[1]);
        fflush(stdout);
        status = reload_exchanged(s, how, from, kept);
    } else {
        remove(kept);
        status = fail(s, EX_CANTCREAT, err.text);
    }
    free(kept);
    return status;
}

/* --- promote ---------------------------------------------------------------------------------- */

static bool write_text(const struct swap *s, const char *from, struct err *err)
{
    (void)from;
    return conf_swap_write(s->conf, &s->text, err);
}

static bool move_kept(const struct swap *s, const char *from, const char *kept, struct err *err)
{
    (void)from;
    return conf_swap_move(kept, s->conf, err);
}

static const struct exchange promotion = {
    .keep_as = "before",
    .told = {"holds the text of ", " now"},
    .done = "; tamis rollback takes it back",
    .put = write_text,
    .take_back = move_kept,
};

static int promote(struct swap *s, const char *from)
{
    struct policy *policy;
    struct err err;
    int status = EX_CONFIG;

    if (!conf_swap_read(from, &s->text, &err))
        return fail(s, EX_NOINPUT, err.text);
    policy = load(s);
    if (policy == NULL)
        return fail(s, EX_CONFIG, "the shadow cannot be used in the place of the configuration");
    if (means_the_same(s, from, policy))
        status = exchange(s, &promotion, from);
    policy_free(policy);
    return status;
}

static int promote_shadow(struct swap *s)
{
    char *from;
    int status;

    if (s->settings->shadow_config[0] == '\0')
        return fail(s, EX_CONFIG, "shadow_config is not set, there is no shadow");
    from = whole_name(s->settings->shadow_config);
    if (from == NULL)
        return fail(s, EX_NOINPUT, s->settings->shadow_config);
    status = promote(s, from);
    free(from);
    return status;
}

/* --- roll back -------------------------------------------------------------------------------- */

static bool move_in(const struct swap *s, const char *from, struct err *err)
{
    return conf_swap_move(from, s->conf, err);
}

static bool move_both(const struct swap *s, const char *from, const char *kept, struct err *err)
{
    return conf_swap_move(s->conf, from, err) && conf_swap_move(kept, s->conf, err);
}

static const struct exchange withdrawal = {
    .keep_as = "rolled-back",
    .told = {"is what was ", ""},
    .done = "",
    .put = move_in,
    .take_back = move_both,
};

static int rollback(struct swap *s)
{
    char *from = conf_swap_newest(s->conf, "before");
    struct policy *policy = NULL;
    struct err err;
    int status;

    if (from == NULL)
        return fail(s, EX_NOINPUT, "nothing was kept that could be taken back to");
    if (!conf_swap_read(from, &s->text, &err))
        status = fail(s, EX_NOINPUT, err.text);
    else if ((policy = load(s)) == NULL)
        status = fail(s, EX_CONFIG, "what was kept cannot be used any more");
    else
        status = exchange(s, &withdrawal, from);
    policy_free(policy);
    free(from);
    return status;
}

/* `status` of the command line: below 0 there is work to be done. */
static int run(struct options *options, int status, const char *name, int (*work)(struct swap *s))
{
    struct swap swap = {0};

    if (status < 0) {
        status = begin(&swap, options, name) ? work(&swap) : EX_CONFIG;
        end(&swap);
    }
    options_free(options);
    return status;
}

int cmd_shadow(int argc, char **argv)
{
    struct options options = {
        .usage = "tamis shadow promote [OPTION…]",
        .about = "Makes the file that shadow_config names the configuration, and keeps the old\n"
                 "one beside it; then the running filter reloads.",
    };
    int status = options_parse(&options, argc, argv);

    if (status < 0 && (argv[options.first] == NULL || strcmp(argv[options.first], "promote") != 0 ||
                       argv[options.first + 1] != NULL))
        status = options_usage_error(&options, "the one thing to be done is: promote");
    return run(&options, status, "tamis shadow promote", promote_shadow);
}

int cmd_rollback(int argc, char **argv)
{
    struct options options = {
        .usage = "tamis rollback [OPTION…]",
        .about = "Takes the last tamis shadow promote back: the configuration is again the file\n"
                 "that was kept; then the running filter reloads.",
    };
    int status = options_parse(&options, argc, argv);

    if (status < 0)
        status = options_no_arguments(&options, argv);
    return run(&options, status, "tamis rollback", rollback);
}
