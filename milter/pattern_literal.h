/* pattern_literal - the literal text without which a pattern cannot match, read off the pattern */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PATTERN_LITERAL_H
#define TAMIS_PATTERN_LITERAL_H

#include "base.h"

enum { LITERAL_MAX = 64 };

/* In lower case, as by folded(); not NUL-terminated. */
struct literal {
    uint8_t len; /* 0: none is known */
    char text[LITERAL_MAX];
};

/* Every key that the pattern matches starts with `prefix` and holds `literal`, upper and lower case
 * of ASCII letters being alike. The literal is the longest found; the part of the prefix up to its
 * first colon (the name of a header) is not considered for it. */
struct pattern_required {
    struct literal prefix, literal;
};

/* What changes the meaning of a pattern's text for this purpose. */
struct pattern_syntax {
    bool perl;      /* as pcre2syntax(3); else POSIX extended, with glibc's additions */
    bool anchored;  /* matches at the start of the key only */
    bool multiline; /* ^ may match behind a newline, too */
};

/* Reads the pattern, which its library has compiled. Sets nothing where the text holds anything
 * that is not fully understood. Byte semantics: not for UTF or UCP. Any thread; does not block. */
void pattern_required_find(const char *pattern, struct pattern_syntax syntax,
                           struct pattern_required *required);

/* ASCII letters in lower case, all else as it is: the case rules of PCRE2's built-in tables without
 * UTF, and of the C locale. */
static inline unsigned char folded(unsigned char c)
{
    return (unsigned char)(c | (unsigned)((unsigned)c - 'A' < 26u) << 5);
}

#endif
