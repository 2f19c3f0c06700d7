/* expand - $name, ${name?yes:no}, ${{a} == {b} ? {x} : {y}}: the macros of main.cf */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "conf.h"

#include <string.h>

enum {
    MAX_DEPTH = 100, /* as Postfix */
    MAX_STEPS = 100 * 1000, /* names looked up for one value: a = $b$b, b = $c$c … doubles */
    MAX_BYTES = 16 * 1024 * 1024,
};

struct expansion {
    const struct conf_names *names; /* NULL: names are only collected */
    void (*visit)(const char *name, void *arg);
    void *visit_arg;
    struct arena *arena;
    struct err *err;
    const char *open[MAX_DEPTH]; /* names whose values are being expanded, to see a loop */
    int depth, nested; /* nested: texts within each other, operands and values of names, too */
    int steps;
    size_t bytes; /* added so far, thrown away ones too */
};

static bool expand(struct expansion *x, struct slice text, struct buf *out);

static void skip_blanks(struct slice *s)
{
    while (s->len > 0 && is_space((unsigned char)s->ptr[0]))
        s->ptr++, s->len--;
}

static void skip(struct slice *s, size_t n)
{
    s->ptr += n;
    s->len -= n;
}

static int shown(struct slice s)
{
    return (int)(s.len > 80 ? 80 : s.len);
}

/* rest starts with `open`; what stands between it and its partner is taken off into *inner. */
static bool take_pair(struct slice *rest, char open, char close, struct slice *inner)
{
    size_t level = 0;

    for (size_t i = 0; i < rest->len; i++) {
        level += rest->ptr[i] == open;
        if (rest->ptr[i] == close && --level == 0) {
            *inner = (struct slice){rest->ptr + 1, i - 1};
            skip(rest, i + 1);
            return true;
        }
    }
    return false;
}

static bool report_loop(struct expansion *x, const char *name)
{
    return err_set(x->err, "$%s needs its own value: %s refers to %s", name,
                   x->open[x->depth - 1], name);
}

static bool expand_name(struct expansion *x, const char *name, struct buf *out)
{
    const char *value;
    bool good;

    if (x->names == NULL) {
        x->visit(name, x->visit_arg);
        return true;
    }
    for (int i = 0; i < x->depth; i++)
        if (strcmp(x->open[i], name) == 0)
            return report_loop(x, name);
    if (++x->steps > MAX_STEPS)
        return err_set(x->err, "$%s: the value refers to more than %d names", name, MAX_STEPS);
    value = x->names->find(x->names->arg, name);
    if (value == NULL) {
        if (x->names->undefined != NULL)
            *x->names->undefined = true;
        return true;
    }
    if (value[0] == '\0')
        return true;
    if (x->depth == MAX_DEPTH)
        return err_set(x->err, "$%s: more than %d names within each other", name, MAX_DEPTH);
    x->open[x->depth++] = name;
    good = expand(x, slice_of(value), out);
    x->depth--;
    return good;
}

static bool is_name(int c)
{
    return is_alnum(c) || c == '_';
}

/* {text} or text up to the end. After braces something else may follow, which stays in *rest. */
static bool take_text(struct expansion *x, struct slice *rest, struct slice *text)
{
    struct slice from = *rest;

    skip_blanks(&from);
    if (from.len > 0 && from.ptr[0] == '{') {
        if (!take_pair(&from, '{', '}', text))
            return err_set(x->err, "\"%.*s\": a { without its }", shown(from), from.ptr);
        *rest = from;
        skip_blanks(rest);
    } else {
        *text = *rest;
        skip(rest, rest->len);
    }
    return true;
}

/* What follows a name or a comparison: ?yes, :no, ?{yes}:no. *yes and *no have ptr NULL where
 * they are not given. */
static bool take_choice(struct expansion *x, struct slice rest, struct slice *yes, struct slice *no)
{
    *yes = *no = (struct slice){NULL, 0};
    if (rest.len > 0 && rest.ptr[0] == '?') {
        skip(&rest, 1);
        if (!take_text(x, &rest, yes))
            return false;
        if (rest.len > 0 && rest.ptr[0] != ':')
            return err_set(x->err, "\"%.*s\": a \":\" is expected here", shown(rest), rest.ptr);
    }
    if (rest.len > 0 && rest.ptr[0] == ':') {
        skip(&rest, 1);
        if (!take_text(x, &rest, no))
            return false;
    }
    if (rest.len > 0)
        return err_set(x->err, "\"%.*s\" is not expected here: only ?text and :text may follow",
                       shown(rest), rest.ptr);
    return true;
}

/* One of the two texts of a choice; when neither matches, nothing. */
static bool expand_choice(struct expansion *x, bool condition, struct slice yes, struct slice no,
                          struct buf *out)
{
    if (x->names == NULL)
        return expand(x, yes, out) && expand(x, no, out);
    return expand(x, condition ? yes : no, out);
}

/* One of the numbers of a level, with blanks and a plus in front, as strtol(3) takes it. */
static bool take_number(struct slice *rest, long max, long *number)
{
    size_t len = 0;

    skip_blanks(rest);
    if (rest->len > 0 && rest->ptr[0] == '+')
        skip(rest, 1);
    while (len < rest->len && is_digit((unsigned char)rest->ptr[len]))
        len++;
    if (!parse_long((struct slice){rest->ptr, len}, 0, max, number))
        return false;
    skip(rest, len);
    return true;
}

/* Whole versions "3", "3.6", "3.6.1" as one number. */
static bool parse_level(struct slice s, long *level)
{
    static const int bits[] = {43, 10, 10};
    long number;

    *level = 0;
    for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
        if (!take_number(&s, (1L << bits[i]) - 1, &number))
            return false;
        *level |= number << (i == 0 ? 20 : i == 1 ? 10 : 0);
        if (s.len == 0)
            return true;
        if (s.ptr[0] != '.')
            return false;
        skip(&s, 1);
    }
    return false;
}

static bool is_number(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit((unsigned char)s.ptr[i]))
            return false;
    return s.len > 0;
}

/* Negative, 0 or positive, as strcmp; without leading zeros the longer number is the greater. */
static int compare_numbers(struct slice a, struct slice b)
{
    while (a.len > 1 && a.ptr[0] == '0')
        skip(&a, 1);
    while (b.len > 1 && b.ptr[0] == '0')
        skip(&b, 1);
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return memcmp(a.ptr, b.ptr, a.len);
}

static bool compare(struct expansion *x, struct slice a, struct slice b, bool levels, int *order)
{
    long level_a, level_b;

    if (levels) {
        if (!parse_level(a, &level_a) || !parse_level(b, &level_b))
            return err_set(x->err, "\"%.*s\" and \"%.*s\" cannot be compared as levels: write "
                           "them as 3 or 3.6", shown(a), a.ptr, shown(b), b.ptr);
        *order = (level_a > level_b) - (level_a < level_b);
    } else if (is_number(a) && is_number(b)) {
        *order = compare_numbers(a, b);
    } else {
        size_t shorter = a.len < b.len ? a.len : b.len;

        *order = memcmp(a.ptr, b.ptr, shorter);
        if (*order == 0)
            *order = (a.len > b.len) - (a.len < b.len);
    }
    return true;
}

static bool holds(const char *operator, int order)
{
    if (operator[0] == '=')
        return order == 0;
    if (operator[0] == '!')
        return order != 0;
    return operator[1] == '=' && order == 0 ? true : operator[0] == '<' ? order < 0 : order > 0;
}

/* Takes == != <= >= < > and a `level` behind it. */
static const char *take_operator(struct slice *rest, bool *levels)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};

    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        size_t len = strlen(operators[i]);

        if (rest->len < len || memcmp(rest->ptr, operators[i], len) != 0)
            continue;
        skip(rest, len);
        *levels = rest->len >= 5 && memcmp(rest->ptr, "level", 5) == 0;
        if (*levels)
            skip(rest, 5);
        return operators[i];
    }
    return NULL;
}

static bool expand_operand(struct expansion *x, struct slice *rest, struct buf *out)
{
    struct slice inner;

    skip_blanks(rest);
    if (rest->len == 0 || rest->ptr[0] != '{')
        return err_set(x->err, "\"%.*s\": a {text} is expected here", shown(*rest), rest->ptr);
    if (!take_pair(rest, '{', '}', &inner))
        return err_set(x->err, "\"%.*s\": a { without its }", shown(*rest), rest->ptr);
    skip_blanks(rest);
    return expand(x, inner, out);
}

/* {a} == {b}, as true or false; *rest is what follows. */
static bool expand_comparison(struct expansion *x, struct slice *rest, bool *result)
{
    struct buf a = {0}, b = {0};
    const char *operator = NULL;
    bool levels = false, good;
    int order = 0;

    good = expand_operand(x, rest, &a);
    if (good && (operator = take_operator(rest, &levels)) == NULL)
        good = err_set(x->err, "\"%.*s\": == != <= >= < or > is expected here", shown(*rest),
                       rest->ptr);
    good = good && expand_operand(x, rest, &b);
    if (good && x->names != NULL)
        good = compare(x, (struct slice){buf_text(&a), a.len}, (struct slice){buf_text(&b), b.len},
                       levels, &order);
    if (good)
        *result = holds(operator, order);
    buf_free(&a);
    buf_free(&b);
    return good;
}

static bool expand_if(struct expansion *x, struct slice inside, struct buf *out)
{
    struct slice yes, no;
    bool condition;

    if (!expand_comparison(x, &inside, &condition) || !take_choice(x, inside, &yes, &no))
        return false;
    if (yes.ptr == NULL && no.ptr == NULL)
        yes = slice_of("true");
    return expand_choice(x, condition, yes, no, out);
}

/* Is there a value, though it may expand to nothing? So does Postfix decide (measured). */
static bool is_given(struct expansion *x, const char *name)
{
    const char *value;

    if (x->names == NULL) {
        x->visit(name, x->visit_arg);
        return true;
    }
    value = x->names->find(x->names->arg, name);
    return value != NULL && value[0] != '\0';
}

/* name, name?yes, name:no */
static bool expand_reference(struct expansion *x, struct slice inside, struct buf *out)
{
    struct slice yes, no, whole = inside;
    size_t len = 0;
    const char *name;

    while (len < inside.len && is_name((unsigned char)inside.ptr[len]))
        len++;
    name = arena_strndup(x->arena, inside.ptr, len);
    skip(&inside, len);
    skip_blanks(&inside);
    if (len == 0 || (inside.len > 0 && inside.ptr[0] != '?' && inside.ptr[0] != ':'))
        return err_set(x->err, "\"${%.*s}\": a name is made of letters, digits and _", shown(whole),
                       whole.ptr);
    if (inside.len == 0)
        return expand_name(x, name, out);
    return take_choice(x, inside, &yes, &no) &&
           expand_choice(x, is_given(x, name), yes, no, out);
}

/* rest starts behind the $. */
static bool expand_dollar(struct expansion *x, struct slice *rest, struct buf *out)
{
    struct slice whole = *rest, inside;
    size_t len = 0;

    if (rest->len > 0 && (rest->ptr[0] == '{' || rest->ptr[0] == '(')) {
        bool brace = rest->ptr[0] == '{';

        if (!take_pair(rest, brace ? '{' : '(', brace ? '}' : ')', &inside))
            return err_set(x->err, "\"$%.*s\": the closing %c is missing", shown(whole), whole.ptr,
                           brace ? '}' : ')');
        skip_blanks(&inside);
        return inside.len > 0 && inside.ptr[0] == '{' ? expand_if(x, inside, out)
                                                      : expand_reference(x, inside, out);
    }
    while (len < rest->len && is_name((unsigned char)rest->ptr[len]))
        len++;
    if (len == 0)
        return err_set(x->err, "\"$%.*s\": a $ without a name: write $$ for the character",
                       shown(whole), whole.ptr);
    skip(rest, len);
    return expand_name(x, arena_strndup(x->arena, whole.ptr, len), out);
}

static bool expand_text(struct expansion *x, struct slice text, struct buf *out)
{
    while (text.len > 0) {
        const char *dollar = memchr(text.ptr, '$', text.len);
        size_t plain = dollar != NULL ? (size_t)(dollar - text.ptr) : text.len;

        buf_add(out, text.ptr, plain);
        x->bytes += plain;
        if (x->bytes > MAX_BYTES)
            return err_set(x->err, "the value becomes longer than %d bytes", MAX_BYTES);
        skip(&text, plain);
        if (dollar == NULL)
            break;
        skip(&text, 1);
        if (text.len > 0 && text.ptr[0] == '$') {
            buf_addc(out, '$');
            skip(&text, 1);
        } else if (!expand_dollar(x, &text, out)) {
            return false;
        }
    }
    return true;
}

static bool expand(struct expansion *x, struct slice text, struct buf *out)
{
    bool good;

    if (x->nested > MAX_DEPTH && text.len > 0)
        return err_set(x->err, "more than %d texts within each other", MAX_DEPTH);
    x->nested++;
    good = expand_text(x, text, out);
    x->nested--;
    return good;
}

const char *conf_expand(const char *value, const struct conf_names *names, struct arena *arena,
                        struct err *err)
{
    struct arena *scratch;
    struct expansion x = {.names = names, .err = err};
    const char *result = NULL;
    struct buf out = {0};

    if (strchr(value, '$') == NULL)
        return arena_strdup(arena, value);
    x.arena = scratch = arena_new();
    if (expand(&x, slice_of(value), &out))
        result = arena_strndup(arena, buf_text(&out), out.len);
    buf_free(&out);
    arena_free(scratch);
    return result;
}

void conf_references(const char *value, void (*visit)(const char *name, void *arg), void *arg)
{
    struct expansion x = {.visit = visit, .visit_arg = arg};
    struct buf out = {0};

    if (strchr(value, '$') == NULL)
        return;
    x.arena = arena_new();
    expand(&x, slice_of(value), &out);
    buf_free(&out);
    arena_free(x.arena);
}
