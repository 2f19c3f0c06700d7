/* 2-match - Postfix's match lists: networks, names, parents, negation, files, tables */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "match.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct tables *tables;
static struct arena *arena;
static const struct where at = {"main.cf", 7};

static const char *name_of(enum match_result result)
{
    return result == MATCH_YES ? "yes" : result == MATCH_NO ? "no" : "error";
}

static const char *client(const char *list_text, const char *name, const char *addr_text)
{
    struct match_list *list = match_list_new(list_text, MATCH_NETWORKS | MATCH_PARENT, "/", at,
                                             tables, NULL);
    struct addr addr;
    enum match_result result;

    addr_parse(slice_of(addr_text), &addr);
    result = match_client(list, slice_of(name), &addr, arena);
    match_list_free(list);
    return name_of(result);
}

static void test_networks(void)
{
    static const char nets[] =
        "127.0.0.0/8, [::1]/128, 192.168.2.125/32, [2001:910:109c::]/48";
    static const struct {
        const char *list, *name, *addr, *want;
    } rows[] = {
        {nets, "", "127.9.9.9", "yes"},
        {nets, "", "128.0.0.1", "no"},
        {nets, "", "::1", "yes"},
        {nets, "", "::2", "no"},
        {nets, "", "192.168.2.125", "yes"},
        {nets, "", "192.168.2.126", "no"},
        {nets, "", "2001:910:109c:1::5", "yes"},
        {nets, "", "2001:910:109d::5", "no"},
        {nets, "", "::ffff:127.0.0.1", "yes"},
        {nets, "", "", "no"},
        {"[::ffff:127.0.0.0]/104", "", "127.9.9.9", "no"},
        {"[::ffff:0:0]/96", "", "192.0.2.1", "no"},
        {"[::ffff:0:0]/96", "", "::ffff:192.0.2.1", "no"},
        {"[::ffff:192.0.2.1]", "", "192.0.2.1", "no"},
        {"![::ffff:0:0]/96 10.0.0.0/8", "", "10.1.2.3", "yes"},
        {"[::]/0", "", "192.0.2.1", "no"},
        {"!10.1.0.0/16 10.0.0.0/8", "", "10.1.2.3", "no"},
        {"!10.1.0.0/16 10.0.0.0/8", "", "10.2.2.3", "yes"},
        {"10.0.0.0/8 !10.1.0.0/16", "", "10.1.2.3", "yes"},
        {"!!10.0.0.0/8", "", "10.1.2.3", "yes"},
        {"10.1.2.3", "", "10.1.2.3", "yes"},
        {"example.com", "Mail.Example.COM", "10.1.2.3", "yes"},
        {"example.com", "badexample.com", "10.1.2.3", "no"},
        {"!mail.example.com 10.0.0.0/8", "mail.example.com", "10.1.2.3", "no"},
        {"!mail.example.com 10.0.0.0/8", "web.example.com", "10.1.2.3", "yes"},
        {"cidr:{{10.0.0.0/8 x}}", "", "10.1.2.3", "error"},
        {"inline:{ 10.1.2.3=x, example.net=y }", "", "10.1.2.3", "yes"},
        {"inline:{ 10.1.2.3=x, example.net=y }", "a.example.net", "10.1.2.4", "yes"},
        {"inline:{ 10.1.2.3=x, example.net=y }", "example.org", "10.1.2.4", "no"},
        {"!inline:{ 10.1.2.3=x } 10.0.0.0/8", "", "10.1.2.3", "no"},
        {"10.0.0.0/8 mysql:/etc/x.cf", "", "10.1.2.3", "yes"},
        {"10.0.0.0/8 mysql:/etc/x.cf", "", "11.1.2.3", "error"},
        {"mysql:/etc/x.cf 10.0.0.0/8", "", "10.1.2.3", "error"},
        {"", "", "10.1.2.3", "no"},
        {"10.0.0.0/8 # 192.0.2.0/24", "", "192.0.2.1", "no"},
        {"#10.0.0.0/8", "", "10.1.2.3", "no"},
        {"[2001:db8::1]/32 10.0.0.0/8", "", "10.1.2.3", "yes"},
        {"[2001:db8::1]/32 10.0.0.0/8", "", "2001:db8::1", "error"},
        {"192.0.2.1/24 [::]/0", "", "2001:db8::1", "yes"},
        {"192.0.2.1/24 10.0.0.0/8", "", "10.1.2.3", "error"},
        {"192.0.2.1/24", "", "192.0.2.1", "error"},
        {"10.1 10.0.0.0/8", "", "10.1.2.3", "yes"},
        {"10.1.2 10.0.0.0/8x", "", "10.1.2.3", "no"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tap_is(client(rows[i].list, rows[i].name, rows[i].addr), rows[i].want,
               "%.40s: %s [%s]", rows[i].list, rows[i].name, rows[i].addr);
}

static void test_domains(void)
{
    static const struct {
        unsigned flags;
        const char *list, *name, *want;
    } rows[] = {
        {0, "example.com", "example.com", "yes"},
        {0, "example.com", "EXAMPLE.com", "yes"},
        {0, "example.com", "sub.example.com", "no"},
        {0, ".example.com", "sub.example.com", "yes"},
        {0, ".example.com", "a.b.example.com", "yes"},
        {0, ".example.com", "example.com", "no"},
        {MATCH_PARENT, "example.com", "a.b.example.com", "yes"},
        {MATCH_PARENT, ".example.com", "a.example.com", "no"},
        {MATCH_EXACT, "example.com", "sub.example.com", "no"},
        {MATCH_EXACT, ".example.com", "sub.example.com", "no"},
        {MATCH_EXACT, "a, !b, c", "c", "yes"},
        {MATCH_EXACT, "a, !b, b", "b", "no"},
        {MATCH_EXACT, "M\xc3\x9cLLER.example", "m\xc3\xbcller.example", "yes"},
        {0, "inline:{ .example.com=x }", "sub.example.com", "yes"},
        {0, "inline:{ example.com=x }", "sub.example.com", "no"},
        {MATCH_PARENT, "inline:{ example.com=x }", "a.sub.example.com", "yes"},
        {MATCH_EXACT, "inline:{ example.com=x }", "sub.example.com", "no"},
        {0, "static:x", "anything", "yes"},
        {0, "proxy:mysql:/x a", "a", "error"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct match_list *list = match_list_new(rows[i].list, rows[i].flags, "/", at, tables, NULL);

        tap_is(name_of(match_domain(list, slice_of(rows[i].name), arena)), rows[i].want,
               "flags %u, %s: %s", rows[i].flags, rows[i].list, rows[i].name);
        match_list_free(list);
    }
}

static void test_files(void)
{
    const char *inner = tap_file("inner", "  172.16.0.0/12\n#10.0.0.0/8\nhost.example\n");
    char *text = xasprintf("# ours\n192.0.2.0/24 !%s\n", inner), *list, *loop;
    const char *outer = tap_file("outer", text);

    list = xasprintf("%s, 0.0.0.0/0", outer);
    tap_is(client(list, "", "192.0.2.5"), "yes", "from a file");
    tap_is(client(list, "", "172.16.5.5"), "no", "a file in a file, negated");
    tap_is(client(list, "host.example", "1.2.3.4"), "no", "a name in it");
    tap_is(client(list, "", "10.0.0.1"), "yes", "what is no comment counts");
    free(list);
    free(text);
    loop = xasprintf("%s/loop %s/loop\n", tap_dir(), tap_dir());
    list = xasprintf("192.0.2.0/24 %s", tap_file("loop", loop));
    tap_is(client(list, "", "192.0.2.5"), "yes", "a file that names itself ends");
    tap_is(client(list, "", "192.0.3.5"), "error", "in an error");
    free(list);
    free(loop);
}

static void test_problems(void)
{
    static const struct {
        const char *list;
        enum severity severity;
        const char *part;
    } rows[] = {
        {"192.0.2.1/24", SEV_ERROR, "192.0.2.0/24"},
        {"192.0.2.0/33", SEV_ERROR, "192.0.2.0/33"},
        {"192.0.2", SEV_ERROR, "192.0.2"},
        {"2001:db8::/32", SEV_ERROR, "brackets"},
        {"[2001:db8::1", SEV_ERROR, "2001:db8::1"},
        {"/nonexistent/file", SEV_ERROR, "/nonexistent/file"},
        {"texthash:/nonexistent/file", SEV_ERROR, "/nonexistent/file"},
        {"foo:bar", SEV_ERROR, "is no table type"},
        {"mysql:/etc/x.cf", SEV_WARNING, "tamis does not read mysql tables"},
        {"!", SEV_ERROR, "no pattern behind it"},
        {"a.example # b.example", SEV_WARNING, "in lines of their own"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct problems problems = {0};
        struct match_list *list =
            match_list_new(rows[i].list, MATCH_NETWORKS, "/", at, tables, &problems);

        tap_ok(problems.count == 1 && problems.list[0].severity == rows[i].severity &&
                   strstr(problems.list[0].text, rows[i].part) != NULL &&
                   problems.list[0].line == 7,
               "%s: %s", rows[i].list, problems.count ? problems.list[0].text : "nothing said");
        problems_free(&problems);
        match_list_free(list);
    }
}

int main(void)
{
    tap_start(60);
    tables = tables_new(NULL);
    arena = arena_new();
    test_networks();
    test_domains();
    test_files();
    test_problems();
    arena_free(arena);
    tables_free(tables);
    return tap_done();
}
