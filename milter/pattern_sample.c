/* pattern_sample - a text that a pattern probably matches; only running the rule proves it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_sample.h"

#include <string.h>

struct writer {
    const struct atoms *atoms;
    const struct sample *sample;
    struct buf *out;
    unsigned steps; /* nested repetitions of nothing write nothing and take for ever */
    bool stopped;
};

enum { STEPS_MAX = 10000 };

static uint32_t branch_end(const struct atoms *atoms, uint32_t i, uint32_t end)
{
    while (i < end && atoms->list[i].kind != ATOM_OR)
        i = atoms->list[i].kind == ATOM_OPEN ? atoms->list[i].partner + 1 : i + 1;
    return i;
}

static bool is_within(uint32_t atom, uint32_t from, uint32_t to)
{
    return atom != SAMPLE_NONE && atom >= from && atom < to;
}

/* Any atom that the sample cares for. */
static bool is_wanted(const struct writer *w, uint32_t from, uint32_t to)
{
    return is_within(w->sample->through, from, to) || is_within(w->sample->shown, from, to) ||
           is_within(w->sample->stop, from, to);
}

/* The branch between `from` and `end` to be written. */
static void choose_branch(const struct writer *w, uint32_t *from, uint32_t *end)
{
    uint32_t last = *end, first_end = branch_end(w->atoms, *from, last);

    for (uint32_t i = *from, stop = first_end;; stop = branch_end(w->atoms, i, last)) {
        if (is_wanted(w, i, stop)) {
            *from = i;
            *end = stop;
            return;
        }
        if (stop >= last)
            break;
        i = stop + 1;
    }
    *end = first_end;
}

/* `.` and `.*` between a header's name and its value. */
static const char *filler(const struct writer *w, bool repeats)
{
    const char *text = buf_text(w->out);

    if (strchr(text, ':') != NULL || w->out->len == 0)
        return NULL;
    if (!repeats)
        return "-";
    return strncasecmp(text, "Content-", 8) == 0 ? ": attachment; " : ": ";
}

static void write_simple(struct writer *w, uint32_t i)
{
    const struct atom *atom = &w->atoms->list[i];
    const struct sample *s = w->sample;
    bool repeats = atom->max == ATOM_UNLIMITED;
    uint32_t count = atom->min;

    if (i == s->shown) {
        buf_adds(w->out, s->text != NULL ? s->text : (char[]){(char)atom_member(atom, -1), '\0'});
        return;
    }
    if (s->stem != NULL && i + 1 == s->shown && repeats) {
        buf_adds(w->out, s->stem);
        return;
    }
    if (atom->kind == ATOM_ANY && atom->max > 0 && filler(w, repeats) != NULL) {
        buf_adds(w->out, filler(w, repeats));
        return;
    }
    if (atom->kind == ATOM_LITERAL && atom->max == 1 && !is_alnum(atom->literal))
        count = 1;
    for (; count > 0 && w->out->len < SAMPLE_MAX; count--)
        buf_addc(w->out, (char)atom_member(atom, '\n'));
}

static void write_range(struct writer *w, uint32_t i, uint32_t end);

static void write_group(struct writer *w, uint32_t i)
{
    const struct atom *atom = &w->atoms->list[i];
    uint32_t count = atom->min;

    if (atom->is_look)
        return;
    if (count == 0 && is_wanted(w, i, atom->partner + 1))
        count = 1;
    for (; count > 0 && !w->stopped && w->out->len < SAMPLE_MAX; count--)
        write_range(w, i + 1, atom->partner);
}

static void write_range(struct writer *w, uint32_t i, uint32_t end)
{
    w->stopped |= ++w->steps > STEPS_MAX;
    choose_branch(w, &i, &end);
    while (i < end && !w->stopped) {
        const struct atom *atom = &w->atoms->list[i];

        if (i == w->sample->stop || ++w->steps > STEPS_MAX) {
            w->stopped = true;
            return;
        }
        if (atom->kind <= ATOM_CLASS)
            write_simple(w, i);
        else if (atom->kind == ATOM_OPEN)
            write_group(w, i);
        i = atom->kind == ATOM_OPEN ? atom->partner + 1 : i + 1;
    }
}

void pattern_sample(const struct atoms *atoms, const struct sample *sample, struct buf *out)
{
    struct writer w = {.atoms = atoms, .sample = sample, .out = out};

    write_range(&w, 0, atoms->count);
}
