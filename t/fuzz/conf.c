/* conf - libFuzzer: any bytes as milter.conf, through the grammar, the rows and the site's lists */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problems problems = {0};
    struct conf *conf = conf_new();
    struct settings *settings;
    struct tables *tables = tables_new(NULL);
    struct arena *arena = arena_new();
    struct addr addr = {AF_INET, {127, 0, 0, 1}};
    struct site *site;

    conf_read_text(conf, "fuzz", (const char *)data, size, &problems);
    conf_set(conf, "postfix_config_directory =", &problems);
    conf_set(conf, "inet_interfaces = 127.0.0.1", &problems); /* no question goes out */
    conf_set(conf, "proxy_interfaces =", &problems);
    settings = settings_of_conf(conf, "fuzz", &problems);
    site = site_new(settings, tables, &problems);
    site_is_our_client(site, slice_of("client.example"), &addr, arena);
    site_is_destination(site, slice_of("a.relay.example"), arena);
    site_free(site);
    tables_free(tables);
    settings_free(settings);
    problems_free(&problems);
    arena_free(arena);
    return 0;
}
