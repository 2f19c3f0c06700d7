/* main - one program, many subcommands */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "options.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"milter", cmd_milter, "be the filter"},
    {"check", cmd_check, "read everything as the filter would, and say what is wrong"},
    {"query", cmd_query, "ask a lookup table, as postmap -q"},
    {"test", cmd_test, "play a mail, or a script of SMTP events, through the rules"},
    {"dkim", cmd_dkim, "make DKIM keys, compare them with the DNS, print their records"},
    {"log", cmd_log, "print or follow the decisions in the log"},
    {"explain", cmd_explain, "tell from the log why a message was treated so"},
    {"report", cmd_report, "run a report on the log, or list the reports"},
    {"replay", cmd_replay, "judge logged mail again under another configuration"},
    {"shadow", cmd_shadow, "promote: make the configuration of the shadow that of the filter"},
    {"rollback", cmd_rollback, "take the last promotion back"},
    {"reload", cmd_reload, "have the running filter read its configuration again"},
    {"status", cmd_status, "say how the running filter is"},
    {"postfix", cmd_postfix, "say what main.cf needs, and what is wrong or doubled there"},
    {"conf", cmd_conf, "show settings with their origin, as postconf"},
};

static void usage(FILE *out)
{
    fputs("usage: tamis SUBCOMMAND [OPTION…] [ARGUMENT…]\n\n", out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
    fputs("\ntamis SUBCOMMAND --help tells its options; tamis --version the version.\n"
          "The manual: tamis(8), milter.conf(5), tamis-rules(5), tamis-log(5).\n",
          out);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    setlocale(LC_CTYPE, "C");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0)
        return options_version();
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return EX_OK;
    }
    if (name[0] != '\0')
        fprintf(stderr, "tamis: \"%s\" is no subcommand\n", name);
    usage(stderr);
    return EX_USAGE;
}
