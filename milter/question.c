/* question - the texts of questions to the world, written and read */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "question.h"

#include "buf.h"
#include "fold.h"

#include <string.h>

static const char *take(struct buf *b, struct arena *arena)
{
    const char *text = arena_strdup(arena, buf_text(b));

    buf_free(b);
    return text;
}

const char *question_word(const char *text, struct arena *arena)
{
    struct buf b = {0};

    if (text == NULL || text[0] == '\0')
        return "<>";
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (!is_print(*p) || *p == ' ' || *p == '\\')
            buf_addf(&b, "\\%03d", *p);
        else
            buf_addc(&b, (char)*p);
    }
    return take(&b, arena);
}

/* `\DDD`; false for anything else behind a backslash. */
static bool take_number(const char *p, const char *end, char *c)
{
    long value;

    if (end - p < 4 || !parse_long((struct slice){p + 1, 3}, 1, 255, &value))
        return false;
    *c = (char)value;
    return true;
}

bool question_take(struct slice *rest, struct arena *arena, const char **word)
{
    struct slice raw;
    const char *end;
    char *out;
    size_t len = 0;

    if (!slice_word(rest, " ", &raw))
        return false;
    *word = "";
    if (slice_is(raw, "<>"))
        return true;
    *word = out = arena_alloc(arena, raw.len + 1);
    end = raw.ptr + raw.len;
    for (const char *p = raw.ptr; p < end; p++) {
        char c = *p;

        if (c == '\\') {
            if (!take_number(p, end, &c))
                return false;
            p += 3;
        }
        out[len++] = c;
    }
    return true;
}

const char *question_rbl(const char *zone, const char *what, struct arena *arena)
{
    return arena_printf(arena, "rbl %s %s", question_word(fold_domain_ascii(zone, arena), arena),
                        question_word(fold_domain_ascii(what, arena), arena));
}

const char *question_spf(enum spf_identity identity, const char *sender, const struct addr *client,
                         const char *helo, struct arena *arena)
{
    char addr[ADDR_TEXT_SIZE];

    return arena_printf(arena, "spf %s %s %s %s", identity == SPF_HELO ? "helo" : "mailfrom",
                        question_word(identity == SPF_HELO ? "" : sender, arena),
                        addr_text(client, addr), question_word(helo, arena));
}

bool question_spf_read(const char *question, struct arena *arena, struct spf_question *q)
{
    struct slice rest = slice_of(question);
    const char *kind, *identity, *addr, *more;

    *q = (struct spf_question){0};
    if (!question_take(&rest, arena, &kind) || strcmp(kind, "spf") != 0 ||
        !question_take(&rest, arena, &identity) || !question_take(&rest, arena, &q->sender) ||
        !question_take(&rest, arena, &addr) || !question_take(&rest, arena, &q->helo) ||
        question_take(&rest, arena, &more))
        return false;
    q->identity = strcmp(identity, "helo") == 0 ? SPF_HELO : SPF_MAILFROM;
    return (q->identity == SPF_HELO || strcmp(identity, "mailfrom") == 0) &&
           addr_parse(slice_of(addr), &q->client);
}
