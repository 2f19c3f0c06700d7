/* token - what ends a reply, so that whoever gets it can be told why: K7Q4-9MZ2 */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_TOKEN_H
#define TAMIS_TOKEN_H

#include "base.h"

/* 40 bits as eight characters of Crockford's base 32 (no I, L, O, U), a dash in the midst. */
enum { TOKEN_SIZE = 10, TOKEN_TAIL = 12 }; /* with its NUL; " [K7Q4-9MZ2]" without */

/* A new one: each is given out once by a node, without anything being remembered from one start to
 * the next, as long as the clock goes on and no more than 1,024 a second are needed over a long
 * time. They look random. Any thread; never blocks. */
void token_new(char token[TOKEN_SIZE]);

/* The one of this number, which counts up to 2^40; all differ. For token_new and its test. */
void token_of(uint64_t number, char token[TOKEN_SIZE]);

/* Any case, O for 0, I and L for 1, with or without the dash, with or without brackets. False: it
 * is none. `token` is how it was written. */
bool token_read(const char *text, char token[TOKEN_SIZE]);

#endif
