/* cmd_conf - `tamis conf`: settings with their origin, as postconf */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "cmd.h"
#include "options.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* What the options ask for; not NULL: yes. */
struct wanted {
    const char *given_only, *presets, *json, *expanded, *values_only, *help;
    char **names;
    int count;
    size_t printed;
};

/* What a name means: the row in that direction, else for both, or a class or $name of the site. */
static const struct setting_source *find_source(const struct settings *settings, const char *name)
{
    const struct setting_source *plain = NULL;
    int direction, other;
    const struct param *row = settings_row(name, &direction);

    if (row != NULL && direction >= 0 && !(row->flags & PARAM_DIRECTED))
        return NULL;
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct setting_source *source = &settings->sources[i];

        if (row == NULL && strcmp(source->name, name) == 0)
            return source;
        if (row == NULL || source->row != row)
            continue;
        settings_row(source->name, &other);
        if (other == direction)
            return source;
        if (other < 0)
            plain = source;
    }
    return plain;
}

static void print_json(const struct wanted *w, const struct setting_source *source)
{
    struct buf b = {0};

    buf_addc(&b, '{');
    buf_add_member(&b, "name", source->row != NULL ? source->row->name : source->name);
    buf_add_member(&b, "written", source->name);
    buf_add_member(&b, "raw", source->raw);
    buf_add_member(&b, "value", source->text.text);
    buf_adds(&b, source->given ? ",\"given\":true" : ",\"given\":false");
    if (source->text.where.file != NULL) {
        buf_add_member(&b, "file", source->text.where.file);
        buf_addf(&b, ",\"line\":%d", source->text.where.line);
    }
    if (source->row != NULL)
        buf_add_member(&b, "help", source->row->help);
    printf("%s\n  %s}", w->printed == 0 ? "[" : ",", buf_text(&b));
    buf_free(&b);
}

/* One blank between words, whatever stands there, also where lines were continued: as postconf. */
static void print_value(const char *head, const char *value)
{
    struct slice rest = slice_of(value), word;
    bool any = head[0] != '\0';

    fputs(head, stdout);
    while (slice_word(&rest, " \t\r\n", &word)) {
        printf("%s%.*s", any ? " " : "", (int)word.len, word.ptr);
        any = true;
    }
    putchar('\n');
}

static void print_assignment(const char *name, const char *value)
{
    printf("%s ", name);
    print_value("=", value);
}

/* The origin stands in a comment of its own, because main.cf has no comments behind values: what is
 * printed can be pasted. */
static void print_text(const struct wanted *w, const struct setting_source *source)
{
    const struct where *where = &source->text.where;
    const char *value = w->expanded != NULL ? source->text.text : source->raw;

    if (w->values_only != NULL) {
        print_value("", value);
        return;
    }
    if (w->help != NULL && source->row != NULL)
        printf("# %s\n", source->row->help);
    if (where->file != NULL && where->line > 0)
        printf("# %s:%d\n", where->file, where->line);
    else if (where->file != NULL)
        printf("# %s\n", where->file);
    print_assignment(source->name, value);
}

static void print_preset(const struct wanted *w, const struct setting_source *source)
{
    const struct param *row = source->row;

    if (w->values_only != NULL)
        print_value("", row->preset != NULL ? row->preset : "");
    else if (row->preset == NULL)
        printf("# %s: worked out from this host\n", row->name);
    else
        print_assignment(row->name, row->preset);
}

static void print_one(struct wanted *w, const struct setting_source *source)
{
    int direction = -1;

    if (source->row != NULL)
        settings_row(source->name, &direction);
    if ((w->given_only != NULL && !source->given) ||
        (w->presets != NULL && (source->row == NULL || direction >= 0)))
        return;
    if (w->presets != NULL)
        print_preset(w, source);
    else if (w->json != NULL)
        print_json(w, source);
    else
        print_text(w, source);
    w->printed++;
}

static int print_all(struct wanted *w, const struct settings *settings)
{
    int status = EX_OK;

    for (size_t i = 0; w->count == 0 && i < settings->source_count; i++)
        print_one(w, &settings->sources[i]);
    for (int i = 0; i < w->count; i++) {
        const struct setting_source *source = find_source(settings, w->names[i]);

        if (source != NULL) {
            print_one(w, source);
        } else {
            fprintf(stderr, "tamis conf: %s: unknown name\n", w->names[i]);
            status = EX_USAGE;
        }
    }
    if (w->json != NULL)
        puts(w->printed == 0 ? "[]" : "\n]");
    return status;
}

int cmd_conf(int argc, char **argv)
{
    struct wanted w = {0};
    const struct option_row rows[] = {
        {.letter = 'n', .help = "only what is set", .value = &w.given_only},
        {.letter = 'd', .help = "presets instead of what is set", .value = &w.presets},
        {.letter = 'j', .name = "json", .help = "as JSON, with file and line", .value = &w.json},
        {.letter = 'x', .help = "with $name expanded", .value = &w.expanded},
        {.letter = 'h', .help = "values without names", .value = &w.values_only},
        {.letter = 'e', .help = "with an explanation of each", .value = &w.help},
        {0},
    };
    struct options options = {.usage = "tamis conf [OPTION…] [NAME…]",
                              .about = "Show settings with their origin, as postconf.",
                              .rows = rows};
    struct problems problems = {0};
    struct settings *settings;
    int status = options_parse(&options, argc, argv);

    if (status >= 0) {
        options_free(&options);
        return status;
    }
    w.names = argv + options.first;
    w.count = argc - options.first;
    settings = options_settings(&options, false, &problems);
    options_print_problems(&problems, options.verbose ? SEV_NOTE : SEV_WARNING);
    status = print_all(&w, settings);
    if (status == EX_OK && problems.errors > 0)
        status = EX_CONFIG;
    settings_free(settings);
    problems_free(&problems);
    options_free(&options);
    return status;
}
