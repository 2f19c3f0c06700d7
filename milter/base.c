/* base - what every file may use: memory, slices, places in files, one-line errors */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { CACHE_LINE = 64, HUGE_PAGE = 2 << 20 };

bool err_set(struct err *err, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return false;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return false;
}

void die(const char *fmt, ...)
{
    va_list ap;

    fputs("tamis: fatal: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

static void *checked(void *ptr)
{
    if (ptr == NULL)
        die("out of memory");
    return ptr;
}

void *xmalloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return checked(count && size ? calloc(count, size) : calloc(1, 1));
}

void *xreallocarray(void *ptr, size_t count, size_t size)
{
    return checked(count && size ? reallocarray(ptr, count, size) : realloc(ptr, 1));
}

char *xstrdup(const char *text)
{
    return checked(strdup(text));
}

char *xstrndup(const char *text, size_t len)
{
    return checked(strndup(text, len));
}

char *xasprintf(const char *fmt, ...)
{
    char *text;
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0)
        die("out of memory");
    return text;
}

void *xalloc_large(size_t size)
{
    size_t unit = size >= HUGE_PAGE / 2 ? HUGE_PAGE : CACHE_LINE, bytes;
    void *memory;

    if (__builtin_add_overflow(size, unit - 1, &bytes))
        die("out of memory");
    bytes = bytes / unit * unit;
    memory = checked(aligned_alloc(unit, bytes > 0 ? bytes : unit));
    if (unit == HUGE_PAGE)
        madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

struct slice slice_of(const char *text)
{
    return (struct slice){text, text != NULL ? strlen(text) : 0};
}

bool slice_is(struct slice s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || memcmp(s.ptr, text, s.len) == 0);
}

/* Names are mostly told apart by their first letter, without the length of the other one. */
bool slice_is_nocase(struct slice s, const char *text)
{
    if (s.len > 0 && to_lower((unsigned char)s.ptr[0]) != to_lower((unsigned char)text[0]))
        return false;
    if (s.len != strlen(text))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (to_lower((unsigned char)s.ptr[i]) != to_lower((unsigned char)text[i]))
            return false;
    return true;
}

bool is_same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

bool is_blank(int c)
{
    return c == ' ' || c == '\t';
}

bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

bool is_alnum(int c)
{
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

bool is_print(int c)
{
    return c >= 0x20 && c <= 0x7e;
}

int to_lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* With its high bit set no byte borrows from the next one when 0x20 is taken from each. */
static bool is_plain_word(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101ULL, high = ones << 7;

    return (word & high) == 0 && (((word | high) - ones * 0x20) & high) == high &&
           ((word + ones) & high) == 0;
}

size_t slice_plain(struct slice s)
{
    uint64_t word;
    size_t i;

    for (i = 0; i + sizeof(word) <= s.len; i += sizeof(word)) {
        memcpy(&word, s.ptr + i, sizeof(word));
        if (!is_plain_word(word))
            break;
    }
    while (i < s.len && is_print((unsigned char)s.ptr[i]))
        i++;
    return i;
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_space((unsigned char)s.ptr[0]))
        s.ptr++, s.len--;
    while (s.len > 0 && is_space((unsigned char)s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool slice_word(struct slice *rest, const char *separators, struct slice *word)
{
    size_t i = 0, j;

    while (i < rest->len && strchr(separators, rest->ptr[i]) != NULL && rest->ptr[i] != '\0')
        i++;
    for (j = i; j < rest->len; j++)
        if (rest->ptr[j] != '\0' && strchr(separators, rest->ptr[j]) != NULL)
            break;
    *word = (struct slice){rest->ptr + i, j - i};
    *rest = (struct slice){rest->ptr + j, rest->len - j};
    return word->len > 0;
}

bool parse_long(struct slice s, long min, long max, long *value)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    size_t i = negative ? 1 : 0;
    long n = 0;

    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        if (!is_digit((unsigned char)s.ptr[i]) || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_sub_overflow(n, s.ptr[i] - '0', &n))
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, n, &n))
        return false;
    if (n < min || n > max)
        return false;
    *value = n;
    return true;
}

uint64_t now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
