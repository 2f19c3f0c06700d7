/* rfc5322 - the mailboxes in a header field, however they are written */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rfc5322.h"

#include "fold.h"

#include <string.h>

enum { DOMAIN_MAX = 1000, NAME_MAX_ASCII = 253, LABEL_MAX = 63 };

enum token {
    TOKEN_END,
    TOKEN_ATOM,    /* any run of characters without a meaning; dots are none of them */
    TOKEN_QUOTED,
    TOKEN_LITERAL, /* [ … ] */
    TOKEN_SPECIAL, /* one of . < > , ; : @ */
    TOKEN_BAD,
};

struct reader {
    const char *next;
    enum token token;
    char special;
    struct slice text; /* of the token; a quoted one without its quotes, unescaped */
    struct arena *arena;
    char *local, *domain; /* room for the longest, as long as one address is read */
    const char *why;
    struct mailbox *list;
    size_t max;
    int count;
    bool strict; /* no obsolete form in what is behind the @ */
};

static bool fail(struct reader *r, const char *why)
{
    if (r->why == NULL)
        r->why = why;
    r->token = TOKEN_BAD;
    return false;
}

/* Behind a comment, which may hold others; NULL if it has no end. */
static const char *behind_comment(const char *p)
{
    size_t depth = 0;

    for (; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && --depth == 0)
            return p + 1;
    }
    return NULL;
}

static const char *behind_blanks(const char *p)
{
    while (p != NULL) {
        while (is_space((unsigned char)*p))
            p++;
        if (*p != '(')
            break;
        p = behind_comment(p);
    }
    return p;
}

/* A quoted string or a domain literal, up to `end`. */
static bool read_enclosed(struct reader *r, char end, enum token token)
{
    const char *begin = r->next + 1, *p = begin;
    size_t len = 0;
    char *out;

    for (; *p != '\0' && *p != end; p++)
        if (*p == '\\' && p[1] != '\0')
            p++;
    if (*p == '\0')
        return fail(r, end == '"' ? "a quote has no end" : "a [ has no ]");
    r->next = p + 1;
    out = arena_alloc(r->arena, (size_t)(p - begin) + 1);
    for (const char *c = begin; c < p; c++) {
        if (*c == '\\')
            c++;
        if (*c != '\r' && *c != '\n')
            out[len++] = *c;
    }
    r->token = token;
    r->text = (struct slice){out, len};
    return true;
}

static bool is_atom(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && strchr("()<>[]:;@\\,.\"", c) == NULL;
}

static bool read_token(struct reader *r)
{
    const char *p = behind_blanks(r->next);

    if (p == NULL)
        return fail(r, "a comment has no end");
    r->next = p;
    r->text = (struct slice){p, 0};
    if (*p == '\0') {
        r->token = TOKEN_END;
        return true;
    }
    if (*p == '"')
        return read_enclosed(r, '"', TOKEN_QUOTED);
    if (*p == '[')
        return read_enclosed(r, ']', TOKEN_LITERAL);
    if (strchr(".<>,;:@", *p) != NULL) {
        r->token = TOKEN_SPECIAL;
        r->special = *p;
        r->next = p + 1;
        return true;
    }
    while (*r->next != '\0' && is_atom(*r->next))
        r->next++;
    r->text.len = (size_t)(r->next - p);
    r->token = TOKEN_ATOM;
    return r->text.len > 0 || fail(r, "a character that does not belong there");
}

static bool is_special(const struct reader *r, char c)
{
    return r->token == TOKEN_SPECIAL && r->special == c;
}

/* Words and dots joined, as in a local part or a domain; what stood in quotes is plain text. */
struct joined {
    char *text;
    size_t len, words;
};

static void join(struct joined *j, const struct reader *r)
{
    if (r->token == TOKEN_SPECIAL) {
        j->text[j->len++] = r->special;
        return;
    }
    memcpy(j->text + j->len, r->text.ptr, r->text.len);
    j->len += r->text.len;
    j->words++;
}

static bool is_domain(const char *name)
{
    size_t len = strlen(name), label = 0;

    if (len == 0 || len > NAME_MAX_ASCII)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '.' && label == 0)
            return false;
        if (name[i] != '.' && !is_alnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
        label = name[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return false;
    }
    return label > 0;
}

/* Ends at the token behind the domain. */
static bool read_domain(struct reader *r, const char **domain)
{
    struct joined j;
    bool blank;

    if (!read_token(r))
        return false;
    if (r->token == TOKEN_LITERAL) {
        *domain = arena_printf(r->arena, "[%.*s]", (int)r->text.len, r->text.ptr);
        return read_token(r);
    }
    for (j = (struct joined){.text = r->domain}; r->token == TOKEN_ATOM || is_special(r, '.');) {
        if (r->token == TOKEN_ATOM && j.len > 0 && j.text[j.len - 1] != '.')
            return fail(r, "two words in a domain");
        join(&j, r);
        blank = is_space((unsigned char)*r->next);
        if (!read_token(r))
            return false;
        if (r->strict && blank && (r->token == TOKEN_ATOM || is_special(r, '.')))
            return fail(r, "a blank in a domain");
    }
    if (!r->strict && j.len > 0 && j.text[j.len - 1] == '.')
        j.len--;
    j.text[j.len] = '\0';
    if (j.len > DOMAIN_MAX)
        return fail(r, "a domain is too long");
    *domain = fold_domain_ascii(j.text, r->arena);
    return is_domain(*domain) || fail(r, "a domain is none");
}

static bool add(struct reader *r, const char *local, const char *domain)
{
    if (local[0] == '\0')
        return fail(r, "an address without a user");
    if ((size_t)r->count < r->max)
        r->list[r->count] = (struct mailbox){arena_strdup(r->arena, local), domain};
    r->count++;
    return true;
}

static bool is_word(const struct reader *r)
{
    return r->token == TOKEN_ATOM || r->token == TOKEN_QUOTED || is_special(r, '.');
}

/* Words up to something else. `loose`: they are no local part, because one but the first does not
 * stand behind a dot, or because there are [brackets], which names have in spite of RFC 5322. */
static bool read_words(struct reader *r, struct joined *j, bool *loose)
{
    *j = (struct joined){.text = r->local};
    *loose = false;
    while (is_word(r) || r->token == TOKEN_LITERAL) {
        bool follows = j->words > 0 && (j->len == 0 || j->text[j->len - 1] != '.');

        *loose = *loose || r->token == TOKEN_LITERAL || (!is_special(r, '.') && follows);
        join(j, r);
        if (!read_token(r))
            return false;
    }
    j->text[j->len] = '\0';
    return true;
}

static bool read_addr_spec(struct reader *r, const struct joined *local, bool loose)
{
    const char *domain;

    if (loose)
        return fail(r, "two words in front of an @");
    return read_domain(r, &domain) && add(r, local->text, domain);
}

/* "@one,@two:" means nothing any more (RFC 5322, 4.4). */
static bool skip_route(struct reader *r)
{
    const char *ignored;

    if (r->strict)
        return fail(r, "a route");
    while (is_special(r, '@') || is_special(r, ',')) {
        if (is_special(r, '@') ? !read_domain(r, &ignored) : !read_token(r))
            return false;
    }
    return is_special(r, ':') ? read_token(r) : fail(r, "a route has no end");
}

/* Begins behind the <, ends behind the >. */
static bool read_angle(struct reader *r)
{
    struct joined local;
    bool loose;

    if (!read_token(r) || (is_special(r, '@') && !skip_route(r)))
        return false;
    if (!read_words(r, &local, &loose))
        return false;
    if (!is_special(r, '@'))
        return fail(r, "an address without a domain");
    if (!read_addr_spec(r, &local, loose))
        return false;
    return is_special(r, '>') ? read_token(r) : fail(r, "a < has no >");
}

/* Up to the comma, or what else ends it. */
static bool read_element(struct reader *r, bool *in_group)
{
    struct joined name;
    bool loose;

    if (!read_words(r, &name, &loose))
        return false;
    if (is_special(r, '<'))
        return read_angle(r);
    if (is_special(r, '@'))
        return read_addr_spec(r, &name, loose);
    if (is_special(r, ':') && !*in_group && name.words > 0) {
        *in_group = true;
        return read_token(r) && read_element(r, in_group); /* once: the group is open now */
    }
    return name.words + name.len == 0 || fail(r, "a name without an address");
}

static bool read_list(struct reader *r)
{
    bool in_group = false;

    if (!read_token(r))
        return false;
    for (;;) {
        if (!read_element(r, &in_group))
            return false;
        if (in_group && is_special(r, ';')) {
            in_group = false;
            if (!read_token(r))
                return false;
        }
        if (r->token == TOKEN_END)
            return !in_group || fail(r, "a group has no end");
        if (!is_special(r, ','))
            return fail(r, "text behind an address");
        if (!read_token(r))
            return false;
    }
}

static struct reader begin(const char *text, struct mailbox *list, size_t max, struct arena *arena)
{
    struct reader r = {.next = text, .arena = arena, .list = list, .max = max};
    size_t size = strlen(text) + 1;

    r.local = arena_alloc(arena, size);
    r.domain = arena_alloc(arena, size);
    return r;
}

int mailboxes_read(const char *text, struct mailbox *list, size_t max, struct arena *arena,
                   const char **why)
{
    struct reader r = begin(text, list, max, arena);

    if (read_list(&r))
        return r.count;
    *why = r.why;
    return -1;
}

bool mailbox_read(const char *text, struct mailbox *mailbox, struct arena *arena,
                  const char **why)
{
    struct reader r = begin(text, mailbox, 1, arena);
    bool in_group = true; /* so that none begins */

    r.strict = true;
    if (read_token(&r) && read_element(&r, &in_group) && r.count == 1 && r.token == TOKEN_END)
        return true;
    *why = r.why != NULL ? r.why : "not one address";
    return false;
}
