/* spf_record - the grammar of an SPF record, on its bytes (RFC 7208, 12) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_record.h"

#include "spf_macro.h"

#include <arpa/inet.h>
#include <string.h>

enum { VERSION_LEN = 6 };

static struct slice slice_from(struct slice s, size_t start)
{
    return (struct slice){s.ptr + start, s.len - start};
}

bool spf_record_is(struct slice text)
{
    return text.len >= VERSION_LEN &&
           slice_is_nocase((struct slice){text.ptr, VERSION_LEN}, "v=spf1") &&
           (text.len == VERSION_LEN || text.ptr[VERSION_LEN] == ' ');
}

struct slice spf_record_terms(struct slice record)
{
    return slice_from(record, VERSION_LEN);
}

/* toplabel = letters, digits and "-", not only digits, no "-" at either end. */
static bool is_toplabel(struct slice s)
{
    bool digits_only = true;

    if (s.len == 0 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum((unsigned char)s.ptr[i]) && s.ptr[i] != '-')
            return false;
        digits_only = digits_only && is_digit((unsigned char)s.ptr[i]);
    }
    return !digits_only;
}

/* domain-spec ends in a macro, or in "." toplabel and perhaps one dot more. */
static bool is_domain_spec(struct slice s)
{
    struct slice end;
    const char *dot;
    size_t tail;

    if (s.len == 0 || !spf_macro_check(s, SPF_IN_TERM, &tail))
        return false;
    if (tail == s.len)
        return true;
    end = slice_from(s, tail);
    if (end.ptr[end.len - 1] == '.')
        end.len--;
    dot = end.len > 0 ? memrchr(end.ptr, '.', end.len) : NULL;
    return dot != NULL && is_toplabel(slice_from(end, (size_t)(dot + 1 - end.ptr)));
}

/* A prefix length without leading zeros. */
static bool is_bits(struct slice s, long max, unsigned *bits)
{
    long value;

    if (s.len == 0 || !is_digit((unsigned char)s.ptr[0]) || (s.len > 1 && s.ptr[0] == '0') ||
        !parse_long(s, 0, max, &value))
        return false;
    *bits = (unsigned)value;
    return true;
}

static size_t digits_at_end(struct slice s)
{
    size_t n = 0;

    while (n < s.len && is_digit((unsigned char)s.ptr[s.len - 1 - n]))
        n++;
    return n;
}

/* Takes "/24", "//64" or "/24//64" off the end. A slash that is not followed by digits alone stays:
 * it may be part of the domain-spec, which then must allow it. */
static bool dual_cidr_take(struct slice *s, struct spf_term *term)
{
    size_t n = digits_at_end(*s);

    term->bits4 = 32;
    term->bits6 = 128;
    if (n > 0 && s->len >= n + 2 && memcmp(s->ptr + s->len - n - 2, "//", 2) == 0) {
        if (!is_bits(slice_from(*s, s->len - n), 128, &term->bits6))
            return false;
        s->len -= n + 2;
        n = digits_at_end(*s);
    }
    if (n > 0 && s->len >= n + 1 && s->ptr[s->len - n - 1] == '/') {
        if (!is_bits(slice_from(*s, s->len - n), 32, &term->bits4))
            return false;
        s->len -= n + 1;
    }
    return true;
}

static bool is_quad(struct slice s)
{
    int dots = 0;

    for (size_t i = 0; i < s.len; i++) {
        bool starts = i == 0 || s.ptr[i - 1] == '.';

        dots += s.ptr[i] == '.';
        if (starts && s.ptr[i] == '0' && i + 1 < s.len && is_digit((unsigned char)s.ptr[i + 1]))
            return false;
    }
    return dots == 3;
}

/* Not addr_parse, which holds IPv4-mapped addresses as IPv4: an ip6 never matches IPv4. */
static bool network_read(struct slice s, int family, struct net *net)
{
    const char *slash = s.len > 0 ? memchr(s.ptr, '/', s.len) : NULL;
    struct slice host = {s.ptr, slash != NULL ? (size_t)(slash - s.ptr) : s.len};
    char text[ADDR_TEXT_SIZE];

    net->addr = (struct addr){.family = family};
    net->bits = family == AF_INET ? 32 : 128;
    if (slash != NULL && !is_bits(slice_from(s, host.len + 1), net->bits, &net->bits))
        return false;
    if (host.len >= sizeof(text) || memchr(host.ptr, '\0', host.len) != NULL ||
        (family == AF_INET && !is_quad(host)))
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(family, text, net->addr.bytes) == 1;
}

static const struct {
    const char *name;
    enum spf_kind kind;
} mechanisms[] = {
    {"all", SPF_TERM_ALL}, {"include", SPF_TERM_INCLUDE}, {"a", SPF_TERM_A},
    {"mx", SPF_TERM_MX},   {"ptr", SPF_TERM_PTR},         {"ip4", SPF_TERM_IP4},
    {"ip6", SPF_TERM_IP6}, {"exists", SPF_TERM_EXISTS},
};

/* What follows the name of a mechanism: ":" and an argument, a prefix length, or nothing. */
static bool argument_read(struct slice rest, struct spf_term *term)
{
    bool colon;

    if (term->kind == SPF_TERM_ALL)
        return rest.len == 0;
    if ((term->kind == SPF_TERM_A || term->kind == SPF_TERM_MX) && !dual_cidr_take(&rest, term))
        return false;
    colon = rest.len > 0 && rest.ptr[0] == ':';
    if (!colon)
        return rest.len == 0 && (term->kind == SPF_TERM_A || term->kind == SPF_TERM_MX ||
                                 term->kind == SPF_TERM_PTR);
    term->spec = slice_from(rest, 1);
    if (term->kind == SPF_TERM_IP4 || term->kind == SPF_TERM_IP6)
        return network_read(term->spec, term->kind == SPF_TERM_IP4 ? AF_INET : AF_INET6,
                            &term->net);
    return is_domain_spec(term->spec);
}

static bool mechanism_read(struct slice word, struct spf_term *term)
{
    size_t len = 0;

    term->qualifier = '+';
    if (memchr("+-~?", word.ptr[0], 4) != NULL) {
        term->qualifier = word.ptr[0];
        word = slice_from(word, 1);
    }
    while (len < word.len && word.ptr[len] != ':' && word.ptr[len] != '/')
        len++;
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
        if (slice_is_nocase((struct slice){word.ptr, len}, mechanisms[i].name)) {
            term->kind = mechanisms[i].kind;
            return argument_read(slice_from(word, len), term);
        }
    return false;
}

/* The length of the name of a modifier; 0 if the word is none. */
static size_t modifier_name(struct slice word)
{
    size_t len = 0;

    while (len < word.len && (is_alnum((unsigned char)word.ptr[len]) ||
                              memchr("-_.", word.ptr[len], 3) != NULL))
        len++;
    if (len == word.len || word.ptr[len] != '=' || !is_alnum((unsigned char)word.ptr[0]) ||
        is_digit((unsigned char)word.ptr[0]))
        return 0;
    return len;
}

static bool modifier_read(struct slice word, size_t len, struct spf_term *term)
{
    struct slice name = {word.ptr, len};
    size_t tail;

    term->spec = slice_from(word, len + 1);
    term->kind = SPF_TERM_UNKNOWN;
    if (slice_is_nocase(name, "redirect"))
        term->kind = SPF_TERM_REDIRECT;
    else if (slice_is_nocase(name, "exp"))
        term->kind = SPF_TERM_EXP;
    else
        return spf_macro_check(term->spec, SPF_IN_MODIFIER, &tail);
    return is_domain_spec(term->spec);
}

/* A word of a stranger, fit to be shown. */
static bool bad_term(struct slice word, struct err *why)
{
    char shown[64];
    size_t len = word.len < sizeof(shown) - 1 ? word.len : sizeof(shown) - 1;

    for (size_t i = 0; i < len; i++)
        shown[i] = is_print((unsigned char)word.ptr[i]) ? word.ptr[i] : '?';
    shown[len] = '\0';
    return err_set(why, "bad term in the record: %s%s", shown, len < word.len ? "..." : "");
}

bool spf_record_next(struct slice *rest, struct spf_term *term, struct err *why)
{
    struct slice word;
    size_t len;

    *term = (struct spf_term){0};
    if (!slice_word(rest, " ", &word))
        return false;
    term->text = word;
    len = modifier_name(word);
    if (len > 0 ? modifier_read(word, len, term) : mechanism_read(word, term))
        return true;
    return bad_term(word, why);
}

bool spf_record_check(struct slice record, struct err *why)
{
    struct slice rest = spf_record_terms(record);
    int redirects = 0, exps = 0;
    struct spf_term term;
    struct err wrong = {{0}};

    while (spf_record_next(&rest, &term, &wrong)) {
        redirects += term.kind == SPF_TERM_REDIRECT;
        exps += term.kind == SPF_TERM_EXP;
    }
    if (wrong.text[0] != '\0')
        return err_set(why, "%s", wrong.text);
    if (redirects > 1 || exps > 1)
        return err_set(why, "%s= twice in the record", redirects > 1 ? "redirect" : "exp");
    return true;
}
