/* pattern_scan - a regular expression cut into its atoms, for those who read patterns critically */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PATTERN_SCAN_H
#define TAMIS_PATTERN_SCAN_H

#include "arena.h"
#include "base.h"

enum atom_kind {
    ATOM_LITERAL,
    ATOM_ANY,    /* . */
    ATOM_CLASS,  /* [a-z], \d */
    ATOM_OPEN,   /* a group, up to its partner */
    ATOM_CLOSE,
    ATOM_OR,
    ATOM_START,  /* ^ */
    ATOM_END,    /* $ */
    ATOM_ASSERT, /* \b and its like: no width */
    ATOM_BACK,   /* \1 */
};

#define ATOM_UNLIMITED UINT32_MAX

struct atom {
    enum atom_kind kind;
    uint32_t at, len;      /* in the pattern, the quantifier left away */
    uint32_t min, max;     /* how often; of a group: at its ATOM_OPEN */
    uint32_t partner;      /* of a group */
    bool is_look;          /* a group that looks ahead or behind */
    unsigned char literal;
    uint32_t set[8];       /* the bytes that it matches, as written: case is left out of account */
};

struct atoms {
    struct slice pattern;
    struct atom *list;
    uint32_t count;
    bool has_back; /* back-references */
};

/* Cuts a pattern of pcre (`perl`) or of POSIX extended syntax. False when it holds what is not
 * understood here; then nothing can be said about it. In the arena, but for the pattern. */
bool pattern_scan(struct slice pattern, bool perl, struct arena *arena, struct atoms *atoms);

/* A byte that it matches, preferably a letter; never `but`, if there is another. */
unsigned char atom_member(const struct atom *atom, int but);

#endif
