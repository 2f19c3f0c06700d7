/* 2-site - site facts: main.cf's, milter.conf's that replace them, and Postfix's presets */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "site.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct settings *settings;
static struct tables *tables;
static struct problems problems;

/* main.cf NULL: there is none. */
static struct site *load(const char *main_cf, const char *milter_conf)
{
    struct conf *conf = conf_new();
    char *directory;

    directory =
        xasprintf("postfix_config_directory = %s%s", tap_dir(), main_cf != NULL ? "" : "/none");
    if (main_cf != NULL)
        tap_file("main.cf", main_cf);
    conf_read_text(conf, "/d/f", milter_conf, strlen(milter_conf), &problems);
    conf_set(conf, directory, &problems);
    free(directory);
    settings = settings_of_conf(conf, "/d/f", &problems);
    tables = tables_new(NULL);
    return site_new(settings, tables, &problems);
}

static void unload(struct site *site)
{
    site_free(site);
    tables_free(tables);
    settings_free(settings);
    problems_free(&problems);
}

static bool ours(const struct site *site, const char *text)
{
    struct addr addr;

    return addr_parse(slice_of(text), &addr) &&
           site_is_our_client(site, slice_of(""), &addr, arena) == MATCH_YES;
}

static bool destination(const struct site *site, const char *domain)
{
    return site_is_destination(site, slice_of(domain), arena) == MATCH_YES;
}

static void test_main_cf(void)
{
    struct site *site = load("myhostname = mx.example.com\n"
                             "my_nets = 192.0.2.0/24\n"
                             "mynetworks = 127.0.0.0/8 $my_nets\n"
                             "relay_domains = relay.example\n"
                             "virtual_alias_domains = inline:{ alias.example=x }\n"
                             "virtual_mailbox_domains = box.example\n"
                             "inet_interfaces = 127.0.0.1\nproxy_interfaces = 198.51.100.7\n"
                             "recipient_delimiter = +\n"
                             "smtpd_null_access_lookup_key = null\n"
                             "smtpd_recipient_restrictions = reject\n",
                             "relay_domains = other.example\n");

    tap_is_int((long long)problems.count, 0, "no problems");
    tap_is(settings->recipient_restrictions[0].text, "", "restrictions are not taken");
    tap_is(site->myhostname, "mx.example.com", "myhostname");
    tap_is(site->mydomain, "example.com", "mydomain follows");
    tap_is(site->recipient_delimiter, "+", "recipient_delimiter");
    tap_is(site->null_access_lookup_key, "null", "smtpd_null_access_lookup_key");
    tap_ok(ours(site, "192.0.2.9") && ours(site, "127.0.0.1"), "in mynetworks");
    tap_ok(!ours(site, "192.0.3.9"), "not in mynetworks");
    tap_ok(destination(site, "mx.example.com") && destination(site, "localhost"), "local");
    tap_ok(!destination(site, "sub.mx.example.com"), "no subdomains of mydestination");
    tap_ok(destination(site, "alias.example") && destination(site, "box.example"), "virtual");
    tap_ok(destination(site, "other.example"), "milter.conf's relay_domains");
    tap_ok(destination(site, "sub.other.example"), "and a subdomain");
    tap_ok(!destination(site, "relay.example"), "replaces main.cf's");
    tap_ok(destination(site, "[127.0.0.1]"), "our own address as literal");
    tap_ok(destination(site, "[198.51.100.7]"), "our proxy's");
    tap_ok(!destination(site, "[198.51.100.8]"), "somebody else's");
    tap_ok(site->access_parents, "access tables know parents");
    tap_ok(site->knows_destinations, "destinations are known");
    unload(site);
}

static void test_other_presets(void)
{
    struct site *site = load("myhostname = h\nmydomain = d.example\n"
                             "parent_domain_matches_subdomains =\n"
                             "relay_domains = a.example .b.example\n"
                             "compatibility_level = 3.6\ninet_interfaces = 127.0.0.1\n",
                             "");
    struct addr addr;

    tap_is(settings->mydestination.text, "h, localhost.d.example, localhost", "mydestination");
    tap_is(settings->mynetworks.text, "127.0.0.1/32", "mynetworks_style = host from level 2 on");
    tap_ok(settings->smtputf8_enable, "smtputf8_enable = yes from level 1 on");
    tap_ok(!destination(site, "x.a.example") && destination(site, "x.b.example"), "the other style");
    tap_ok(!site->access_parents, "for access tables, too");
    addr_parse(slice_of("127.0.0.1"), &addr);
    tap_ok(site_is_own_address(site, &addr), "permit_inet_interfaces");
    unload(site);
    site = load("myhostname = h.e.example\nrelay_domains = $mydestination\n"
                "inet_interfaces = loopback-only\nmynetworks_style = class\ninet_protocols = ipv4\n",
                "");
    tap_is(settings->mynetworks.text, "127.0.0.0/8", "class");
    unload(site);
}

/* virtual_alias_domains is $virtual_alias_maps unless set. */
static void test_unusable_preset(void)
{
    struct site *site = load("myhostname = h.e.example\ncompatibility_level = 3.6\n"
                             "virtual_alias_maps = hash:/nonexistent\n",
                             "");

    tap_is_int((long long)problems.errors, 0, "nor what a preset has from main.cf");
    tap_is_int((long long)problems.warnings, 1, "but that is warned of, too");
    tap_ok(strstr(problems.list[0].text, "/nonexistent: no such file") != NULL &&
               strstr(problems.list[0].text, "affected: permit_auth_destination") != NULL,
           "%s", problems.list[0].text);
    tap_is_int(site_is_destination(site, slice_of("virtual.example"), arena), MATCH_ERROR,
               "and not taken for a no");
    unload(site);
}

static void test_unusable(void)
{
    struct site *site = load("myhostname = h.e.example\nmynetworks = 10.0.0.0/8 mysql:/x.cf\n"
                             "relay_domains = texthash:/nonexistent\n",
                             "");
    struct addr addr;

    tap_is_int((long long)problems.errors, 0, "what main.cf says keeps no filter from starting");
    tap_is_int((long long)problems.warnings, 2, "but is warned of");
    tap_ok(strstr(problems.list[0].text, "affected: permit_mynetworks") != NULL, "%s",
           problems.list[0].text);
    tap_ok(strstr(problems.list[1].text, "reject_unauth_destination") != NULL, "%s",
           problems.list[1].text);
    tap_ok(ours(site, "10.1.1.1"), "what stands before the unusable table");
    addr_parse(slice_of("11.1.1.1"), &addr);
    tap_is_int(site_is_our_client(site, slice_of(""), &addr, arena), MATCH_ERROR, "and behind it");
    tap_is_int(site_is_destination(site, slice_of("x.example"), arena), MATCH_ERROR, "destinations");
    unload(site);
    site = load("", "mynetworks = 10.0.0.1/8\n");
    tap_is_int((long long)problems.errors, 1, "in milter.conf it is an error");
    unload(site);
}

static void test_no_postfix(void)
{
    struct site *site = load(NULL, "");

    tap_ok(problems.count == 1 && problems.list[0].severity == SEV_NOTE, "a note");
    tap_ok(!site->knows_destinations, "destinations are not known");
    tap_ok(ours(site, "127.0.0.1"), "a preset for mynetworks");
    unload(site);
    site = load(NULL, "relay_domains = example.com\n");
    tap_ok(site->knows_destinations, "milter.conf's are");
    unload(site);
}

static void test_origin(void)
{
    const char *mailname = tap_file("mailname", "origin.example\n");
    char *main_cf = xasprintf("myhostname = h.e.example\nmyorigin = %s\n", mailname);
    struct site *site = load(main_cf, "");

    tap_is(site->myorigin, "origin.example", "myorigin = /FILE");
    unload(site);
    free(main_cf);
    site = load("myhostname = h.e.example\nmyorigin = /nonexistent\n", "");
    tap_is(site->myorigin, "h.e.example", "a missing file: the host's name");
    tap_is_int((long long)problems.warnings, 1, "with a warning");
    unload(site);
    site = load("myhostname = h.e.example\nbroken line\n", "");
    tap_is_int((long long)problems.warnings, 1, "a broken main.cf is a warning");
    tap_is(site->myorigin, "h.e.example", "and what could be read is used");
    unload(site);
}

int main(void)
{
    tap_start(60);
    arena = arena_new();
    test_main_cf();
    test_other_presets();
    test_unusable();
    test_unusable_preset();
    test_no_postfix();
    test_origin();
    arena_free(arena);
    return tap_done();
}
