/* cmd_milter - `tamis milter`: be the filter */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "log.h"
#include "options.h"
#include "policy.h"
#include "serve.h"

#include <sysexits.h>

int cmd_milter(int argc, char **argv)
{
    const char *daemon = NULL;
    const struct option_row rows[] = {
        {.letter = 'd',
         .name = "daemon",
         .value = &daemon,
         .help = "detach; the command ends when the filter is ready"},
        {0},
    };
    struct options options = {
        .usage = "tamis milter [OPTION…]",
        .about = "Is the filter: serves the MTA at `socket` until INT or TERM. HUP, USR1: reload.",
        .rows = rows,
    };
    struct problems problems = {0};
    struct policy_source source;
    int status = options_parse(&options, argc, argv);

    if (status < 0)
        status = options_no_arguments(&options, argv);
    if (status < 0) {
        log_verbose(options.verbose > 0);
        if (options_source(&options, true, &source, &problems)) {
            struct serve_options wanted = {&source, daemon != NULL};
            status = serve(&wanted);
        } else {
            options_print_problems(&problems, SEV_NOTE);
            status = EX_CONFIG;
        }
    }
    problems_free(&problems);
    options_free(&options);
    return status;
}
