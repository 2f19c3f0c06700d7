/* pattern_backslash - backslashes that got lost (^s*, .exe), shown by a text that tells */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_sample.h"
#include "pattern_trial.h"

#include <string.h>

enum { DOUBTS_MAX = 32 };

/* One atom that probably should be another. */
struct doubt {
    uint32_t atom;
    const char *instead;
    uint32_t through; /* of a dot: the ending behind it to be shown */
    bool is_sure;     /* else only beside a sure one */
};

struct doubts {
    const struct atoms *atoms;
    bool is_perl;
    bool has_escapes; /* \s or its like: this author's backslashes are in their places */
    struct doubt list[DOUBTS_MAX];
    size_t count;
};

static const struct {
    char letter;
    const char *perl, *posix;
} letters[] = {
    {'s', "\\s", "[[:space:]]"},
    {'d', "\\d", "[0-9]"},
    {'w', "\\w", "[[:alnum:]_]"},
    {'S', "\\S", "[^[:space:]]"},
};

/* Endings of files. Those behind the empty one mean other things, too: only beside others. */
static const char *const endings[] = {
    "exe", "scr", "vbs", "pif",  "cmd",  "cpl",  "dll", "lnk", "vbe", "jse",  "wsf", "wsh",
    "hta", "msi", "bat", "docm", "xlsm", "pptm", "chm", "rar", "7z",  "iso",  "zip", "",
    "com", "js",  "doc", "docx", "xls",  "xlsx", "ppt", "pdf", "jar", "reg",  "ps1", "ace",
    "arj", "img", "sys", "gz",   "htm",  "html", "ade", "adp", "bas", "shs",  "sct", "xml",
};

/* Words that end like files: nicer to read than "xexe". */
static const struct {
    const char *ending, *stem, *letter;
} words[] = {
    {"com", "rapport.tel", "e"}, {"exe", "rapport.an", "n"}, {"bat", "rapport.co", "m"},
    {"zip", "rapport.gu", "n"},  {"", "rapport.", "x"},
};

static const struct atom *atom_at(const struct doubts *d, uint32_t i)
{
    return i < d->atoms->count ? &d->atoms->list[i] : NULL;
}

static bool is_letter(const struct atom *atom)
{
    return atom != NULL && atom->kind == ATOM_LITERAL && is_alnum(atom->literal);
}

static void add_doubt(struct doubts *d, uint32_t atom, const char *instead, uint32_t through,
                      bool is_sure)
{
    if (d->count < DOUBTS_MAX)
        d->list[d->count++] = (struct doubt){atom, instead, through, is_sure};
}

static const struct doubt *doubt_of(const struct doubts *d, uint32_t atom)
{
    for (size_t k = 0; k < d->count; k++)
        if (d->list[k].atom == atom)
            return &d->list[k];
    return NULL;
}

/* s+e+x+ is no mistake, nor is (pill|tablet)s*, nor https*: */
static void doubt_letter(struct doubts *d, uint32_t i, const char *instead)
{
    const struct atom *atom = atom_at(d, i), *next = atom_at(d, i + 1);
    const struct atom *before = i > 0 ? atom_at(d, i - 1) : NULL;
    bool at_start = before == NULL || before->kind == ATOM_START;
    bool alone = before != NULL &&
                 (before->kind == ATOM_OPEN || doubt_of(d, i - 1) != NULL ||
                  (before->kind == ATOM_LITERAL && !is_letter(before)));

    if (atom->max == 1 || (atom->literal == 's' && is_letter(next) && next->max == ATOM_UNLIMITED))
        return;
    if (at_start && atom->literal == 's' && before != NULL)
        add_doubt(d, i, instead, SAMPLE_NONE, true);
    else if (d->has_escapes || (before != NULL && before->kind == ATOM_ASSERT))
        return;
    else if (is_letter(next) && (atom->literal != 's' || before == NULL || before->literal == ' '))
        return;
    else if (at_start || alone)
        add_doubt(d, i, instead, SAMPLE_NONE, atom->literal != 'S');
    else if (before->kind == ATOM_ANY || before->kind == ATOM_CLASS ||
             (is_letter(before) && next != NULL && next->kind == ATOM_LITERAL && !is_letter(next) &&
              strchr("=:", next->literal) != NULL))
        add_doubt(d, i, instead, SAMPLE_NONE, false);
}

/* In POSIX's syntax \d is the letter, or, in glibc where case is ignored, nothing at all. */
static void doubt_literal(struct doubts *d, uint32_t i)
{
    const struct atom *atom = atom_at(d, i);

    if (atom->len == 2 && atom->literal == 'd' && !d->is_perl) {
        add_doubt(d, i, "[0-9]", SAMPLE_NONE, true);
        return;
    }
    for (size_t k = 0; atom->len == 1 && k < ARRAY_LEN(letters); k++)
        if (atom->literal == (unsigned char)letters[k].letter)
            doubt_letter(d, i, d->is_perl ? letters[k].perl : letters[k].posix);
}

/* How surely these plain characters are a file's ending: 2, 1, or 0. */
static int ending_at(const struct doubts *d, uint32_t from, uint32_t to)
{
    char text[8] = "";
    int sure = 2;

    if (to - from >= sizeof(text))
        return 0;
    for (uint32_t i = from; i < to; i++) {
        const struct atom *atom = atom_at(d, i);

        if (!is_letter(atom) || atom->min != 1 || atom->max != 1)
            return 0;
        text[i - from] = (char)to_lower(atom->literal);
    }
    for (size_t k = 0; k < ARRAY_LEN(endings); k++) {
        if (endings[k][0] == '\0')
            sure = 1;
        else if (strcmp(endings[k], text) == 0)
            return sure;
    }
    return 0;
}

static size_t word_of(const struct doubts *d, uint32_t from)
{
    size_t k = 0;

    while (words[k].ending[0] != '\0') {
        size_t len = strlen(words[k].ending), n = 0;

        while (n < len && is_letter(atom_at(d, from + (uint32_t)n)) &&
               to_lower(atom_at(d, from + (uint32_t)n)->literal) == words[k].ending[n])
            n++;
        if (n == len)
            break;
        k++;
    }
    return k;
}

/* (bat|exe|com): endings only, and one that is surely one. *show: what makes the best word. */
static bool is_group_of_endings(const struct doubts *d, uint32_t open, uint32_t *show)
{
    uint32_t close = atom_at(d, open)->partner, from = open + 1;
    int best = 0;

    *show = from;
    for (uint32_t i = from; i <= close; i++) {
        int sure;

        if (i < close && atom_at(d, i)->kind != ATOM_OR)
            continue;
        sure = ending_at(d, from, i);
        if (sure == 0)
            return false;
        best = sure > best ? sure : best;
        if (word_of(d, from) < word_of(d, *show))
            *show = from;
        from = i + 1;
    }
    return best == 2;
}

static void doubt_dot(struct doubts *d, uint32_t i)
{
    const struct atom *atom = atom_at(d, i), *next = atom_at(d, i + 1);
    const struct atom *before = i > 0 ? atom_at(d, i - 1) : NULL;
    uint32_t end = i + 1, show = i + 1;

    if (atom->min != 1 || atom->max != 1 || next == NULL ||
        (before != NULL && before->kind == ATOM_ANY && before->max == 1))
        return;
    if (next->kind == ATOM_OPEN) {
        if (next->is_look || next->min != 1 || next->max != 1 ||
            !is_group_of_endings(d, i + 1, &show))
            return;
        end = next->partner + 1;
    } else {
        while (is_letter(atom_at(d, end)))
            end++;
        /* the s* behind it may be a blank that lost its backslash */
        if (ending_at(d, i + 1, end) != 2 &&
            (atom_at(d, end - 1)->max != ATOM_UNLIMITED || ending_at(d, i + 1, end - 1) != 2))
            return;
    }
    if (!is_letter(atom_at(d, end)) || atom_at(d, end)->max == ATOM_UNLIMITED)
        add_doubt(d, i, "\\.", show, true);
}

/* Looked at in this order, dots first: what they let through is what matters. */
static void find_doubts(struct doubts *d)
{
    const char *pattern = d->atoms->pattern.ptr;

    for (uint32_t i = 0; i < d->atoms->count; i++)
        if (d->atoms->list[i].kind == ATOM_CLASS && pattern[d->atoms->list[i].at] == '\\')
            d->has_escapes = true;
    for (uint32_t i = 0; i < d->atoms->count; i++)
        if (d->atoms->list[i].kind == ATOM_ANY)
            doubt_dot(d, i);
    for (uint32_t i = 0; i < d->atoms->count; i++)
        if (d->atoms->list[i].kind == ATOM_LITERAL)
            doubt_literal(d, i);
}

/* S+ may be a smile; twice it is none. */
static bool has_sure(const struct doubts *d)
{
    unsigned capitals = 0;

    for (size_t k = 0; k < d->count; k++) {
        capitals += atom_at(d, d->list[k].atom)->literal == 'S';
        if (d->list[k].is_sure || capitals == 2)
            return true;
    }
    return false;
}

/* The pattern as it probably was. */
static struct slice mended(const struct doubts *d, struct arena *arena)
{
    struct slice pattern = d->atoms->pattern;
    struct buf out = {0};
    struct slice result;
    size_t done = 0;

    for (uint32_t i = 0; i < d->atoms->count; i++) {
        const struct doubt *doubt = doubt_of(d, i);
        const struct atom *atom = atom_at(d, i);

        if (doubt == NULL)
            continue;
        buf_add(&out, pattern.ptr + done, atom->at - done);
        buf_adds(&out, doubt->instead);
        done = atom->at + atom->len;
    }
    buf_add(&out, pattern.ptr + done, pattern.len - done);
    result = (struct slice){arena_strndup(arena, out.ptr, out.len), out.len};
    buf_free(&out);
    return result;
}

/* One text for each doubt, such as the first pattern seems to match and the second does not. */
static const char *find_text(struct trial *trial, const struct doubts *d, const struct atoms *atoms,
                             const void *matching, const void *differing)
{
    for (size_t k = 0; k < d->count; k++) {
        const struct doubt *doubt = &d->list[k];
        bool is_dot = doubt->through != SAMPLE_NONE, is_ours = atoms == d->atoms;
        size_t word = is_dot ? word_of(d, doubt->through) : 0;
        struct sample sample = {SAMPLE_NONE, doubt->through, doubt->atom, NULL, NULL};
        struct buf out = {0};
        const char *found = NULL;
        struct slice text;

        if (is_dot && is_ours) {
            sample.text = words[word].letter;
            sample.stem = words[word].stem;
            if (doubt->atom == 0)
                sample.text = arena_printf(trial->arena, "%s%s", sample.stem, sample.text);
        }
        pattern_sample(atoms, &sample, &out);
        text = (struct slice){buf_text(&out), out.len};
        if (trial_run(trial, matching, text) == PATTERN_MATCHES &&
            trial_run(trial, differing, text) == PATTERN_DIFFERS)
            found = trial_shown(trial, text);
        buf_free(&out);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* The parameter behind the last semicolon tells more than the whole header. */
static void report(const struct trial *trial, const struct trial_rule *rule, const char *what,
                   const char *text, struct slice instead)
{
    const char *tail = text;

    for (const char *p = strstr(text, "; "); p != NULL; p = strstr(p + 2, "; "))
        tail = p + 2;
    problems_add(trial->problems, SEV_WARNING, rule->line.where,
                 "a backslash seems to be lost: %s %s%s%s%s; was this meant: %.*s", what, tail,
                 tail > text ? " (" : "", tail > text ? text : "", tail > text ? ")" : "",
                 (int)instead.len, instead.ptr);
}

void trial_backslashes(struct trial *trial, const struct trial_rule *rule)
{
    struct doubts d = {.atoms = &rule->atoms, .is_perl = trial->engine->is_perl};
    struct atoms atoms;
    struct slice instead;
    const char *text;
    void *code;

    find_doubts(&d);
    if (!has_sure(&d))
        return;
    instead = mended(&d, trial->arena);
    code = trial_compile(trial, &rule->line, instead);
    if (code == NULL)
        return;
    text = find_text(trial, &d, &rule->atoms, rule->code, code);
    if (text != NULL)
        report(trial, rule, "also matches", text, instead);
    else if (trial_scan(trial, &rule->line, instead, &atoms) &&
             (text = find_text(trial, &d, &atoms, code, rule->code)) != NULL)
        report(trial, rule, "does not match", text, instead);
    trial_drop(trial, code);
}
