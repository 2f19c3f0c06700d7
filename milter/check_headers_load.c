/* check_headers_load - lists of header_checks(5) read, and what their values cannot do */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access.h"
#include "check_headers.h"

#include <stdio.h>
#include <string.h>

const char *checks_name(enum checks_id id)
{
    static const char *const names[] = {"header_checks", "mime_header_checks",
                                        "nested_header_checks", "body_checks"};

    return names[id];
}

/* The next word; what stands in { } is one word with its blanks. */
static bool next_table(struct slice *rest, struct slice *word)
{
    size_t start = 0, end;
    int depth = 0;

    while (start < rest->len && strchr(", \t\r\n", rest->ptr[start]) != NULL)
        start++;
    for (end = start; end < rest->len; end++) {
        unsigned char c = (unsigned char)rest->ptr[end];

        if (depth == 0 && (is_space(c) || c == ','))
            break;
        depth += c == '{' ? 1 : c == '}' && depth > 0 ? -1 : 0;
    }
    *word = (struct slice){rest->ptr + start, end - start};
    *rest = (struct slice){rest->ptr + end, rest->len - end};
    return word->len > 0;
}

const struct checks *checks_parse(enum checks_id id, const struct param_text *text, const char *dir,
                                  struct tables *tables, struct arena *arena,
                                  struct problems *problems)
{
    struct checks *checks = arena_alloc(arena, sizeof(*checks));
    struct slice rest = slice_of(text->text), word;

    checks->id = id;
    checks->tables = arena_alloc(arena, (rest.len / 2 + 1) * sizeof(*checks->tables));
    while (next_table(&rest, &word)) {
        const char *spec = arena_strndup(arena, word.ptr, word.len);
        const struct table *table = tables_find(tables, spec, dir, text->where, problems);

        if (table != NULL)
            checks->tables[checks->count++] = table;
    }
    return checks;
}

static bool is_one_of(struct slice word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (slice_is_nocase(word, *words))
            return true;
    return false;
}

static const char *const edits[] = {"PREPEND", "REPLACE", "IGNORE", "STRIP", NULL};
static const char *const plain[] = {"REJECT", "WARN", "INFO", "PASS", "DISCARD", "HOLD", "REDIRECT",
                                    "BCC", "DUNNO", "OK", "FILTER", NULL};

/* What the rule does is known only when it fires. */
static bool is_open(const struct rule *rule, struct slice word)
{
    return rule->substitutes && memchr(word.ptr, '$', word.len) != NULL;
}

static void look_for_edit(const struct rule *rule, void *found)
{
    struct slice word;

    access_split(rule->value, &word);
    if (is_one_of(word, edits) || is_open(rule, word))
        *(bool *)found = true;
}

bool checks_may_edit(const struct checks *checks)
{
    bool found = false;

    for (size_t i = 0; checks->id != CHECKS_BODY && i < checks->count; i++)
        table_each(checks->tables[i], look_for_edit, &found);
    return found;
}

/* One walk through a table's values. */
struct walk {
    enum checks_id id;
    struct problems *problems;
    bool edits; /* a rule would change a header */
    bool shown; /* the MTA's own Received is among the headers */
};

static void warn(const struct walk *w, const struct rule *rule, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void warn(const struct walk *w, const struct rule *rule, const char *fmt, ...)
{
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    problems_add(w->problems, SEV_WARNING, rule->where, "%.100s: %s", rule->key, what);
}

static void check_edit(struct walk *w, const struct rule *rule, struct slice word, const char *text)
{
    bool needs_field = slice_is_nocase(word, "PREPEND") || slice_is_nocase(word, "REPLACE");

    w->edits = true;
    if (w->id == CHECKS_BODY)
        warn(w, rule, "%.*s cannot be done in body_checks by a milter: keep this rule in Postfix; "
             "skipped when it fires", (int)word.len, word.ptr);
    else if (needs_field && text[0] != '$' && !is_header_field(text))
        warn(w, rule, "%.*s needs a header field, \"Name: text\"; skipped when it fires",
             (int)word.len, word.ptr);
}

/* "5.7.1234", "6.7.1", "5.7": meant as a code. */
static bool is_like_code(const char *text, size_t len)
{
    return is_digit((unsigned char)text[0]) && len > 2 && text[1] == '.' &&
           strspn(text, "0123456789.") == len;
}

static void check_reject(const struct walk *w, const struct rule *rule, const char *text)
{
    struct arena *arena = arena_new();
    const char *dsn, *behind = dsn_split(text, &dsn, arena);
    size_t len = strcspn(text, " \t");

    if (dsn == NULL && is_like_code(text, len))
        warn(w, rule, "%.*s is no enhanced status code: it is sent as text, behind 550 5.7.1",
             (int)(len < 60 ? len : 60), text);
    else if (dsn != NULL && dsn[0] == '2')
        warn(w, rule, "REJECT with a code of class 2 refuses with 451 4%s %s", dsn + 1, behind);
    else if (dsn != NULL && behind[0] == '\0')
        warn(w, rule, "REJECT with a code and no text: write one, with REJECT %s the client is "
             "told nothing more", dsn);
    arena_free(arena);
}

/* Neither an action, nor known only later: what an access table would understand is named. */
static void check_unknown(const struct walk *w, const struct rule *rule, struct slice word)
{
    struct arena *arena = arena_new();
    struct nearest nearest = {.name = arena_strndup(arena, word.ptr, word.len)};
    const char *const *lists[] = {edits, plain};

    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        for (const char *const *name = lists[l]; *name != NULL; name++)
            nearest_offer(&nearest, *name);
    if (word.len == 3 && is_digit((unsigned char)word.ptr[0]))
        warn(w, rule, "%.*s is an action of access tables only: write REJECT TEXT; skipped when it "
             "fires", (int)word.len, word.ptr);
    else
        warn(w, rule, "\"%.*s\" is no action of header_checks(5); skipped when it fires%s%s",
             (int)(word.len < 60 ? word.len : 60), word.ptr,
             nearest.best != NULL ? "; did you mean " : "",
             nearest.best != NULL ? nearest.best : "");
    arena_free(arena);
}

static void check_value(const struct rule *rule, void *arg)
{
    struct walk *w = arg;
    struct slice word;
    const char *text = access_split(rule->value, &word);
    bool to_address = slice_is_nocase(word, "REDIRECT") || slice_is_nocase(word, "BCC");

    if (word.len == 0 || is_open(rule, word))
        return;
    if (is_one_of(word, edits))
        check_edit(w, rule, word, text);
    else if (!is_one_of(word, plain))
        check_unknown(w, rule, word);
    else if (slice_is_nocase(word, "FILTER"))
        warn(w, rule, "FILTER cannot be done by a milter: keep this rule in Postfix; skipped when "
             "it fires");
    else if (slice_is_nocase(word, "REJECT"))
        check_reject(w, rule, text);
    else if (to_address && strchr(text, '@') == NULL && !rule->substitutes)
        warn(w, rule, "%.*s needs user@domain; skipped when it fires", (int)word.len, word.ptr);
}

void checks_check_values(const struct checks *checks, struct problems *problems)
{
    for (size_t i = 0; i < checks->count; i++) {
        const struct table *table = checks->tables[i];
        struct where at = {table_file(table), 0};
        struct walk w = {.id = checks->id, .problems = problems};

        table_each(table, check_value, &w);
        if (w.edits && (checks->id == CHECKS_MIME || checks->id == CHECKS_NESTED))
            problems_add(problems, SEV_NOTE, at,
                         "a milter does not change headers inside a body: in parts and attached "
                         "messages IGNORE, STRIP and REPLACE do nothing, and PREPEND adds its "
                         "field to the message's own (part_prepend)");
    }
}

static bool replaces_received(struct slice word, const char *text)
{
    static const char name[] = "Received";
    struct slice field = {text, strcspn(text, ": ")};

    return slice_is_nocase(word, "REPLACE") && slice_is_nocase(field, name);
}

/* A pattern that names the field is taken for one that matches it. */
static void check_received(const struct rule *rule, void *arg)
{
    const struct walk *w = arg;
    struct slice word;
    const char *text = access_split(rule->value, &word);

    if (strcasestr(rule->key, "received") == NULL || slice_is_nocase(word, "PREPEND") ||
        !is_one_of(word, edits))
        return;
    if (!w->shown)
        problems_add(w->problems, SEV_NOTE, rule->where,
                     "a milter is not shown the Received field that Postfix itself writes: this "
                     "rule meets only those below it (see outgoing_hide_client)");
    else if (!replaces_received(word, text))
        problems_add(w->problems, SEV_WARNING, rule->where,
                     "%.*s does nothing to the Received field that Postfix itself writes: one "
                     "always stays; write REPLACE Received: TEXT, or with Postfix 3.10 and later "
                     "set smtpd_hide_client_session = yes", (int)word.len, word.ptr);
}

void checks_check_received(const struct checks *checks, bool shown, struct problems *problems)
{
    struct walk w = {.id = checks->id, .problems = problems, .shown = shown};

    for (size_t i = 0; i < checks->count; i++)
        table_each(checks->tables[i], check_received, &w);
}
