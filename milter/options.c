/* options - what every subcommand understands: -c FILE, -o name=value, -v, --help, --version */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include "policy.h"

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char DEFAULT_FILE[] = SYSCONFDIR "/tamis/milter.conf";

/* A table in the wrong format has as many problems as lines. */
enum { PROBLEMS_A_FILE = 20 };

enum special { SPECIAL_HELP = 1, SPECIAL_VERSION };

/* One reading of a command line. */
struct reading {
    struct options *options;
    int argc, next; /* next: the index of the argument to read */
    char **argv;
    char **operands; /* arguments that are no options */
    int operand_count;
    enum special special;
};

const char *options_default_file(void)
{
    return DEFAULT_FILE;
}

int options_no_arguments(const struct options *options, char **argv)
{
    if (argv[options->first] == NULL)
        return -1;
    return options_usage_error(options, "no argument is expected: %s", argv[options->first]);
}

int options_run(struct options *options, int argc, char **argv,
                int (*run)(const struct options *options, void *arg), void *arg)
{
    int status = options_parse(options, argc, argv);

    if (status < 0)
        status = options_no_arguments(options, argv);
    if (status < 0)
        status = run(options, arg);
    options_free(options);
    return status;
}

int options_version(void)
{
    puts(PACKAGE_STRING);
    return EX_OK;
}

static void print_row(const struct option_row *row)
{
    char text[64];

    snprintf(text, sizeof(text), "%c%c%s%s%s%s%s", row->letter ? '-' : ' ',
             row->letter ? row->letter : ' ',
             row->letter && row->name != NULL ? ", "
             : row->name != NULL              ? "  "
                                              : "",
             row->name != NULL ? "--" : "", row->name != NULL ? row->name : "",
             row->takes != NULL ? " " : "", row->takes != NULL ? row->takes : "");
    printf("  %-24s %s\n", text, row->help);
}

static void print_help(const struct options *options)
{
    static const struct option_row common[] = {
        {.letter = 'c', .takes = "FILE", .help = "the configuration, instead of " SYSCONFDIR
                                                 "/tamis/milter.conf"},
        {.letter = 'o', .takes = "NAME=VALUE", .help = "a setting; repeatable"},
        {.letter = 'v', .help = "tell more"},
        {.name = "help", .help = "this text"},
        {.name = "version", .help = "the version"},
    };

    printf("usage: %s\n%s\n\n", options->usage, options->about);
    for (const struct option_row *row = options->rows; row != NULL && row->help != NULL; row++)
        print_row(row);
    for (size_t i = 0; i < ARRAY_LEN(common); i++)
        print_row(&common[i]);
}

int options_usage_error(const struct options *options, const char *fmt, ...)
{
    struct slice rest = slice_of(options->usage), tamis, name;
    va_list ap;

    slice_word(&rest, " ", &tamis);
    slice_word(&rest, " ", &name);
    fprintf(stderr, "tamis %.*s: ", (int)name.len, name.ptr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; see tamis %.*s --help\n", (int)name.len, name.ptr);
    return EX_USAGE;
}

static void add_value(const char ***list, const char *value)
{
    size_t count = 0;

    while (*list != NULL && (*list)[count] != NULL)
        count++;
    *list = xreallocarray(*list, count + 2, sizeof(**list));
    (*list)[count] = value;
    (*list)[count + 1] = NULL;
}

static void store(const struct option_row *row, const char *value)
{
    if (row->values != NULL)
        add_value(row->values, value);
    else
        *row->value = value;
}

/* The argument of an option: glued to it, or the next word. False: there is none. */
static bool take_argument(struct reading *r, const char *glued, const char **value)
{
    if (glued != NULL && glued[0] != '\0') {
        *value = glued;
        return true;
    }
    if (r->next == r->argc)
        return false;
    *value = r->argv[r->next++];
    return true;
}

/* -c, -o, -v: true if the letter is one of them. */
static bool take_common(struct reading *r, char letter, const char **rest, bool *good)
{
    struct options *o = r->options;
    const char *value;

    if (letter == 'v') {
        o->verbose++;
        return true;
    }
    if (letter != 'c' && letter != 'o')
        return false;
    *good = take_argument(r, *rest, &value);
    *rest = "";
    if (*good && letter == 'c')
        o->file = value;
    if (*good && letter == 'o') {
        add_value(&o->assignments, value);
        o->assignment_count++;
    }
    return true;
}

/* One word of letters: -nv, -cFILE, -c FILE. */
static bool read_letters(struct reading *r, const char *letters)
{
    static const char *const flag_names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    while (*letters != '\0') {
        char letter = *letters++;
        const struct option_row *row = r->options->rows;
        const char *value = strchr(flag_names, letter);
        bool good = true;

        if (take_common(r, letter, &letters, &good)) {
            if (!good)
                return options_usage_error(r->options, "-%c needs an argument", letter), false;
            continue;
        }
        while (row != NULL && row->help != NULL && row->letter != letter)
            row++;
        if (row == NULL || row->help == NULL)
            return options_usage_error(r->options, "unknown option -%c", letter), false;
        if (row->takes != NULL && !take_argument(r, letters, &value))
            return options_usage_error(r->options, "-%c needs an argument", letter), false;
        if (row->takes != NULL)
            letters = "";
        store(row, value);
    }
    return true;
}

/* --name, --name VALUE, --name=VALUE */
static bool read_word(struct reading *r, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct option_row *row = r->options->rows;
    const char *value;

    if (strcmp(word, "help") == 0 || strcmp(word, "version") == 0) {
        r->special = word[0] == 'h' ? SPECIAL_HELP : SPECIAL_VERSION;
        return true;
    }
    while (row != NULL && row->help != NULL &&
           (row->name == NULL || strlen(row->name) != len || memcmp(row->name, word, len) != 0))
        row++;
    if (row == NULL || row->help == NULL)
        return options_usage_error(r->options, "unknown option --%.*s", (int)len, word), false;
    if (row->takes == NULL && equals != NULL)
        return options_usage_error(r->options, "--%s takes no argument", row->name), false;
    value = row->name;
    if (row->takes != NULL && equals != NULL)
        value = equals + 1;
    else if (row->takes != NULL && !take_argument(r, NULL, &value))
        return options_usage_error(r->options, "--%s needs an argument", row->name), false;
    store(row, value);
    return true;
}

static bool read_all(struct reading *r)
{
    while (r->next < r->argc && r->special == 0) {
        char *word = r->argv[r->next++];

        if (strcmp(word, "--") == 0) {
            while (r->next < r->argc)
                r->operands[r->operand_count++] = r->argv[r->next++];
        } else if (word[0] != '-' || word[1] == '\0') {
            r->operands[r->operand_count++] = word;
        } else if (word[1] == '-' ? !read_word(r, word + 2) : !read_letters(r, word + 1)) {
            return false;
        }
    }
    return true;
}

int options_parse(struct options *options, int argc, char **argv)
{
    struct reading r = {.options = options, .argc = argc, .next = 1, .argv = argv};
    bool good;

    r.operands = xcalloc((size_t)argc + 1, sizeof(*r.operands));
    good = read_all(&r);
    options->first = argc - r.operand_count;
    for (int i = 0; good && i < r.operand_count; i++)
        argv[options->first + i] = r.operands[i];
    free(r.operands);
    if (!good)
        return EX_USAGE;
    if (r.special == SPECIAL_HELP)
        print_help(options);
    return r.special == SPECIAL_VERSION ? options_version()
           : r.special == SPECIAL_HELP  ? EX_OK
                                        : -1;
}

void options_free(struct options *options)
{
    free(options->assignments);
    options->assignments = NULL;
}

bool options_source(const struct options *options, bool required, struct policy_source *source,
                    struct problems *problems)
{
    const char *file = options->file != NULL ? options->file : DEFAULT_FILE;

    *source = (struct policy_source){file, options->assignments, options->assignment_count};
    if (options->file != NULL || access(file, F_OK) == 0 || errno != ENOENT)
        return true;
    source->path = NULL;
    if (!required)
        return true;
    return problems_add(problems, SEV_ERROR, (struct where){NULL, 0},
                        "%s: no such file; create it, or name another with -c", file);
}

struct settings *options_settings(const struct options *options, bool required,
                                  struct problems *problems)
{
    struct policy_source source;

    if (!options_source(options, required, &source, problems))
        return NULL;
    return settings_load(source.path, source.overrides, source.override_count, problems);
}

static int compare(const void *a, const void *b)
{
    const struct problem *x = *(const struct problem *const *)a;
    const struct problem *y = *(const struct problem *const *)b;
    int order = strcmp(x->file != NULL ? x->file : "", y->file != NULL ? y->file : "");

    if (order == 0)
        order = (x->line > y->line) - (x->line < y->line);
    return order != 0 ? order : (x > y) - (x < y);
}

static bool is_same_file(const struct problem *a, const struct problem *b)
{
    return strcmp(a->file != NULL ? a->file : "", b->file != NULL ? b->file : "") == 0;
}

static void print_problem(const struct problem *problem)
{
    char *text = problem_text(problem);

    fprintf(stderr, "%s\n", text);
    free(text);
}

/* What is not shown of a file's problems is told at the place of the first of them. */
static void print_rest(const struct problem **list, size_t count)
{
    struct problem rest = *list[0];

    for (size_t i = 1; i < count; i++)
        if (list[i]->severity > rest.severity)
            rest.severity = list[i]->severity;
    rest.text = xasprintf("and %zu more from here on; -v shows all", count);
    print_problem(&rest);
    free(rest.text);
}

/* Those of one file, in the order of its lines. */
static void print_file(const struct problem **list, size_t count, const struct options *options,
                       size_t most)
{
    const char *own = options != NULL && options->file != NULL ? options->file : DEFAULT_FILE;

    if (list[0]->file == NULL || strcmp(list[0]->file, own) == 0)
        most = count;
    for (size_t i = 0; i < count && (i < most || count == most + 1); i++)
        print_problem(list[i]);
    if (count > most + 1)
        print_rest(list + most, count - most);
}

static void print_sorted(const struct problems *problems, enum severity least,
                         const struct options *options, size_t most)
{
    const struct problem **sorted = xcalloc(problems->count + 1, sizeof(*sorted));
    size_t count = 0, end;

    for (size_t i = 0; i < problems->count; i++)
        if (problems->list[i].severity >= least)
            sorted[count++] = &problems->list[i];
    qsort(sorted, count, sizeof(*sorted), compare);
    for (size_t i = 0; i < count; i = end) {
        for (end = i + 1; end < count && is_same_file(sorted[i], sorted[end]); end++)
            ;
        print_file(sorted + i, end - i, options, most);
    }
    free(sorted);
}

void options_print_problems(const struct problems *problems, enum severity least)
{
    print_sorted(problems, least, NULL, SIZE_MAX - 1);
}

void options_print_most(const struct options *options, const struct problems *problems,
                        enum severity least)
{
    print_sorted(problems, least, options, options->verbose ? SIZE_MAX - 1 : PROBLEMS_A_FILE);
}
