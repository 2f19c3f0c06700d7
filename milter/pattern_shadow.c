/* pattern_shadow - rules that never get their turn: an earlier one matches all they match */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "pattern_trial.h"

#include <stdlib.h>
#include <string.h>

/* More comparisons than these take longer than they are worth. */
enum { COMPARISONS_MAX = 20 * 1000 * 1000 };

/* What every text that a pattern matches must hold: these pieces, in this order, one behind the
 * other. A pattern `is_exact` when it matches every text that holds them so. Case is folded where
 * the pattern ignores it. */
struct pieces {
    struct slice *list;
    uint32_t count;
    bool is_anchored; /* the first one is at the very beginning */
    bool is_exact;
    uint64_t letters; /* a bit for each that occurs, several sharing one */
};

struct shadow {
    struct pattern_line line;
    struct pieces pieces;
    size_t block_end; /* the first line behind the if that it stands in */
};

struct shadows {
    const struct trial *trial;
    struct arena *arena;
    struct shadow *list;
    size_t count, comparisons;
};

struct reader {
    const struct atoms *atoms;
    struct pieces *pieces;
    struct arena *arena;
    struct buf piece;
    bool folds, is_dotall;
};

static void end_piece(struct reader *r)
{
    if (r->piece.len > 0)
        r->pieces->list[r->pieces->count++] =
            (struct slice){arena_strndup(r->arena, r->piece.ptr, r->piece.len), r->piece.len};
    buf_clear(&r->piece);
}

/* glibc's \d is the letter, but not where case is ignored. */
static bool is_piece(const struct atom *atom)
{
    return atom->kind == ATOM_LITERAL && atom->min > 0 &&
           !(atom->len > 1 && is_alnum(atom->literal));
}

/* An anchored pattern without text at its beginning has an empty piece there. */
static void begin_anchored(struct reader *r, uint32_t i)
{
    r->pieces->is_anchored = true;
    if (r->atoms->count <= i || !is_piece(&r->atoms->list[i]))
        r->pieces->list[r->pieces->count++] = (struct slice){"", 0};
}

static void read_literal(struct reader *r, const struct atom *atom)
{
    unsigned char c = atom->literal;

    if (!is_piece(atom)) {
        r->pieces->is_exact = false;
        end_piece(r);
        return;
    }
    buf_addc(&r->piece, (char)(r->folds ? to_lower(c) : c));
    r->pieces->letters |= (uint64_t)1 << (to_lower(c) % 64);
    if (atom->min != 1 || atom->max != 1) {
        r->pieces->is_exact = false;
        end_piece(r);
    }
}

static void read_atoms(struct reader *r, uint32_t i)
{
    while (i < r->atoms->count) {
        const struct atom *atom = &r->atoms->list[i];

        if (atom->kind == ATOM_LITERAL) {
            read_literal(r, atom);
        } else {
            end_piece(r);
            r->pieces->is_exact &= atom->kind == ATOM_ANY && atom->min == 0 &&
                                   atom->max == ATOM_UNLIMITED &&
                                   (r->is_dotall || i + 1 == r->atoms->count);
        }
        i = atom->kind == ATOM_OPEN ? atom->partner + 1 : i + 1;
    }
    end_piece(r);
}

/* A choice at the outermost level leaves nothing that must be there. */
static bool has_choice(const struct atoms *atoms)
{
    for (uint32_t i = 0; i < atoms->count; i++) {
        if (atoms->list[i].kind == ATOM_OR)
            return true;
        if (atoms->list[i].kind == ATOM_OPEN)
            i = atoms->list[i].partner;
    }
    return false;
}

static void read_pieces(const struct shadows *s, struct shadow *shadow)
{
    const struct trial *trial = s->trial;
    const struct pattern_engine *engine = trial->engine;
    unsigned options = shadow->line.options;
    bool is_perl = engine->is_perl, is_multiline = pattern_has_option(engine, options, 'm');
    struct atoms atoms;
    struct reader r = {.atoms = &atoms, .pieces = &shadow->pieces, .arena = s->arena};
    bool is_start;

    if (shadow->line.negated || pattern_has_option(engine, options, 'A') ||
        !trial_scan(trial, &shadow->line, shadow->line.pattern, &atoms) || has_choice(&atoms))
        return;
    r.folds = pattern_has_option(engine, options, 'i');
    r.is_dotall = is_perl ? pattern_has_option(engine, options, 's') : !is_multiline;
    shadow->pieces.list = arena_alloc(s->arena, (atoms.count + 2) * sizeof(struct slice));
    shadow->pieces.is_exact = true;
    is_start = atoms.count > 0 && atoms.list[0].kind == ATOM_START && !is_multiline;
    if (is_start)
        begin_anchored(&r, 1);
    read_atoms(&r, is_start);
    buf_free(&r.piece);
    if (shadow->line.has_second)
        shadow->pieces.is_exact = false;
}

/* Do the pieces of `few` surely occur, in order, wherever those of `many` do? */
static bool is_contained(const struct pieces *few, const struct pieces *many)
{
    uint32_t i = 0, j = 0;
    size_t at = 0;

    if (few->is_anchored) {
        if (!many->is_anchored || many->list[0].len < few->list[0].len ||
            memcmp(many->list[0].ptr, few->list[0].ptr, few->list[0].len) != 0)
            return false;
        at = few->list[i++].len;
    }
    while (i < few->count && j < many->count) {
        const char *start = many->list[j].ptr + at;
        const char *found = memmem(start, many->list[j].len - at, few->list[i].ptr,
                                   few->list[i].len);

        if (found == NULL) {
            j++;
            at = 0;
        } else {
            at = (size_t)(found - many->list[j].ptr) + few->list[i++].len;
        }
    }
    return i == few->count;
}

static bool is_shadowed(const struct shadow *early, const struct shadow *late)
{
    const struct pieces *few = &early->pieces, *many = &late->pieces;

    if (early->line.key.len == late->line.key.len &&
        memcmp(early->line.key.ptr, late->line.key.ptr, late->line.key.len) == 0)
        return true;
    return few->is_exact && many->list != NULL && early->line.options == late->line.options &&
           (few->letters & ~many->letters) == 0 && is_contained(few, many);
}

static void check_line(struct shadows *s, size_t index)
{
    const struct shadow *late = &s->list[index];

    for (size_t i = 0; i < index && s->comparisons < COMPARISONS_MAX; i++) {
        const struct shadow *early = &s->list[i];

        s->comparisons++;
        if (early->line.is_if || early->block_end <= index || !is_shadowed(early, late))
            continue;
        problems_add(s->trial->problems, SEV_WARNING, late->line.where,
                     "this rule never gets its turn: the one of line %d matches all that it "
                     "matches, and the first that matches counts",
                     early->line.where.line);
        return;
    }
}

/* A line belongs to the innermost if before it whose endif is behind it. */
static size_t block_end(const struct shadows *s, size_t index, size_t *open)
{
    while (*open != SIZE_MAX && s->list[*open].line.after <= index)
        *open = s->list[*open].block_end;
    return *open == SIZE_MAX ? s->count : s->list[*open].line.after;
}

/* While the lines are read, an if's block_end is the if around it. */
static void read_lines(struct shadows *s)
{
    size_t open = SIZE_MAX;

    for (size_t i = 0; i < s->count; i++) {
        struct shadow *shadow = &s->list[i];

        shadow->line = pattern_line(s->trial->table, i);
        shadow->block_end = block_end(s, i, &open);
        if (shadow->line.is_if) {
            shadow->block_end = open;
            open = i;
        } else {
            read_pieces(s, shadow);
            arena_reset(s->trial->arena);
        }
    }
}

void trial_shadows(const struct trial *trial)
{
    struct shadows s = {.trial = trial, .count = pattern_lines(trial->table)};

    s.arena = arena_new();
    s.list = xcalloc(s.count + 1, sizeof(*s.list));
    read_lines(&s);
    for (size_t i = 0; i < s.count; i++)
        if (!s.list[i].line.is_if)
            check_line(&s, i);
    arena_free(s.arena);
    free(s.list);
}
