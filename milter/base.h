/* base - what every file may use: memory, slices, places in files, one-line errors */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_BASE_H
#define TAMIS_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Bytes that somebody else owns; not NUL-terminated. */
struct slice {
    const char *ptr;
    size_t len;
};

/* A place in a file, for messages; file NULL means no place. Lines count from 1. */
struct where {
    const char *file;
    int line;
};

/* One error as text; the caller of a failing function owns it. An unused err has text[0] == 0. */
struct err {
    char text[1024];
};

/* Writes the error; cut at the size of err. err may be NULL. Always returns false, so that a
 * failing function can `return err_set(…)`. */
bool err_set(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Prints to standard error and aborts: a broken invariant or no memory. Never for input. */
_Noreturn void die(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* As malloc(3) and friends; they abort when memory is out, and never return NULL.
 * xreallocarray aborts when count * size overflows. Release with free(3). */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *ptr, size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Memory that is read all over and at random: at the beginning of a cache line, and, when it is
 * large, in huge pages where the system has them. Not zeroed; release with free(3). */
void *xalloc_large(size_t size);

/* A slice over a NUL-terminated text (NULL gives an empty slice). */
struct slice slice_of(const char *text);
bool slice_is(struct slice s, const char *text);      /* equal, byte for byte */
bool slice_is_nocase(struct slice s, const char *text); /* equal but for ASCII case */

/* ASCII only, whatever the locale. */
bool is_blank(int c);  /* space or tab */
bool is_space(int c);  /* the six C-locale white-space characters */
bool is_digit(int c);
bool is_alnum(int c);
bool is_print(int c);  /* 0x20 to 0x7e */
int to_lower(int c);

/* How many of the first bytes are printable ASCII (0x20 to 0x7e), all before the first other one;
 * eight at a time. */
size_t slice_plain(struct slice s);

bool is_same_text(const char *a, const char *b); /* NULL counts as "" */

/* Blanks at both ends taken off. */
struct slice slice_trim(struct slice s);

/* Splits off the first word of *rest, words being separated by any character of `separators`.
 * Returns false when there is none left; else *word is not empty and *rest is what follows. */
bool slice_word(struct slice *rest, const char *separators, struct slice *word);

/* A whole decimal number within [min, max]; false if it is anything else. */
bool parse_long(struct slice s, long min, long max, long *value);

/* Microseconds of the monotonic clock: for durations and deadlines. */
uint64_t now_us(void);

#endif
