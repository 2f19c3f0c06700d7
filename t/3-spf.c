/* 3-spf - SPF: every mechanism, modifier, macro, limit; records that mean harm */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "spf_world.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define IP6_ARPA ".0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"

static struct spf_world_rr zone[] = {
    {"d.example", "A", "192.0.2.10", 0},
    {"d.example", "AAAA", "2001:db8::10", 0},
    {"d.example", "MX", "mx1.d.example.", 0},
    {"d.example", "MX", "mx2.d.example", 0},
    {"mx1.d.example", "A", "192.0.2.25", 0},
    {"mx1.d.example", "AAAA", "2001:db8::25", 0},
    {"mx2.d.example", "A", "192.0.2.26", 0},
    {"four.example", "A", "192.0.2.40", 0},
    {"four1.example", "CNAME", "four.example", 0},
    {"four2.example", "A", "192.0.2.42", 0},
    {"four3.example", "A", "192.0.2.43", 0},
    {"null.example", "MX", ".", 0},
    {"slow.example", "TIMEOUT", "", 0},
    {"slowhost.example", "MX", "slow.example", 0},
    {"pass.example", "TXT", "v=spf1 +all", 0},
    {"fail.example", "TXT", "v=spf1 -all exp=no.example", 0},
    {"softfail.example", "TXT", "v=spf1 ~all", 0},
    {"neutral.example", "TXT", "v=spf1 ?all", 0},
    {"two.example", "TXT", "v=spf1 -all", 0},
    {"two.example", "TXT", "v=spf1 +all", 0},
    {"bad.example", "TXT", "v=spf1 ipv4:192.0.2.1 -all", 0},
    {"other.example", "TXT", "v=spf1 ip4:198.51.100.7 -all", 0},
    {"self.example", "TXT", "v=spf1 a -all", 0},
    {"self.example", "A", "192.0.2.77", 0},
    {"no.example", "TXT", "not this", 0},
    {"1.2.0.192.in-addr.arpa", "PTR", "liar.d.example", 0},
    {"1.2.0.192.in-addr.arpa", "PTR", "HOST.d.example.", 0},
    {"liar.d.example", "A", "203.0.113.1", 0},
    {"host.d.example", "A", "192.0.2.1", 0},
    {"2.2.0.192.in-addr.arpa", "PTR", "else.where.example", 0},
    {"else.where.example", "A", "192.0.2.2", 0},
    {"9.2.0.192.in-addr.arpa", "TIMEOUT", "", 0},
    {"1" IP6_ARPA, "PTR", "host6.d.example", 0},
    {"host6.d.example", "AAAA", "2001:db8::1", 0},
    {"3.2.0.192.in-addr.arpa", "PTR", "a.muscat.example", 0},
    {"a.muscat.example", "A", "192.0.2.3", 0},
    {"4.2.0.192.in-addr.arpa", "PTR", "b.fdn.example", 0},
    {"b.fdn.example", "A", "192.0.2.4", 0},
    {"mail.example", "MX", "in.mail.example", 0},
    {"in.mail.example", "A", "192.0.2.5", 0},
    {"mail2.example", "MX", "in.mail2.example", 0},
    {"in.mail2.example", "A", "192.0.2.6", 0},
    {"1.2.0.192.s.example", "A", "127.0.0.2", 0},
    {"192.0.2.1.s.example", "A", "127.0.0.2", 0},
    {"2.1.s.example", "A", "127.0.0.2", 0},
    {"user.l.example", "A", "127.0.0.2", 0},
    {"d.example.o.example", "A", "127.0.0.2", 0},
    {"mail.helo.example.h.example", "A", "127.0.0.2", 0},
    {"user@d.example.s1.example", "A", "127.0.0.2", 0},
    {"user%40d.example.s2.example", "A", "127.0.0.2", 0},
    {"host.d.example.p.example", "A", "127.0.0.2", 0},
    {"unknown.p.example", "A", "127.0.0.2", 0},
    {"in-addr.v.example", "A", "127.0.0.2", 0},
    {"ip6.v.example", "A", "127.0.0.2", 0},
    {"a%b c%20d.e.example", "A", "127.0.0.2", 0},
    {"b.a.tag.example", "A", "127.0.0.2", 0},
    {"exp.example", "TXT", "%{s} is not %{o} at %{c}, %{r} %{t} 100%%%_%-", 0},
    {"crlf.example", "TXT", "hello %{l}", 0},
    {"syntax.example", "TXT", "100% sure", 0},
    {"letter.example", "TXT", "%{z}", 0},
    {"ctrl.example", "TXT", "a\r\nb", 0},
    {"utf.example", "TXT", "caf\303\251", 0},
    {"empty.example", "TXT", "", 0},
};

#define ISSUE                                                                                     \
    "v=spf1 mx ptr:muscat.example ptr:fdn.example mx:mail.example mx:mail2.example "               \
    "ip6:2a01:6600:8081:8e00::fab ip4:91.224.149.142 include:other.example -all"
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* The record of d.example, the client, "result terms voids". */
static const struct {
    const char *record, *client, *want;
} rows[] = {
    /* qualifiers, versions, the default */
    {"v=spf1 all", "192.0.2.1", "pass 0 0"},
    {"v=spf1 +all", "192.0.2.1", "pass 0 0"},
    {"v=spf1 -all", "192.0.2.1", "fail 0 0"},
    {"v=spf1 ~ALL", "192.0.2.1", "softfail 0 0"},
    {"v=spf1 ?all", "192.0.2.1", "neutral 0 0"},
    {"V=SPF1", "192.0.2.1", "neutral 0 0"},
    {"v=spf1   -all   ", "192.0.2.1", "fail 0 0"},
    {"v=spf10 -all", "192.0.2.1", "none 0 0"},
    {"v=spf1\t-all", "192.0.2.1", "none 0 0"},
    {"v=spf1 -all all:x", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 -", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 +ip4:192.0.2.1 -all b@d", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 -all", "127.0.0.1", "fail 0 0"},
    {"v=spf1 -all", "::1", "fail 0 0"},
    {"v=spf1 ip4:127.0.0.0/8 -all", "127.0.0.1", "pass 0 0"},
    /* ip4, ip6 */
    {"v=spf1 ip4:192.0.2.1 -all", "192.0.2.1", "pass 0 0"},
    {"v=spf1 ip4:192.0.2.1 -all", "::ffff:192.0.2.1", "pass 0 0"},
    {"v=spf1 ip4:192.0.2.99/24 -all", "192.0.2.1", "pass 0 0"},
    {"v=spf1 ip4:192.0.3.0/24 -all", "192.0.2.1", "fail 0 0"},
    {"v=spf1 ip4:0.0.0.0/0 -all", "192.0.2.1", "pass 0 0"},
    {"v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::1", "fail 0 0"},
    {"v=spf1 ip4:192.0.2.1/33 -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 ip4:192.0.2.1/4294967328 -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 ip4:192.0.2.1/08 -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 ip4:192.0.2.1/ -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 ip4:192.0.2 -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 ip4:192.0.2.01 -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 ip4 -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", "pass 0 0"},
    {"v=spf1 ip6:2001:DB8::1 -all", "2001:db8::1", "pass 0 0"},
    {"v=spf1 ip6:2001:db8::1/127 -all", "2001:db8::2", "fail 0 0"},
    {"v=spf1 ip6:::/0 -all", "192.0.2.1", "fail 0 0"},
    {"v=spf1 ip6:::ffff:192.0.2.1 -all", "192.0.2.1", "fail 0 0"},
    {"v=spf1 ip6:2001:db8::1/129 -all", "2001:db8::1", "permerror 0 0"},
    {"v=spf1 ip6:2001:db8:::1 -all", "2001:db8::1", "permerror 0 0"},
    /* a */
    {"v=spf1 a -all", "192.0.2.10", "pass 1 0"},
    {"v=spf1 a -all", "192.0.2.11", "fail 1 0"},
    {"v=spf1 a -all", "2001:db8::10", "pass 1 0"},
    {"v=spf1 a/24 -all", "192.0.2.200", "pass 1 0"},
    {"v=spf1 a/24//64 -all", "2001:db8::ffff", "pass 1 0"},
    {"v=spf1 a//64 -all", "192.0.2.200", "fail 1 0"},
    {"v=spf1 a/0 -all", "203.0.113.9", "pass 1 0"},
    {"v=spf1 a//0 -all", "2001:db8:ffff::1", "pass 1 0"},
    {"v=spf1 a//0 -all", "192.0.2.200", "fail 1 0"},
    {"v=spf1 a:four1.example -all", "192.0.2.40", "pass 1 0"},
    {"v=spf1 a:nowhere.example/0 -all", "192.0.2.40", "fail 1 1"},
    {"v=spf1 a:slow.example -all", "192.0.2.40", "temperror 1 0"},
    {"v=spf1 a:four.example/33 -all", "192.0.2.40", "permerror 0 0"},
    {"v=spf1 a:four.example//129 -all", "192.0.2.40", "permerror 0 0"},
    {"v=spf1 a:four.example/024 -all", "192.0.2.40", "permerror 0 0"},
    {"v=spf1 a: -all", "192.0.2.40", "permerror 0 0"},
    {"v=spf1 a:example -all", "192.0.2.40", "permerror 0 0"},
    {"v=spf1 a:127.0.0.1 -all", "127.0.0.1", "permerror 0 0"},
    {"v=spf1 a:four..example -all", "192.0.2.40", "fail 1 0"},
    {"v=spf1 a:x" L63 ".example -all", "192.0.2.40", "fail 1 0"},
    {"v=spf1 a:d.example -all", "127.0.0.1", "fail 1 0"},
    /* mx */
    {"v=spf1 mx -all", "192.0.2.25", "pass 1 0"},
    {"v=spf1 mx -all", "192.0.2.26", "pass 1 0"},
    {"v=spf1 mx -all", "2001:db8::25", "pass 1 0"},
    {"v=spf1 mx -all", "2001:db8::26", "fail 1 0"},
    {"v=spf1 mx/28 -all", "192.0.2.31", "pass 1 0"},
    {"v=spf1 mx/0 -all", "203.0.113.1", "pass 1 0"},
    {"v=spf1 mx//0 -all", "2001:db8:5::1", "pass 1 0"},
    {"v=spf1 mx:null.example -all", "192.0.2.1", "fail 1 0"},
    {"v=spf1 mx:four.example -all", "192.0.2.40", "fail 1 1"},
    {"v=spf1 mx:slowhost.example -all", "192.0.2.40", "temperror 1 0"},
    {"v=spf1 mx:slowhost.example/0 -all", "192.0.2.40", "temperror 1 0"},
    /* ptr */
    {"v=spf1 ptr -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 ptr -all", "2001:db8::1", "pass 1 0"},
    {"v=spf1 ptr -all", "192.0.2.2", "fail 1 0"},
    {"v=spf1 ptr:where.example -all", "192.0.2.2", "pass 1 0"},
    {"v=spf1 ptr:here.example -all", "192.0.2.2", "fail 1 0"},
    {"v=spf1 ptr:liar.d.example -all", "192.0.2.1", "fail 1 0"},
    {"v=spf1 ptr -all", "192.0.2.9", "fail 1 0"},
    {"v=spf1 ptr ptr:a.example ptr:b.example ptr:c.example -all", "203.0.113.1", "fail 4 1"},
    {"v=spf1 ptr/24 -all", "192.0.2.1", "permerror 0 0"},
    /* exists, include, redirect */
    {"v=spf1 exists:four.example -all", "2001:db8::1", "pass 1 0"},
    {"v=spf1 exists:nowhere.example -all", "192.0.2.1", "fail 1 1"},
    {"v=spf1 exists -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 exists:four.example/24 -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 include:pass.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 ~include:pass.example -all", "192.0.2.1", "softfail 1 0"},
    {"v=spf1 include:fail.example ~all", "192.0.2.1", "softfail 1 0"},
    {"v=spf1 include:softfail.example -all", "192.0.2.1", "fail 1 0"},
    {"v=spf1 include:neutral.example -all", "192.0.2.1", "fail 1 0"},
    {"v=spf1 include:four.example -all", "192.0.2.1", "permerror 1 0"},
    {"v=spf1 include:two.example -all", "192.0.2.1", "permerror 1 0"},
    {"v=spf1 include:bad.example -all", "192.0.2.1", "permerror 1 0"},
    {"v=spf1 include:slow.example -all", "192.0.2.1", "temperror 1 0"},
    {"v=spf1 include:self.example -all", "192.0.2.77", "pass 2 0"},
    {"v=spf1 include:self.example -all", "192.0.2.10", "fail 2 0"},
    {"v=spf1 include: -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 include:%{l}..example -all", "192.0.2.1", "permerror 1 0"},
    {"v=spf1 redirect=self.example", "192.0.2.77", "pass 2 0"},
    {"v=spf1 redirect=pass.example a:four.example", "192.0.2.40", "pass 1 0"},
    {"v=spf1 redirect=fail.example a:four.example", "192.0.2.41", "fail 2 0"},
    {"v=spf1 redirect=pass.example -all", "192.0.2.1", "fail 0 0"},
    {"v=spf1 redirect=four.example", "192.0.2.1", "permerror 1 0"},
    {"v=spf1 redirect=slow.example", "192.0.2.1", "temperror 1 0"},
    {"v=spf1 redirect=pass.example redirect=pass.example", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 redirect:pass.example", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 x-y_z.1=%{c}/anything ip4:192.0.2.1 -all", "192.0.2.1", "pass 0 0"},
    {"v=spf1 x=%(c) ip4:192.0.2.1 -all", "192.0.2.1", "permerror 0 0"},
    {"v=spf1 1x=y ip4:192.0.2.1 -all", "192.0.2.1", "permerror 0 0"},
    /* macros */
    {"v=spf1 exists:%{i}.s.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{ir}.s.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{i2}.s.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{l}.l.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{o}.o.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{d}.o.example. -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{h}.h.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{s}.s1.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{S}.s2.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{p}.p.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{p}.p.example -all", "192.0.2.2", "fail 1 1"},
    {"v=spf1 exists:%{p}.p.example -all", "203.0.113.1", "pass 1 0"},
    {"v=spf1 exists:%{p}.p.example -all", "192.0.2.9", "pass 1 0"},
    {"v=spf1 exists:%{v}.v.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 exists:%{v}.v.example -all", "2001:db8::1", "pass 1 0"},
    {"v=spf1 exists:a%%b%_c%-d.e.example -all", "192.0.2.1", "pass 1 0"},
    {"v=spf1 a:%{d1r}.%{o2} -all", "192.0.2.1", "fail 1 1"},
    {"v=spf1 a:%{d} -all", "192.0.2.10", "pass 1 0"},
    {"v=spf1 a:%{d0} -all", "192.0.2.10", "permerror 0 0"},
    {"v=spf1 a:%{d99999999999999999999} -all", "192.0.2.10", "pass 1 0"},
    {"v=spf1 a:%{x} -all", "192.0.2.10", "permerror 0 0"},
    {"v=spf1 a:%{c}.example -all", "192.0.2.10", "permerror 0 0"},
    {"v=spf1 a:%{d -all", "192.0.2.10", "permerror 0 0"},
    {"v=spf1 a:%{} -all", "192.0.2.10", "permerror 0 0"},
    {"v=spf1 a:%", "192.0.2.10", "permerror 0 0"},
    {"v=spf1 a:%{dr2} -all", "192.0.2.10", "permerror 0 0"},
    {"v=spf1 a:%{d}.com%", "192.0.2.10", "permerror 0 0"},
    /* limits */
    {"v=spf1 a a a a a a a a a a -all", "192.0.2.1", "fail 10 0"},
    {"v=spf1 a a a a a a a a a a a -all", "192.0.2.1", "permerror 11 0"},
    {"v=spf1 a a a a a a a a a a redirect=pass.example", "192.0.2.1", "permerror 11 0"},
    {"v=spf1 a:n1.example a:n2.example -all", "192.0.2.1", "fail 2 2"},
    {"v=spf1 a:n1.example a:n2.example a:n3.example -all", "192.0.2.1", "permerror 3 3"},
    {"v=spf1 a:four.example a:four1.example a:four2.example a:four3.example -all", "2001:db8::9",
     "fail 4 0"},
    /* a record as they grow, in each way that it can match */
    {ISSUE, "192.0.2.25", "pass 1 0"},
    {ISSUE, "192.0.2.26", "pass 1 0"},
    {ISSUE, "2001:db8::25", "pass 1 0"},
    {ISSUE, "192.0.2.3", "pass 2 0"},
    {ISSUE, "192.0.2.4", "pass 3 0"},
    {ISSUE, "192.0.2.5", "pass 4 1"},
    {ISSUE, "192.0.2.6", "pass 5 1"},
    {ISSUE, "2a01:6600:8081:8e00::fab", "pass 5 1"},
    {ISSUE, "91.224.149.142", "pass 5 1"},
    {ISSUE, "198.51.100.7", "pass 6 1"},
    {ISSUE, "198.51.100.8", "fail 6 1"},
};

/* The exp= part of the record of d.example and the local part; NULL: no explanation. */
static const struct {
    const char *record, *local, *want;
} explanations[] = {
    {"v=spf1 -all exp=exp.example", "user",
     "user@d.example is not d.example at 192.0.2.1, mx.here.example 1234567890 100% %20"},
    {"v=spf1 exp=exp.example ~all", "user", NULL},
    {"v=spf1 exp=no.example redirect=fail.example", "user", "not this"},
    {"v=spf1 exp=crlf.example redirect=two.example", "user", NULL},
    {"v=spf1 include:fail.example -all", "user", NULL},
    {"v=spf1 -all exp=crlf.example", "a\r\nb\303\251", "hello a??b??"},
    {"v=spf1 -all exp=syntax.example", "user", NULL},
    {"v=spf1 -all exp=letter.example", "user", NULL},
    {"v=spf1 -all exp=ctrl.example", "user", NULL},
    {"v=spf1 -all exp=utf.example", "user", NULL},
    {"v=spf1 -all exp=empty.example", "user", NULL},
    {"v=spf1 -all exp=two.example", "user", NULL},
    {"v=spf1 -all exp=slow.example", "user", NULL},
    {"v=spf1 -all exp=nowhere.example", "user", NULL},
    {"v=spf1 -all exp=a..example", "user", NULL},
};

/* The base world and a record of d.example. */
static struct spf_world world_of(const char *record, size_t len)
{
    struct spf_world w = {0};

    for (size_t i = 0; i < ARRAY_LEN(zone); i++)
        spf_world_add(&w, zone[i].name, zone[i].type, zone[i].value, strlen(zone[i].value));
    if (record != NULL)
        spf_world_add(&w, "d.example", "TXT", record, len);
    return w;
}

static struct spf_question question_of(const char *sender, const char *client)
{
    struct spf_question q = {.identity = SPF_MAILFROM,
                             .sender = sender,
                             .helo = "mail.helo.example",
                             .receiver = "mx.here.example",
                             .time = 1234567890};

    if (!addr_parse(slice_of(client), &q.client))
        die("no address: %s", client);
    return q;
}

static struct spf_answer evaluate(struct spf_world *w, const struct spf_question *q,
                                  struct arena *arena)
{
    struct spf_dns dns = spf_world_dns(w);
    struct spf_answer a;

    spf_evaluate(q, &dns, arena, &a);
    return a;
}

static void check_row(const char *record, size_t len, const char *client, const char *want,
                      const char *name)
{
    struct spf_question q = question_of("user@d.example", client);
    struct spf_world w = world_of(record, len);
    struct arena *arena = arena_new();
    struct spf_answer a = evaluate(&w, &q, arena);
    char got[64];

    snprintf(got, sizeof(got), "%s %u %u", spf_result_name(a.result), a.terms, a.voids);
    if (!tap_is(got, want, "%s, %s", name, client))
        tap_diag("%s", a.why);
    arena_free(arena);
    spf_world_free(&w);
}

static void check_explanations(void)
{
    for (size_t i = 0; i < ARRAY_LEN(explanations); i++) {
        struct arena *arena = arena_new();
        const char *record = explanations[i].record;
        struct spf_world w = world_of(record, strlen(record));
        struct spf_question q = question_of(
            arena_printf(arena, "%s@d.example", explanations[i].local), "192.0.2.1");
        struct spf_answer a = evaluate(&w, &q, arena);

        tap_is(a.explanation, explanations[i].want, "explanation: %s", record);
        arena_free(arena);
        spf_world_free(&w);
    }
}

/* Which domain is asked about. */
static void check_identities(void)
{
    static const struct {
        enum spf_identity identity;
        const char *sender, *helo, *domain, *result;
    } who[] = {
        {SPF_MAILFROM, "a@fail.example", "pass.example", "fail.example", "fail"},
        {SPF_HELO, "a@fail.example", "pass.example", "pass.example", "pass"},
        {SPF_MAILFROM, "", "softfail.example", "softfail.example", "softfail"},
        {SPF_MAILFROM, NULL, "softfail.example.", "softfail.example", "softfail"},
        {SPF_MAILFROM, "@pass.example", "fail.example", "pass.example", "pass"},
        {SPF_MAILFROM, "pass.example", "fail.example", "pass.example", "pass"},
        {SPF_MAILFROM, "\"a@b\"@PASS.example", "fail.example", "PASS.example", "pass"},
        {SPF_MAILFROM, "a@[192.0.2.1]", "pass.example", "", "none"},
        {SPF_MAILFROM, "a@localhost", "pass.example", "", "none"},
        {SPF_MAILFROM, "a@b..example", "pass.example", "", "none"},
        {SPF_MAILFROM, "a@x" L63 ".example", "pass.example", "", "none"},
        {SPF_MAILFROM, "a@", "pass.example", "", "none"},
        {SPF_HELO, "a@pass.example", NULL, "", "none"},
        {SPF_MAILFROM, "a@nowhere.example", "pass.example", "nowhere.example", "none"},
        {SPF_MAILFROM, "a@slow.example", "pass.example", "slow.example", "temperror"},
        {SPF_MAILFROM, "a@two.example", "pass.example", "two.example", "permerror"},
    };

    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        struct spf_question q = question_of(who[i].sender, "192.0.2.1");
        struct spf_world w = world_of(NULL, 0);
        struct arena *arena = arena_new();
        struct spf_answer a;

        q.identity = who[i].identity;
        q.helo = who[i].helo;
        a = evaluate(&w, &q, arena);
        tap_is(a.domain, who[i].domain, "identity %zu: the domain", i);
        tap_is(spf_result_name(a.result), who[i].result, "identity %zu: the result", i);
        arena_free(arena);
        spf_world_free(&w);
    }
}

/* What the answer says about itself. */
static void check_words(void)
{
    static const struct {
        const char *record, *client, *term, *why;
    } words[] = {
        {"v=spf1 a mx -all", "192.0.2.25", "mx",
         "192.0.2.25 matches mx in the record of d.example"},
        {"v=spf1 a mx -all", "192.0.2.1", "-all",
         "192.0.2.1 matches -all in the record of d.example"},
        {"v=spf1 a mx", "192.0.2.1", NULL, "nothing in the record of d.example matches 192.0.2.1"},
        {"v=spf1 a redirect=self.example", "192.0.2.77", "a",
         "192.0.2.77 matches a in the record of self.example"},
        {"v=spf1 ?include:self.example ~all", "192.0.2.77", "?include:self.example",
         "192.0.2.77 matches ?include:self.example in the record of d.example"},
        {"v=spf1 a ip4:192.0.2.0/28 mx", "192.0.2.1", "ip4:192.0.2.0/28",
         "192.0.2.1 matches ip4:192.0.2.0/28 in the record of d.example"},
        {"v=spf1 a:b\001c -all", "192.0.2.1", NULL, "d.example: bad term in the record: a:b?c"},
        {"v=spf1 a:slow.example", "192.0.2.1", NULL, "the DNS did not answer for slow.example"},
        {"v=spf1 include:two.example", "192.0.2.1", NULL, "two.example has 2 SPF records"},
        {"v=spf1 include:no.example", "192.0.2.1", NULL, "no.example has no SPF record"},
        {"v=spf1 exp=a.example exp=b.example", "192.0.2.1", NULL,
         "d.example: exp= twice in the record"},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct spf_question q = question_of("user@d.example", words[i].client);
        struct spf_world w = world_of(words[i].record, strlen(words[i].record));
        struct arena *arena = arena_new();
        struct spf_answer a = evaluate(&w, &q, arena);

        tap_is(a.term, words[i].term, "the term: %s", words[i].record);
        tap_is(a.why, words[i].why, "why: %s", words[i].record);
        arena_free(arena);
        spf_world_free(&w);
    }
}

static void check_times(void)
{
    struct spf_question q = question_of("user@d.example", "192.0.2.1");
    struct spf_world w = world_of("v=spf1 a a a a a a a -all", 25);
    struct arena *arena = arena_new();
    struct spf_answer a;

    w.step_us = 3000000;
    a = evaluate(&w, &q, arena);
    tap_is(spf_result_name(a.result), "temperror", "8 questions of 3 seconds each: temperror");
    tap_ok(w.clock_us <= 21000000, "and it ends after 20 seconds");
    w.clock_us = 0;
    w.step_us = 1000000;
    tap_is(spf_result_name(evaluate(&w, &q, arena).result), "fail", "of 1 second each: fail");
    w.clock_us = 0;
    q.deadline_us = 4500000;
    a = evaluate(&w, &q, arena);
    tap_is(spf_result_name(a.result), "temperror", "a deadline of 4.5 seconds");
    tap_is(a.why, "the evaluation took too long", "and it says so");
    tap_is_int(a.lookups, 5, "after 5 questions");
    arena_free(arena);
    spf_world_free(&w);
}

static void check_void_limits(void)
{
    struct spf_question q = question_of("user@d.example", "192.0.2.1");
    const char *record = "v=spf1 a:n1.example a:n2.example a:n3.example a:n4.example -all";
    struct spf_world w = world_of(record, strlen(record));
    struct arena *arena = arena_new();

    q.void_limit = 3;
    tap_is(spf_result_name(evaluate(&w, &q, arena).result), "permerror", "void limit 3: 4 void");
    q.void_limit = -1;
    tap_is(spf_result_name(evaluate(&w, &q, arena).result), "fail", "no void limit");
    arena_free(arena);
    spf_world_free(&w);
}

/* `count` times `text`, between a head and a tail. */
static void check_flood(const char *head, const char *text, size_t count, const char *tail,
                        const char *client, const char *want)
{
    struct buf record = {0};

    buf_adds(&record, head);
    for (size_t i = 0; i < count; i++)
        buf_adds(&record, text);
    buf_adds(&record, tail);
    check_row(record.ptr, record.len, client, want, tail);
    buf_free(&record);
}

static void check_floods(void)
{
    check_flood("v=spf1 a:", "%{d}", 127, "xxxxxxxx.example -all", "192.0.2.1", "fail 1 1");
    check_flood("v=spf1 x=", "%{d}", 127, "%{l} -all", "192.0.2.1", "fail 0 0");
    check_flood("v=spf1 exp=", "%{d}", 127, ".example -all", "192.0.2.1", "fail 0 0");
    check_flood("v=spf1 exists:", "%{s}.", 15000, "example -all", "192.0.2.1", "fail 1 0");
    check_flood("v=spf1 a:", "xxxxxxxxxxxxxxxx.", 400, "%{d} -all", "192.0.2.1", "fail 1 1");
    check_flood("v=spf1 a:", "x", 6000, "%{d}%{d}%{d} -all", "192.0.2.1", "fail 1 1");
    check_flood("v=spf1", " ip4:203.0.113.1", 4000, " ip4:192.0.2.1 -all", "192.0.2.1", "pass 0 0");
    check_flood("v=spf1", " ip4:203.0.113.1", 4000, " ~all", "192.0.2.1", "softfail 0 0");
    check_flood("v=spf1", " ip6:2001:db8::/64", 3000, " -all", "192.0.2.1", "fail 0 0");
    check_flood("v=spf1", " a", 30000, " -all", "192.0.2.1", "permerror 11 0");
    check_flood("v=spf1", " include:fail.example", 9, " -all", "192.0.2.1", "fail 9 0");
    check_flood("v=spf1", " mx//120", 10, " -all", "2001:db9::1", "fail 10 0");
    check_flood("v=spf1", " -all", 10000, " x", "192.0.2.1", "permerror 0 0");
    check_flood("v=spf1 redirect=", "%{d}.", 20, "d.example", "192.0.2.1", "permerror 1 0");
    check_row("v=spf1 -all\n", 12, "192.0.2.1", "permerror 0 0", "a line end");
    check_row("v=spf1 -all\0 a", 14, "192.0.2.1", "permerror 0 0", "a NUL in the record");
    check_row("v=spf1 \0all", 11, "192.0.2.1", "permerror 0 0", "a NUL as a qualifier");
    check_row("v=spf1 ip4:192.0.2.1\0", 21, "192.0.2.1", "permerror 0 0", "a NUL in ip4");
    check_row("v=spf1 a:x.example\0", 19, "192.0.2.1", "permerror 0 0", "a NUL in a name");
}

/* The text that used to end the process. */
static void check_exp_flood(void)
{
    struct spf_world w = world_of("v=spf1 -all exp=flood.example", 29);
    struct spf_question q = question_of("user@d.example", "192.0.2.1");
    struct arena *arena = arena_new();
    struct buf text = {0};
    struct spf_answer a;

    for (int i = 0; i < 127; i++)
        buf_adds(&text, "%{l}");
    buf_adds(&text, "xxx");
    spf_world_add(&w, "flood.example", "TXT", text.ptr, text.len);
    a = evaluate(&w, &q, arena);
    tap_is(spf_result_name(a.result), "fail", "127 macros in the explanation");
    tap_is_int((long long)strlen(a.explanation), 400, "which is cut");
    buf_free(&text);
    arena_free(arena);
    spf_world_free(&w);
}

/* 10 includes a record, 6 levels. */
static void check_bomb(void)
{
    struct spf_question q = question_of("user@l0.example", "192.0.2.1");
    struct arena *arena = arena_new();
    struct spf_world w = {0};
    struct spf_answer a;

    for (int level = 0; level < 6; level++) {
        struct buf record = {0};

        buf_adds(&record, "v=spf1");
        for (int i = 0; i < 10; i++)
            buf_addf(&record, " include:l%d.example", level + 1);
        spf_world_add(&w, arena_printf(arena, "l%d.example", level), "TXT", record.ptr, record.len);
        buf_free(&record);
    }
    spf_world_add(&w, "l6.example", "TXT", "v=spf1 ?all", 11);
    a = evaluate(&w, &q, arena);
    tap_is(spf_result_name(a.result), "permerror", "a bomb of includes");
    tap_is_int(a.lookups, 11, "is 11 questions: its own record and 10 terms");
    tap_is_int(w.asked[SPF_TXT], 11, "and the DNS saw no more");
    spf_world_free(&w);
    arena_free(arena);
}

/* Nested as deep as the terms allow. */
static void check_chain(const char *via, int depth, const char *want)
{
    struct spf_question q = question_of("user@c0.example", "192.0.2.1");
    struct arena *arena = arena_new();
    struct spf_world w = {0};

    for (int i = 0; i < depth; i++) {
        const char *text = arena_printf(arena, "v=spf1 %sc%d.example", via, i + 1);

        spf_world_add(&w, arena_printf(arena, "c%d.example", i), "TXT", text, strlen(text));
    }
    spf_world_add(&w, arena_printf(arena, "c%d.example", depth), "TXT", "v=spf1 +all", 11);
    tap_is(spf_result_name(evaluate(&w, &q, arena).result), want, "%d times %s", depth, via);
    spf_world_free(&w);
    arena_free(arena);
}

static void check_hosts(int count, const char *type, const char *client, const char *record,
                        const char *want)
{
    struct spf_world w = world_of(record, strlen(record));
    struct spf_question q = question_of("user@d.example", client);
    struct arena *arena = arena_new();
    struct spf_answer a;

    for (int i = 0; i < count; i++) {
        const char *name = arena_printf(arena, "h%d.many.example", i);

        spf_world_add(&w, "many.example", "MX", name, strlen(name));
        spf_world_add(&w, "55.2.0.192.in-addr.arpa", "PTR", name, strlen(name));
        spf_world_add(&w, name, "A", "192.0.2.54", 10);
        if (i == count - 1)
            spf_world_add(&w, name, "A", "192.0.2.55", 10);
    }
    a = evaluate(&w, &q, arena);
    tap_is(spf_result_name(a.result), want, "%d hosts of %s: %s", count, type, record);
    spf_world_free(&w);
    arena_free(arena);
}

int main(void)
{
    tap_start(120);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(rows[i].record, strlen(rows[i].record), rows[i].client, rows[i].want,
                  rows[i].record);
    check_explanations();
    check_identities();
    check_words();
    check_times();
    check_void_limits();
    check_floods();
    check_exp_flood();
    check_bomb();
    check_chain("include:", 10, "pass");
    check_chain("include:", 11, "permerror");
    check_chain("redirect=", 10, "pass");
    check_chain("redirect=", 11, "permerror");
    check_hosts(10, "MX", "192.0.2.55", "v=spf1 mx:many.example -all", "pass");
    check_hosts(11, "MX", "192.0.2.55", "v=spf1 mx:many.example -all", "permerror");
    check_hosts(11, "MX", "192.0.2.55", "v=spf1 mx:many.example/0 -all", "permerror");
    check_hosts(10, "PTR", "192.0.2.55", "v=spf1 ptr:many.example -all", "pass");
    check_hosts(11, "PTR", "192.0.2.55", "v=spf1 ptr:many.example -all", "fail");
    return tap_done();
}
