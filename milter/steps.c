/* steps - reads restriction lists */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "steps.h"

#include "overlay.h"
#include "restriction.h"
#include "restriction_kept.h"

#include <string.h>

#define SEPARATORS ", \t\r\n"

struct parser {
    const struct steps_source *source;
    struct arena *arena;
    struct problems *problems;
    struct slice rest;
    struct step *steps;
    size_t count, cap;
    bool warn_only, failed, ended;
    struct step nowhere; /* what is left out is written here */
    const char *skipped;
};

const char *list_name(enum list_id list)
{
    static const char *const names[LIST_COUNT] = {
        [LIST_CLIENT] = "client_restrictions",       [LIST_HELO] = "helo_restrictions",
        [LIST_SENDER] = "sender_restrictions",       [LIST_RELAY] = "relay_restrictions",
        [LIST_RECIPIENT] = "recipient_restrictions", [LIST_DATA] = "data_restrictions",
        [LIST_END_OF_DATA] = "end_of_data_restrictions",
    };

    return names[list];
}

const struct restriction_class *class_find(const struct restriction_classes *classes,
                                           struct slice name)
{
    for (size_t i = 0; classes != NULL && i < classes->count; i++)
        if (slice_is_nocase(name, classes->list[i].name))
            return &classes->list[i];
    return NULL;
}

static void complain(struct parser *p, enum severity severity, struct slice word, const char *what)
{
    problems_add(p->problems, severity, p->source->where, "%s: %.*s: %s",
                 list_name(p->source->list), (int)word.len, word.ptr, what);
    p->failed = p->failed || severity == SEV_ERROR;
}

/* The next word; what stands in { } is one word with its blanks. */
static bool next_word(struct parser *p, struct slice *word)
{
    struct slice rest = p->rest;
    size_t i = 0, depth = 0, start;

    while (i < rest.len && strchr(SEPARATORS, rest.ptr[i]) != NULL)
        i++;
    for (start = i; i < rest.len; i++) {
        if (rest.ptr[i] == '{')
            depth++;
        else if (rest.ptr[i] == '}' && depth > 0)
            depth--;
        else if (depth == 0 && strchr(SEPARATORS, rest.ptr[i]) != NULL)
            break;
    }
    *word = (struct slice){rest.ptr + start, i - start};
    p->rest = (struct slice){rest.ptr + i, rest.len - i};
    return word->len > 0;
}

static struct step *add_step(struct parser *p, const struct restriction *row, const char *text)
{
    struct step *step;

    if (overlay_hides(p->source->where, slice_of(text))) {
        p->warn_only = false;
        return &p->nowhere;
    }
    if (p->count == p->cap) {
        struct step *more;

        p->cap = p->cap ? p->cap * 2 : 8;
        more = arena_alloc(p->arena, p->cap * sizeof(*more));
        if (p->count > 0)
            memcpy(more, p->steps, p->count * sizeof(*more));
        p->steps = more;
    }
    step = &p->steps[p->count++];
    *step = (struct step){.row = row, .text = text, .where = p->source->where,
                          .warn_only = p->warn_only};
    p->warn_only = false;
    return step;
}

static const struct restriction *access_row_of_list(enum list_id list)
{
    static const char *const names[LIST_COUNT] = {
        [LIST_CLIENT] = "check_client_access",    [LIST_HELO] = "check_helo_access",
        [LIST_SENDER] = "check_sender_access",    [LIST_RELAY] = "check_recipient_access",
        [LIST_RECIPIENT] = "check_recipient_access",
    };

    return names[list] != NULL ? restriction_find(slice_of(names[list])) : NULL;
}

static void add_table_step(struct parser *p, const struct restriction *row, struct slice spec)
{
    const char *text = arena_strndup(p->arena, spec.ptr, spec.len);
    const struct table *table;

    if (p->source->nested) {
        complain(p, SEV_ERROR, spec,
                 "a table's value cannot name a table: define a restriction class");
        return;
    }
    table = tables_find(p->source->tables, text, p->source->dir, p->source->where, p->problems);
    if (table == NULL) {
        p->failed = true;
        return;
    }
    add_step(p, row, arena_printf(p->arena, "%s %s", row->name, text))->table = table;
}

static void parse_bare_table(struct parser *p, struct slice spec)
{
    const struct restriction *row = access_row_of_list(p->source->list);

    if (row == NULL)
        complain(p, SEV_ERROR, spec,
                 "a bare TYPE:TABLE means nothing in this list: write check_…_access in front");
    else
        add_table_step(p, row, spec);
}

/* What tamis leaves to Postfix: said, skipped with its argument. */
static void skip(struct parser *p, const struct restriction *row, struct slice name)
{
    bool mta = row->kind == KIND_MTA;
    struct slice argument = {0};
    enum kept kept;
    bool spf;

    if (p->skipped == NULL)
        p->skipped = arena_strndup(p->arena, name.ptr, name.len);
    if (row->arg != ARG_NONE)
        next_word(p, &argument);
    spf = mta && argument.len > 0 && memmem(argument.ptr, argument.len, "spf", 3) != NULL;
    p->warn_only = false;
    if (!p->source->strict && p->source->settings != NULL &&
        !(spf && strstr(p->source->text, "_spf_") != NULL) &&
        (kept = restriction_kept(p->source->settings, row, argument)) != KEPT_UNKNOWN) {
        complain(p, kept == KEPT ? SEV_NOTE : SEV_WARNING, name,
                 kept == KEPT ? "stays in Postfix, which has it; skipped here"
                 : spf ? "skipped here, and Postfix has it no more: write reject_spf_fail and "
                         "reject_helo_spf_fail in its place if it judges SPF, else put it back "
                         "into main.cf"
                       : "is skipped here, and Postfix has it no more: put it back into main.cf");
        return;
    }
    complain(p, p->source->strict ? SEV_ERROR : mta ? SEV_NOTE : SEV_WARNING, name,
             spf ? "skipped here; if it judges SPF, write reject_spf_fail and reject_helo_spf_fail "
                   "in its place (tamis-rules(5)), and take it out of main.cf"
             : mta ? "stays in Postfix (keep it in main.cf); skipped here"
                 : "is not judged by this release; skipped here, keep it in main.cf");
}

static bool is_count(struct slice word)
{
    long number;

    return parse_long(word, 0, INT32_MAX, &number);
}

/* A word for the row to read. */
static void add_word_step(struct parser *p, const struct restriction *row, struct slice name)
{
    struct slice before = p->rest, word;
    bool given = next_word(p, &word) && (row->arg != ARG_COUNT || is_count(word));
    const void *data = NULL;

    if (!given)
        p->rest = before;
    if (!given && row->arg == ARG_NAME) {
        complain(p, SEV_ERROR, name, "needs an argument behind it");
        return;
    }
    if (given && row->parse != NULL) {
        data = row->parse(word, p->arena, p->source->where, p->problems);
        p->failed = p->failed || data == NULL;
    }
    add_step(p, row, given ? arena_printf(p->arena, "%s %.*s", row->name, (int)word.len, word.ptr)
                           : row->name)->data = data;
}

/* What a table's value asks too early says nothing, as in Postfix. */
static void check_stage(struct parser *p, const struct restriction *row, struct slice name)
{
    if (p->source->nested && row->first_stage <= STAGE_RCPT)
        return;
    if (row->first_stage > p->source->stage)
        complain(p, SEV_ERROR, name,
                 row->first_stage == STAGE_EOM
                     ? "needs the whole mail: move it to end_of_data_restrictions"
                     : "is asked before its subject is known: move it to a later list, or set "
                       "delay_reject = yes");
}

static void parse_known(struct parser *p, const struct restriction *row, struct slice name)
{
    struct slice argument;

    if (row->kind == KIND_MODIFIER) {
        p->warn_only = true;
        return;
    }
    if (row->kind == KIND_OLD) {
        problems_add(p->problems, SEV_WARNING, p->source->where, "%s: %s is the old name of %s",
                     list_name(p->source->list), row->name, row->instead);
        row = restriction_find(slice_of(row->instead));
    }
    if (row->kind == KIND_MTA || row->kind == KIND_UNJUDGED) {
        skip(p, row, name);
        return;
    }
    if (row->kind == KIND_OURS && row->instead != NULL)
        problems_add(p->problems, SEV_WARNING, p->source->where, "%s: %s is obsolete: use %s",
                     list_name(p->source->list), row->name, row->instead);
    check_stage(p, row, name);
    if (row->arg == ARG_NONE)
        add_step(p, row, row->name);
    else if (row->arg == ARG_NAME || row->arg == ARG_COUNT)
        add_word_step(p, row, name);
    else if (!next_word(p, &argument))
        complain(p, SEV_ERROR, name, "needs a lookup table behind it, TYPE:FILE");
    else if (memchr(argument.ptr, ':', argument.len) == NULL)
        complain(p, SEV_ERROR, argument, "is no lookup table: write TYPE:FILE (hash:, texthash:, "
                                         "cidr:, pcre:, regexp:, inline:, static:)");
    else
        add_table_step(p, row, argument);
}

/* The row that could have taken a number here. */
static const struct restriction *wants_count(const struct parser *p)
{
    const struct step *last = p->count > 0 ? &p->steps[p->count - 1] : NULL;

    return last != NULL && last->row->arg == ARG_COUNT && last->data == NULL ? last->row : NULL;
}

static void parse_unknown(struct parser *p, struct slice name)
{
    const char *suggestion = restriction_suggest(arena_strndup(p->arena, name.ptr, name.len));
    const struct restriction *before = wants_count(p);

    complain(
        p, SEV_ERROR, name,
        before != NULL && suggestion == NULL
            ? arena_printf(p->arena,
                           "is neither a restriction nor a number: behind %s write "
                           "its threshold, a number from 1, or nothing",
                           before->name)
        : suggestion != NULL
            ? arena_printf(p->arena, "nobody knows this restriction: did you mean %s?", suggestion)
        : memchr(name.ptr, '/', name.len) != NULL
            ? "nobody knows this restriction: a table stands behind check_client_access or another "
              "check_..._access, and after its type (hash:, cidr:, pcre: ...)"
            : "nobody knows this restriction");
}

static void note_what_is_never_reached(struct parser *p, struct slice word)
{
    const struct step *last = p->count > 0 ? &p->steps[p->count - 1] : NULL;

    if (p->ended || last == NULL || last->warn_only)
        return;
    if (strcmp(last->row->name, "permit") != 0 && strcmp(last->row->name, "reject") != 0 &&
        strcmp(last->row->name, "defer") != 0)
        return;
    p->ended = true;
    problems_add(p->problems, SEV_WARNING, p->source->where, "%s: %.*s after %s is never reached",
                 list_name(p->source->list), (int)word.len, word.ptr, last->row->name);
}

static void parse_word(struct parser *p, struct slice word)
{
    const struct restriction_class *class = class_find(p->source->classes, word);
    const struct restriction *row;

    note_what_is_never_reached(p, word);
    if (memchr(word.ptr, ':', word.len) != NULL) {
        parse_bare_table(p, word);
    } else if (class != NULL) {
        add_step(p, &restriction_class_row, class->name)->class = class;
    } else if ((row = restriction_find(word)) != NULL) {
        parse_known(p, row, word);
    } else {
        parse_unknown(p, word);
    }
}

const struct steps *steps_parse(const struct steps_source *source, struct arena *arena,
                                struct problems *problems)
{
    struct parser p = {.source = source, .arena = arena, .problems = problems,
                       .rest = slice_of(source->text)};
    struct steps *steps;
    struct slice word;

    while (next_word(&p, &word))
        parse_word(&p, word);
    if (p.warn_only)
        problems_add(problems, SEV_WARNING, source->where,
                     "%s: warn_if_reject at the end of the list has no effect",
                     list_name(source->list));
    if (p.failed)
        return NULL;
    steps = arena_alloc(arena, sizeof(*steps));
    *steps = (struct steps){p.steps, p.count, p.skipped};
    return steps;
}
