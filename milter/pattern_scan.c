/* pattern_scan - a regular expression cut into its atoms, for those who read patterns critically */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_scan.h"

#include <ctype.h>
#include <string.h>

enum { DEPTH_MAX = 64, REPEAT_MAX = 65535 };

struct scan {
    struct atoms *atoms;
    struct slice rest;
    bool perl;
    uint32_t open[DEPTH_MAX];
    size_t depth;
};

/* Does it match this byte? */
static bool atom_has(const struct atom *atom, unsigned char c)
{
    return atom->set[c / 32] >> (c % 32) & 1;
}

unsigned char atom_member(const struct atom *atom, int but)
{
    static const char preferred[] = "a1 x-._=:@/,;\"'()[]<>AX0\t\n";

    for (const char *p = preferred; *p != '\0'; p++)
        if (*p != but && atom_has(atom, (unsigned char)*p))
            return (unsigned char)*p;
    for (int c = 255; c > 0; c--)
        if (c != but && atom_has(atom, (unsigned char)c))
            return (unsigned char)c;
    return (unsigned char)(but > 0 ? but : 0);
}

static void set_add(struct atom *atom, unsigned char c)
{
    atom->set[c / 32] |= (uint32_t)1 << (c % 32);
}

static void set_range(struct atom *atom, int first, int last)
{
    for (int c = first; c <= last; c++)
        set_add(atom, (unsigned char)c);
}

static void set_invert(struct atom *atom)
{
    for (size_t i = 0; i < ARRAY_LEN(atom->set); i++)
        atom->set[i] = ~atom->set[i];
}

static bool peek(const struct scan *scan, size_t ahead, char c)
{
    return scan->rest.len > ahead && scan->rest.ptr[ahead] == c;
}

static void skip(struct scan *scan, size_t len)
{
    scan->rest.ptr += len;
    scan->rest.len -= len;
}

/* The set of \d, \s, \w and their opposites; false when the letter is none of them. */
static bool set_shorthand(const struct scan *scan, struct atom *atom, char letter)
{
    struct atom set = {.kind = ATOM_CLASS};

    switch (to_lower((unsigned char)letter)) {
    case 'd':
    case 'h':
        if (!scan->perl)
            return false;
        if (to_lower((unsigned char)letter) == 'd')
            set_range(&set, '0', '9');
        else
            set_add(&set, ' '), set_add(&set, '\t');
        break;
    case 's':
        set_add(&set, ' ');
        set_range(&set, '\t', '\r');
        break;
    case 'w':
        set_range(&set, '0', '9');
        set_range(&set, 'A', 'Z');
        set_range(&set, 'a', 'z');
        set_add(&set, '_');
        break;
    default:
        return false;
    }
    if (letter != to_lower((unsigned char)letter))
        set_invert(&set);
    for (size_t i = 0; i < ARRAY_LEN(set.set); i++)
        atom->set[i] |= set.set[i];
    return true;
}

static const struct {
    const char *name;
    int (*has)(int c);
} named_sets[] = {
    {"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum}, {"upper", isupper},
    {"lower", islower}, {"space", isspace}, {"blank", isblank}, {"punct", ispunct},
    {"print", isprint}, {"graph", isgraph}, {"cntrl", iscntrl}, {"xdigit", isxdigit},
};

/* [:alpha:], the bracket in front being read. */
static bool set_named(struct scan *scan, struct atom *atom)
{
    const char *end = memmem(scan->rest.ptr, scan->rest.len, ":]", 2);
    struct slice name;

    if (end == NULL)
        return false;
    name = (struct slice){scan->rest.ptr + 1, (size_t)(end - scan->rest.ptr) - 1};
    for (size_t i = 0; i < ARRAY_LEN(named_sets); i++) {
        if (!slice_is(name, named_sets[i].name))
            continue;
        for (int c = 0; c < 128; c++)
            if (named_sets[i].has(c))
                set_add(atom, (unsigned char)c);
        skip(scan, name.len + 3);
        return true;
    }
    return false;
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = memchr(digits, to_lower((unsigned char)c), sizeof(digits) - 1);

    return found != NULL ? (int)(found - digits) : -1;
}

/* The byte that \n, \t, \xHH or \- stands for; false when it is another thing. */
static bool escaped_byte(struct scan *scan, unsigned char *byte)
{
    static const char letters[] = "ntrfae", bytes[] = "\n\t\r\f\a\033";
    char c = scan->rest.ptr[0];
    const char *known = scan->perl ? memchr(letters, c, sizeof(letters) - 1) : NULL;

    if (known != NULL) {
        *byte = (unsigned char)bytes[known - letters];
    } else if (scan->perl && c == 'x' && scan->rest.len > 2 && hex_value(scan->rest.ptr[1]) >= 0 &&
               hex_value(scan->rest.ptr[2]) >= 0) {
        *byte = (unsigned char)(hex_value(scan->rest.ptr[1]) * 16 + hex_value(scan->rest.ptr[2]));
        skip(scan, 2);
    } else if (is_alnum((unsigned char)c) && (scan->perl || c != 'd')) {
        return false;
    } else {
        *byte = (unsigned char)c;
    }
    skip(scan, 1);
    return true;
}

/* One end of a range, or a set of its own (*is_set). */
static bool class_item(struct scan *scan, struct atom *atom, unsigned char *byte, bool *is_set)
{
    *is_set = true;
    if (peek(scan, 0, '[') && (peek(scan, 1, '.') || peek(scan, 1, '=')))
        return false;
    if (peek(scan, 0, '[') && peek(scan, 1, ':')) {
        skip(scan, 1);
        return set_named(scan, atom);
    }
    if (scan->perl && peek(scan, 0, '\\') && scan->rest.len > 1) {
        skip(scan, 1);
        if (set_shorthand(scan, atom, scan->rest.ptr[0])) {
            skip(scan, 1);
            return true;
        }
        *is_set = false;
        return escaped_byte(scan, byte);
    }
    *is_set = false;
    *byte = (unsigned char)scan->rest.ptr[0];
    skip(scan, 1);
    return true;
}

static bool scan_class(struct scan *scan, struct atom *atom)
{
    bool inverted = peek(scan, 1, '^'), first = true, is_set;
    unsigned char from, to;

    atom->kind = ATOM_CLASS;
    skip(scan, inverted ? 2 : 1);
    for (; scan->rest.len > 0 && (first || !peek(scan, 0, ']')); first = false) {
        if (!class_item(scan, atom, &from, &is_set))
            return false;
        if (is_set)
            continue;
        to = from;
        if (peek(scan, 0, '-') && scan->rest.len > 1 && !peek(scan, 1, ']')) {
            skip(scan, 1);
            if (!class_item(scan, atom, &to, &is_set) || is_set)
                return false;
        }
        set_range(atom, from, to);
    }
    if (scan->rest.len == 0)
        return false;
    skip(scan, 1);
    if (inverted)
        set_invert(atom);
    return true;
}

static bool scan_escape(struct scan *scan, struct atom *atom)
{
    char c;

    skip(scan, 1);
    if (scan->rest.len == 0)
        return false;
    c = scan->rest.ptr[0];
    atom->kind = ATOM_CLASS;
    if (set_shorthand(scan, atom, c)) {
        skip(scan, 1);
        return true;
    }
    if (is_digit((unsigned char)c) && c != '0' &&
        !(scan->rest.len > 1 && is_digit((unsigned char)scan->rest.ptr[1]))) {
        atom->kind = ATOM_BACK;
        scan->atoms->has_back = true;
        skip(scan, 1);
        return true;
    }
    if (strchr(scan->perl ? "bBAzZ" : "bB<>`'", c) != NULL) {
        atom->kind = ATOM_ASSERT;
        skip(scan, 1);
        return true;
    }
    atom->kind = ATOM_LITERAL;
    if (!escaped_byte(scan, &atom->literal))
        return false;
    set_add(atom, atom->literal);
    return true;
}

/* What may stand behind an opening parenthesis. */
static bool scan_open(struct scan *scan, struct atom *atom, uint32_t index)
{
    static const struct {
        const char *text;
        bool is_look;
    } heads[] = {{"?:", false}, {"?=", true}, {"?!", true}, {"?<=", true}, {"?<!", true},
                 {"?>", false}};

    if (scan->depth == DEPTH_MAX)
        return false;
    atom->kind = ATOM_OPEN;
    scan->open[scan->depth++] = index;
    skip(scan, 1);
    if (!scan->perl || !(peek(scan, 0, '?') || peek(scan, 0, '*')))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        size_t len = strlen(heads[i].text);

        if (scan->rest.len >= len && memcmp(scan->rest.ptr, heads[i].text, len) == 0) {
            atom->is_look = heads[i].is_look;
            skip(scan, len);
            return true;
        }
    }
    return false;
}

static bool scan_close(struct scan *scan, struct atom *atom, uint32_t index)
{
    if (scan->depth == 0)
        return false;
    atom->kind = ATOM_CLOSE;
    atom->partner = scan->open[--scan->depth];
    scan->atoms->list[atom->partner].partner = index;
    skip(scan, 1);
    return true;
}

static void scan_plain(struct scan *scan, struct atom *atom)
{
    atom->literal = (unsigned char)scan->rest.ptr[0];
    atom->kind = ATOM_LITERAL;
    if (atom->literal == '.') {
        atom->kind = ATOM_ANY;
        set_range(atom, 0, 255);
    } else if (atom->literal == '^' || atom->literal == '$') {
        atom->kind = atom->literal == '^' ? ATOM_START : ATOM_END;
    } else if (atom->literal == '|') {
        atom->kind = ATOM_OR;
    } else {
        set_add(atom, atom->literal);
    }
    skip(scan, 1);
}

static bool take_number(struct slice *s, uint32_t *number)
{
    size_t len = 0;
    long value;

    while (len < s->len && len < 5 && is_digit((unsigned char)s->ptr[len]))
        len++;
    if (len == 0 || !parse_long((struct slice){s->ptr, len}, 0, REPEAT_MAX, &value))
        return false;
    *number = (uint32_t)value;
    *s = (struct slice){s->ptr + len, s->len - len};
    return true;
}

/* {n}, {n,} or {n,m}; a brace that is none of them is a plain character. */
static bool take_braces(struct scan *scan, uint32_t *min, uint32_t *max)
{
    struct slice s = {scan->rest.ptr + 1, scan->rest.len - 1};

    if (!take_number(&s, min))
        return false;
    *max = *min;
    if (s.len > 0 && s.ptr[0] == ',') {
        s.ptr++, s.len--;
        if (!take_number(&s, max))
            *max = ATOM_UNLIMITED;
    }
    if (s.len == 0 || s.ptr[0] != '}')
        return false;
    scan->rest = (struct slice){s.ptr + 1, s.len - 1};
    return true;
}

/* False for quantifiers upon quantifiers, and those with nothing to repeat. */
static bool scan_quantifier(struct scan *scan, struct atom *atom)
{
    struct atom *target = atom->kind == ATOM_CLOSE ? &scan->atoms->list[atom->partner] : atom;
    char c = scan->rest.len > 0 ? scan->rest.ptr[0] : '\0';

    target->min = target->max = 1;
    if (c == '*' || c == '+' || c == '?') {
        target->min = c == '+';
        target->max = c == '?' ? 1 : ATOM_UNLIMITED;
        skip(scan, 1);
    } else if (c != '{' || !take_braces(scan, &target->min, &target->max)) {
        /* what these mean depends on the library's release */
        return !(c == '{' && (peek(scan, 1, ',') || peek(scan, 1, ' ')));
    }
    if (atom->kind > ATOM_CLOSE && atom->kind < ATOM_BACK)
        return false;
    if (scan->perl && (peek(scan, 0, '?') || peek(scan, 0, '+')))
        skip(scan, 1);
    return !peek(scan, 0, '*') && !peek(scan, 0, '+') && !peek(scan, 0, '?');
}

static bool scan_atom(struct scan *scan, struct atom *atom, uint32_t index)
{
    switch (scan->rest.ptr[0]) {
    case '\\':
        return scan_escape(scan, atom);
    case '[':
        return scan_class(scan, atom);
    case '(':
        return scan_open(scan, atom, index);
    case ')':
        return scan_close(scan, atom, index);
    case '*':
    case '+':
    case '?':
        return false;
    default:
        scan_plain(scan, atom);
        return true;
    }
}

bool pattern_scan(struct slice pattern, bool perl, struct arena *arena, struct atoms *atoms)
{
    struct scan scan = {.atoms = atoms, .rest = pattern, .perl = perl};

    *atoms = (struct atoms){.pattern = pattern};
    atoms->list = arena_alloc(arena, (pattern.len + 1) * sizeof(*atoms->list));
    while (scan.rest.len > 0) {
        struct atom *atom = &atoms->list[atoms->count];

        atom->at = (uint32_t)(scan.rest.ptr - pattern.ptr);
        if (!scan_atom(&scan, atom, atoms->count))
            return false;
        atom->len = (uint32_t)(scan.rest.ptr - pattern.ptr) - atom->at;
        if (atom->kind == ATOM_OPEN)
            atom->min = atom->max = 1;
        else if (!scan_quantifier(&scan, atom))
            return false;
        atoms->count++;
    }
    return scan.depth == 0;
}
