/* pattern_literal - the literal text without which a pattern cannot match, read off the pattern */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern_literal.h"

#include <string.h>

/* Why this holds. A pattern without alternatives is a chain of items; what it matches is a chain of
 * pieces, one an item, in this order, each beginning where the one before it ends. So:
 *  1. Neighbouring items that match one known byte each (case apart) form a run, which the key
 *     holds. A byte outside UTF and UCP folds by ASCII only.
 *  2. An item of which nothing is known ends the run, and so does one that may be left out.
 *  3. x{n,m} with n > 0 starts with n times x, next to what stands in front, and ends with n times
 *     x, next to what follows.
 *  4. A group stands for its items. Repeated at least once, its first turn is next to what stands
 *     in front. One with alternatives, or that may be left out, is an unknown item: all that was
 *     learnt inside is dropped.
 *  5. Assertions match the empty piece wherever they hold; they neither add to a run nor end it.
 *  6. `^` without multiline, or \A, holds at the start of the key only: when all in front of it is
 *     empty, the run that follows is a prefix of the key.
 *  7. Atomic groups, possessive and lazy repeats only choose among these matches, so they are
 *     nothing special. What could end a match early (verbs), call other parts, or change the
 *     syntax is not read at all: then nothing is known. */

enum { DEPTH_MAX = 20, TURNS_MAX = 16, MANY = 100000 };

/* Copied in front of a group, to be put back when the group turns out to say nothing. */
struct track {
    struct literal run;
    bool run_at_start; /* the run starts where the key does */
    bool at_front;     /* nothing in front can have matched a byte */
    struct pattern_required found;
};

struct reader {
    const char *p; /* NUL-terminated */
    bool perl, multiline;
    unsigned depth;
    struct track now;
};

struct turns {
    unsigned min, max;
};

static void end_run(struct track *now)
{
    const struct literal *run = &now->run;
    const char *from = run->text, *colon;
    size_t len = run->len;

    if (now->run_at_start && len > 0) {
        now->found.prefix = *run;
        colon = memchr(from, ':', len);
        if (colon != NULL) {
            len -= (size_t)(colon + 1 - from);
            from = colon + 1;
        }
    }
    if (len > now->found.literal.len) {
        now->found.literal.len = (uint8_t)len;
        memcpy(now->found.literal.text, from, len);
    }
    now->run.len = 0;
    now->run_at_start = now->at_front = false;
}

static void add_byte(struct track *now, char c)
{
    if (now->run.len == LITERAL_MAX)
        end_run(now);
    now->run.text[now->run.len++] = (char)folded((unsigned char)c);
    now->at_front = false;
}

static void add_turns(struct track *now, char c, unsigned count)
{
    while (count-- > 0)
        add_byte(now, c);
}

/* A byte that is matched min to max times in a row. */
static void add_repeated(struct track *now, char c, struct turns turns)
{
    unsigned sure = turns.min < TURNS_MAX ? turns.min : TURNS_MAX;

    add_turns(now, c, sure);
    if (sure == turns.max)
        return;
    end_run(now);
    add_turns(now, c, sure);
}

static bool is_repeat(char c)
{
    return c == '*' || c == '+' || c == '?' || c == '{';
}

static bool take_number(const char **p, unsigned *number)
{
    const char *start = *p;

    for (*number = 0; is_digit((unsigned char)**p) && *p - start < 5; ++*p)
        *number = *number * 10 + (unsigned)(**p - '0');
    return *p > start && !is_digit((unsigned char)**p);
}

/* {n}, {n,}, {n,m}; whatever else may stand there means different things to different versions. */
static bool take_braces(struct reader *r, struct turns *turns)
{
    const char *p = r->p + 1;

    if (!take_number(&p, &turns->min))
        return false;
    turns->max = turns->min;
    if (*p == ',') {
        p++;
        turns->max = MANY;
        if (*p != '}' && !take_number(&p, &turns->max))
            return false;
    }
    if (*p != '}')
        return false;
    r->p = p + 1;
    return true;
}

/* What may stand behind an item. POSIX repeats a repetition (a+? may be left out), Perl makes it
 * lazy or possessive. False: not understood. */
static bool take_turns(struct reader *r, struct turns *turns)
{
    *turns = (struct turns){1, 1};
    switch (*r->p) {
    case '*':
        *turns = (struct turns){0, MANY};
        break;
    case '+':
        *turns = (struct turns){1, MANY};
        break;
    case '?':
        *turns = (struct turns){0, 1};
        break;
    case '{':
        if (!take_braces(r, turns))
            return false;
        r->p--;
        break;
    default:
        return true;
    }
    r->p++;
    if (r->perl && (*r->p == '?' || *r->p == '+'))
        r->p++;
    return !is_repeat(*r->p);
}

static bool read_literal(struct reader *r, char c)
{
    struct turns turns;

    if (!is_repeat(*r->p)) {
        add_byte(&r->now, c);
        return true;
    }
    if (!take_turns(r, &turns))
        return false;
    add_repeated(&r->now, c, turns);
    return true;
}

/* One unknown item. */
static bool read_unknown(struct reader *r)
{
    struct turns turns;

    end_run(&r->now);
    return take_turns(r, &turns);
}

static bool read_assertion(struct reader *r)
{
    struct turns turns;

    return take_turns(r, &turns);
}

static bool read_start(struct reader *r, bool whole_key_only)
{
    if (is_repeat(*r->p))
        return false;
    if (whole_key_only && r->now.at_front)
        r->now.run_at_start = true;
    return true;
}

/* [:name:] inside a class; r->p is at its bracket. */
static bool skip_class_name(struct reader *r)
{
    r->p += 2;
    if (*r->p == '^')
        r->p++;
    while (is_alnum((unsigned char)*r->p))
        r->p++;
    if (r->p[0] != ':' || r->p[1] != ']')
        return false;
    r->p += 2;
    return true;
}

/* A backslash inside a class: only where it is sure which bytes belong to it. */
static bool skip_class_escape(struct reader *r)
{
    char c = r->p[1];

    if (c == '\0' || (is_alnum((unsigned char)c) && strchr("dDwWsShHvVnrtfaebx", c) == NULL) ||
        (c == 'x' && r->p[2] == '{'))
        return false;
    r->p += 2;
    return true;
}

/* A class; r->p is behind its opening bracket. */
static bool read_class(struct reader *r)
{
    char only = r->p[0];

    if (only != '\0' && strchr("^[]\\", only) == NULL && r->p[1] == ']') {
        r->p += 2;
        return read_literal(r, only);
    }
    if (*r->p == '^')
        r->p++;
    if (*r->p == ']')
        r->p++;
    while (*r->p != ']') {
        if (*r->p == '\0')
            return false;
        if (r->p[0] == '[' && (r->p[1] == ':' || r->p[1] == '.' || r->p[1] == '=')) {
            if (r->p[1] != ':' || !skip_class_name(r))
                return false;
        } else if (*r->p == '\\' && r->perl) {
            if (!skip_class_escape(r))
                return false;
        } else {
            r->p++;
        }
    }
    r->p++;
    return read_unknown(r);
}

static int hex_value(char c)
{
    if (is_digit((unsigned char)c))
        return c - '0';
    c = (char)to_lower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xHH; r->p is behind the x. */
static bool read_hex(struct reader *r)
{
    int high = hex_value(r->p[0]), low = high < 0 ? -1 : hex_value(r->p[1]);

    if (low < 0)
        return false;
    r->p += 2;
    return read_literal(r, (char)(high * 16 + low));
}

/* \Q…\E; r->p is behind the Q. A repetition behind it is one of its last byte. */
static bool read_quoted(struct reader *r)
{
    const char *end = strstr(r->p, "\\E");
    char last;

    if (end == NULL || end == r->p)
        return false;
    while (r->p < end - 1)
        add_byte(&r->now, *r->p++);
    last = *r->p;
    r->p = end + 2;
    return read_literal(r, last);
}

static bool read_perl_escape(struct reader *r, char c)
{
    static const char names[] = "tnrfea", bytes[] = "\t\n\r\f\033\a";
    const char *name = strchr(names, c);

    if (name != NULL)
        return read_literal(r, bytes[name - names]);
    if (strchr("dDwWsShHvVR", c) != NULL)
        return read_unknown(r);
    if (strchr("bBzZ", c) != NULL)
        return read_assertion(r);
    if (c == 'A')
        return read_start(r, true);
    if (c == 'x')
        return read_hex(r);
    if (c == 'Q')
        return read_quoted(r);
    if (c >= '1' && c <= '9' && !is_digit((unsigned char)*r->p))
        return read_unknown(r); /* what a group matched, which may be nothing */
    return false;
}

/* r->p is behind the backslash. */
static bool read_escape(struct reader *r)
{
    char c = *r->p;

    if (c == '\0')
        return false;
    r->p++;
    if (is_alnum((unsigned char)c)) {
        if (r->perl)
            return read_perl_escape(r, c);
        if (strchr("wWsS", c) != NULL)
            return read_unknown(r);
        return strchr("bB", c) != NULL && read_assertion(r);
    }
    if (!r->perl && strchr("<>`'", c) != NULL)
        return false;
    return read_literal(r, c);
}

enum opening { OPENING_GROUP, OPENING_ASSERTION, OPENING_FLAGS, OPENING_STRANGE };

static enum opening take_name(struct reader *r, char close)
{
    while (is_alnum((unsigned char)*r->p) || *r->p == '_')
        r->p++;
    if (*r->p != close)
        return OPENING_STRANGE;
    r->p++;
    return OPENING_GROUP;
}

/* (?ims) or (?ims: with m, to the end of the pattern: that only forgoes prefixes. */
static enum opening take_flags(struct reader *r)
{
    for (; *r->p != ')' && *r->p != ':'; r->p++) {
        if (*r->p == '\0' || strchr("imsnUJ-", *r->p) == NULL)
            return OPENING_STRANGE;
        if (*r->p == 'm')
            r->multiline = true;
    }
    if (*r->p++ == ':')
        return OPENING_GROUP;
    return is_repeat(*r->p) ? OPENING_STRANGE : OPENING_FLAGS;
}

/* What follows an opening parenthesis. */
static enum opening take_opening(struct reader *r)
{
    char c;

    if (!r->perl)
        return OPENING_GROUP;
    if (*r->p == '*')
        return OPENING_STRANGE;
    if (*r->p != '?')
        return OPENING_GROUP;
    c = *++r->p;
    if (c == '<' && (r->p[1] == '=' || r->p[1] == '!'))
        c = *++r->p;
    if (c == '=' || c == '!' || c == '>') {
        r->p++;
        return c == '>' ? OPENING_GROUP : OPENING_ASSERTION;
    }
    if (c == 'P' && r->p[1] == '<')
        c = *++r->p;
    if (c == '<' || c == '\'') {
        r->p++;
        return take_name(r, c == '<' ? '>' : '\'');
    }
    return take_flags(r);
}

static bool read_items(struct reader *r, bool *alternatives);

/* r->p is behind the opening parenthesis. */
static bool read_group(struct reader *r)
{
    struct track before = r->now;
    enum opening opening = take_opening(r);
    bool alternatives = false;
    struct turns turns;

    if (opening == OPENING_STRANGE || opening == OPENING_FLAGS)
        return opening == OPENING_FLAGS;
    if (r->depth++ == DEPTH_MAX || !read_items(r, &alternatives) || *r->p != ')')
        return false;
    r->depth--;
    r->p++;
    if (!take_turns(r, &turns))
        return false;
    if (opening == OPENING_ASSERTION) {
        r->now = before;
        return true;
    }
    if (alternatives || turns.min == 0)
        r->now = before;
    if (alternatives || turns.min != 1 || turns.max != 1)
        end_run(&r->now);
    return true;
}

static bool read_item(struct reader *r)
{
    char c = *r->p++;

    switch (c) {
    case '(':
        return read_group(r);
    case '[':
        return read_class(r);
    case '\\':
        return read_escape(r);
    case '.':
        return read_unknown(r);
    case '^':
        return read_start(r, !r->multiline);
    case '$':
        return read_assertion(r);
    case '*':
    case '+':
    case '?':
    case '{':
        return false;
    default:
        return read_literal(r, c);
    }
}

/* Bytes that stand for themselves, and of which the next is one, too: most there are. */
static void read_plain(struct reader *r)
{
    static const bool operator[256] = {
        ['\0'] = true, ['\\'] = true, ['('] = true, [')'] = true, ['['] = true,
        ['{'] = true,  ['|'] = true,  ['*'] = true, ['+'] = true, ['?'] = true,
        ['.'] = true,  ['^'] = true,  ['$'] = true,
    };

    while (!operator[(unsigned char)r->p[0]] && !operator[(unsigned char)r->p[1]])
        add_byte(&r->now, *r->p++);
}

/* Up to the end or an unmatched closing parenthesis. */
static bool read_items(struct reader *r, bool *alternatives)
{
    for (read_plain(r); *r->p != '\0' && *r->p != ')'; read_plain(r))
        if (*r->p == '|') {
            *alternatives = true;
            r->p++;
        } else if (!read_item(r)) {
            return false;
        }
    return true;
}

void pattern_required_find(const char *pattern, struct pattern_syntax syntax,
                           struct pattern_required *required)
{
    struct reader r = {.p = pattern, .perl = syntax.perl, .multiline = syntax.multiline};
    bool alternatives = false;

    required->prefix.len = required->literal.len = 0;
    r.now.at_front = true;
    r.now.run_at_start = syntax.anchored;
    if (!read_items(&r, &alternatives) || *r.p != '\0' || alternatives)
        return;
    end_run(&r.now);
    *required = r.now.found;
}
