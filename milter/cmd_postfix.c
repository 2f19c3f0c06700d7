/* cmd_postfix - `tamis postfix`: what main.cf and master.cf need, and what is wrong there */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "advice.h"
#include "buf.h"
#include "cmd.h"
#include "options.h"
#include "rights.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* What milter.conf and -o say of one parameter, for both directions, one after the other. */
static const char *setting(void *arg, const char *name)
{
    const struct settings *settings = arg;
    const char *all = NULL;
    int direction;
    const struct param *row = settings_row(name, &direction);

    for (size_t i = 0; row != NULL && i < settings->source_count; i++) {
        const struct setting_source *source = &settings->sources[i];

        if (source->row == row && source->given)
            all = arena_printf(settings->arena, "%s%s%s", all != NULL ? all : "",
                               all != NULL ? ", " : "", source->text.text);
    }
    return all;
}

/* Asks postconf for what is set, for the services, and for the presets that advice depends on. */
static bool read_postfix(struct postfix *postfix, const char *dir, struct err *err)
{
    static const char *const set[] = {"-x", "-n", NULL};
    static const char *const services[] = {"-M", NULL};
    static const char *const overrides[] = {"-x", "-P", NULL};
    static const char *const presets[] = {
        "-x", "mail_version", "queue_directory", "config_directory", "milter_default_action", NULL};
    const char *text;

    if (!postconf_run(postfix->arena, dir, set, false, &text, err))
        return false;
    postfix_read_params(postfix, text);
    if (!postconf_run(postfix->arena, dir, services, true, &text, err))
        return false;
    postfix_read_services(postfix, text);
    if (!postconf_run(postfix->arena, dir, overrides, true, &text, err))
        return false;
    postfix_read_overrides(postfix, text);
    if (!postconf_run(postfix->arena, dir, presets, true, &text, err))
        return false;
    postfix_read_params(postfix, text);
    return true;
}

static void print_lines(const struct advice *advice, const char *dir, const char *file)
{
    bool any = false;

    for (const struct advice_line *line = advice->lines; line != NULL; line = line->next) {
        if (strcmp(line->file, file) != 0)
            continue;
        if (!any)
            printf("# ---- %s/%s ----\n", dir, file);
        any = true;
        printf("# %s\n", line->why);
        if (line->service != NULL)
            printf("# (this replaces the entry; the same as: postconf -P '%s/%s=%s')\n",
                   line->service, line->name, line->value);
        printf("%s\n", line->text);
    }
}

static void print_text(const struct advice *advice, const char *dir)
{
    if (advice->lines == NULL)
        printf("# main.cf and master.cf have what tamis (%s) needs\n", advice->address);
    print_lines(advice, dir, "main.cf");
    print_lines(advice, dir, "master.cf");
    fflush(stdout);
    for (size_t i = 0; i < advice->problems->count; i++) {
        char *text = problem_text(&advice->problems->list[i]);

        fprintf(stderr, "%s\n", text);
        free(text);
    }
}

static void print_json(const struct advice *advice)
{
    struct buf b = {0};

    buf_adds(&b, "{\"lines\":[");
    for (const struct advice_line *line = advice->lines; line != NULL; line = line->next) {
        buf_adds(&b, line == advice->lines ? "{" : ",{");
        buf_add_member(&b, "file", line->file);
        buf_add_member(&b, "service", line->service);
        buf_add_member(&b, "name", line->name);
        buf_add_member(&b, "value", line->value);
        buf_add_member(&b, "text", line->text);
        buf_add_member(&b, "why", line->why);
        buf_addc(&b, '}');
    }
    buf_adds(&b, "],\"findings\":[");
    for (size_t i = 0; i < advice->problems->count; i++) {
        buf_adds(&b, i == 0 ? "{" : ",{");
        buf_add_member(&b, "severity", severity_name(advice->problems->list[i].severity));
        buf_add_member(&b, "text", advice->problems->list[i].text);
        buf_addc(&b, '}');
    }
    buf_adds(&b, "]}\n");
    fputs(buf_text(&b), stdout);
    buf_free(&b);
}

/* NULL: milter.conf was read. */
static const char *missing_file(const struct options *options)
{
    const char *file = options_default_file();

    return options->file == NULL && access(file, F_OK) != 0 ? file : NULL;
}

static bool is_member(const struct passwd *user, gid_t group)
{
    gid_t groups[RIGHTS_GROUPS_MAX];
    int count = ARRAY_LEN(groups);

    if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
        return true; /* of too many to look at */
    for (int i = 0; i < count; i++)
        if (groups[i] == group)
            return true;
    return false;
}

/* The socket is made with mode 0660 for the service user and its group. */
static void judge_group(const struct advice *advice, const struct settings *settings)
{
    const char *owner = postfix_param(advice->postfix, "mail_owner");
    const struct passwd *postfix;
    const struct group *group;
    struct rights rights;
    struct err ignored;

    if (strncmp(advice->address, "unix:", 5) != 0 || *settings->user == '\0' ||
        !rights_of_user(settings->user, &rights, &ignored))
        return;
    postfix = getpwnam(*owner ? owner : "postfix");
    group = getgrgid(rights.gid);
    if (postfix == NULL || group == NULL || postfix->pw_uid == rights.uid ||
        is_member(postfix, rights.gid))
        return;
    problems_add(advice->problems, SEV_WARNING, settings_place(settings, "socket"),
                 "socket = %s: %s is not in the group %s, so it may not connect: adduser %s %s, "
                 "and restart Postfix", settings->socket, postfix->pw_name, group->gr_name,
                 postfix->pw_name, group->gr_name);
}

static int advise(const char *dir, struct settings *settings, const char *missing, bool json)
{
    struct postfix postfix = {.arena = arena_new()};
    struct problems problems = {0};
    struct advice_side side = {
        .socket = settings->socket, .missing = missing,
        .enforces = settings->mode == MODE_ENFORCE, .setting = setting, .arg = settings,
    };
    struct advice advice;
    struct err err;
    int status = EX_UNAVAILABLE;

    if (read_postfix(&postfix, dir, &err)) {
        advice_give(&advice, &postfix, &side, &problems);
        judge_group(&advice, settings);
        if (json)
            print_json(&advice);
        else
            print_text(&advice, postfix_param(&postfix, "config_directory"));
        status = EX_OK;
    } else {
        fprintf(stderr, "tamis postfix: %s\n", err.text);
    }
    problems_free(&problems);
    arena_free(postfix.arena);
    return status;
}

/* -c DIR is Postfix's directory, -c FILE ours as everywhere. */
static const char *take_directory(struct options *options)
{
    const char *dir = options->file;
    struct stat st;

    if (dir == NULL || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return NULL;
    options->file = NULL;
    return dir;
}

/* Where the settings say that main.cf is; NULL: nobody said it, so postconf knows better. */
static const char *given_directory(struct settings *settings)
{
    const char *dir = setting(settings, "postfix_config_directory");

    return dir != NULL && *dir != '\0' ? settings->postfix_config_directory : NULL;
}

int cmd_postfix(int argc, char **argv)
{
    const char *json = NULL, *dir;
    const struct option_row rows[] = {
        {.name = "json", .help = "lines and findings as one JSON object", .value = &json},
        {0},
    };
    struct options options = {
        .usage = "tamis postfix [-c DIR] [OPTION…]",
        .about =
            "Reads postconf (-c DIR: of that configuration), prints the lines for main.cf and\n"
            "master.cf, and says on standard error what is wrong or doubled there.\n"
            "Changes nothing.",
        .rows = rows,
    };
    struct problems problems = {0};
    struct settings *settings;
    int status = options_parse(&options, argc, argv);

    if (status < 0 && options.first < argc)
        status = options_usage_error(&options, "no argument is expected: %s", argv[options.first]);
    if (status >= 0) {
        options_free(&options);
        return status;
    }
    dir = take_directory(&options);
    settings = options_settings(&options, false, &problems);
    options_print_problems(&problems, options.verbose ? SEV_NOTE : SEV_ERROR);
    status = advise(dir != NULL ? dir : given_directory(settings), settings, missing_file(&options),
                    json != NULL);
    settings_free(settings);
    problems_free(&problems);
    options_free(&options);
    return status;
}
