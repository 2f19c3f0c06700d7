/* token - what ends a reply, so that whoever gets it can be told why: K7Q4-9MZ2 */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "token.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define EPOCH 1577836800
#define MASK ((1ull << 40) - 1)

enum { SECOND_BITS = 10, CHARACTERS = 8 };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Each step can be undone (an odd factor, a shift to the right that is mixed in), so no two numbers
 * come out as one. */
static uint64_t scramble(uint64_t x)
{
    static const uint64_t factors[] = {0x9e3779b97full, 0xbf58476d1dull, 0x94d049bb13ull};

    for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
        x = (x * factors[i]) & MASK;
        x ^= x >> 19;
    }
    return x;
}

void token_of(uint64_t number, char token[TOKEN_SIZE])
{
    uint64_t x = scramble(number & MASK);
    char *p = token;

    for (int i = CHARACTERS - 1; i >= 0; i--) {
        *p++ = alphabet[x >> (5 * i) & 31];
        if (i == CHARACTERS / 2)
            *p++ = '-';
    }
    *p = '\0';
}

void token_new(char token[TOKEN_SIZE])
{
    static atomic_uint_fast64_t last;
    uint_fast64_t before = atomic_load(&last), next, clock;

    clock = (uint64_t)(time(NULL) - EPOCH) << SECOND_BITS;
    do
        next = before + 1 > clock ? before + 1 : clock;
    while (!atomic_compare_exchange_weak(&last, &before, next));
    token_of(next, token);
}

/* -1: not of the alphabet. */
static int digit_of(char c)
{
    const char *found;

    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';
    found = c != '\0' ? strchr(alphabet, c) : NULL;
    return found != NULL ? (int)(found - alphabet) : -1;
}

bool token_read(const char *text, char token[TOKEN_SIZE])
{
    struct slice s = slice_trim(slice_of(text));
    size_t len = 0;

    if (s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']')
        s = (struct slice){s.ptr + 1, s.len - 2};
    for (size_t i = 0; i < s.len; i++) {
        int digit = digit_of(s.ptr[i]);

        if (s.ptr[i] == '-' && i == CHARACTERS / 2 && s.len == CHARACTERS + 1)
            continue;
        if (digit < 0 || len >= TOKEN_SIZE - 1)
            return false;
        if (len == CHARACTERS / 2)
            token[len++] = '-';
        token[len++] = alphabet[digit];
    }
    if (len != TOKEN_SIZE - 1)
        return false;
    token[len] = '\0';
    return true;
}
