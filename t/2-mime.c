/* 2-mime - headers of mails and their parts, lines of text, whatever the size of the pieces */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "mime.h"
#include "tap.h"

#include <string.h>

/* "P" primary, "M" part, "N" nested; "h", "m", "n" the class; then [text]. "--" ends the primary
 * headers. A line of text is "OFFSET=line", with "+" for a piece; all separated by blanks. */
static void on_header(void *arg, const struct mime_header *header)
{
    buf_addf(arg, "%c%c[%s] ", "PMN"[header->place], "hmn"[header->class], header->text.ptr);
    if (strlen(header->text.ptr) != header->text.len)
        buf_adds(arg, "(length!) ");
    if (memcmp(header->name.ptr, header->text.ptr, header->name.len) != 0 ||
        header->text.ptr[header->name.len] != ':')
        buf_adds(arg, "(name!) ");
}

static void on_end(void *arg)
{
    buf_adds(arg, "-- ");
}

static void on_text(void *arg, struct slice line, bool more, size_t offset)
{
    buf_addf(arg, "%zu=", offset);
    for (size_t i = 0; i < line.len; i++)
        buf_addc(arg, line.ptr[i] ? line.ptr[i] : '0');
    buf_adds(arg, more ? "+ " : " ");
}

/* Fed in pieces of `step` bytes, the first one being `first`. */
static void parse(const char *mail, size_t len, const struct mime_options *options, size_t first,
                  size_t step, struct buf *got)
{
    struct mime_events events = {on_header, on_end, on_text, got};
    struct mime *m = mime_new(options, &events);

    buf_clear(got);
    for (size_t i = 0, n = first; i < len; i += n, n = step) {
        if (n > len - i)
            n = len - i;
        mime_feed(m, mail + i, n);
    }
    mime_end(m);
    mime_free(m);
}

#define MULTI "Content-Type: multipart/mixed; boundary="

static const struct {
    const char *name;
    const char *mail;
    const char *want;
} rows[] = {
    {"nothing", "", "-- "},
    {"headers only", "A: b\nC: d\n", "Ph[A: b] Ph[C: d] -- "},
    {"headers without a last line end", "A: b\nC: d", "Ph[A: b] Ph[C: d] -- "},
    {"no header", "\nbody\n", "-- 0= 1=body "},
    {"a fold", "A: b\n\tc\n d\nE:f\n\nx", "Ph[A: b\n\tc\n d] Ph[E:f] -- 0= 1=x "},
    {"CR LF", "A: b\r\n c\r\n\r\nx\r\ny\r\r\n", "Ph[A: b\n c] -- 0= 1=x 3=y\r "},
    {"blanks in front of the colon go", "A \t: b\n\n", "Ph[A: b] -- 0= "},
    {"blanks stay", "A:  b \t\n\n", "Ph[A:  b \t] -- 0= "},
    {"an empty name is no header", ": b\nA: b\n", "-- 0= 0=: b 4=A: b "},
    {"a name is printable ASCII", "\xc3\xa9: b\n", "-- 0= 0=\xc3\xa9: b "},
    {"DEL is no part of a name", "A\x7f: b\nC: d\n", "-- 0= 0=A\x7f: b 6=C: d "},
    {"a mailbox line", "From a@b Mon Jan\nA: b\n", "-- 0= 0=From a@b Mon Jan 17=A: b "},
    {"a fold of nothing", " b\nA: b\n", "-- 0= 0= b 3=A: b "},
    {"text right behind headers", "A: b\ntext\nC: d\n", "Ph[A: b] -- 0= 0=text 5=C: d "},
    {"MIME fields are of their own class",
     "mime-version: 1\nCONTENT-TYPE: a\nContent-Transfer-Encoding: a\nContent-Disposition: a\n"
     "Content-Description: a\nContent-ID: a\nContent-Location: a\n",
     "Pm[mime-version: 1] Pm[CONTENT-TYPE: a] Pm[Content-Transfer-Encoding: a] "
     "Pm[Content-Disposition: a] Pm[Content-Description: a] Pm[Content-ID: a] "
     "Ph[Content-Location: a] -- "},
    {"parts", MULTI "x\n\nprolog\n--x\nA: b\nContent-ID: 1\n\ntext\n--x\n\nno header\n--x--\nepilog\n",
     "Pm[" MULTI "x] -- 0= 1=prolog 8=--x Mm[A: b] Mm[Content-ID: 1] 0= 1=text 6=--x 0= "
     "1=no header 0=--x-- 6=epilog "},
    {"a part without headers", MULTI "x\n\n--x\ntext\nA: b\n--x--\n",
     "Pm[" MULTI "x] -- 0= 1=--x 0=text 5=A: b 0=--x-- "},
    {"what follows a boundary is ignored", MULTI "x\n\n--xyz\nA: b\n\n--x--z\n",
     "Pm[" MULTI "x] -- 0= 1=--xyz Mm[A: b] 0= 0=--x--z "},
    {"a boundary ends headers", MULTI "x\n\n--x\nA: b\n--x\nC: d\n\n",
     "Pm[" MULTI "x] -- 0= 1=--x Mm[A: b] 0=--x Mm[C: d] 0= "},
    {"quoted boundary", MULTI "\"a \\\"b\"; x=y\n\n--a \"b\nA: b\n\n",
     "Pm[" MULTI "\"a \\\"b\"; x=y] -- 0= 1=--a \"b Mm[A: b] 0= "},
    {"folded quoted boundary", MULTI "\"a \n b\"\n\n--a b\nA: b\n\n",
     "Pm[" MULTI "\"a \n b\"] -- 0= 1=--a b Mm[A: b] 0= "},
    {"folded, with comments", "Content-Type: (a (b) \\) c) multipart (/) /\n mixed (;)\n\t; BOUNDARY = (x) y z\n\n--y\nA: b\n\n",
     "Pm[Content-Type: (a (b) \\) c) multipart (/) /\n mixed (;)\n\t; BOUNDARY = (x) y z] -- 0= 1=--y Mm[A: b] 0= "},
    {"unclosed comment", "Content-Type: (multipart/mixed; boundary=x\n\n--x\nA: b\n\n",
     "Pm[Content-Type: (multipart/mixed; boundary=x] -- 0= 1=--x 5=A: b 10= "},
    {"an empty boundary is any line that starts with --", MULTI "\"\"\n\n--\n--any\nA: b\n\n",
     "Pm[" MULTI "\"\"] -- 0= 1=-- 4=--any Mm[A: b] 0= "},
    {"two boundaries", MULTI "x; boundary=y\n\n--x\nA: b\n\n--y\nC: d\n\n",
     "Pm[" MULTI "x; boundary=y] -- 0= 1=--x Mm[A: b] 0= 1=--y 5=C: d 10= "},
    {"two boundaries, the inner first", MULTI "x; boundary=y\n\n--y\nA: b\n\n--x\nC: d\n\n",
     "Pm[" MULTI "x; boundary=y] -- 0= 1=--y Mm[A: b] 0= 1=--x Mm[C: d] 0= "},
    {"two fields", MULTI "x\n" MULTI "y\n\n--y\nA: b\n\n",
     "Pm[" MULTI "x] Pm[" MULTI "y] -- 0= 1=--y Mm[A: b] 0= "},
    {"no boundary in text", "Content-Type: text/plain; boundary=x\n\n--x\nA: b\n",
     "Pm[Content-Type: text/plain; boundary=x] -- 0= 1=--x 5=A: b "},
    {"a message in a part",
     MULTI "x\n\n--x\nContent-Type: message/rfc822\n\nA: b\nContent-ID: 1\n\ntext\n--x--\n",
     "Pm[" MULTI "x] -- 0= 1=--x Mm[Content-Type: message/rfc822] 0= Nn[A: b] Nm[Content-ID: 1] 0= "
     "1=text 0=--x-- "},
    {"a message as the message", "Content-Type: MESSAGE/Global\n\nA: b\n\nt\n",
     "Pm[Content-Type: MESSAGE/Global] -- 0= Nn[A: b] 0= 1=t "},
    {"a message in a message",
     "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nA: b\n\nt\n",
     "Pm[Content-Type: message/rfc822] -- 0= Nm[Content-Type: message/rfc822] 0= Nn[A: b] 0= 1=t "},
    {"message/partial has no headers", "Content-Type: message/partial\n\nA: b\n",
     "Pm[Content-Type: message/partial] -- 0= 1=A: b "},
    {"a message whose header has no end", "Content-Type: message/rfc822\ntext\n\nA: b\n",
     "Pm[Content-Type: message/rfc822] -- 0= 0=text 5= 6=A: b "},
    {"a message without headers", "Content-Type: message/rfc822\n\ntext\nA: b\n",
     "Pm[Content-Type: message/rfc822] -- 0= 0=text 5=A: b "},
    {"parts of a digest are messages",
     "Content-Type: multipart/digest; boundary=x\n\n--x\n\nA: b\n\n--x\nContent-Type: text/plain\n\nC: d\n",
     "Pm[Content-Type: multipart/digest; boundary=x] -- 0= 1=--x 0= Nn[A: b] 0= 1=--x "
     "Mm[Content-Type: text/plain] 0= 1=C: d "},
    {"an unknown type leaves what was",
     "Content-Type: multipart/digest; boundary=x\n\n--x\nContent-Type: image/png\n\nA: b\n\n",
     "Pm[Content-Type: multipart/digest; boundary=x] -- 0= 1=--x Mm[Content-Type: image/png] 0= "
     "Nn[A: b] 0= "},
    {"no type at all is a leaf",
     "Content-Type: multipart/digest; boundary=x\n\n--x\nContent-Type: ;\n\nA: b\n\n",
     "Pm[Content-Type: multipart/digest; boundary=x] -- 0= 1=--x Mm[Content-Type: ;] 0= 1=A: b 6= "},
    {"an outer boundary ends what is inside",
     MULTI "o\n\n--o\n" MULTI "i\n\n--i\nA: b\n\n--o\nC: d\n\n--i\nE: f\n",
     "Pm[" MULTI "o] -- 0= 1=--o Mm[" MULTI "i] 0= 1=--i Mm[A: b] 0= 1=--o Mm[C: d] 0= 1=--i 5=E: f "},
    {"after the last boundary no more is looked for", MULTI "x\n\n--x--\n--x\nA: b\n",
     "Pm[" MULTI "x] -- 0= 0=--x-- 6=--x 10=A: b "},
};

static void test_rows(void)
{
    static const size_t steps[] = {1, 2, 3, 5, 64};
    struct mime_options options = {0};
    struct buf got = {0};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = strlen(rows[i].mail), bad = 0;

        parse(rows[i].mail, len, &options, len, len, &got);
        tap_is(buf_text(&got), rows[i].want, "%s", rows[i].name);
        for (size_t cut = 1; cut < len; cut++) {
            parse(rows[i].mail, len, &options, cut, len, &got);
            bad += strcmp(buf_text(&got), rows[i].want) != 0;
        }
        for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
            parse(rows[i].mail, len, &options, steps[s], steps[s], &got);
            bad += strcmp(buf_text(&got), rows[i].want) != 0;
        }
        tap_is_int((long long)bad, 0, "%s, cut anywhere", rows[i].name);
    }
    buf_free(&got);
}

static void one(const char *name, const char *mail, size_t len, struct mime_options options,
                const char *want)
{
    struct buf got = {0};
    size_t bad = 0;

    parse(mail, len, &options, len, len, &got);
    tap_is(buf_text(&got), want, "%s", name);
    for (size_t step = 1; step < 40; step++) {
        parse(mail, len, &options, step, step, &got);
        bad += strcmp(buf_text(&got), want) != 0;
    }
    tap_is_int((long long)bad, 0, "%s, in pieces", name);
    buf_free(&got);
}

static void test_options(void)
{
    const char *parts = MULTI "xyz\n\n--xy\nA: b\n\n";
    const char *longer = "A: 234567\n 234567\n\n12345678\n1234567890\r\n--x\n";

    one("no MIME", parts, strlen(parts), (struct mime_options){.primary_only = true},
        "Pm[" MULTI "xyz] -- 0= 1=--xy 6=A: b 11= ");
    one("boundaries are cut at their limit", parts, strlen(parts),
        (struct mime_options){.boundary_limit = 2},
        "Pm[" MULTI "xyz] -- 0= 1=--xy Mm[A: b] 0= ");
    one("a kept CR is no line end", "A: b\r\n\r\nx\r\n", 11, (struct mime_options){.keep_cr = true},
        "Ph[A: b\r] -- 0= 0=\r 2=x\r ");
    one("NUL", "A: b\0c\n d\0\nE\0: f\n\n", 18, (struct mime_options){0},
        "Ph[A: b\n d] -- 0= 0=E0: f 6= ");
    one("headers end at their limit", "A: 34\n 7\n 9\n\n", 13,
        (struct mime_options){.header_limit = 6}, "Ph[A: 34\n 7] -- 0= ");
    one("a limit in the midst of a name", "Content-Type: text/plain\n\n", 26,
        (struct mime_options){.header_limit = 5}, "Pm[Content-Type:] -- 0= ");
    one("pieces of lines", longer, strlen(longer), (struct mime_options){.line_limit = 8},
        "Ph[A: 234567\n 234567] -- 0= 1=12345678 10=12345678+ 19=90 22=--x ");
    one("pieces, CR kept", "12345678\r\n", 10,
        (struct mime_options){.line_limit = 8, .keep_cr = true}, "-- 0= 0=12345678+ 9=\r ");
    one("a header in pieces ends at its limit", "A: 45678901234567890\nB: c\n\n", 27,
        (struct mime_options){.line_limit = 8, .header_limit = 16}, "Ph[A: 4567890123456] Ph[B: c] -- 0= ");
    one("a boundary is no boundary in the midst of a line", 
        MULTI "x\n\n12345678901234567890123456789012345678901234567890--x\nA: b\n", 102,
        (struct mime_options){.line_limit = 50},
        "Pm[" MULTI "x] -- 0= 1=12345678901234567890123456789012345678901234567890+ 52=--x 56=A: b ");
}

/* As a milter gets it. */
static void test_milter(void)
{
    struct buf got = {0};
    struct mime_events events = {on_header, on_end, on_text, &got};
    struct mime_options options = {.line_limit = 2048};
    struct mime *m = mime_new(&options, &events);

    mime_primary_header(m, "Subject", " a\n\tb");
    mime_primary_header(m, "content-type", " multipart/mixed;\n boundary=x");
    mime_primary_end(m);
    mime_feed(m, "--x\r\nA: b\r\n\r\nte", 15);
    mime_feed(m, "xt\r\n", 4);
    mime_end(m);
    mime_free(m);
    tap_is(buf_text(&got), "Ph[Subject: a\n\tb] Pm[content-type: multipart/mixed;\n boundary=x] -- 0= "
                           "1=--x Mm[A: b] 0= 1=text ", "headers one by one, then the body");
    buf_free(&got);
}

struct count {
    size_t headers, lines;
    enum mime_place deepest;
};

static void count_header(void *arg, const struct mime_header *header)
{
    struct count *count = arg;

    count->headers++;
    if (header->place > count->deepest)
        count->deepest = header->place;
}

static void count_line(void *arg, struct slice line, bool more, size_t offset)
{
    (void)line, (void)more, (void)offset;
    ((struct count *)arg)->lines++;
}

/* Every part opens another: of 10,000 boundaries 102 are looked for. */
static void test_depth(void)
{
    struct count count = {0};
    struct mime_events events = {.header = count_header, .text = count_line, .arg = &count};
    struct mime_options options = {0};
    struct mime *m = mime_new(&options, &events);
    struct buf mail = {0};

    buf_adds(&mail, MULTI "b00000\n\n");
    for (int i = 0; i < 10000; i++)
        buf_addf(&mail, "--b%05d\n" MULTI "b%05d\n\n", i, i + 1);
    mime_feed(m, mail.ptr, mail.len);
    mime_end(m);
    mime_free(m);
    tap_is_int((long long)count.headers, 103, "deeper parts are text");
    tap_is_int((long long)count.lines, 1 + 10000 * 3 - 102, "all lines were told");
    buf_free(&mail);
}

int main(void)
{
    tap_start(60);
    test_rows();
    test_options();
    test_milter();
    test_depth();
    return tap_done();
}
