/* 3-sign-who - may this message be signed: directions, logins, networks, From fields */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "direction.h"
#include "sign_who.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static const char conf_text[] = "myhostname = mail.example.com\nmydomain = example.com\n"
                                "myorigin = origin.example\nmydestination = local.example\n"
                                "mynetworks = 192.0.2.0/24\nrecipient_delimiter = +\n"
                                "virtual_mailbox_domains = virtual.example\n";

struct scene {
    const char *login, *addr, *from;
    const char *want; /* the domain, or why not */
};

struct world {
    struct settings *settings;
    struct tables *tables;
    struct site *site;
    struct problems problems;
    const struct table *senders;
};

static void open_world(struct world *w)
{
    struct conf *conf = conf_new();

    conf_read_text(conf, "f", conf_text, strlen(conf_text), &w->problems);
    conf_set(conf, "postfix_config_directory=", &w->problems);
    w->settings = settings_of_conf(conf, "f", &w->problems);
    w->tables = tables_new(NULL);
    w->site = site_new(w->settings, w->tables, &w->problems);
    tap_is_int((long long)w->problems.errors, 0, "the site");
}

static void close_world(struct world *w)
{
    site_free(w->site);
    tables_free(w->tables);
    settings_free(w->settings);
    problems_free(&w->problems);
}

/* addr NULL: local submission. */
static const char *ask_from(const struct world *w, enum direction direction, const char *login,
                            const char *addr, const char *const *from, size_t from_count)
{
    struct client client = {.name = "unknown", .ptr = "unknown", .local = addr == NULL,
                            .addr_text = addr != NULL ? addr : ""};
    struct message *message = message_new(0);
    struct sign_scene scene = {w->site, w->senders, &client, message, from, from_count};
    struct sign_who who;

    if (addr != NULL)
        addr_parse(slice_of(addr), &client.addr);
    message->direction = direction;
    message->login = login;
    sign_who(&scene, false, arena, &who);
    message_free(message);
    if (who.may)
        return arena_printf(arena, "%s %s", who.domain, who.address);
    return who.why != NULL ? who.why : "silent";
}

static const char *ask(const struct world *w, const char *login, const char *addr,
                       const char *from)
{
    return ask_from(w, DIR_OUTGOING, login, addr, &from, 1);
}

#define NOT "dkim: not signed: "
static const struct scene without_table[] = {
    {"alice@example.org", "198.51.100.1", " Alice <alice@example.org>",
     "example.org alice@example.org"},
    {"alice@example.org", "198.51.100.1", " Bob <bob@Example.ORG>", "example.org bob@example.org"},
    {"alice@EXAMPLE.org", "198.51.100.1", " Alice@example.org", "example.org alice@example.org"},
    {"alice@example.org", "198.51.100.1", " alice@example.net",
     NOT "login alice@example.org, From example.net"},
    {"alice@example.org", "198.51.100.1", " alice@sub.example.org",
     NOT "login alice@example.org, From sub.example.org"},
    {"alice@sub.example.org", "198.51.100.1", " alice@example.org",
     NOT "login alice@sub.example.org, From example.org"},
    {"alice@example.org", "192.0.2.1", " alice@example.net",
     NOT "login alice@example.org, From example.net"},
    {"alice@example.org@example.net", "198.51.100.1", " alice@example.org",
     NOT "login alice@example.org@example.net, From example.org"},
    {"alice@b\303\274cher.example", "198.51.100.1", " alice@xn--bcher-kva.example",
     "xn--bcher-kva.example alice@xn--bcher-kva.example"},
    {"alice@xn--bcher-kva.example", "198.51.100.1", " alice@B\303\234CHER.example",
     "xn--bcher-kva.example alice@xn--bcher-kva.example"},
    {"alice", "198.51.100.1", " alice@example.com", "example.com alice@example.com"},
    {"alice", "198.51.100.1", " alice@origin.example", "origin.example alice@origin.example"},
    {"alice", "198.51.100.1", " alice@local.example", "local.example alice@local.example"},
    {"alice", "198.51.100.1", " alice@virtual.example",
     NOT "login alice, From virtual.example"},
    {"al\nice", "198.51.100.1", " alice@example.org", NOT "login al?ice, From example.org"},
    {"", "192.0.2.9", " x@anything.example", "anything.example x@anything.example"},
    {"", NULL, " x@anything.example", "anything.example x@anything.example"},
    {"", "198.51.100.1", " x@example.com",
     NOT "no login, and unknown[198.51.100.1] is not in mynetworks, From example.com"},
    {"", NULL, " a@example.com, b@example.com", NOT "2 addresses in the From field"},
    {"", NULL, " Undisclosed: ;", NOT "no address in the From field"},
    {"", NULL, " Joe", NOT "the From field cannot be read: a name without an address"},
    {"", NULL, " a@example.com <b@evil.example>",
     NOT "the From field cannot be read: text behind an address"},
    {"", NULL, " a@[192.0.2.1]", NOT "From [192.0.2.1], which is no domain"},
    {0},
};

static const char table_text[] = "alice@example.org alice\n"
                                 "@example.org boss, Bob@x.example\n"
                                 "@other.example alice\n"
                                 "whole.example alice\n"
                                 "carol@whole.example carol\n"
                                 "dora dora\n";
static const struct scene with_table[] = {
    {"alice", "198.51.100.1", " alice@example.org", "example.org alice@example.org"},
    {"ALICE", "198.51.100.1", " Alice@example.org", "example.org alice@example.org"},
    {"alice", "198.51.100.1", " alice+tag@example.org", "example.org alice+tag@example.org"},
    {"boss", "198.51.100.1", " alice@example.org", NOT "login boss, From example.org"},
    {"boss", "198.51.100.1", " dave@example.org", "example.org dave@example.org"},
    {"bob@x.example", "198.51.100.1", " dave@example.org", "example.org dave@example.org"},
    {"alice@example.org", "198.51.100.1", " dave@example.org",
     NOT "login alice@example.org, From dave@example.org"},
    {"alice", "198.51.100.1", " any@other.example", "other.example any@other.example"},
    {"alice", "198.51.100.1", " any@sub.other.example", NOT "login alice, From sub.other.example"},
    {"alice", "198.51.100.1", " any@whole.example", "whole.example any@whole.example"},
    {"alice", "198.51.100.1", " carol@whole.example", NOT "login alice, From whole.example"},
    {"dora", "198.51.100.1", " dora@example.com", "example.com dora@example.com"},
    {"dora", "198.51.100.1", " dora@nobody.example", NOT "login dora, From nobody.example"},
    {"", "192.0.2.9", " x@anything.example", "anything.example x@anything.example"},
    {0},
};

static void play(const struct world *w, const char *name, const struct scene *scenes)
{
    for (size_t i = 0; scenes[i].want != NULL; i++)
        tap_is(ask(w, scenes[i].login, scenes[i].addr, scenes[i].from), scenes[i].want,
               "%s %zu", name, i + 1);
}

static void test_fields(const struct world *w)
{
    static const char *const two[] = {" a@example.com", " b@example.com"};

    tap_is(ask_from(w, DIR_OUTGOING, "", NULL, two, 2), NOT "2 From fields", "two From fields");
    tap_is(ask_from(w, DIR_OUTGOING, "", NULL, two, 0), NOT "no From field", "none");
    tap_is(ask_from(w, DIR_INCOMING, "", NULL, two, 1), "silent", "incoming mail");
}

static void test_listed(struct world *w)
{
    const struct directions *d = directions_parse("sasl_authenticated, !203.0.113.7, mynetworks, "
                                                  "203.0.113.0/24", (struct where){NULL, 0},
                                                  w->site->mynetworks, arena, &w->problems);
    struct client client = {.name = "unknown"};

    addr_parse(slice_of("203.0.113.1"), &client.addr);
    tap_ok(directions_list_client(d, &client), "a network of `outgoing`");
    addr_parse(slice_of("203.0.113.7"), &client.addr);
    tap_ok(!directions_list_client(d, &client), "but one that was taken out");
    addr_parse(slice_of("192.0.2.1"), &client.addr);
    tap_ok(!directions_list_client(d, &client), "mynetworks are another thing");
}

int main(void)
{
    struct world w = {0};
    const char *spec;

    tap_start(60);
    arena = arena_new();
    open_world(&w);
    play(&w, "without table", without_table);
    test_fields(&w);
    test_listed(&w);
    spec = arena_printf(arena, "texthash:%s", tap_file("senders", table_text));
    w.senders = tables_find(w.tables, spec, NULL, (struct where){NULL, 0}, &w.problems);
    play(&w, "with table", with_table);
    spec = arena_printf(arena, "pcre:%s", tap_file("senders.pcre", "/^(.*)@re\\.example$/ $1\n"));
    w.senders = tables_find(w.tables, spec, NULL, (struct where){NULL, 0}, &w.problems);
    tap_is(ask(&w, "alice", "198.51.100.1", " alice@re.example"), "re.example alice@re.example",
           "a pattern");
    tap_is(ask(&w, "alice", "198.51.100.1", " bob@re.example"), NOT "login alice, From re.example",
           "not that one");
    close_world(&w);
    arena_free(arena);
    return tap_done();
}
