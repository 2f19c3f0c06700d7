/* interfaces - the addresses that this host receives mail on, and the networks around them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "interfaces.h"

#include "buf.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { INTERFACES_MAX = 10000 };

struct finder {
    struct interface *list; /* malloc'd */
    size_t count, cap;
    bool v4, v6;
};

bool interfaces_have(const struct interfaces *interfaces, const struct addr *addr)
{
    for (size_t i = 0; i < interfaces->count; i++)
        if (addr_equal(&interfaces->list[i].addr, addr))
            return true;
    return false;
}

static void add(struct finder *f, const struct addr *addr, unsigned bits)
{
    struct interfaces have = {f->list, f->count};

    if ((addr->family == AF_INET && !f->v4) || (addr->family == AF_INET6 && !f->v6) ||
        f->count == INTERFACES_MAX || interfaces_have(&have, addr))
        return;
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 8;
        f->list = xreallocarray(f->list, f->cap, sizeof(*f->list));
    }
    f->list[f->count++] = (struct interface){*addr, bits};
}

static unsigned bits_of(int family)
{
    return family == AF_INET6 ? 128 : 32;
}

/* The leading ones of a netmask. addr_of_sockaddr is no help: it would map addresses. */
static unsigned mask_bits(const struct sockaddr *mask, int family)
{
    unsigned char bytes[16] = {0};
    unsigned bits = 0;

    if (mask == NULL || mask->sa_family != family)
        return bits_of(family);
    if (family == AF_INET)
        memcpy(bytes, (const char *)mask + offsetof(struct sockaddr_in, sin_addr), 4);
    else
        memcpy(bytes, (const char *)mask + offsetof(struct sockaddr_in6, sin6_addr), 16);
    while (bits < bits_of(family) && bytes[bits / 8] & 0x80 >> bits % 8)
        bits++;
    return bits;
}

/* All interfaces that are up; NULL wanted: every address, else that one, to learn its network. */
static void add_system(struct finder *f, bool loopback_only, const struct addr *wanted)
{
    struct ifaddrs *all;
    struct addr addr;

    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        if (i->ifa_addr == NULL || !(i->ifa_flags & IFF_UP) ||
            (loopback_only && !(i->ifa_flags & IFF_LOOPBACK)) ||
            !addr_of_sockaddr(i->ifa_addr, &addr) || (wanted != NULL && !addr_equal(wanted, &addr)))
            continue;
        add(f, &addr, mask_bits(i->ifa_netmask, i->ifa_addr->sa_family));
    }
    freeifaddrs(all);
}

static void add_one(struct finder *f, const struct addr *addr)
{
    add_system(f, false, addr);
    add(f, addr, bits_of(addr->family)); /* unless the system has it */
}

static bool add_name(struct finder *f, const char *name)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all;
    struct addr addr;

    if (getaddrinfo(name, NULL, &hints, &all) != 0)
        return false;
    for (const struct addrinfo *i = all; i != NULL; i = i->ai_next)
        if (addr_of_sockaddr(i->ai_addr, &addr))
            add_one(f, &addr);
    freeaddrinfo(all);
    return true;
}

static void add_word(struct finder *f, struct slice word, struct where at,
                     struct problems *problems)
{
    bool bracketed = word.len > 2 && word.ptr[0] == '[' && word.ptr[word.len - 1] == ']';
    struct slice inner = bracketed ? (struct slice){word.ptr + 1, word.len - 2} : word;
    struct addr addr;
    char *name;

    if (slice_is_nocase(word, "all") || slice_is_nocase(word, "loopback-only")) {
        add_system(f, word.len != 3, NULL);
        return;
    }
    if (addr_parse(inner, &addr)) {
        add_one(f, &addr);
        return;
    }
    name = xstrndup(word.ptr, word.len);
    if (!add_name(f, name))
        problems_add(problems, SEV_ERROR, at,
                     "inet_interfaces: host %s is not found: write an address", name);
    free(name);
}

struct interfaces interfaces_find(const char *inet_interfaces, const char *inet_protocols,
                                  struct where at, struct arena *arena, struct problems *problems)
{
    struct slice protocols = slice_of(inet_protocols), rest = slice_of(inet_interfaces), word;
    struct finder f = {0};
    struct interfaces found = {0};

    while (slice_word(&protocols, ", \t\r\n", &word)) {
        bool all = slice_is_nocase(word, "all");

        f.v4 = f.v4 || all || slice_is_nocase(word, "ipv4");
        f.v6 = f.v6 || all || slice_is_nocase(word, "ipv6");
    }
    while (slice_word(&rest, ", \t\r\n", &word))
        add_word(&f, word, at, problems);
    found.list = arena_alloc(arena, f.count * sizeof(*f.list));
    found.count = f.count;
    if (f.count > 0)
        memcpy(found.list, f.list, f.count * sizeof(*f.list));
    free(f.list);
    return found;
}

/* IPv6 has no classes, so the subnet stands in. */
static unsigned style_bits(const struct interface *i, enum network_style style)
{
    unsigned char first = i->addr.bytes[0];

    if (style == NETWORKS_HOST)
        return bits_of(i->addr.family);
    if (style == NETWORKS_SUBNET || i->addr.family == AF_INET6)
        return i->bits;
    return first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32;
}

static void add_network(struct buf *b, const struct addr *addr, unsigned bits)
{
    struct addr net = *addr;
    char text[ADDR_TEXT_SIZE];

    for (unsigned i = bits; i < bits_of(addr->family); i++)
        net.bytes[i / 8] &= (unsigned char)~(0x80 >> i % 8);
    addr_text(&net, text);
    buf_addf(b, addr->family == AF_INET6 ? " [%s]/%u " : " %s/%u ", text, bits);
}

const char *interfaces_networks(const struct interfaces *interfaces, enum network_style style,
                                struct arena *arena)
{
    struct buf all = {0}, one = {0};
    const char *text;

    buf_addc(&all, ' ');
    for (size_t i = 0; i < interfaces->count; i++) {
        const struct interface *interface = &interfaces->list[i];

        buf_clear(&one);
        add_network(&one, &interface->addr, style_bits(interface, style));
        if (strstr(buf_text(&all), buf_text(&one)) == NULL)
            buf_adds(&all, buf_text(&one) + 1);
    }
    text = arena_strndup(arena, buf_text(&all) + 1, all.len > 1 ? all.len - 2 : 0);
    buf_free(&all);
    buf_free(&one);
    return text;
}
