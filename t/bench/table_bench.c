/* table_bench - what a lookup costs in small and large tables of each type */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SMALL 1000
#define LARGE 100000
#define PROBES 200000
#define ROUNDS 7

/* One type: how a rule and a key look, both made from a number; an odd key is in no table. */
struct kind {
    const char *type;
    void (*rule)(FILE *f, unsigned n);
    int (*key)(char *key, size_t size, unsigned n, bool hits);
    unsigned small, large;
    bool bounded; /* has to be as fast when large */
};

static void hash_rule(FILE *f, unsigned n)
{
    fprintf(f, "host%u.sub%u.example\tREJECT number %u\n", n, n % 97, n);
}

static int hash_key(char *key, size_t size, unsigned n, bool hits)
{
    return snprintf(key, size, "%s%u.sub%u.example", hits ? "host" : "nost", n, n % 97);
}

static void cidr_rule(FILE *f, unsigned n)
{
    fprintf(f, "%u.%u.%u.0/24\tREJECT number %u\n", 10 + n / 65536, n / 256 % 256, n % 256, n);
}

static int cidr_key(char *key, size_t size, unsigned n, bool hits)
{
    return snprintf(key, size, "%u.%u.%u.%u", (hits ? 10 : 110) + n / 65536, n / 256 % 256, n % 256,
                    n % 251);
}

static void pattern_rule(FILE *f, unsigned n)
{
    fprintf(f, "/^(cheap|free) +thing%u\\./\tREJECT number %u\n", n, n);
}

static int pattern_key(char *key, size_t size, unsigned n, bool hits)
{
    return snprintf(key, size, "%s thing%u.example", hits ? "cheap" : "dear", n);
}

static const struct kind kinds[] = {
    {"hash", hash_rule, hash_key, SMALL, LARGE, true},
    {"texthash", hash_rule, hash_key, SMALL, LARGE, true},
    {"cidr", cidr_rule, cidr_key, SMALL, LARGE, true},
    {"pcre", pattern_rule, pattern_key, 10, 100, false},
    {"regexp", pattern_rule, pattern_key, 10, 100, false},
};

/* Half of the keys hit, each equally likely. A generator of its own, so that all runs are alike. */
static char **make_keys(const struct kind *kind, unsigned rules, size_t count)
{
    char **keys = xcalloc(count, sizeof(*keys)), key[128];
    uint32_t random = 12345;

    for (size_t i = 0; i < count; i++) {
        random = random * 1664525 + 1013904223;
        kind->key(key, sizeof(key), (random >> 8) % rules, random >> 31);
        keys[i] = xstrdup(key);
    }
    return keys;
}

static void free_keys(char **keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(keys[i]);
    free(keys);
}

static struct table *make_table(const char *dir, const struct kind *kind, unsigned rules,
                                uint64_t *load_us)
{
    struct problems problems = {0};
    char *path = xasprintf("%s/%s-%u", dir, kind->type, rules);
    char *spec = xasprintf("%s:%s", kind->type, path);
    FILE *f = fopen(path, "w");
    struct table *table;

    for (unsigned n = 0; f != NULL && n < rules; n++)
        kind->rule(f, n);
    if (f == NULL || fclose(f) != 0)
        die("%s cannot be written", path);
    *load_us = now_us();
    table = table_open(spec, NULL, (struct where){0}, NULL, &problems);
    *load_us = now_us() - *load_us;
    if (table == NULL)
        die("%s: %s", spec, problems.count ? problems.list[0].text : "unusable");
    problems_free(&problems);
    free(spec);
    free(path);
    return table;
}

/* Processor time: the machine may be busy with something else. */
static uint64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds a lookup, the best of some rounds. */
static double time_lookups(const struct table *table, char **keys, size_t distinct, size_t count)
{
    struct arena *arena = arena_new();
    uint64_t best = UINT64_MAX;
    size_t found = 0;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = cpu_ns(), took;

        for (size_t i = 0; i < count; i++) {
            struct hit hit;

            found += table_lookup(table, slice_of(keys[i % distinct]), arena, &hit) == TABLE_FOUND;
            if (i % 64 == 63)
                arena_reset(arena);
        }
        took = cpu_ns() - start;
        best = took < best ? took : best;
    }
    if (found == 0 || found == ROUNDS * count)
        die("%s: half of the keys should be found", table_spec(table));
    arena_free(arena);
    return (double)best / (double)count;
}

struct timing {
    double hot_ns;  /* the same thousand keys again and again, from all over the table */
    double cold_ns; /* keys from all over the table, hardly one twice */
    uint64_t load_us;
};

static struct timing measure(const char *dir, const struct kind *kind, unsigned rules)
{
    size_t probes = kind->bounded ? PROBES : PROBES / 20;
    char **keys = make_keys(kind, rules, probes);
    struct timing t = {0};
    struct table *table = make_table(dir, kind, rules, &t.load_us);

    t.hot_ns = time_lookups(table, keys, 1000, probes);
    t.cold_ns = time_lookups(table, keys, probes, probes);
    table_free(table);
    free_keys(keys, probes);
    return t;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: table_bench DIRECTORY (for the tables)\n", stderr);
        return 64;
    }
    printf("%-9s %8s %9s %9s %9s   %8s %9s %9s %9s   %s\n", "table", "rules", "hot ns", "cold ns",
           "load ms", "rules", "hot ns", "cold ns", "load ms", "ratio hot, cold");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct kind *k = &kinds[i];
        struct timing s = measure(argv[1], k, k->small), l = measure(argv[1], k, k->large);

        printf("%-9s %8u %9.1f %9.1f %9.1f   %8u %9.1f %9.1f %9.1f   %.2f, %.2f%s\n", k->type,
               k->small, s.hot_ns, s.cold_ns, (double)s.load_us / 1000, k->large, l.hot_ns,
               l.cold_ns, (double)l.load_us / 1000, l.hot_ns / s.hot_ns, l.cold_ns / s.cold_ns,
               k->bounded ? "  (at most 1.5)" : "");
        fflush(stdout);
    }
    return 0;
}
