/* fold - one spelling for texts that compare equal: case folding, A-labels */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "fold.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unistr.h>

/* One folded code point takes at most three times its bytes in UTF-8: U+0390 does. */
enum { FOLD_GROWTH = 3 };

/* Every key and every name comes by here: eight bytes are looked at at a time. */
#define ONES 0x0101010101010101ULL
#define HIGH (ONES << 7)

/* The high bit of each byte that is one of A to Z: added to such a byte's seven bits, the first
 * number reaches the high bit and the second does not. */
static uint64_t upper_in(uint64_t word)
{
    uint64_t low = word & ~HIGH;

    return (low + ONES * (0x80 - 'A')) & ~(low + ONES * (0x7f - 'Z')) & ~word & HIGH;
}

/* Does a byte have one of the bits that `look` finds in eight of them? */
static bool has_bits(struct slice text, uint64_t (*look)(uint64_t word))
{
    uint64_t word = 0;
    size_t i;

    for (i = 0; i + sizeof(word) <= text.len; i += sizeof(word)) {
        memcpy(&word, text.ptr + i, sizeof(word));
        if (look(word) != 0)
            return true;
    }
    word = 0;
    if (i < text.len)
        memcpy(&word, text.ptr + i, text.len - i);
    return look(word) != 0;
}

static uint64_t high_in(uint64_t word)
{
    return word & HIGH;
}

static bool has_upper(struct slice text)
{
    return has_bits(text, upper_in);
}

static bool is_ascii(struct slice text)
{
    return !has_bits(text, high_in);
}

bool is_utf8(struct slice text)
{
    return is_ascii(text) || u8_check((const uint8_t *)text.ptr, text.len) == NULL;
}

static struct slice fold_ascii(struct slice text, struct arena *arena)
{
    char *copy;

    if (!has_upper(text))
        return text;
    copy = arena_strndup(arena, text.ptr, text.len);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)to_lower((unsigned char)copy[i]);
    return (struct slice){copy, text.len};
}

static struct slice fold_utf8(struct slice text, struct arena *arena)
{
    size_t len;
    uint8_t *room, *folded;

    if (__builtin_mul_overflow(text.len, FOLD_GROWTH, &len) || ++len == 0)
        die("out of memory");
    room = arena_alloc(arena, len);
    folded = u8_casefold((const uint8_t *)text.ptr, text.len, NULL, NULL, room, &len);
    if (folded == NULL)
        die("out of memory");
    if (len == text.len && memcmp(folded, text.ptr, len) == 0) {
        if (folded != room)
            free(folded);
        return text;
    }
    if (folded != room) {
        room = (uint8_t *)arena_strndup(arena, (char *)folded, len);
        free(folded);
    } else {
        room[len] = '\0';
    }
    return (struct slice){(char *)room, len};
}

struct slice fold_case(struct slice text, struct arena *arena)
{
    if (is_ascii(text) || !is_utf8(text))
        return fold_ascii(text, arena);
    return fold_utf8(text, arena);
}

static const char *lower_copy(const char *domain, struct arena *arena)
{
    struct slice folded = fold_case(slice_of(domain), arena);

    return folded.ptr == domain ? arena_strdup(arena, domain) : folded.ptr;
}

/* The A-labels of `domain`, lower case, in the arena; NULL when it cannot be converted. A leading
 * dot, which rules use, is no label. */
static const char *to_ascii(const char *domain, struct arena *arena)
{
    uint8_t *converted = NULL;
    const char *result;
    bool dot = domain[0] == '.';

    if (!is_utf8(slice_of(domain)) ||
        idn2_lookup_u8((const uint8_t *)domain + dot, &converted,
                       IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return NULL;
    result = arena_printf(arena, "%s%s", dot ? "." : "", (char *)converted);
    idn2_free(converted);
    return lower_copy(result, arena);
}

const char *fold_domain_ascii(const char *domain, struct arena *arena)
{
    const char *ascii = is_ascii(slice_of(domain)) ? NULL : to_ascii(domain, arena);

    return ascii != NULL ? ascii : lower_copy(domain, arena);
}

/* libidn2 decodes what no registry would accept; only what leads back to the same name counts. */
const char *fold_domain_utf8(const char *domain, struct arena *arena)
{
    const char *ascii = fold_domain_ascii(domain, arena), *utf8, *back;
    char *converted = NULL;

    if (strstr(ascii, "xn--") == NULL ||
        idn2_to_unicode_8z8z(ascii, &converted, IDN2_NONTRANSITIONAL) != IDN2_OK)
        return lower_copy(domain, arena);
    utf8 = arena_strdup(arena, converted);
    idn2_free(converted);
    back = to_ascii(utf8, arena);
    return back != NULL && strcmp(back, ascii) == 0 ? utf8 : lower_copy(domain, arena);
}

/* C0, DEL and, in UTF-8, C1: what a terminal would obey. */
static bool is_control(const unsigned char *p)
{
    return *p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);
}

void fold_printable(char *text, char replacement)
{
    size_t left = strlen(text);

    for (char *p = text; left > 0;) {
        size_t plain = slice_plain((struct slice){p, left});
        int n;

        p += plain;
        left -= plain;
        if (left == 0)
            break;
        n = (unsigned char)*p < 0x80 ? 1 : u8_mblen((const uint8_t *)p, left);
        if (n <= 0 || is_control((const unsigned char *)p)) {
            *p = replacement;
            n = 1;
        }
        p += n;
        left -= (size_t)n;
    }
}

void fold_controls(char *text, size_t len, char replacement)
{
    char *to = text;

    for (size_t i = 0; i < len; i++) {
        bool control = is_control((const unsigned char *)text + i) &&
                       (text[i] != '\n' && text[i] != '\t');

        *to++ = control ? replacement : text[i];
        i += control && (unsigned char)text[i] == 0xc2;
    }
    *to = '\0';
}

size_t fold_length(const char *text, size_t left)
{
    int n = u8_mblen((const uint8_t *)text, left);

    return n > 0 ? (size_t)n : 0;
}

size_t fold_cut(const char *text, size_t max)
{
    size_t len = strnlen(text, max);

    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}
