/* 3-headers - what edits of a header come to: single changes in their order, and a diff */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "header_diff.h"
#include "header_edits.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const struct rule_ref rule = {{"rules", 1}, "x"};

/* A message with these headers, "Name:value" each. */
static struct message *message_of(const char *const *headers)
{
    struct message *m = message_new(0);

    for (; *headers != NULL; headers++) {
        size_t len = strcspn(*headers, ":");
        char *name = xstrndup(*headers, len);

        message_add_header(m, name, *headers + len + 1);
        free(name);
    }
    return m;
}

static const struct header *nth(const struct message *m, int index)
{
    const struct header *h = m->headers;

    while (index-- > 0)
        h = h->next;
    return h;
}

static void edit(struct message *m, enum act act, int index, const char *text)
{
    message_edit_header(m, act, nth(m, index), EDIT_HEADER, text, &rule);
}

/* "insert 3 Name:value|delete 1 Name|…" */
static const char *plan_text(struct message *m, struct buf *b)
{
    static const char *const ops[] = {[HEADER_INSERT] = "insert", [HEADER_APPEND] = "append",
                                      [HEADER_CHANGE] = "change", [HEADER_DELETE] = "delete"};
    struct header_changes c = header_changes_plan(m, m->edits);

    buf_clear(b);
    for (size_t i = 0; i < c.count; i++)
        buf_addf(b, "%s%s %d %s%s%s", i ? "|" : "", ops[c.list[i].op], c.list[i].index,
                 c.list[i].name, c.list[i].value != NULL ? ":" : "",
                 c.list[i].value != NULL ? c.list[i].value : "");
    return buf_text(b);
}

static void test_plan(void)
{
    static const char *const headers[] = {"A: 1", "X: 1", "a: 2", "B: 1", "A:3", "Aa: 1", NULL};
    struct message *m = message_of(headers);
    struct buf b = {0};

    tap_is(plan_text(m, &b), "", "no edits");
    edit(m, ACT_PREPEND, 0, "P:0");
    edit(m, ACT_REPLACE, 1, "Y: new");
    edit(m, ACT_IGNORE, 2, NULL);
    edit(m, ACT_REPLACE, 3, "b: new");
    edit(m, ACT_STRIP, 4, "why");
    edit(m, ACT_REPLACE, 5, "AA:");
    tap_is(plan_text(m, &b),
           "delete 1 Aa|insert 6 AA:|delete 3 A|change 1 b: new|delete 2 a|delete 1 X|insert 2 Y: new"
           "|insert 1 P:0", "from the last to the first, numbers by name whatever the case");
    message_add_edit(m, ACT_PREPEND, "T: 1", &rule);
    message_add_edit(m, ACT_HOLD, "look", &rule);
    message_edit_header(m, ACT_PREPEND, NULL, EDIT_BOTTOM, "E: 1", &rule);
    message_add_edit(m, ACT_PREPEND, "T: 2", &rule);
    message_edit_header(m, ACT_PREPEND, NULL, EDIT_BOTTOM, "E: 2", &rule);
    tap_is(strstr(plan_text(m, &b), "P:0") + 3, "|append 0 E: 1|append 0 E: 2|insert 0 T: 2|insert 0 T: 1",
           "then those at the end, then those on top");
    buf_free(&b);
    message_free(m);
}

static void test_many(void)
{
    struct message *m = message_new(0);
    struct header_changes c;
    bool good = true;

    for (int i = 0; i < 100000; i++)
        message_edit_header(m, ACT_IGNORE, message_add_header(m, i % 2 ? "X-A" : "x-a", " v"),
                            EDIT_HEADER, NULL, &rule);
    c = header_changes_plan(m, m->edits);
    for (size_t i = 0; i < c.count; i++)
        good = good && c.list[i].index == 100000 - (int)i;
    tap_ok(good && c.count == 100000, "a hundred thousand deletions of one name");
    message_free(m);
}

static void test_fields(void)
{
    static const struct {
        const char *text, *name, *value;
    } rows[] = {
        {"A: b", "A", " b"},
        {"A:b", "A", "b"},
        {"A:", "A", ""},
        {"A : b", "A ", " b"},
        {"A: b\n c", "A", " b\n c"},
        {"A: b\nB: c", "A", " b\n\tB: c"},
        {"A: b\r\nB: c\r", "A", " b\n\tB: c"},
        {"A: b\n\n\nc", "A", " b\n\t\n\t\n\tc"},
        {"A: b\n", "A", " b\n\t"},
        {"A: b\n\r\n", "A", " b\n\t\n\t"},
        {"no field", NULL, NULL},
        {": b", NULL, NULL},
        {"A\xe9: b", NULL, NULL},
        {"A b: c", NULL, NULL},
        {"", NULL, NULL},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *name = NULL, *value = NULL;

        header_field_read(rows[i].text, arena, &name, &value);
        tap_is(name, rows[i].name, "field %zu: name", i);
        tap_is(value, rows[i].value, "field %zu: value", i);
    }
    arena_free(arena);
}

static void test_long_field(void)
{
    struct arena *arena = arena_new();
    char *text = xmalloc(100001);
    const char *name, *value;

    memset(text, 'x', 100000);
    memcpy(text, "A:", 2);
    text[100000] = '\0';
    tap_ok(header_field_read(text, arena, &name, &value), "a long field");
    tap_is_int((long long)strlen(value), 59998, "is cut at 60,000 bytes");
    free(text);
    arena_free(arena);
}

static void test_diff(void)
{
    static const char *const headers[] = {"A: 1", "B: 1\n\tfold", "C: 1", "D: 1", "E: 1", "F: 1",
                                          "G: 1", "H: 1",         "I: 1", "J: 1", NULL};
    struct message *m = message_of(headers), *empty = message_new(0);
    struct buf b = {0};

    header_diff(m, m->edits, "x", &b);
    tap_is(buf_text(&b), "", "no edits, no diff");
    edit(m, ACT_REPLACE, 1, "B: 2");
    edit(m, ACT_IGNORE, 9, NULL);
    message_edit_header(m, ACT_PREPEND, NULL, EDIT_BOTTOM, "Z: 1\nQ", &rule);
    header_diff(m, m->edits, "x", &b);
    tap_is(buf_text(&b),
           "--- x\n+++ x\n@@ -1,6 +1,5 @@\n A: 1\n-B: 1\n-\tfold\n+B: 2\n C: 1\n D: 1\n E: 1\n"
           "@@ -8,4 +7,5 @@\n G: 1\n H: 1\n I: 1\n-J: 1\n+Z: 1\n+\tQ\n", "two hunks");
    message_add_edit(empty, ACT_PREPEND, "T: 1", &rule);
    buf_clear(&b);
    header_diff(empty, empty->edits, "y", &b);
    tap_is(buf_text(&b), "--- y\n+++ y\n@@ -0,0 +1,1 @@\n+T: 1\n", "a mail without headers");
    buf_free(&b);
    message_free(m);
    message_free(empty);
}

int main(void)
{
    tap_start(60);
    test_plan();
    test_many();
    test_fields();
    test_long_field();
    test_diff();
    return tap_done();
}
