/* 3-iprev - does a client's name lead back to it: what the MTA told, and what the DNS answers */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "iprev.h"
#include "tap.h"

#include <string.h>

typedef bool iprev_fn(const struct scene *scene, struct iprev *iprev, struct outcome *need);

struct row {
    const char *what;
    struct client client;  /* name and ptr: "unknown" if NULL */
    const char *answers;   /* "QUESTION = ANSWER\n" …; others: "no such name" */
    const char *want;      /* "result name reason", "-" for NULL */
    const char *asked;     /* the questions, "; " behind each; those of outcome.also in ( ) */
};

static void answer(struct message *m, const char *question, const char *answers)
{
    size_t len = strlen(question);
    const char *found = "no such name";

    for (const char *p = answers; p != NULL && *p != '\0'; p = strchr(p, '\n') + 1)
        if (strncmp(p, question, len) == 0 && strncmp(p + len, " = ", 3) == 0)
            found = arena_strndup(m->arena, p + len + 3, strcspn(p + len + 3, "\n"));
    message_add_finding(m, question)->answer = found;
}

static const char *note(struct arena *arena, const char *asked, const struct outcome *need)
{
    asked = arena_printf(arena, "%s%s; ", asked, need->need);
    for (size_t i = 0; need->also != NULL && need->also[i] != NULL; i++)
        asked = arena_printf(arena, "%s(%s) ", asked, need->also[i]);
    return asked;
}

static void check(iprev_fn *judge, const struct row *row)
{
    struct message *m = message_new(0);
    struct client c = row->client;
    struct scene scene = {.client = &c, .message = m, .arena = m->arena};
    const char *asked = "";
    struct outcome need;
    struct iprev iprev;

    c.name = c.name != NULL ? c.name : "unknown";
    c.ptr = c.ptr != NULL ? c.ptr : c.name;
    addr_parse(slice_of(c.addr_text), &c.addr);
    while (memset(&need, 0, sizeof(need)), !judge(&scene, &iprev, &need)) {
        if (message_find(m, need.need) != NULL)
            die("%s: %s is asked twice", row->what, need.need);
        asked = note(m->arena, asked, &need);
        answer(m, need.need, row->answers);
    }
    tap_is(arena_printf(m->arena, "%s %s %s", iprev_result_name(iprev.result),
                        iprev.name != NULL ? iprev.name : "-",
                        iprev.reason != NULL ? iprev.reason : "-"),
           row->want, "%s", row->what);
    tap_is(asked, row->asked, "%s: questions", row->what);
    message_free(m);
}

#define PTR10 "dns PTR 10.2.0.192.in-addr.arpa"
#define PTR6 "dns PTR 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"

/* --- what the MTA told ------------------------------------------------------------------------- */

static const struct row told[] = {
    {"local", {.local = true, .addr_text = "127.0.0.1", .name = "localhost"}, NULL,
     "none - no SMTP client", ""},
    {"a verified name", {.name = "m.example", .addr_text = "192.0.2.10"}, NULL,
     "pass m.example -", ""},
    {"OK", {.name = "m.example", .addr_text = "192.0.2.10", .resolve = "OK"}, NULL,
     "pass m.example -", ""},
    {"OK beats an unknown name",
     {.ptr = "m.example", .addr_text = "192.0.2.10", .resolve = "OK"}, NULL,
     "pass m.example -", ""},
    {"FORGED", {.ptr = "f.example", .addr_text = "192.0.2.10", .resolve = "FORGED"}, NULL,
     "fail f.example f.example does not resolve to 192.0.2.10", ""},
    {"FORGED beats a name", {.name = "f.example", .addr_text = "192.0.2.10", .resolve = "FORGED"},
     NULL, "fail f.example f.example does not resolve to 192.0.2.10", ""},
    {"FORGED without a name", {.addr_text = "192.0.2.10", .resolve = "FORGED"}, NULL,
     "fail - its name does not resolve to its address", ""},
    {"TEMP", {.addr_text = "192.0.2.10", .resolve = "TEMP"}, NULL,
     "temperror - lookup of 192.0.2.10 failed", ""},
    {"TEMP, with a name", {.ptr = "t.example", .addr_text = "192.0.2.10", .resolve = "temp"}, NULL,
     "temperror t.example lookup of t.example failed", ""},
    {"FAIL", {.addr_text = "192.0.2.10", .resolve = "FAIL"}, NULL,
     "permerror - no reverse name", ""},
    {"no address", {.addr_text = "nonsense"}, NULL, "none - no address", ""},
    {"no address, but told", {.addr_text = "nonsense", .resolve = "FAIL"}, NULL,
     "permerror - no reverse name", ""},
};

/* --- what it did not tell ---------------------------------------------------------------------- */

static const struct row asked[] = {
    {"leads back", {.addr_text = "192.0.2.10"},
     PTR10 " = m.example\ndns A m.example = 192.0.2.9, 192.0.2.10\n", "pass m.example -",
     PTR10 "; dns A m.example; (dns A m.example) "},
    {"IPv6", {.addr_text = "2001:db8::1"},
     PTR6 " = m.example\ndns AAAA m.example = 2001:db8::1\n", "pass m.example -",
     PTR6 "; dns AAAA m.example; (dns AAAA m.example) "},
    {"an unknown word from the MTA", {.addr_text = "192.0.2.10", .resolve = "PERHAPS"},
     PTR10 " = m.example\ndns A m.example = 192.0.2.10\n", "pass m.example -",
     PTR10 "; dns A m.example; (dns A m.example) "},
    {"the name is told", {.ptr = "p.example", .addr_text = "192.0.2.10"},
     "dns A p.example = 192.0.2.10\n", "pass p.example -", "dns A p.example; (dns A p.example) "},
    {"leads elsewhere", {.addr_text = "192.0.2.10"},
     PTR10 " = m.example\ndns A m.example = 192.0.2.9\n",
     "fail m.example m.example does not resolve to 192.0.2.10",
     PTR10 "; dns A m.example; (dns A m.example) "},
    {"leads nowhere", {.addr_text = "192.0.2.10"},
     PTR10 " = m.example\ndns A m.example = no data\n",
     "fail m.example m.example does not resolve to 192.0.2.10",
     PTR10 "; dns A m.example; (dns A m.example) "},
    {"no PTR", {.addr_text = "192.0.2.10"}, "", "permerror - no reverse name", PTR10 "; "},
    {"no PTR, but something", {.addr_text = "192.0.2.10"}, PTR10 " = no data\n",
     "permerror - no reverse name", PTR10 "; "},
    {"PTR fails", {.addr_text = "192.0.2.10"}, PTR10 " = temperror: SERVFAIL\n",
     "temperror - lookup of 192.0.2.10 failed", PTR10 "; "},
    {"A fails", {.addr_text = "192.0.2.10"},
     PTR10 " = m.example\ndns A m.example = temperror: timeout\n",
     "temperror m.example lookup of m.example failed",
     PTR10 "; dns A m.example; (dns A m.example) "},
    {"one of two fails, one leads back", {.addr_text = "192.0.2.10"},
     PTR10 " = a.example, b.example\ndns A a.example = temperror: timeout\n"
           "dns A b.example = 192.0.2.10\n", "pass b.example -",
     PTR10 "; dns A a.example; (dns A a.example) (dns A b.example) "
           "dns A b.example; (dns A b.example) "},
    {"one of two fails, one leads elsewhere", {.addr_text = "192.0.2.10"},
     PTR10 " = a.example, b.example\ndns A b.example = temperror: timeout\n"
           "dns A a.example = 192.0.2.9\n", "temperror b.example lookup of b.example failed",
     PTR10 "; dns A a.example; (dns A a.example) (dns A b.example) "
           "dns A b.example; (dns A b.example) "},
    {"names that are none", {.addr_text = "192.0.2.10"},
     PTR10 " = 192.0.2.10, -bad.example, a\\032b.example, .\n", "permerror - no reverse name",
     PTR10 "; "},
    {"an answer like no other", {.addr_text = "192.0.2.10"}, PTR10 " = \n",
     "temperror - lookup of 192.0.2.10 failed", PTR10 "; "},
};

static void test_many_names(void)
{
    struct row row = {
        "at most ten names", {.addr_text = "192.0.2.10"},
        PTR10 " = a.example, b.example, c.example, d.example, e.example, f.example, g.example, "
              "h.example, i.example, j.example, k.example\ndns A k.example = 192.0.2.10\n",
        "fail a.example a.example does not resolve to 192.0.2.10", NULL};
    struct arena *arena = arena_new();
    const char *all = PTR10 "; ";

    for (char c = 'a'; c <= 'j'; c++) {
        all = arena_printf(arena, "%sdns A %c.example; ", all, c);
        for (char later = c; later <= 'j'; later++)
            all = arena_printf(arena, "%s(dns A %c.example) ", all, later);
    }
    row.asked = all;
    check(iprev_judge, &row);
    arena_free(arena);
}

/* --- the weaker forms -------------------------------------------------------------------------- */

static const struct row reverse[] = {
    {"reverse: told", {.ptr = "f.example", .addr_text = "192.0.2.10", .resolve = "FORGED"}, NULL,
     "pass f.example -", ""},
    {"reverse: told without resolve", {.ptr = "f.example", .addr_text = "192.0.2.10"}, NULL,
     "pass f.example -", ""},
    {"reverse: TEMP of the address", {.ptr = "t.example", .addr_text = "192.0.2.10",
                                      .resolve = "TEMP"}, NULL, "pass t.example -", ""},
    {"reverse: TEMP", {.addr_text = "192.0.2.10", .resolve = "TEMP"}, NULL,
     "temperror - lookup of 192.0.2.10 failed", ""},
    {"reverse: asked", {.addr_text = "192.0.2.10"}, PTR10 " = m.example\n", "pass m.example -",
     PTR10 "; "},
    {"reverse: none", {.addr_text = "192.0.2.10"}, "", "permerror - no reverse name", PTR10 "; "},
    {"reverse: local", {.local = true, .addr_text = "127.0.0.1", .ptr = "localhost"}, NULL,
     "none - no SMTP client", ""},
};

static const struct row forward[] = {
    {"forward: OK", {.name = "m.example", .addr_text = "192.0.2.10", .resolve = "OK"}, NULL,
     "pass m.example -", ""},
    {"forward: FORGED, other address",
     {.ptr = "f.example", .addr_text = "192.0.2.10", .resolve = "FORGED"},
     "dns A f.example = 192.0.2.9\n", "pass f.example -",
     "dns A f.example; (dns A f.example) (dns AAAA f.example) "},
    {"forward: FORGED, other family",
     {.ptr = "f.example", .addr_text = "192.0.2.10", .resolve = "FORGED"},
     "dns AAAA f.example = 2001:db8::9\n", "pass f.example -",
     "dns A f.example; (dns A f.example) (dns AAAA f.example) "
     "dns AAAA f.example; (dns A f.example) (dns AAAA f.example) "},
    {"forward: FORGED, no address",
     {.ptr = "f.example", .addr_text = "192.0.2.10", .resolve = "FORGED"}, "",
     "fail f.example f.example does not resolve to 192.0.2.10",
     "dns A f.example; (dns A f.example) (dns AAAA f.example) "
     "dns AAAA f.example; (dns A f.example) (dns AAAA f.example) "},
    {"forward: no address to ask about", {.addr_text = "nonsense", .resolve = "FORGED"}, NULL,
     "permerror - no reverse name", ""},
};

static void check_all(iprev_fn *judge, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(judge, &rows[i]);
}

int main(void)
{
    tap_start(30);
    check_all(iprev_judge, told, ARRAY_LEN(told));
    check_all(iprev_judge, asked, ARRAY_LEN(asked));
    check_all(iprev_reverse, reverse, ARRAY_LEN(reverse));
    check_all(iprev_forward, forward, ARRAY_LEN(forward));
    test_many_names();
    return tap_done();
}
