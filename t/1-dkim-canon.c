/* 1-dkim-canon - simple and relaxed, of fields and of bodies however they are cut */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_base64.h"
#include "dkim_canon.h"
#include "dkim_hash.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void on_text(void *sink, const void *data, size_t len)
{
    buf_add(sink, data, len);
}

static void field(enum dkim_canon how, const char *name, const char *value, const char *want)
{
    struct buf out = {0};

    dkim_canon_field(&out, how, name, value);
    tap_is(buf_text(&out), want, "%s %s", dkim_canon_name(how), want);
    buf_free(&out);
}

static void fields(void)
{
    static const char *const rows[][4] = {
        /* name, value as libmilter gives it, simple, relaxed */
        {"A", " X", "A: X", "a:X"}, /* RFC 6376, section 3.4.5 */
        {"B ", " Y\t\n\tZ  ", "B : Y\t\r\n\tZ  ", "b:Y Z"},
        {"SubjeCT", "", "SubjeCT:", "subject:"},
        {"Subject", " \t ", "Subject: \t ", "subject:"},
        {"Subject", "\n a", "Subject:\r\n a", "subject:a"},
        {"Subject", " a\r\n b", "Subject: a\r\n b", "subject:a b"},
        {"Subject", " a\n \n\tb\n ", "Subject: a\r\n \r\n\tb\r\n ", "subject:a b"},
        {"Subject", "a  b\t\tc \td", "Subject:a  b\t\tc \td", "subject:a b c d"},
        {"Subject", " caf\303\251 \377", "Subject: caf\303\251 \377", "subject:caf\303\251 \377"},
        {"Subject", " a\rb \r c\r", "Subject: a\rb \r c\r", "subject:a\rb \r c\r"},
        {"Subject", " a\v\fb", "Subject: a\v\fb", "subject:a\v\fb"},
        {"X\304", " 1", "X\304: 1", "x\304:1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        field(DKIM_SIMPLE, rows[i][0], rows[i][1], rows[i][2]);
        field(DKIM_RELAXED, rows[i][0], rows[i][1], rows[i][3]);
    }
}

/* In two pieces, cut at `cut`, the second one cut again at `again`. */
static bool same_cut(enum dkim_canon how, const char *in, size_t len, const char *want,
                     size_t want_len, size_t cut, size_t again)
{
    static struct dkim_body body;
    struct buf out = {0};
    bool same;

    dkim_body_start(&body, how, on_text, &out);
    dkim_body_add(&body, in, cut);
    dkim_body_add(&body, in + cut, again - cut);
    dkim_body_add(&body, in + again, len - again);
    dkim_body_end(&body);
    same = out.len == want_len && (want_len == 0 || memcmp(out.ptr, want, want_len) == 0);
    if (!same)
        tap_diag("cut at %zu and %zu: \"%s\"", cut, again, buf_text(&out));
    buf_free(&out);
    return same;
}

static void body(enum dkim_canon how, const char *in, size_t len, const char *want, size_t want_len,
                 const char *name)
{
    bool same = true;

    for (size_t cut = 0; cut <= len; cut++)
        for (size_t again = cut; same && again <= len; again++)
            same = same_cut(how, in, len, want, want_len, cut, again);
    tap_ok(same, "%s: %s, cut anywhere", dkim_canon_name(how), name);
}

static void bodies(void)
{
    static const struct {
        const char *name, *in, *simple, *relaxed;
    } rows[] = {
        {"RFC 6376, 3.4.5", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
        {"an empty body", "", "\r\n", ""},
        {"one empty line", "\r\n", "\r\n", ""},
        {"empty lines", "\r\n\r\n\r\n", "\r\n", ""},
        {"blanks alone", " \t\r\n", " \t\r\n", ""},
        {"blanks alone, no line end", " \t", " \t\r\n", ""},
        {"no line end", "a\r\nb", "a\r\nb\r\n", "a\r\nb\r\n"},
        {"empty ones within", "a\r\n\r\n\r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n"},
        {"empty lines first", "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
        {"blank lines last", "a\r\n \r\n\t\r\n", "a\r\n \r\n\t\r\n", "a\r\n"},
        {"blanks between words", "a  b\t\tc \t d e\r\n", "a  b\t\tc \t d e\r\n", "a b c d e\r\n"},
        {"blanks at ends of lines", "\ta \r\n b\t\r\n", "\ta \r\n b\t\r\n", " a\r\n b\r\n"},
        {"trailing blank, no line end", "a b ", "a b \r\n", "a b\r\n"},
        {"LF alone", "a \nb\n\n", "a \r\nb\r\n", "a\r\nb\r\n"},
        {"CR within", "a\rb \rc\r\n", "a\rb \rc\r\n", "a\rb \rc\r\n"},
        {"CR before CRLF", "a\r\r\n\r\r\n\r\n", "a\r\r\n\r\r\n", "a\r\r\n\r\r\n"},
        {"CR last", "a\r", "a\r\r\n", "a\r\r\n"},
        {"CR alone", "\r", "\r\r\n", "\r\r\n"},
        {"8 bits", "a\351\303\251\377 \r\n", "a\351\303\251\377 \r\n", "a\351\303\251\377\r\n"},
        {"a dot", ".\r\n..\r\n", ".\r\n..\r\n", ".\r\n..\r\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = strlen(rows[i].in);

        body(DKIM_SIMPLE, rows[i].in, len, rows[i].simple, strlen(rows[i].simple), rows[i].name);
        body(DKIM_RELAXED, rows[i].in, len, rows[i].relaxed, strlen(rows[i].relaxed), rows[i].name);
    }
    body(DKIM_SIMPLE, "a\0 \0\r\n", 6, "a\0 \0\r\n", 6, "NUL");
    body(DKIM_RELAXED, "a\0 \0 \r\n", 7, "a\0 \0\r\n", 6, "NUL");
}

/* Longer than what is staged. */
static void long_lines(void)
{
    size_t len = 100000;
    char *in = xmalloc(len + 1);
    bool same = true;

    memset(in, 'x', len);
    memcpy(in + len - 2, "\r\n", 2);
    for (size_t cut = 0; cut < len; cut += 4093)
        same = same && same_cut(DKIM_SIMPLE, in, len, in, len, cut, len) &&
               same_cut(DKIM_RELAXED, in, len, in, len, cut, len);
    tap_ok(same, "a line of 100,000 bytes");
    memset(in, '\n', len);
    in[len - 1] = 'x';
    same = same_cut(DKIM_SIMPLE, in, len - 1, "\r\n", 2, 5, 5000);
    tap_ok(same, "100,000 empty lines come to one");
    memset(in, ' ', len - 2);
    memcpy(in + len - 2, "x\n", 2);
    tap_ok(same_cut(DKIM_RELAXED, in, len, " x\r\n", 4, 5, 5000), "100,000 blanks, too");
    free(in);
}

static void hash(const char *in, const char *simple, const char *relaxed, const char *name)
{
    struct dkim_hash *both = dkim_hash_new(DKIM_HASH(DKIM_SIMPLE) | DKIM_HASH(DKIM_RELAXED), NULL);
    char text[64];

    for (const char *at = in; *at != '\0'; at++)
        dkim_hash_add(both, at, 1);
    tap_ok(dkim_hash_digest(both, DKIM_SIMPLE) == NULL, "%s: no digest before the end", name);
    tap_ok(dkim_hash_end(both, NULL), "%s: hashed", name);
    base64_encode(text, dkim_hash_digest(both, DKIM_SIMPLE), DKIM_DIGEST_SIZE);
    tap_is(text, simple, "%s: simple", name);
    base64_encode(text, dkim_hash_digest(both, DKIM_RELAXED), DKIM_DIGEST_SIZE);
    tap_is(text, relaxed, "%s: relaxed", name);
    dkim_hash_free(both);
}

static void hashes(void)
{
    struct dkim_hash *one = dkim_hash_new(DKIM_HASH(DKIM_SIMPLE), NULL);

    /* RFC 6376, sections 3.4.3 and 3.4.4; RFC 8463, appendix A.3 */
    hash("", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=",
         "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "no body");
    hash("Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n",
         "4bLNXImK9drULnmePzZNEBleUanJCX5PIsDIFoH4KTQ=",
         "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=", "RFC 8463");
    dkim_hash_add(one, "a", 1);
    tap_ok(dkim_hash_end(one, NULL), "one canonicalization");
    tap_ok(dkim_hash_digest(one, DKIM_RELAXED) == NULL, "the other was not asked for");
    dkim_hash_free(one);
    dkim_hash_free(NULL);
}

static void names(void)
{
    static const struct {
        const char *text;
        bool good;
        enum dkim_canon header, body;
    } rows[] = {
        {"relaxed/relaxed", true, DKIM_RELAXED, DKIM_RELAXED},
        {"relaxed/simple", true, DKIM_RELAXED, DKIM_SIMPLE},
        {"Simple/RELAXED", true, DKIM_SIMPLE, DKIM_RELAXED},
        {"relaxed", true, DKIM_RELAXED, DKIM_SIMPLE},
        {"simple", true, DKIM_SIMPLE, DKIM_SIMPLE},
        {"", false, 0, 0},
        {"/", false, 0, 0},
        {"relaxed/", false, 0, 0},
        {"relaxed/relaxed/relaxed", false, 0, 0},
        {"nofws", false, 0, 0},
    };
    enum dkim_canon header, of_body;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool good = dkim_canon_parse(slice_of(rows[i].text), &header, &of_body);

        tap_ok(good == rows[i].good &&
                   (!good || (header == rows[i].header && of_body == rows[i].body)),
               "\"%s\"", rows[i].text);
    }
}

int main(void)
{
    tap_start(60);
    fields();
    bodies();
    long_lines();
    hashes();
    names();
    return tap_done();
}
