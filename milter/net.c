/* net - addresses and networks: reading, printing, matching by tree */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

unsigned addr_bits(const struct addr *addr)
{
    return addr->family == AF_INET ? 32 : addr->family == AF_INET6 ? 128 : 0;
}

static void addr_unmap(struct addr *addr)
{
    if (addr->family != AF_INET6 || memcmp(addr->bytes, mapped_prefix, 12) != 0)
        return;
    addr->family = AF_INET;
    memmove(addr->bytes, addr->bytes + 12, 4);
    memset(addr->bytes + 4, 0, 12);
}

/* The address as written, mapped ones not yet IPv4. */
static bool parse_plain(struct slice text, struct addr *addr)
{
    char copy[INET6_ADDRSTRLEN];

    *addr = (struct addr){.family = AF_UNSPEC};
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, addr->bytes) == 1)
        addr->family = AF_INET;
    else if (inet_pton(AF_INET6, copy, addr->bytes) == 1)
        addr->family = AF_INET6;
    return addr->family != AF_UNSPEC;
}

bool addr_parse(struct slice text, struct addr *addr)
{
    if (text.len > 5 && slice_is_nocase((struct slice){text.ptr, 5}, "IPv6:")) {
        text = (struct slice){text.ptr + 5, text.len - 5};
        if (memchr(text.ptr, ':', text.len) == NULL)
            text.len = 0;
    }
    if (!parse_plain(text, addr))
        return false;
    addr_unmap(addr);
    return true;
}

bool addr_of_sockaddr(const struct sockaddr *sa, struct addr *addr)
{
    *addr = (struct addr){.family = AF_UNSPEC};
    if (sa == NULL)
        return false;
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof(in));
        memcpy(addr->bytes, &in.sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof(in6));
        memcpy(addr->bytes, &in6.sin6_addr, 16);
    } else {
        return false;
    }
    addr->family = sa->sa_family;
    addr_unmap(addr);
    return true;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, addr_bits(a) / 8) == 0;
}

const char *addr_text(const struct addr *addr, char buf[ADDR_TEXT_SIZE])
{
    if (addr->family == AF_UNSPEC ||
        inet_ntop(addr->family, addr->bytes, buf, ADDR_TEXT_SIZE) == NULL)
        memcpy(buf, "unknown", sizeof("unknown"));
    return buf;
}

static bool bit_of(const unsigned char *bytes, unsigned n)
{
    return bytes[n / 8] >> (7 - n % 8) & 1;
}

/* The first `bits` bits are equal. */
static bool same_prefix(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* Whether anything was set behind the first `bits` bits; clears it. */
static bool clear_host_bits(struct addr *addr, unsigned bits)
{
    bool any = false;

    for (unsigned i = bits; i < addr_bits(addr); i++) {
        any = any || bit_of(addr->bytes, i);
        addr->bytes[i / 8] &= (unsigned char)~(0x80 >> i % 8);
    }
    return any;
}

/* Divides ADDR, ADDR/BITS, [ADDR]/BITS, [ADDR/BITS]; bits->ptr is NULL when there are none. */
static bool split_net(struct slice text, struct slice *addr, struct slice *bits, struct err *why)
{
    const char *slash, *close;

    *addr = text;
    *bits = (struct slice){NULL, 0};
    if (text.len > 0 && text.ptr[0] == '[') {
        close = memchr(text.ptr, ']', text.len);
        if (close == NULL)
            return err_set(why, "the closing ] is missing");
        *addr = (struct slice){text.ptr + 1, (size_t)(close - text.ptr - 1)};
        if (close + 1 < text.ptr + text.len) {
            if (close[1] != '/')
                return err_set(why, "text behind ]");
            *bits = (struct slice){close + 2, (size_t)(text.ptr + text.len - close - 2)};
            return true;
        }
    }
    slash = addr->len > 0 ? memchr(addr->ptr, '/', addr->len) : NULL;
    if (slash != NULL) {
        *bits = (struct slice){slash + 1, (size_t)(addr->ptr + addr->len - slash - 1)};
        addr->len = (size_t)(slash - addr->ptr);
    }
    return true;
}

bool net_parse(struct slice text, struct net *net, struct err *why)
{
    struct slice addr, bits;
    char buf[ADDR_TEXT_SIZE];
    long n;

    if (!split_net(text, &addr, &bits, why))
        return false;
    if (!parse_plain(addr, &net->addr))
        return err_set(why, "no IP address (want 192.0.2.0/24 or 2001:db8::/32)");
    n = addr_bits(&net->addr);
    if (bits.ptr != NULL && (bits.len == 0 || !is_digit((unsigned char)bits.ptr[0]) ||
                             !parse_long(bits, 0, n, &n)))
        return err_set(why, "no prefix length of 0 to %ld behind the /", n);
    net->bits = (unsigned)n;
    if (clear_host_bits(&net->addr, net->bits))
        return err_set(why, "bits set in the host part; did you mean %s/%u?",
                       addr_text(&net->addr, buf), net->bits);
    if (net->addr.family == AF_INET6 && net->bits >= 96) {
        addr_unmap(&net->addr);
        net->bits -= net->addr.family == AF_INET ? 96 : 0;
    }
    return true;
}

bool net_parse_apart(struct slice text, struct net *net, struct err *why)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (!net_parse(text, net, why))
        return false;
    if (net->addr.family == AF_INET && memchr(text.ptr, ':', text.len) != NULL) {
        memcpy(net->addr.bytes + 12, net->addr.bytes, 4);
        memcpy(net->addr.bytes, mapped, 12);
        net->addr.family = AF_INET6;
        net->bits += 96;
    }
    return true;
}

bool net_matches(const struct net *net, const struct addr *addr)
{
    return net->addr.family == addr->family &&
           same_prefix(net->addr.bytes, addr->bytes, net->bits);
}

/* A PATRICIA tree: a node stands for a network, its children for the two halves of what is inside,
 * chains of single children are left out. Nodes are 32 bytes, named by number; 0 is no node. */
struct node {
    unsigned char bytes[16];
    unsigned child[2];
    unsigned number; /* NO_NUMBER: only a fork */
    unsigned bits;
};

enum { ROOT4 = 1, ROOT6 = 2 };
#define NO_NUMBER 0xffffffffU

/* Where a walk for an IPv4 address with these first 16 bits stands behind the nodes of no more
 * bits: a large tree saves the reading of some ten nodes all over the memory. Where many nodes
 * follow, there are shortcuts for the next eight bits, too. */
struct shortcut {
    unsigned next; /* a node, or, with DEEPER, the first of 256 shortcuts */
    unsigned smallest;
};

enum {
    SHORTCUT_BITS = 16,
    DEEPER_BITS = 24,
    SHORTCUTS = 1 << SHORTCUT_BITS,
    DEEPER_SHORTCUTS = 1 << (DEEPER_BITS - SHORTCUT_BITS),
    LARGE_TREE = 4096,
    MANY_NODES = 64, /* they take as much memory as the shortcuts to them */
};
#define DEEPER 0x80000000U

struct net_tree {
    struct node *nodes;
    unsigned count, cap;
    struct shortcut *shortcuts; /* NULL: none */
};

static unsigned node_new(struct net_tree *tree, const unsigned char *bytes, unsigned bits)
{
    struct node *node;

    if (tree->count == tree->cap) {
        tree->cap = tree->cap * 2;
        tree->nodes = xreallocarray(tree->nodes, tree->cap, sizeof(*tree->nodes));
    }
    node = &tree->nodes[tree->count];
    *node = (struct node){.bits = bits, .number = NO_NUMBER};
    memcpy(node->bytes, bytes, (bits + 7) / 8);
    if (bits % 8 != 0)
        node->bytes[bits / 8] &= (unsigned char)(0xff00 >> bits % 8);
    return tree->count++;
}

struct net_tree *net_tree_new(void)
{
    static const unsigned char none[16];
    struct net_tree *tree = xcalloc(1, sizeof(*tree));

    tree->cap = 8;
    tree->nodes = xreallocarray(NULL, tree->cap, sizeof(*tree->nodes));
    tree->count = 1;
    node_new(tree, none, 0);
    node_new(tree, none, 0);
    return tree;
}

void net_tree_free(struct net_tree *tree)
{
    if (tree == NULL)
        return;
    free(tree->nodes);
    free(tree->shortcuts);
    free(tree);
}

/* How many leading bits, of at most `max`, are equal. */
static unsigned common_bits(const unsigned char *a, const unsigned char *b, unsigned max)
{
    unsigned n = 0;

    while (n + 8 <= max && a[n / 8] == b[n / 8])
        n += 8;
    while (n < max && bit_of(a, n) == bit_of(b, n))
        n++;
    return n;
}

/* The node of exactly this network below `at` (which holds it), made if it is new; NO_NUMBER, with
 * *number lowered, when a network on the way answers first. */
static unsigned node_for(struct net_tree *tree, unsigned at, const struct net *net,
                         unsigned *number)
{
    for (;;) {
        struct node *node = &tree->nodes[at];
        bool side;
        unsigned next, common, fork;

        if (node->number <= *number) {
            *number = node->number;
            return NO_NUMBER;
        }
        if (node->bits == net->bits)
            return at;
        side = bit_of(net->addr.bytes, node->bits);
        next = node->child[side];
        if (next == 0) {
            next = node_new(tree, net->addr.bytes, net->bits);
            tree->nodes[at].child[side] = next;
            return next;
        }
        common = common_bits(tree->nodes[next].bytes, net->addr.bytes,
                             net->bits < tree->nodes[next].bits ? net->bits
                                                                : tree->nodes[next].bits);
        if (common < tree->nodes[next].bits) {
            fork = node_new(tree, net->addr.bytes, common);
            tree->nodes[fork].child[bit_of(tree->nodes[next].bytes, common)] = next;
            tree->nodes[at].child[side] = fork;
            next = fork;
        }
        at = next;
    }
}

bool net_tree_add(struct net_tree *tree, const struct net *net, unsigned number,
                  unsigned *covered_by)
{
    unsigned smallest = number;
    unsigned at = node_for(tree, net->addr.family == AF_INET ? ROOT4 : ROOT6, net, &smallest);

    free(tree->shortcuts);
    tree->shortcuts = NULL;
    if (at == NO_NUMBER) {
        if (covered_by != NULL)
            *covered_by = smallest;
        return false;
    }
    tree->nodes[at].number = number;
    return true;
}

/* From *s on, which is a shortcut of fewer bits, to behind the nodes of at most `bits`. */
static struct shortcut shortcut_to(const struct net_tree *tree, struct shortcut s,
                                   const unsigned char *bytes, unsigned bits)
{
    while (s.next != 0) {
        const struct node *node = &tree->nodes[s.next];

        if (!same_prefix(node->bytes, bytes, node->bits < bits ? node->bits : bits)) {
            s.next = 0;
        } else if (node->bits > bits) {
            break;
        } else {
            if (node->number < s.smallest)
                s.smallest = node->number;
            if (node->bits == bits && (node->child[0] != 0 || node->child[1] != 0))
                break;
            s.next = node->child[node->bits < bits && bit_of(bytes, node->bits)];
        }
    }
    return s;
}

/* At least so many nodes, this one and those below? */
static bool has_nodes(const struct net_tree *tree, unsigned at, unsigned *wanted)
{
    if (at == 0)
        return *wanted == 0;
    if (*wanted > 0)
        --*wanted;
    return *wanted == 0 || has_nodes(tree, tree->nodes[at].child[0], wanted) ||
           has_nodes(tree, tree->nodes[at].child[1], wanted);
}

/* Returns the count of all shortcuts then. */
static size_t add_deeper(struct net_tree *tree, size_t count, unsigned first_bits)
{
    struct shortcut from = tree->shortcuts[first_bits];

    tree->shortcuts = xreallocarray(tree->shortcuts, count + DEEPER_SHORTCUTS,
                                    sizeof(*tree->shortcuts));
    tree->shortcuts[first_bits].next = (unsigned)count | DEEPER;
    for (unsigned i = 0; i < DEEPER_SHORTCUTS; i++) {
        const unsigned char bytes[16] = {(unsigned char)(first_bits >> 8),
                                         (unsigned char)first_bits, (unsigned char)i};

        tree->shortcuts[count + i] = shortcut_to(tree, from, bytes, DEEPER_BITS);
    }
    return count + DEEPER_SHORTCUTS;
}

static void add_shortcuts(struct net_tree *tree)
{
    struct shortcut *made;
    size_t count = SHORTCUTS;

    tree->shortcuts = xreallocarray(NULL, SHORTCUTS, sizeof(*tree->shortcuts));
    for (unsigned i = 0; i < SHORTCUTS; i++) {
        const unsigned char bytes[16] = {(unsigned char)(i >> 8), (unsigned char)i};
        struct shortcut root = {ROOT4, NO_NUMBER};

        tree->shortcuts[i] = shortcut_to(tree, root, bytes, SHORTCUT_BITS);
    }
    for (unsigned i = 0; i < SHORTCUTS; i++) {
        unsigned wanted = MANY_NODES;

        if (has_nodes(tree, tree->shortcuts[i].next, &wanted))
            count = add_deeper(tree, count, i);
    }
    made = xalloc_large(count * sizeof(*made));
    memcpy(made, tree->shortcuts, count * sizeof(*made));
    free(tree->shortcuts);
    tree->shortcuts = made;
}

/* Copies what is below a node, parents right in front of their children, so that a walk stays in
 * few cache lines. At most 128 deep. */
static void lay_out(const struct node *from, struct node *to, unsigned at, unsigned *count)
{
    for (int side = 0; side < 2; side++) {
        unsigned child = to[at].child[side];

        if (child == 0)
            continue;
        to[*count] = from[child];
        to[at].child[side] = (*count)++;
        lay_out(from, to, to[at].child[side], count);
    }
}

void net_tree_finish(struct net_tree *tree)
{
    struct node *nodes = xalloc_large(tree->count * sizeof(*nodes));
    unsigned count = ROOT6 + 1;

    memcpy(nodes, tree->nodes, count * sizeof(*nodes));
    lay_out(tree->nodes, nodes, ROOT4, &count);
    lay_out(tree->nodes, nodes, ROOT6, &count);
    free(tree->nodes);
    tree->nodes = nodes;
    tree->cap = tree->count;
    free(tree->shortcuts);
    tree->shortcuts = NULL;
    if (tree->count >= LARGE_TREE)
        add_shortcuts(tree);
}

/* Where a walk starts. */
static struct shortcut start_of(const struct net_tree *tree, const struct addr *addr)
{
    unsigned root = addr->family == AF_INET ? ROOT4 : addr->family == AF_INET6 ? ROOT6 : 0;

    struct shortcut s = {root, NO_NUMBER};

    if (root != ROOT4 || tree->shortcuts == NULL)
        return s;
    s = tree->shortcuts[addr->bytes[0] << 8 | addr->bytes[1]];
    return (s.next & DEEPER) != 0 ? tree->shortcuts[(s.next & ~DEEPER) + addr->bytes[2]] : s;
}

bool net_tree_find(const struct net_tree *tree, const struct addr *addr, unsigned *number)
{
    struct shortcut start = start_of(tree, addr);
    unsigned at = start.next, smallest = start.smallest, max = addr_bits(addr);

    while (at != 0) {
        const struct node *node = &tree->nodes[at];

        if (!same_prefix(node->bytes, addr->bytes, node->bits))
            break;
        if (node->number < smallest)
            smallest = node->number;
        at = node->bits < max ? node->child[bit_of(addr->bytes, node->bits)] : 0;
    }
    *number = smallest;
    return smallest != NO_NUMBER;
}
