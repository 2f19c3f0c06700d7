/* mime_type - what a Content-Type field says, read as Postfix's MIME processor reads it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "mime_type.h"

#include <string.h>

/* Tokens of one item, up to a semicolon; what is behind the third is passed over. */
enum { TOKENS = 3 };
enum kind { KIND_WORD, KIND_QUOTED, KIND_SPECIAL };

struct token {
    enum kind kind;
    size_t start, len; /* in reader->text */
};

struct item {
    struct token tokens[TOKENS];
    size_t count;
};

static bool is_fold(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 2045's tspecials, and control characters. */
static bool is_special(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f || strchr("()<>@,;:\\\"/[]?=", c) != NULL;
}

static char take(struct mime_type_reader *r)
{
    r->rest.len--;
    return *r->rest.ptr++;
}

static void skip_comment(struct mime_type_reader *r)
{
    for (int level = 1; level > 0 && r->rest.len > 0;) {
        char c = take(r);

        if (c == '(')
            level++;
        else if (c == ')')
            level--;
        else if (c == '\\' && r->rest.len > 0)
            take(r);
    }
}

static void drop_trailing_blanks(struct mime_type_reader *r, size_t start)
{
    while (r->text.len > start && is_fold(r->text.ptr[r->text.len - 1]))
        r->text.len--;
}

/* A line break inside quotes goes, with the blanks in front of it. */
static void take_quoted(struct mime_type_reader *r, size_t start)
{
    while (r->rest.len > 0) {
        char c = take(r);

        if (c == '"')
            return;
        if (c == '\n') {
            drop_trailing_blanks(r, start);
            continue;
        }
        if (c == '\\') {
            if (r->rest.len == 0)
                return;
            c = take(r);
        }
        buf_addc(&r->text, c);
    }
}

static void take_word(struct mime_type_reader *r)
{
    while (r->rest.len > 0 && !is_fold(*r->rest.ptr) && !is_special(*r->rest.ptr))
        buf_addc(&r->text, take(r));
}

/* One token that begins with c. */
static void take_token(struct mime_type_reader *r, char c, struct item *item)
{
    struct token token = {.start = r->text.len};

    if (c == '"') {
        token.kind = KIND_QUOTED;
        take_quoted(r, token.start);
    } else {
        token.kind = is_special(c) ? KIND_SPECIAL : KIND_WORD;
        buf_addc(&r->text, c);
        if (token.kind == KIND_WORD)
            take_word(r);
    }
    token.len = r->text.len - token.start;
    if (item->count == TOKENS)
        r->text.len = token.start;
    else
        item->tokens[item->count++] = token;
}

/* Reads up to a semicolon or the end; false when nothing is left. */
static bool next_item(struct mime_type_reader *r, struct item *item)
{
    *item = (struct item){.count = 0};
    buf_clear(&r->text);
    while (r->rest.len > 0) {
        char c = take(r);

        if (is_fold(c))
            continue;
        if (c == ';')
            return true;
        if (c == '(')
            skip_comment(r);
        else
            take_token(r, c, item);
    }
    return item->count > 0;
}

static struct slice text_of(const struct mime_type_reader *r, const struct token *token)
{
    return (struct slice){buf_text(&r->text) + token->start, token->len};
}

static bool is_word(const struct mime_type_reader *r, const struct item *item, size_t i,
                    const char *word)
{
    return i < item->count && item->tokens[i].kind == KIND_WORD &&
           slice_is_nocase(text_of(r, &item->tokens[i]), word);
}

static bool is_sign(const struct mime_type_reader *r, const struct item *item, char sign)
{
    return item->count >= TOKENS && item->tokens[1].kind == KIND_SPECIAL &&
           *text_of(r, &item->tokens[1]).ptr == sign;
}

enum mime_type mime_type_read(struct mime_type_reader *r)
{
    struct item item;
    bool has_subtype;

    if (!next_item(r, &item) || item.count == 0)
        return MIME_TYPE_LEAF;
    has_subtype = is_sign(r, &item, '/');
    if (is_word(r, &item, 0, "text"))
        return MIME_TYPE_LEAF;
    if (is_word(r, &item, 0, "multipart"))
        return has_subtype && is_word(r, &item, 2, "digest") ? MIME_TYPE_DIGEST
                                                             : MIME_TYPE_MULTIPART;
    if (!is_word(r, &item, 0, "message"))
        return MIME_TYPE_UNKNOWN;
    if (has_subtype && (is_word(r, &item, 2, "rfc822") || is_word(r, &item, 2, "global")))
        return MIME_TYPE_MESSAGE;
    return MIME_TYPE_LEAF;
}

bool mime_type_next_boundary(struct mime_type_reader *r, struct slice *boundary)
{
    struct item item;

    while (next_item(r, &item))
        if (is_word(r, &item, 0, "boundary") && is_sign(r, &item, '=')) {
            *boundary = text_of(r, &item.tokens[2]);
            return true;
        }
    return false;
}
