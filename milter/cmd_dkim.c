/* cmd_dkim - `tamis dkim`: keys are made, compared with the DNS, and printed as records */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd_dkim.h"

#include "cmd.h"
#include "dns_live.h"
#include "dns_options.h"
#include "dns_zone.h"
#include "key_record.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"genkey", dkim_genkey},
    {"check", dkim_check},
    {"verify", dkim_verify_mail},
    {"zone", dkim_zone},
};

bool dkim_form_find(const char *name, enum dkim_form *form)
{
    static const char *const names[] = {"bind", "line", "json"};

    *form = DKIM_FORM_BIND;
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0) {
            *form = (enum dkim_form)i;
            return true;
        }
    return name == NULL;
}

static void add_json(struct buf *out, const char *name, unsigned ttl, const char *record)
{
    buf_addc(out, '{');
    buf_add_member(out, "name", name);
    buf_add_member(out, "type", "TXT");
    if (ttl > 0)
        buf_addf(out, ",\"ttl\":%u", ttl);
    buf_add_member(out, "value", record);
    buf_adds(out, "}\n");
}

void dkim_form_add(struct buf *out, enum dkim_form form, const char *name, unsigned ttl,
                   const char *record)
{
    struct arena *arena = arena_new();

    if (form == DKIM_FORM_JSON)
        add_json(out, name, ttl, record);
    else if (form == DKIM_FORM_LINE)
        buf_addf(out, "%s\t%s\n", name, record);
    else
        buf_addf(out, "%s\n",
                 key_record_bind(arena_printf(arena, "%s.", name), ttl, record, arena));
    arena_free(arena);
}

int dkim_tables_open(struct dkim_tables *tables, const struct options *options)
{
    *tables = (struct dkim_tables){0};
    tables->settings = options_settings(options, false, &tables->problems);
    if (tables->settings != NULL)
        tables->keys = keys_load(tables->settings, &tables->problems);
    options_print_most(options, &tables->problems, SEV_WARNING);
    if (tables->problems.errors > 0)
        return EX_CONFIG;
    if (keys_are_empty(tables->keys)) {
        fprintf(stderr, "tamis dkim: the configuration names no keys: set signing_table and "
                        "key_table, key_list or signing_key\n");
        return EX_CONFIG;
    }
    return EX_OK;
}

void dkim_tables_close(struct dkim_tables *tables)
{
    keys_free(tables->keys);
    settings_free(tables->settings);
    problems_free(&tables->problems);
}

struct dns *dkim_dns_open(const struct settings *settings, const char *zone, struct arena *arena)
{
    struct problems problems = {0};
    struct dns_options options;
    struct dns_source source;
    struct dns *dns = NULL;
    struct err err = {""};
    bool good = dns_options_of(settings, arena, &options, &problems);

    if (zone != NULL) {
        struct dns_zone *records = dns_zone_new();

        dns_zone_load(records, zone, &problems);
        source = dns_zone_source(records);
    } else if (good && !dns_live_open(&options.live, &source, &err)) {
        good = problems_add(&problems, SEV_ERROR, (struct where){NULL, 0}, "%s", err.text);
    }
    options_print_problems(&problems, SEV_WARNING);
    if (good || zone != NULL)
        dns = dns_open(&options.limits, &source);
    if (problems.errors > 0) {
        dns_close(dns);
        dns = NULL;
    }
    problems_free(&problems);
    return dns;
}

int cmd_dkim(int argc, char **argv)
{
    struct options options = {
        .usage = "tamis dkim genkey|check|verify|zone [OPTION…] [ARGUMENT…]",
        .about = "genkey makes a private key and the record to publish, as opendkim-genkey does;\n"
                 "check compares the private keys with the DNS, as opendkim-testkey does;\n"
                 "verify judges the signatures of a mail, and says what was changed;\n"
                 "zone prints the records of all keys, as opendkim-genzone does.\n"
                 "Each tells its options with --help.",
    };
    int status;

    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    status = options_parse(&options, argc, argv);
    if (status < 0)
        status = options_usage_error(&options, "%s%sgenkey, check, verify or zone is needed",
                                     argv[options.first] != NULL ? argv[options.first] : "",
                                     argv[options.first] != NULL ? ": " : "");
    options_free(&options);
    return status;
}
