/* pattern - rule files of regular expressions: what pcre and regexp tables have in common */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern.h"

#include "buf.h"
#include "pattern_index.h"

#include <stdlib.h>
#include <string.h>

/* One pattern of a rule, as it stands in the file. */
struct expression {
    struct slice pattern; /* between the delimiters */
    unsigned options;
    bool negated;
};

struct pattern_rule {
    void *code;     /* of the engine */
    void *and_not;  /* the second one of /a/!/b/, or NULL */
    bool negated, and_not_negated;
    bool is_if;
    bool substitutes;
    int line;
    uint32_t key_len;   /* of text: the patterns with their flags */
    uint32_t pattern_at, pattern_len; /* of text: the first pattern */
    unsigned options;                 /* its */
    uint32_t after;     /* of an if: the rule behind its endif; while open: the if around it */
    const char *text;
    const char *value;          /* as written */
    const struct template *fill;
};

struct pattern_table {
    const struct pattern_engine *engine;
    void *shared;
    const char *file;
    struct lines *lines;
    struct arena *arena;
    struct pattern_rule *rules;
    size_t count, cap, ifs;
    struct pattern_index *index;
};

#define NO_IF UINT32_MAX

struct loader {
    struct source *source;
    struct pattern_table *table;
    struct where at;     /* of the line being read */
    struct slice text;   /* it */
    uint32_t open_if;    /* the innermost one, or NO_IF */
    struct pattern_required required; /* of the line's first pattern */
};

/* Takes the flags behind a pattern; they end at white space, or at a `!` that starts a second
 * pattern. */
static bool take_options(struct loader *loader, struct slice *rest, unsigned *options,
                         struct err *err)
{
    const struct pattern_engine *engine = loader->table->engine;

    for (; rest->len > 0 && !is_space((unsigned char)rest->ptr[0]); rest->ptr++, rest->len--) {
        char letter = rest->ptr[0];

        if (letter == '!' && engine->has_and_not)
            break;
        switch (engine->option(letter, options)) {
        case OPTION_UNKNOWN:
            return err_set(err,
                           "unknown flag \"%c\" behind the pattern (is a blank missing in front "
                           "of the result?)",
                           letter);
        case OPTION_OBSOLETE:
            problems_add(loader->source->problems, SEV_WARNING, loader->at,
                         "flag \"%c\" has no meaning any more and is ignored", letter);
            break;
        case OPTION_KNOWN:
            break;
        }
    }
    return true;
}

/* Takes [!] DELIMITER pattern DELIMITER flags. */
static bool take_expression(struct loader *loader, struct slice *rest, struct expression *e,
                            struct err *err)
{
    size_t i = 1;

    e->negated = take_negations(rest);
    e->options = loader->table->engine->preset;
    if (rest->len == 0)
        return err_set(err, "no pattern");
    while (i < rest->len && (rest->ptr[i] != rest->ptr[0] || rest->ptr[i] == '\\'))
        i += rest->ptr[i] == '\\' ? 2 : 1; /* as a delimiter it protects itself */
    if (i >= rest->len)
        return err_set(err, "the closing \"%c\" of the pattern is missing", rest->ptr[0]);
    e->pattern = (struct slice){rest->ptr + 1, i - 1};
    *rest = (struct slice){rest->ptr + i + 1, rest->len - i - 1};
    return take_options(loader, rest, &e->options, err);
}

/* Also notes what keys the rule needs, when this is the line's first pattern; a negated one needs
 * the keys that do not match. */
static void *compile(struct loader *loader, const struct expression *e, bool is_first,
                     bool wants_groups, size_t *groups, struct err *err)
{
    const struct pattern_table *table = loader->table;
    char *pattern = xstrndup(e->pattern.ptr, e->pattern.len);
    void *code = table->engine->compile(table->shared, pattern, e->options, wants_groups, groups,
                                        err);

    if (is_first)
        loader->required.prefix.len = loader->required.literal.len = 0;
    if (code != NULL && is_first && !e->negated)
        table->engine->require(code, pattern, e->options, &loader->required);
    free(pattern);
    return code;
}

static void drop_code(const struct pattern_engine *engine, const struct pattern_rule *rule)
{
    if (rule->code != NULL)
        engine->drop(rule->code);
    if (rule->and_not != NULL)
        engine->drop(rule->and_not);
}

static void add_rule(struct loader *loader, const struct pattern_rule *rule)
{
    struct pattern_table *table = loader->table;

    pattern_index_add(table->index, (uint32_t)table->count, &loader->required, rule->is_if);
    if (table->count == table->cap) {
        table->cap = table->cap ? table->cap * 2 : 16;
        table->rules = xreallocarray(table->rules, table->cap, sizeof(*table->rules));
    }
    table->rules[table->count] = *rule;
    table->rules[table->count].line = loader->at.line;
    table->rules[table->count].text = loader->text.ptr;
    table->count++;
}

/* Compiles what the rule needs; false, with err, when it cannot be used. */
static bool compile_rule(struct loader *loader, const struct expression *first,
                         const struct expression *second, struct pattern_rule *rule,
                         struct err *err)
{
    size_t wanted, groups;

    rule->fill = template_new(rule->value, loader->table->arena, &wanted, err);
    if (rule->fill == NULL)
        return false;
    if (wanted > 0 && first->negated)
        return err_set(err, "$%zu in the result of a `!` pattern, which has no groups", wanted);
    rule->code = compile(loader, first, true, wanted > 0, &groups, err);
    if (rule->code == NULL)
        return false;
    if (wanted > groups)
        return err_set(err, "$%zu in the result, but the pattern has %zu group%s", wanted, groups,
                       groups == 1 ? "" : "s");
    if (second == NULL)
        return true;
    rule->and_not = compile(loader, second, false, false, &groups, err);
    return rule->and_not != NULL;
}

static void set_expression(struct pattern_rule *rule, const struct expression *e,
                           struct slice text)
{
    rule->negated = e->negated;
    rule->options = e->options;
    rule->pattern_at = (uint32_t)(e->pattern.ptr - text.ptr);
    rule->pattern_len = (uint32_t)e->pattern.len;
}

static bool take_rule(struct loader *loader, struct slice rest, struct pattern_rule *rule,
                      struct err *err)
{
    struct expression first, second;
    bool has_second = false;

    if (is_alnum((unsigned char)rest.ptr[0]))
        return err_set(err, "neither a pattern between delimiters (/…/) nor if or endif");
    if (!take_expression(loader, &rest, &first, err))
        return false;
    if (rest.len > 0 && rest.ptr[0] == '!') {
        if (!take_expression(loader, &rest, &second, err))
            return false;
        has_second = true;
        rule->and_not_negated = second.negated;
    }
    set_expression(rule, &first, loader->text);
    rule->key_len = (uint32_t)(rest.ptr - loader->text.ptr);
    rule->value = skip_spaces(rest).ptr;
    rule->substitutes = strchr(rule->value, '$') != NULL;
    check_characters(loader->source, loader->at, loader->text, rule->key_len);
    return compile_rule(loader, &first, has_second ? &second : NULL, rule, err);
}

static void read_rule(struct loader *loader)
{
    struct pattern_rule rule = {.code = NULL};
    struct err err;

    if (!take_rule(loader, loader->text, &rule, &err)) {
        drop_code(loader->table->engine, &rule);
        if (rule.key_len == 0)
            check_characters(loader->source, loader->at, loader->text, loader->text.len);
        problems_add(loader->source->problems, loader->source->dropped, loader->at,
                     "%s: line skipped", err.text);
        return;
    }
    if (rule.value[0] == '\0')
        problems_add(loader->source->problems, SEV_WARNING, loader->at,
                     "no result: when this rule matches, the lookup fails (451); write a result, "
                     "such as DUNNO");
    add_rule(loader, &rule);
}

static void read_if(struct loader *loader, struct slice rest)
{
    struct pattern_rule rule = {.is_if = true, .after = loader->open_if};
    struct expression e;
    struct err err;
    size_t groups;

    check_characters(loader->source, loader->at, loader->text, loader->text.len);
    if (!take_expression(loader, &rest, &e, &err) ||
        (rule.code = compile(loader, &e, true, false, &groups, &err)) == NULL) {
        report_broken_if(loader->source, loader->at, err.text);
        return;
    }
    rest = skip_spaces(rest);
    if (rest.len > 0)
        problems_add(loader->source->problems, SEV_WARNING, loader->at,
                     "text behind the pattern of an if is ignored: \"%s\" (lines between if and "
                     "endif must not start with a blank)",
                     rest.ptr);
    set_expression(&rule, &e, loader->text);
    loader->open_if = (uint32_t)loader->table->count;
    loader->table->ifs++;
    add_rule(loader, &rule);
}

static void close_if(struct loader *loader)
{
    struct pattern_rule *rule = &loader->table->rules[loader->open_if];

    loader->open_if = rule->after;
    rule->after = (uint32_t)loader->table->count;
}

static void read_endif(struct loader *loader, struct slice rest)
{
    if (loader->open_if == NO_IF) {
        problems_add(loader->source->problems, loader->source->dropped, loader->at,
                     "endif without if: line skipped");
        return;
    }
    if (rest.len > 0)
        problems_add(loader->source->problems, SEV_WARNING, loader->at,
                     "text behind endif is ignored");
    close_if(loader);
}

static void read_all(struct loader *loader)
{
    struct source *source = loader->source;

    while (lines_next(source->lines, &loader->text, &loader->at, source->problems)) {
        struct slice rest = loader->text;

        switch (statement_of(&rest)) {
        case STATEMENT_IF:
            read_if(loader, rest);
            break;
        case STATEMENT_ENDIF:
            read_endif(loader, rest);
            break;
        case STATEMENT_RULE:
            read_rule(loader);
        }
    }
    loader->table->file = loader->at.file;
    while (loader->open_if != NO_IF) {
        loader->at.line = loader->table->rules[loader->open_if].line;
        problems_add(source->problems, SEV_WARNING, loader->at,
                     "if without endif: it goes on to the end of the file");
        close_if(loader);
    }
}

void *pattern_open(struct source *source, const struct pattern_engine *engine)
{
    struct pattern_table *table = xcalloc(1, sizeof(*table));
    struct loader loader = {.source = source, .table = table, .open_if = NO_IF};

    table->engine = engine;
    table->lines = source->lines;
    table->arena = arena_new();
    table->index = pattern_index_new(table->arena);
    table->shared = engine->share(source->limits);
    read_all(&loader);
    pattern_index_ready(table->index);
    return table;
}

/* Whether a rule's patterns hold; one that failed does not, negated or not. */
static bool holds(const struct pattern_table *table, const struct pattern_rule *rule,
                  struct slice key, struct matching *m, struct hit *hit)
{
    enum pattern_result result = table->engine->match(m, rule->code, key);

    if (result != PATTERN_FAILED && (result == PATTERN_MATCHES) == rule->negated)
        return false;
    if (result != PATTERN_FAILED && rule->and_not != NULL) {
        const size_t *offsets = m->offsets;
        size_t groups = m->groups;

        result = table->engine->match(m, rule->and_not, key);
        if (result != PATTERN_FAILED && (result == PATTERN_MATCHES) == rule->and_not_negated)
            return false;
        m->offsets = offsets;
        m->groups = groups;
    }
    if (result != PATTERN_FAILED)
        return true;
    hit->undecided = (struct where){table->file, rule->line};
    hit->undecided_why = m->why;
    return false;
}

/* What the index leaves out is a positive pattern that does not match; where trying it to the end
 * would hit a limit, the outcome is the same (not matched), but for hit->undecided. */
static const struct pattern_rule *first_match(const struct pattern_table *table, struct slice key,
                                              struct matching *m, struct hit *hit)
{
    struct pattern_walk walk;
    bool excluded;
    uint32_t i;

    pattern_walk_start(&walk, table->index, key);
    for (i = pattern_walk_next(&walk, 0, &excluded); i != NO_RULE;) {
        const struct pattern_rule *rule = &table->rules[i];
        bool is_true = !excluded && holds(table, rule, key, m, hit);

        if (is_true && !rule->is_if)
            return rule;
        i = pattern_walk_next(&walk, rule->is_if && !is_true ? rule->after : i + 1, &excluded);
    }
    return NULL;
}

enum table_result pattern_lookup(const void *data, struct slice key, struct arena *arena,
                                 struct hit *hit)
{
    const struct pattern_table *table = data;
    struct matching m = {.shared = table->shared, .arena = arena};
    const struct pattern_rule *rule;

    if (key.ptr == NULL)
        key.ptr = "";
    rule = first_match(table, key, &m, hit);
    if (rule != NULL) {
        hit->value = template_fill(rule->fill, &m, key, arena);
        hit->text = rule->text;
        hit->rule = (struct where){table->file, rule->line};
    }
    if (m.scratch != NULL && table->engine->finish != NULL)
        table->engine->finish(&m);
    return rule != NULL ? TABLE_FOUND : TABLE_NOT_FOUND;
}

void pattern_each(const void *data, void (*visit)(const struct rule *rule, void *arg), void *arg)
{
    const struct pattern_table *table = data;
    struct buf key = {0};

    for (size_t i = 0; i < table->count; i++) {
        const struct pattern_rule *rule = &table->rules[i];

        if (rule->is_if)
            continue;
        buf_clear(&key);
        buf_add(&key, rule->text, rule->key_len);
        visit(&(struct rule){buf_text(&key), rule->value, {table->file, rule->line},
                             rule->substitutes},
              arg);
    }
    buf_free(&key);
}

size_t pattern_count(const void *data)
{
    const struct pattern_table *table = data;

    return table->count - table->ifs;
}

size_t pattern_lines(const struct pattern_table *table)
{
    return table->count;
}

struct pattern_line pattern_line(const struct pattern_table *table, size_t index)
{
    const struct pattern_rule *rule = &table->rules[index];

    return (struct pattern_line){
        .where = {table->file, rule->line},
        .key = {rule->text, rule->key_len},
        .pattern = {rule->text + rule->pattern_at, rule->pattern_len},
        .value = rule->value,
        .options = rule->options,
        .negated = rule->negated,
        .is_if = rule->is_if,
        .has_second = rule->and_not != NULL,
        .after = rule->after,
    };
}

const struct pattern_engine *pattern_engine_of(const struct pattern_table *table)
{
    return table->engine;
}

bool pattern_has_option(const struct pattern_engine *engine, unsigned options, char letter)
{
    unsigned bit = 0;

    return engine->option(letter, &bit) == OPTION_KNOWN && (options & bit) != 0;
}

void pattern_free(void *data)
{
    struct pattern_table *table = data;

    for (size_t i = 0; i < table->count; i++)
        drop_code(table->engine, &table->rules[i]);
    table->engine->unshare(table->shared);
    pattern_index_free(table->index);
    lines_free(table->lines);
    arena_free(table->arena);
    free(table->rules);
    free(table);
}
