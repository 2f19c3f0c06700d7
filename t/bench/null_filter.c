/* null_filter - a filter that does nothing, to measure what doing nothing costs */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "base.h"

#include <errno.h>
#include <getopt.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Mode A answers every event; mode B negotiates what the command line says. Set before
 * smfi_main, only read afterwards. */
static unsigned long actions, steps;
static char *symbols[SMFIM_LAST + 1];

static sfsistat answer(unsigned long no_reply)
{
    return (steps & no_reply) ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *addr)
{
    (void)ctx, (void)name, (void)addr;
    return answer(SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    (void)ctx, (void)name;
    return answer(SMFIP_NR_HELO);
}

static sfsistat on_mail(SMFICTX *ctx, char **args)
{
    (void)ctx, (void)args;
    return answer(SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **args)
{
    (void)ctx, (void)args;
    return answer(SMFIP_NR_RCPT);
}

static sfsistat on_data(SMFICTX *ctx)
{
    (void)ctx;
    return answer(SMFIP_NR_DATA);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx, (void)name, (void)value;
    return answer(SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    (void)ctx;
    return answer(SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
    (void)ctx, (void)data, (void)len;
    return answer(SMFIP_NR_BODY);
}

static sfsistat on_eom(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

static sfsistat on_end(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

static sfsistat on_unknown(SMFICTX *ctx, const char *command)
{
    (void)ctx, (void)command;
    return answer(SMFIP_NR_UNKN);
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
                             unsigned long f3, unsigned long *pf0, unsigned long *pf1,
                             unsigned long *pf2, unsigned long *pf3)
{
    (void)f2, (void)f3;
    *pf0 = actions & f0;
    *pf1 = steps & f1;
    *pf2 = *pf3 = 0;
    for (int i = 0; i <= SMFIM_LAST; i++)
        if (symbols[i] != NULL)
            smfi_setsymlist(ctx, i, symbols[i]);
    return SMFIS_CONTINUE;
}

static struct smfiDesc filter = {
    .xxfi_name = (char[]){"null"},
    .xxfi_version = SMFI_VERSION,
    .xxfi_connect = on_connect,
    .xxfi_helo = on_helo,
    .xxfi_envfrom = on_mail,
    .xxfi_envrcpt = on_rcpt,
    .xxfi_header = on_header,
    .xxfi_eoh = on_eoh,
    .xxfi_body = on_body,
    .xxfi_eom = on_eom,
    .xxfi_abort = on_end,
    .xxfi_close = on_end,
    .xxfi_unknown = on_unknown,
    .xxfi_data = on_data,
};

static _Noreturn void usage(void)
{
    fputs("usage: null_filter --mode A --socket SOCKET\n"
          "       null_filter --mode B --socket SOCKET [--actions N] [--steps N]\n"
          "                   [--symbols STAGE=LIST]...\n"
          "Prints \"ready\" once it listens; ends at SIGTERM.\n",
          stderr);
    exit(64);
}

static unsigned long number(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 0);

    if (end == text || *end != '\0')
        usage();
    return n;
}

static void keep_symbols(char *text)
{
    char *list = strchr(text, '=');
    unsigned long stage;

    if (list == NULL)
        usage();
    *list = '\0';
    stage = number(text);
    if (stage > SMFIM_LAST)
        usage();
    symbols[stage] = list + 1;
}

static const char *read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"mode", required_argument, NULL, 'm'},  {"socket", required_argument, NULL, 's'},
        {"actions", required_argument, NULL, 'a'}, {"steps", required_argument, NULL, 'p'},
        {"symbols", required_argument, NULL, 'y'}, {NULL, 0, NULL, 0},
    };
    const char *socket_name = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'm' && strcmp(optarg, "B") == 0)
            filter.xxfi_negotiate = on_negotiate;
        else if (c == 's')
            socket_name = optarg;
        else if (c == 'a')
            actions = number(optarg);
        else if (c == 'p')
            steps = number(optarg);
        else if (c == 'y')
            keep_symbols(optarg);
        else if (c != 'm' || strcmp(optarg, "A") != 0)
            usage();
    }
    if (socket_name == NULL || optind != argc)
        usage();
    return socket_name;
}

int main(int argc, char **argv)
{
    const char *socket_name = read_options(argc, argv);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (smfi_setconn(xstrdup(socket_name)) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS ||
        smfi_opensocket(true) != MI_SUCCESS)
        die("null_filter: %s: %s", socket_name, strerror(errno));
    puts("ready");
    fflush(stdout);
    return smfi_main() == MI_SUCCESS ? 0 : 70;
}
