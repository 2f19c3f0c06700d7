/* pattern_runs - runs a rule over long repetitions of its own characters: does it explode? */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_sample.h"
#include "pattern_trial.h"

#include <string.h>
#include <time.h>

/* In 256 bytes two repetitions side by side take 33,000 steps, which is common and does no harm;
 * three take 2.8 millions. */
enum { RUN_LENGTH = 256, PREFIXES_MAX = 5, UNITS_MAX = 24 };

/* Of the C library's: what it takes for such a text is some ten microseconds, but where groups are
 * referred to it may be years. */
enum { FIRST_LENGTH = 16, TIME_MAX = 20 * 1000 };

struct texts {
    struct slice prefixes[PREFIXES_MAX], units[UNITS_MAX];
    size_t prefix_count, unit_count;
    struct slice end; /* holds all that the pattern may look for, in the wrong order */
};

static bool holds_slice(const struct slice *list, size_t count, struct slice s)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].len == s.len && memcmp(list[i].ptr, s.ptr, s.len) == 0)
            return true;
    return false;
}

static void add_prefix(struct texts *texts, struct arena *arena, struct slice s)
{
    if (texts->prefix_count < PREFIXES_MAX && !holds_slice(texts->prefixes, texts->prefix_count, s))
        texts->prefixes[texts->prefix_count++] =
            (struct slice){arena_strndup(arena, s.ptr, s.len), s.len};
}

static void add_unit(struct texts *texts, struct arena *arena, struct slice s)
{
    if (s.len > 0 && s.len <= RUN_LENGTH / 4 && texts->unit_count < UNITS_MAX &&
        !holds_slice(texts->units, texts->unit_count, s))
        texts->units[texts->unit_count++] =
            (struct slice){arena_strndup(arena, s.ptr, s.len), s.len};
}

static void add_byte(struct texts *texts, struct arena *arena, unsigned char c)
{
    char byte = (char)c;

    add_unit(texts, arena, (struct slice){&byte, 1});
}

/* What stands in front of this atom: the rule gets there, and then the run begins. */
static void sample_prefix(struct texts *texts, const struct trial *trial,
                          const struct atoms *atoms, uint32_t stop)
{
    struct sample sample = SAMPLE_PRESET;
    struct buf out = {0};

    sample.stop = stop;
    pattern_sample(atoms, &sample, &out);
    if (out.len < RUN_LENGTH)
        add_prefix(texts, trial->arena, (struct slice){buf_text(&out), out.len});
    buf_free(&out);
}

/* The rule's own header name. */
static void header_prefix(struct texts *texts, const struct trial *trial,
                          const struct atoms *atoms)
{
    struct sample sample = SAMPLE_PRESET;
    struct buf out = {0};
    const char *colon;

    if (atoms->count > 0 && atoms->list[0].kind == ATOM_START)
        pattern_sample(atoms, &sample, &out);
    colon = strchr(buf_text(&out), ':');
    if (colon == NULL) {
        add_prefix(texts, trial->arena, slice_of("Subject: "));
    } else {
        out.len = (size_t)(colon - out.ptr) + 1;
        buf_addc(&out, ' ');
        add_prefix(texts, trial->arena, (struct slice){buf_text(&out), out.len});
    }
    buf_free(&out);
}

/* One round of a repeated group; of a repeated atom the byte. */
static void sample_unit(struct texts *texts, const struct trial *trial, const struct atoms *atoms,
                        uint32_t i)
{
    const struct atom *atom = &atoms->list[i];
    struct atoms inner = *atoms;
    struct sample sample = SAMPLE_PRESET;
    struct buf out = {0};

    if (atom->kind != ATOM_OPEN) {
        add_byte(texts, trial->arena, atom_member(atom, -1));
        return;
    }
    inner.list = arena_alloc(trial->arena, (atom->partner - i) * sizeof(*inner.list));
    inner.count = atom->partner - i - 1;
    for (uint32_t k = 0; k < inner.count; k++) {
        inner.list[k] = atoms->list[i + 1 + k];
        inner.list[k].partner -= i + 1;
    }
    pattern_sample(&inner, &sample, &out);
    add_unit(texts, trial->arena, (struct slice){buf_text(&out), out.len});
    buf_free(&out);
}

/* Words of the pattern: runs of plain characters. */
static void add_words(struct texts *texts, const struct trial *trial, const struct atoms *atoms)
{
    struct buf word = {0};

    for (uint32_t i = 0; i <= atoms->count; i++) {
        if (i < atoms->count && atoms->list[i].kind == ATOM_LITERAL) {
            buf_addc(&word, (char)atoms->list[i].literal);
            continue;
        }
        add_unit(texts, trial->arena, (struct slice){buf_text(&word), word.len});
        buf_clear(&word);
    }
    buf_free(&word);
}

static void find_end(struct texts *texts, const struct trial *trial, const struct atoms *atoms)
{
    struct buf end = {0};

    buf_addc(&end, '\001');
    for (uint32_t i = atoms->count; i-- > 0;)
        if (atoms->list[i].kind == ATOM_LITERAL &&
            strchr(buf_text(&end), atoms->list[i].literal) == NULL)
            buf_addc(&end, (char)atoms->list[i].literal);
    buf_addc(&end, '\001');
    texts->end = (struct slice){arena_strndup(trial->arena, end.ptr, end.len), end.len};
    buf_free(&end);
}

/* First what repeats, then the rest. */
static void find_texts(struct texts *texts, const struct trial *trial, const struct atoms *atoms)
{
    header_prefix(texts, trial, atoms);
    for (uint32_t i = 0; i < atoms->count; i++) {
        const struct atom *atom = &atoms->list[i];

        if (atom->kind != ATOM_CLOSE && atom->max == ATOM_UNLIMITED) {
            sample_prefix(texts, trial, atoms, i);
            sample_unit(texts, trial, atoms, i);
        }
    }
    add_byte(texts, trial->arena, 'a');
    add_byte(texts, trial->arena, ' ');
    add_words(texts, trial, atoms);
    for (uint32_t i = 0; i < atoms->count; i++)
        if (atoms->list[i].kind == ATOM_CLASS || atoms->list[i].kind == ATOM_LITERAL)
            add_byte(texts, trial->arena, atom_member(&atoms->list[i], -1));
    find_end(texts, trial, atoms);
}

/* What is not understood is tried with its characters. */
static void find_texts_roughly(struct texts *texts, const struct trial *trial,
                               struct slice pattern)
{
    add_prefix(texts, trial->arena, slice_of("Subject: "));
    add_prefix(texts, trial->arena, slice_of(""));
    add_byte(texts, trial->arena, 'a');
    add_byte(texts, trial->arena, ' ');
    add_byte(texts, trial->arena, '1');
    for (size_t i = 0; i < pattern.len; i++)
        if (is_alnum((unsigned char)pattern.ptr[i]))
            add_byte(texts, trial->arena, (unsigned char)pattern.ptr[i]);
    texts->end = slice_of("\001");
}

static void write_text(struct buf *text, const struct texts *texts, size_t prefix, size_t unit,
                       size_t length)
{
    size_t end = texts->prefixes[prefix].len + length;

    buf_clear(text);
    buf_add(text, texts->prefixes[prefix].ptr, texts->prefixes[prefix].len);
    while (text->len < end)
        buf_add(text, texts->units[unit].ptr, texts->units[unit].len);
}

/* The beginning of the text. */
static const char *example(const struct trial *trial, const struct texts *texts, size_t prefix,
                           size_t unit)
{
    struct buf text = {0};
    const char *shown;

    write_text(&text, texts, prefix, unit, 8);
    shown = arena_printf(trial->arena, "%s…",
                         trial_shown(trial, (struct slice){text.ptr, text.len}));
    buf_free(&text);
    return shown;
}

static uint64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Does the rule fail, or take too long, on this text? */
static bool explodes(struct trial *trial, const struct trial_rule *rule, const struct buf *text,
                     uint64_t *took)
{
    uint64_t start = cpu_us();
    enum pattern_result result = trial_run(trial, rule->code,
                                           (struct slice){text->ptr, text->len});

    *took = cpu_us() - start;
    return result == PATTERN_FAILED || (!trial->engine->is_perl && *took > TIME_MAX);
}

static void report(const struct trial *trial, const struct trial_rule *rule, size_t len,
                   uint64_t took, const char *shown)
{
    if (trial->engine->is_perl)
        problems_add(trial->problems, SEV_WARNING, rule->line.where,
                     "the pattern explodes: %zu bytes (%s) take more than %d steps, and at its "
                     "limit a rule counts as not matching: write the repetitions so that a text "
                     "can be divided among them in one way only",
                     len, shown, TRIAL_MATCH_LIMIT);
    else
        problems_add(trial->problems, SEV_WARNING, rule->line.where,
                     "the pattern explodes: %zu bytes (%s) take %lu ms, and regexp: knows no "
                     "limit: use a pcre: table, or do without \\1",
                     len, shown, (unsigned long)(took / 1000));
}

/* The run, a byte that few patterns expect, and then what the pattern may look for. */
static bool try_text(struct trial *trial, const struct trial_rule *rule, const struct texts *texts,
                     size_t prefix, size_t unit)
{
    bool has_back = !rule->is_understood || rule->atoms.has_back;
    bool grows = !trial->engine->is_perl && has_back, found = false;
    struct buf text = {0};
    uint64_t took;

    for (size_t length = grows ? FIRST_LENGTH : RUN_LENGTH; length <= RUN_LENGTH && !found;
         length += length / 4) {
        write_text(&text, texts, prefix, unit, length);
        buf_addc(&text, '\001');
        found = explodes(trial, rule, &text, &took);
        if (found)
            break;
        buf_add(&text, texts->end.ptr, texts->end.len);
        found = explodes(trial, rule, &text, &took);
    }
    if (found)
        report(trial, rule, text.len, took, example(trial, texts, prefix, unit));
    buf_free(&text);
    return found;
}

/* regexec(3) needs a hundred times as long as PCRE2; what is usual must not take seconds. */
static size_t fewer(const struct trial *trial, size_t count, size_t most)
{
    return trial->engine->is_perl || count < most ? count : most;
}

void trial_runs(struct trial *trial, const struct trial_rule *rule)
{
    struct texts texts = {.prefix_count = 0};
    size_t prefixes, units;

    if (rule->is_understood)
        find_texts(&texts, trial, &rule->atoms);
    else
        find_texts_roughly(&texts, trial, rule->line.pattern);
    prefixes = fewer(trial, texts.prefix_count, 3);
    units = fewer(trial, texts.unit_count, 4);
    for (size_t p = 0; p < prefixes; p++)
        for (size_t u = 0; u < units; u++)
            if (now_us() > trial->deadline || try_text(trial, rule, &texts, p, u))
                return;
}
