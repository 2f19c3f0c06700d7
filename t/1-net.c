/* 1-net - addresses, networks, the tree of networks against a plain walk */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "net.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_addresses(void)
{
    static const struct {
        const char *text, *want; /* NULL: no address */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::", "::"},
        {"::ffff:192.0.2.5", "192.0.2.5"},
        {"IPv6:2001:db8::1", "2001:db8::1"},
        {"ipv6:::ffff:192.0.2.5", "192.0.2.5"},
        {"IPv6:192.0.2.1", NULL},
        {"", NULL},
        {"IPv6:", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.01", NULL},
        {"192.0.2.1 ", NULL},
        {" 192.0.2.1", NULL},
        {"[192.0.2.1]", NULL},
        {"192.0.2.1/32", NULL},
        {"fe80::1%eth0", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"0x7f.1", NULL},
        {"2001:db8::1:2:3:4:5:6:7:8:2001:db8::1:2:3:4:5:6:7:8", NULL},
    };
    char buf[ADDR_TEXT_SIZE];
    struct addr addr;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool good = addr_parse(slice_of(rows[i].text), &addr);

        tap_is(good ? addr_text(&addr, buf) : NULL, rows[i].want, "address \"%s\"", rows[i].text);
        tap_ok(good || addr.family == AF_UNSPEC, "and its family");
    }
    tap_ok(!addr_parse((struct slice){"192.0.2.1\0", 10}, &addr), "a NUL behind");
    tap_is(addr_text(&addr, buf), "unknown", "the text of none");
}

static void test_sockaddr(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr un = {.sa_family = AF_UNIX};
    struct addr a, b;

    inet_pton(AF_INET, "192.0.2.9", &in.sin_addr);
    inet_pton(AF_INET6, "::ffff:192.0.2.9", &in6.sin6_addr);
    tap_ok(addr_of_sockaddr((struct sockaddr *)&in, &a), "IPv4 socket address");
    tap_ok(addr_of_sockaddr((struct sockaddr *)&in6, &b), "IPv6 socket address");
    tap_ok(addr_equal(&a, &b), "the mapped one is the same");
    tap_ok(!addr_of_sockaddr(&un, &b) && !addr_of_sockaddr(NULL, &b), "other sockets have none");
    tap_ok(!addr_equal(&a, &b), "which is not the same");
}

static void test_networks(void)
{
    static const struct {
        const char *text, *want, *why;
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.0/24", NULL},
        {"192.0.2.1", "192.0.2.1/32", NULL},
        {"0.0.0.0/0", "0.0.0.0/0", NULL},
        {"::/0", "::/0", NULL},
        {"2001:db8::/32", "2001:db8::/32", NULL},
        {"[2001:db8::]/32", "2001:db8::/32", NULL},
        {"[2001:db8::/32]", "2001:db8::/32", NULL},
        {"[::1]/128", "::1/128", NULL},
        {"[::1]", "::1/128", NULL},
        {"[2001:910:109c::]/48", "2001:910:109c::/48", NULL},
        {"[192.0.2.0]/24", "192.0.2.0/24", NULL},
        {"::ffff:192.0.2.0/120", "192.0.2.0/24", NULL},
        {"::ffff:0:0/96", "0.0.0.0/0", NULL},
        {"192.0.2.1/24", NULL, "did you mean 192.0.2.0/24?"},
        {"2001:db8::1/32", NULL, "did you mean 2001:db8::/32?"},
        {"0.0.0.1/0", NULL, "did you mean 0.0.0.0/0?"},
        {"192.0.2.0/33", NULL, "no prefix length of 0 to 32"},
        {"::/129", NULL, "no prefix length of 0 to 128"},
        {"192.0.2.0/", NULL, "no prefix length"},
        {"192.0.2.0/-1", NULL, "no prefix length"},
        {"192.0.2.0/-0", NULL, "no prefix length"},
        {"192.0.2.0/2x", NULL, "no prefix length"},
        {"192.0.2.0/255.255.255.0", NULL, "no prefix length"},
        {"192.0.2.0/24/8", NULL, "no prefix length"},
        {"192.0.2", NULL, "no IP address"},
        {"", NULL, "no IP address"},
        {"[]", NULL, "no IP address"},
        {"[", NULL, "] is missing"},
        {"[::1", NULL, "] is missing"},
        {"[::1]x", NULL, "text behind ]"},
        {"[::1/64]/64", NULL, "no IP address"},
        {"host.example", NULL, "no IP address"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[64], buf[ADDR_TEXT_SIZE];
        struct err why = {""};
        struct net net;
        bool good = net_parse(slice_of(rows[i].text), &net, &why);

        if (good)
            snprintf(got, sizeof(got), "%s/%u", addr_text(&net.addr, buf), net.bits);
        tap_is(good ? got : NULL, rows[i].want, "network \"%s\"", rows[i].text);
        if (rows[i].why != NULL)
            tap_ok(strstr(why.text, rows[i].why) != NULL, "because %s", why.text);
    }
}

static bool in_net(const char *network, const char *address)
{
    struct net net;
    struct addr addr;

    return net_parse(slice_of(network), &net, NULL) && addr_parse(slice_of(address), &addr) &&
           net_matches(&net, &addr);
}

static void test_matching(void)
{
    tap_ok(in_net("192.0.2.0/24", "192.0.2.255"), "last of a /24");
    tap_ok(!in_net("192.0.2.0/24", "192.0.3.0"), "one behind");
    tap_ok(in_net("192.0.2.128/25", "192.0.2.128"), "first of a /25");
    tap_ok(!in_net("192.0.2.128/25", "192.0.2.127"), "one before");
    tap_ok(in_net("0.0.0.0/0", "255.255.255.255"), "everything");
    tap_ok(!in_net("0.0.0.0/0", "::1"), "but not of the other family");
    tap_ok(!in_net("::/0", "192.0.2.1"), "the same the other way");
    tap_ok(in_net("192.0.2.0/24", "::ffff:192.0.2.1"), "mapped addresses are IPv4");
    tap_ok(in_net("2001:db8:8000::/33", "2001:db8:ffff::"), "IPv6");
}

static uint64_t seed = 20240229;

static unsigned dice(unsigned sides)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % sides;
}

/* Few distinct bytes, so that networks contain each other. */
static void random_net(struct net *net)
{
    static const unsigned char values[] = {0, 1, 0x40, 0x80, 0xc0, 0xff};
    bool six = dice(2);

    *net = (struct net){.addr.family = six ? AF_INET6 : AF_INET, .bits = dice(six ? 129 : 33)};
    if (dice(3) == 0)
        net->bits = addr_bits(&net->addr);
    for (unsigned i = 0; i < net->bits / 8; i++)
        net->addr.bytes[i] = values[dice(i < 3 ? 6 : 2)];
    if (net->bits % 8 != 0)
        net->addr.bytes[net->bits / 8] =
            (unsigned char)(values[dice(6)] & (0xff00 >> net->bits % 8));
}

/* All in three networks of 16 bits, of all sizes: these are searched by tables. */
static void crowded_net(struct net *net)
{
    const unsigned char bytes[] = {10, (unsigned char)dice(3), (unsigned char)dice(256),
                                   (unsigned char)dice(256)};
    static const unsigned char sizes[] = {20, 23, 24, 24, 25, 28, 31, 32, 32, 32, 0, 8, 15, 16, 17};
    unsigned large = dice(1000) == 0 ? 0 : 5;

    *net = (struct net){.addr.family = AF_INET, .bits = sizes[dice(ARRAY_LEN(sizes) - large)]};
    for (unsigned i = 0; i < net->bits; i++)
        net->addr.bytes[i / 8] |= (unsigned char)(bytes[i / 8] & (0x80 >> i % 8));
}

enum { NETS = 6000, ROUNDS = 5 };

static unsigned walk(const struct net *nets, const unsigned *numbers, const struct addr *addr)
{
    unsigned best = 0xffffffffU;

    for (size_t i = 0; i < NETS; i++)
        if (net_matches(&nets[i], addr) && numbers[i] < best)
            best = numbers[i];
    return best;
}

static void test_tree(void (*make)(struct net *net), const char *what)
{
    static struct net nets[NETS];
    static unsigned numbers[NETS];
    unsigned wrong = 0, found = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct net_tree *tree = net_tree_new();

        for (unsigned i = 0; i < NETS; i++) {
            make(&nets[i]);
            numbers[i] = round == 0 ? i : round == 1 ? NETS - i : dice(NETS * 2);
            net_tree_add(tree, &nets[i], numbers[i], NULL);
        }
        net_tree_finish(tree);
        for (int i = 0; i < 4000; i++) {
            struct net probe;
            unsigned want, got = 0;

            make(&probe);
            want = walk(nets, numbers, &probe.addr);
            found += want != 0xffffffffU;
            if (net_tree_find(tree, &probe.addr, &got) != (want != 0xffffffffU) || got != want)
                wrong++;
        }
        net_tree_free(tree);
    }
    tap_is_int(wrong, 0, "%s: the tree answers as a walk over all networks, 20,000 times", what);
    tap_ok(found > 2000, "(%u of them found something)", found);
}

static void test_covered(void)
{
    struct net_tree *tree = net_tree_new();
    struct net wide, narrow;
    struct addr none = {.family = AF_UNSPEC};
    unsigned by = 99, number;

    net_parse(slice_of("10.0.0.0/8"), &wide, NULL);
    net_parse(slice_of("10.1.0.0/16"), &narrow, NULL);
    tap_ok(!net_tree_find(tree, &narrow.addr, &number), "an empty tree knows nothing");
    tap_ok(net_tree_add(tree, &wide, 3, &by), "the first network");
    tap_ok(!net_tree_add(tree, &narrow, 4, &by) && by == 3, "one inside it with a larger number");
    tap_ok(net_tree_add(tree, &narrow, 2, &by), "one inside it with a smaller number");
    tap_ok(net_tree_find(tree, &narrow.addr, &number) && number == 2, "which is then found");
    tap_ok(!net_tree_find(tree, &none, &number), "no address, no answer");
    net_tree_free(tree);
    net_tree_free(NULL);
}

int main(void)
{
    tap_start(120);
    test_addresses();
    test_sockaddr();
    test_networks();
    test_matching();
    test_tree(random_net, "all over");
    test_tree(crowded_net, "side by side");
    test_covered();
    return tap_done();
}
