/* 2-table-cidr - networks: order, `!`, if and endif, odd lines, size */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "net.h"
#include "rows.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct row rows[] = {
    {"a network", "192.0.2.0/24 REJECT x\n", "192.0.2.77", "REJECT x", 1, NULL},
    {"outside", "192.0.2.0/24 REJECT x\n", "192.0.3.0", NONE, 0, NULL},
    {"an address", "192.0.2.1\tOK\n", "192.0.2.1", "OK", 1, NULL},
    {"IPv6", "2001:db8::/32 OK\n", "2001:DB8:1::1", "OK", 1, NULL},
    {"brackets", "[2001:db8::]/32 OK\n", "2001:db8::1", "OK", 1, NULL},
    {"brackets around all", "[2001:db8::/32] OK\n", "2001:db8::1", "OK", 1, NULL},
    {"mapped client", "192.0.2.0/24 OK\n", "::ffff:192.0.2.5", "OK", 1, NULL},
    {"mapped network", "::ffff:0:0/96 A\n::ffff:192.0.2.5 B\n0.0.0.0/0 C\n", "192.0.2.5", "C", 3,
     "2:note: never used: line 1"},
    {"mapped network, negated", "!::ffff:0:0/96 A\n", "2001:db8::1", "A", 1, NULL},
    {"if of a mapped network", "if ::ffff:0:0/96\n0.0.0.0/0 A\nendif\n", "192.0.2.5", NONE, 0, NULL},
    {"a key that is no address", "0.0.0.0/0 OK\n", "host.example", NONE, 0, NULL},
    {"a literal's inside is no address", "::/0 OK\n", "IPv6:::1", NONE, 0, NULL},
    {"a partial address", "0.0.0.0/0 OK\n", "192.0.2", NONE, 0, NULL},
    {"empty file", "", "192.0.2.1", NONE, 0, NULL},
    {"$ means nothing", "192.0.2.1 $1 $$\n", "192.0.2.1", "$1 $$", 1, NULL},
    {"accents", "10.0.0.50\t\tREJECT\t\tAdresse IP blacklist\xc3\xa9" "e\n", "10.0.0.50",
     "REJECT\t\tAdresse IP blacklist\xc3\xa9" "e", 1, NULL},

    {"first match wins: narrow first", "10.1.0.0/16 A\n10.0.0.0/8 B\n", "10.1.2.3", "A", 1, NULL},
    {"first match wins: the other", "10.1.0.0/16 A\n10.0.0.0/8 B\n", "10.2.2.3", "B", 2, NULL},
    {"first match wins: wide first", "10.0.0.0/8 B\n10.1.0.0/16 A\n", "10.1.2.3", "B", 1,
     "2:note: never used: line 1"},
    {"first match wins: twice the same", "10.0.0.0/8 A\n10.0.0.0/8 B\n", "10.1.2.3", "A", 1,
     "2:note: never used: line 1"},

    {"negated, inside", "!10.0.0.0/8 A\n0.0.0.0/0 B\n", "10.1.2.3", "B", 2, NULL},
    {"negated, outside", "!10.0.0.0/8 A\n0.0.0.0/0 B\n", "11.1.2.3", "A", 1, NULL},
    {"negated, behind a plain one", "11.0.0.0/8 B\n!10.0.0.0/8 A\n", "11.1.2.3", "B", 1, NULL},
    {"negated, before a plain one", "!10.0.0.0/8 A\n11.0.0.0/8 B\n", "11.1.2.3", "A", 1, NULL},
    {"negated, other family", "!10.0.0.0/8 A\n", "::1", NONE, 0, NULL},
    {"negated twice", "! ! 10.0.0.0/8 A\n", "10.1.2.3", "A", 1, NULL},
    {"negated three times", "!!! 10.0.0.0/8 A\n", "11.1.2.3", "A", 1, NULL},

    {"if, true", "if 10.0.0.0/8\n10.1.0.0/16 A\nendif\n0.0.0.0/0 B\n", "10.1.2.3", "A", 2, NULL},
    {"if, true, nothing inside", "if 10.0.0.0/8\n10.1.0.0/16 A\nendif\n0.0.0.0/0 B\n", "10.2.2.3",
     "B", 4, NULL},
    {"if, false", "if 10.0.0.0/8\n0.0.0.0/0 A\nendif\n0.0.0.0/0 B\n", "11.1.2.3", "B", 4, NULL},
    {"if !, true", "if !10.0.0.0/8\n0.0.0.0/0 A\nendif\n0.0.0.0/0 B\n", "11.1.2.3", "A", 2, NULL},
    {"if!, no blank", "if!10.0.0.0/8\n0.0.0.0/0 A\nendif\n0.0.0.0/0 B\n", "10.1.2.3", "B", 4, NULL},
    {"IF and EndIf", "IF 10.0.0.0/8\n0.0.0.0/0 A\nEndIf\n", "10.1.2.3", "A", 2, NULL},
    {"if of the other family", "if 10.0.0.0/8\n::/0 A\nendif\n::/0 B\n", "::1", "B", 4, NULL},
    {"if ! of the other family", "if !10.0.0.0/8\n::/0 A\nendif\n::/0 B\n", "::1", "B", 4, NULL},
    {"if inside if", "if 10.0.0.0/8\nif 10.1.0.0/16\n10.1.1.0/24 A\nendif\n10.0.0.0/8 B\nendif\n",
     "10.1.1.1", "A", 3, NULL},
    {"if inside if, outer only",
     "if 10.0.0.0/8\nif 10.1.0.0/16\n10.1.1.0/24 A\nendif\n10.0.0.0/8 B\nendif\n", "10.1.2.1", "B",
     5, NULL},
    {"order: plain before if", "10.1.0.0/16 A\nif 10.0.0.0/8\n10.0.0.0/8 B\nendif\n", "10.1.1.1",
     "A", 1, NULL},
    {"order: if before plain", "if 10.0.0.0/8\n10.0.0.0/8 B\nendif\n10.1.0.0/16 A\n", "10.1.1.1",
     "B", 2, NULL},
    {"order: empty if before plain", "if 10.0.0.0/8\nendif\n10.1.0.0/16 A\n", "10.1.1.1", "A", 3,
     NULL},
    {"order: a failed if does not spoil what follows",
     "if 10.0.0.0/8\n10.9.0.0/16 A\nendif\n!10.0.0.0/8 C\n10.1.0.0/16 B\n", "10.1.1.1", "B", 5,
     NULL},
    {"if without endif, true", "if 10.0.0.0/8\n10.1.0.0/16 A\n", "10.1.1.1", "A", 2,
     "1:warning: if without endif"},
    {"if without endif, false", "if 10.0.0.0/8\n0.0.0.0/0 A\n", "11.1.1.1", NONE, 0,
     "1:warning: if without endif"},
    {"endif without if", "endif\n10.0.0.0/8 A\n", "10.1.1.1", "A", 2,
     "1:warning: endif without if: line skipped"},
    {"text behind endif", "if 10.0.0.0/8\n10.0.0.0/8 A\nendif x\n0.0.0.0/0 B\n", "11.1.1.1", NONE,
     0,
     "3:warning: text behind endif: line skipped"},
    {"text behind if breaks it", "if 10.0.0.0/8 x\n0.0.0.0/0 A\nendif\n", "11.1.1.1", "A", 2,
     "1:warning: broken if"},
    {"broken if: its rules apply to everything", "if 10.0.0.1/8\n0.0.0.0/0 A\nendif\n", "11.1.1.1",
     "A", 2, "1:warning: THE IF IS DROPPED AND ITS RULES APPLY TO EVERYTHING"},
    {"if without network", "if\n0.0.0.0/0 A\nendif\n", "11.1.1.1", "A", 2, "1:warning: broken if"},

    {"host bits", "10.0.0.1/8 A\n10.0.0.0/8 B\n", "10.0.0.1", "B", 2,
     "1:warning: did you mean 10.0.0.0/8?: line skipped"},
    {"too many bits", "10.0.0.1/33 A\n10.0.0.0/8 B\n", "10.0.0.1", "B", 2,
     "1:warning: no prefix length of 0 to 32"},
    {"bad number", "10.0.0.0/x A\n10.0.0.0/8 B\n", "10.0.0.1", "B", 2, "1:warning: line skipped"},
    {"netmask", "10.0.0.0/255.0.0.0 A\n10.0.0.0/8 B\n", "10.0.0.1", "B", 2,
     "1:warning: line skipped"},
    {"leading zero of the length", "10.0.0.0/08 A\n", "10.0.0.1", "A", 1, NULL},
    {"missing result", "10.0.0.0/8\n10.0.0.0/8 B\n", "10.0.0.1", "B", 2,
     "1:warning: no result behind the network: line skipped"},
    {"garbage", "host.example A\n10.0.0.0/8 B\n", "10.0.0.1", "B", 2, "1:warning: no IP address"},
    {"only !", "! \n10.0.0.0/8 B\n", "10.0.0.1", "B", 2, "1:warning: no network behind !"},
    {"Latin-1 result is kept, and told", "10.0.0.0/8 caf\xe9\n", "10.0.0.1", "caf\xe9", 1,
     "1:warning: iconv -f LATIN1 -t UTF-8"},
    {"no-break space", "10.0.0.0/8\xc2\xa0OK\n", "10.0.0.1", NONE, 0,
     "1:warning: a no-break space"},
};

static void test_strict(void)
{
    static const char *const lines[] = {"10.0.0.1/8 A\n",    "10.0.0.0/8\n",  "x y\n", "endif\n",
                                        "if 10.0.0.1/8\n", "! \n"};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct problems problems = open_strictly("cidr", lines[i]);

        tap_ok(problems.errors == 1, "strict: a skipped line is an error (%zu)", i);
        problems_free(&problems);
    }
}

static void test_nesting(void)
{
    struct problems problems = {0};
    struct buf text = {0};
    struct table *table;

    for (int i = 0; i < 100000; i++)
        buf_adds(&text, "if 10.0.0.0/8\n");
    tap_file("deep", buf_text(&text));
    table = table_open("cidr:deep", tap_dir(), (struct where){0}, NULL, &problems);
    tap_ok(table == NULL && problems.errors == 1, "if nested 100,000 times is refused");
    problems_free(&problems);
    buf_free(&text);
}

/* Every network of 10.0.0.0/8 with a number; the later and wider ones never answer for them. */
static void test_many(void)
{
    struct arena *arena = arena_new();
    struct problems problems = {0};
    struct buf text = {0};
    struct table *table;
    int wrong = 0, line = 1;

    for (int i = 0; i < 50000; i++)
        buf_addf(&text, "10.%d.%d.0/25 number %d\n", i / 256, i % 256, i);
    buf_adds(&text, "if 10.0.0.0/9\n!10.1.0.0/16 inside\nendif\n");
    for (int i = 0; i < 50000; i++)
        buf_addf(&text, "10.%d.%d.0/24 second %d\n", i / 256, i % 256, i);
    tap_file("many", buf_text(&text));
    table = table_open("cidr:many", tap_dir(), (struct where){0}, NULL, &problems);
    for (int i = 0; i < 50000; i++, line++) {
        char key[64], want[64];
        struct hit hit;

        snprintf(key, sizeof(key), "10.%d.%d.5", i / 256, i % 256);
        snprintf(want, sizeof(want), "number %d", i);
        wrong += table_lookup(table, slice_of(key), arena, &hit) != TABLE_FOUND ||
                 strcmp(hit.value, want) != 0 || hit.rule.line != line;
        snprintf(key, sizeof(key), "10.%d.%d.200", i / 256, i % 256);
        snprintf(want, sizeof(want), i / 256 < 128 && i / 256 != 1 ? "inside" : "second %d", i);
        wrong += table_lookup(table, slice_of(key), arena, &hit) != TABLE_FOUND ||
                 strcmp(hit.value, want) != 0;
    }
    tap_is_int(wrong, 0, "100,001 rules, if and ! among them: the first that matches answers");
    tap_is_int((long long)table_count(table), 100001, "counted");
    tap_ok(table_has_patterns(table) && !table_folds(table), "has patterns, does not fold");
    table_free(table);
    problems_free(&problems);
    buf_free(&text);
    arena_free(arena);
}

static uint64_t seed = 4711;

static unsigned dice(unsigned sides)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % sides;
}

/* A statement of a random file, kept for a walk by hand. */
struct statement {
    char kind; /* 'r'ule, 'i'f, 'e'ndif */
    bool negated;
    struct net net;
};

/* The line that answers, by walking through the statements as the manual page tells it. */
static int walk(const struct statement *s, int count, const struct addr *addr)
{
    for (int i = 0; i < count; i++) {
        bool holds = s[i].net.addr.family == addr->family &&
                     net_matches(&s[i].net, addr) != s[i].negated;

        if (s[i].kind == 'r' && holds)
            return i + 1;
        if (s[i].kind == 'i' && !holds)
            for (int depth = 1; depth > 0 && i + 1 < count;)
                depth += s[++i].kind == 'i' ? 1 : s[i].kind == 'e' ? -1 : 0;
    }
    return 0;
}

static int random_file(struct statement *s, int max, struct buf *text)
{
    int depth = 0, count = 1 + (int)dice((unsigned)max);

    for (int i = 0; i < count; i++) {
        char net[40];
        unsigned kind = dice(8), bits = 24 + dice(9);

        s[i].kind = kind == 0 ? 'i' : kind == 1 && depth > 0 ? 'e' : 'r';
        s[i].negated = !dice(5);
        snprintf(net, sizeof(net), "10.0.0.%u/%u", dice(256) >> (32 - bits) << (32 - bits), bits);
        if (dice(10) == 0)
            snprintf(net, sizeof(net), "::/0");
        net_parse(slice_of(net), &s[i].net, NULL);
        depth += s[i].kind == 'i' ? 1 : s[i].kind == 'e' ? -1 : 0;
        buf_addf(text, s[i].kind == 'r' ? "%s%s x\n" : s[i].kind == 'i' ? "if %s%s\n" : "endif\n",
                 s[i].negated ? "!" : "", net);
    }
    return count;
}

static void test_random(void)
{
    static struct statement s[64];
    struct arena *arena = arena_new();
    int wrong = 0, found = 0;

    for (int round = 0; round < 300; round++) {
        struct buf text = {0};
        int count = random_file(s, 64, &text);
        struct table *table;

        tap_file("random", buf_text(&text));
        table = table_open("cidr:random", tap_dir(), (struct where){0}, NULL, NULL);
        for (int i = 0; i < 64; i++) {
            struct hit hit = {0};
            struct addr addr;
            char key[32];
            int want;

            snprintf(key, sizeof(key), i == 0 ? "::1" : "10.0.0.%u", dice(256));
            addr_parse(slice_of(key), &addr);
            want = walk(s, count, &addr);
            found += want != 0;
            table_lookup(table, slice_of(key), arena, &hit);
            wrong += hit.rule.line != want;
        }
        table_free(table);
        buf_free(&text);
    }
    tap_is_int(wrong, 0, "300 random files answer as a walk through their lines does");
    tap_ok(found > 3000, "(found %d)", found);
    arena_free(arena);
}

int main(void)
{
    tap_start(60);
    check_rows("cidr", rows, ARRAY_LEN(rows));
    test_strict();
    test_nesting();
    test_many();
    test_random();
    return tap_done();
}
