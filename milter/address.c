/* address - envelope addresses: as the MTA passed them, as people read them, as tables want them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "address.h"

#include "fold.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 63, HOSTNAME_MAX = 255 };

static struct slice without_brackets(struct slice s)
{
    s = slice_trim(s);
    if (s.len >= 2 && s.ptr[0] == '<' && s.ptr[s.len - 1] == '>')
        s = slice_trim((struct slice){s.ptr + 1, s.len - 2});
    return s;
}

/* "@relay1,@relay2:user@dom" without what stands in front of the user. */
static struct slice without_route(struct slice s)
{
    const char *colon;

    if (s.len == 0 || s.ptr[0] != '@')
        return s;
    colon = memchr(s.ptr, ':', s.len);
    if (colon == NULL)
        return s;
    return (struct slice){colon + 1, s.len - (size_t)(colon + 1 - s.ptr)};
}

/* Quotes and backslashes taken out of the local part. */
static char *unquoted(struct slice s, struct arena *arena)
{
    char *out = arena_strndup(arena, s.ptr != NULL ? s.ptr : "", s.len);
    bool quoted = false, local = true;
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (local && c == '"') {
            quoted = !quoted;
            continue;
        }
        if (local && c == '\\' && i + 1 < s.len)
            c = s.ptr[++i];
        else if (c == '@' && !quoted && memchr(s.ptr + i + 1, '@', s.len - i - 1) == NULL)
            local = false;
        out[n++] = c;
    }
    out[n] = '\0';
    return out;
}

static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void reverse(char *text, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        char c = text[i];

        text[i] = text[len - 1 - i];
        text[len - 1 - i] = c;
    }
}

bool address_swap_route(char *text)
{
    char *bang = strchr(text, '!'), *percent = strrchr(text, '%');
    size_t len = strlen(text);

    if (bang != NULL && bang > text && bang[1] != '\0') {
        size_t site = (size_t)(bang - text);

        *bang = '@';
        reverse(text, len);
        reverse(text, len - site - 1);
        reverse(text + len - site, site);
        return true;
    }
    if (percent == NULL || percent == text || percent[1] == '\0')
        return false;
    *percent = '@';
    return true;
}

/* What trivial-rewrite makes of an address that has no domain: site!user, user%site, user. */
static const char *completed(const char *text, const char *myorigin, struct arena *arena)
{
    char *copy = arena_strdup(arena, text);

    return address_swap_route(copy) ? copy : arena_printf(arena, "%s@%s", text, myorigin);
}

static const char *derived_key(const char *text, const char *myorigin, struct arena *arena)
{
    struct slice domain = address_domain(text);
    struct slice folded;

    if (text[0] == '\0')
        return "";
    if (strchr(text, '@') == NULL)
        text = completed(text, myorigin, arena);
    else if (domain.len > 1 && domain.ptr[domain.len - 1] == '.')
        text = arena_strndup(arena, text, strlen(text) - 1);
    folded = fold_case(slice_of(text), arena);
    return arena_strndup(arena, folded.ptr, folded.len);
}

/* A user alone says less than what the client wrote: it is what some mailer gets. */
static bool is_better(const char *resolved, const char *text)
{
    if (resolved == NULL || resolved[0] == '\0' || text[0] == '\0')
        return false;
    return strchr(resolved, '@') != NULL || strchr(text, '@') == NULL;
}

bool address_read(struct address *address, const char *arg, const char *resolved,
                  const char *myorigin, struct arena *arena)
{
    struct slice inner, folded;
    char *text;

    address->arg = arena_strdup(arena, arg != NULL ? arg : "");
    inner = without_route(without_brackets(slice_of(address->arg)));
    text = unquoted(inner, arena);
    make_printable(text);
    address->text = text;
    if (!is_better(resolved, text)) {
        address->key = derived_key(text, myorigin, arena);
        return false;
    }
    folded = fold_case(slice_of(resolved), arena);
    address->key = unquoted(without_route(without_brackets(folded)), arena);
    return true;
}

/* A (comment), or the end of a group of addresses, outside quotes and address literals. */
static bool has_rfc822_form(struct slice s)
{
    char end = '\0'; /* of what is skipped */

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '\\')
            i++;
        else if (end != '\0')
            end = c == end ? '\0' : end;
        else if (c == '"' || c == '[')
            end = c == '"' ? '"' : ']';
        else if (c == '(' || c == ';')
            return true;
    }
    return false;
}

bool address_is_strict(const struct address *address)
{
    struct slice arg = slice_of(address->arg);

    return arg.len >= 2 && arg.ptr[0] == '<' && arg.ptr[arg.len - 1] == '>' &&
           address->text[0] != '@' && !has_rfc822_form(without_route(without_brackets(arg)));
}

bool address_is_routed(const struct address *address)
{
    const char *first = address->key + strcspn(address->key, "@!%");

    return *first != '\0' && strcmp(first + 1, address_domain(address->key).ptr) != 0;
}

struct slice address_domain(const char *address)
{
    const char *at = strrchr(address, '@');

    return at != NULL ? slice_of(at + 1) : (struct slice){"", 0};
}

static bool is_atom_text(unsigned char c)
{
    return is_alnum(c) || c >= 0x80 || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* dot-string of RFC 5321 section 4.1.2 */
static bool is_dot_string(const char *text, size_t len)
{
    bool after_dot = true;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.' && after_dot)
            return false;
        if (text[i] != '.' && !is_atom_text((unsigned char)text[i]))
            return false;
        after_dot = text[i] == '.';
    }
    return len > 0 && !after_dot;
}

const char *address_quote(const char *address, struct arena *arena)
{
    const char *at = strrchr(address, '@');
    size_t local = at != NULL ? (size_t)(at - address) : strlen(address), n = 0;
    char *out;

    if (address[0] == '\0' || is_dot_string(address, local))
        return address;
    out = arena_alloc(arena, 2 * local + strlen(address + local) + 3);
    out[n++] = '"';
    for (size_t i = 0; i < local; i++) {
        if (address[i] == '"' || address[i] == '\\')
            out[n++] = '\\';
        out[n++] = address[i];
    }
    out[n++] = '"';
    memcpy(out + n, address + local, strlen(address + local) + 1);
    return out;
}

static bool is_never_split(struct slice local, const char *delimiters)
{
    static const char *const whole[] = {"postmaster", "mailer-daemon", "double-bounce"};

    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        if (slice_is_nocase(local, whole[i]))
            return true;
    if (strchr(delimiters, '-') == NULL)
        return false;
    if (local.len >= 6 && slice_is_nocase((struct slice){local.ptr, 6}, "owner-"))
        return true;
    return local.len > 8 &&
           slice_is_nocase((struct slice){local.ptr + local.len - 8, 8}, "-request");
}

size_t address_extension(const char *address, const char *delimiters)
{
    const char *at = strrchr(address, '@');
    struct slice local = {address, at != NULL ? (size_t)(at - address) : strlen(address)};
    size_t len;

    if (delimiters[0] == '\0' || is_never_split(local, delimiters))
        return 0;
    len = strcspn(address, delimiters);
    return len < local.len ? len : 0;
}

bool is_hostname(struct slice name)
{
    size_t label = 0;
    bool numeric = true;

    if (name.len == 0 || name.len > HOSTNAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool last = i + 1 == name.len || name.ptr[i + 1] == '.';

        if (c == '.') {
            if (label == 0 || i + 1 == name.len)
                return false;
            label = 0;
            continue;
        }
        if (!is_alnum(c) && c != '_' && c != '-')
            return false;
        if (c == '-' && (label == 0 || last))
            return false;
        if (++label > LABEL_MAX)
            return false;
        numeric = numeric && is_digit(c);
    }
    return !numeric;
}

bool is_mailhost_literal(struct slice literal)
{
    struct addr addr;
    bool v6 = literal.len > 5 && slice_is_nocase((struct slice){literal.ptr, 5}, "IPv6:");

    if (v6)
        literal = (struct slice){literal.ptr + 5, literal.len - 5};
    if (!addr_parse(literal, &addr))
        return false;
    return v6 == (memchr(literal.ptr, ':', literal.len) != NULL);
}
