/* explain_steps - what was asked and done about a mail, for a person: steps, questions, edits */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain_section.h"

#include <string.h>

enum { QUESTIONS = 6 };

static void add_duration(struct buf *b, int64_t us)
{
    if (us >= 1000000)
        buf_addf(b, "%.1f s", (double)us / 1e6);
    else if (us >= 1000)
        buf_addf(b, "%.1f ms", (double)us / 1e3);
    else
        buf_addf(b, "%lld us", (long long)us);
}

/* Of "table TYPE:/PATH/FILE KEY" behind a restriction that names TYPE:FILE only the key. */
static const char *what_was_asked(const char *restriction, const char *question)
{
    const char *file = restriction != NULL ? strchr(restriction, ':') : NULL, *found;
    size_t len = file != NULL ? strlen(file + 1) : 0;

    if (len == 0 || question == NULL || strncmp(question, "table ", 6) != 0)
        return question;
    found = strstr(question, file + 1);
    return found != NULL && found[len] == ' ' ? found + len + 1 : question;
}

static void add_step(struct section *s, const struct explanation *e, size_t row, size_t deciding)
{
    const struct report_table *t = e->steps;
    const char *restriction = report_get(t, row, "restriction");
    const char *asked = what_was_asked(restriction, report_get(t, row, "question"));

    section_begin(s);
    buf_addf(&s->text, "%c%*zu ", row == deciding ? '>' : ' ', t->rows < 100 ? 2 : 4, row + 1);
    buf_adds(&s->text, explain_or(restriction, "-"));
    if (asked != NULL) {
        buf_adds(&s->text, ": ");
        buf_adds(&s->text, asked);
        buf_adds(&s->text, " -> ");
        buf_adds(&s->text, explain_or(report_get(t, row, "answer"), "-"));
    }
    buf_addf(&s->text, ": %s (", explain_or(report_get(t, row, "result"), "-"));
    if (report_get(t, row, "file") != NULL) {
        buf_adds(&s->text, report_get(t, row, "file"));
        buf_addf(&s->text, ":%s, ", explain_or(report_get(t, row, "line"), "0"));
    }
    add_duration(&s->text, report_number(t, row, "us"));
    buf_addc(&s->text, ')');
    section_end(s);
}

/* The last ones count: the one that decided is among them. */
void explain_add_steps(struct section *s, const struct explanation *e, bool all, size_t room)
{
    size_t deciding = explain_deciding_step(e), count = 0, seen = 0;

    for (size_t i = 0; i < e->steps->rows; i++) {
        int64_t recipient = report_number(e->steps, i, "recipient");

        count += all || recipient == 0 || recipient == e->focus;
    }
    for (size_t i = 0; i < e->steps->rows; i++) {
        int64_t recipient = report_number(e->steps, i, "recipient");

        if (!all && recipient != 0 && recipient != e->focus)
            continue;
        seen++;
        if (all || count <= room || seen + room > count + 1)
            add_step(s, e, i, deciding);
        else if (seen == 1) {
            section_begin(s);
            buf_addf(&s->text, "    %zu steps before these: --all", count + 1 - room);
            section_end(s);
        }
    }
    if (e->steps->rows == 0)
        section_add(s, "none: no list had a rule, or the details were dropped");
}

static void add_question(struct section *s, const struct explanation *e, size_t row)
{
    const struct report_table *t = e->questions;

    section_begin(s);
    buf_adds(&s->text, explain_or(report_get(t, row, "question"), "-"));
    buf_adds(&s->text, " -> ");
    buf_adds(&s->text, explain_or(report_get(t, row, "answer"), "-"));
    buf_addf(&s->text, " (%s, ", explain_or(report_get(t, row, "state"), "-"));
    add_duration(&s->text, report_number(t, row, "us"));
    buf_addc(&s->text, ')');
    section_end(s);
}

/* A step tells as much. */
static bool is_told(const struct explanation *e, size_t row)
{
    const char *question = explain_or(report_get(e->questions, row, "question"), "");
    const char *answer = explain_or(report_get(e->questions, row, "answer"), "");

    for (size_t i = 0; i < e->steps->rows; i++)
        if (strcmp(explain_or(report_get(e->steps, i, "question"), "-"), question) == 0 &&
            strcmp(explain_or(report_get(e->steps, i, "answer"), "-"), answer) == 0)
            return true;
    return false;
}

void explain_add_questions(struct section *s, const struct explanation *e, bool unused, bool all)
{
    size_t count = 0;

    for (size_t i = 0; i < e->questions->rows; i++) {
        if ((e->unused != NULL && e->unused[i]) != unused || (!all && is_told(e, i)))
            continue;
        if (++count <= QUESTIONS || all)
            add_question(s, e, i);
    }
    if (count > QUESTIONS && !all) {
        section_begin(s);
        buf_addf(&s->text, "and %zu more: --all", count - QUESTIONS);
        section_end(s);
    }
}

void explain_add_signatures(struct section *s, const struct explanation *e, bool all)
{
    for (size_t i = 0; i < e->signatures->rows && (all || i < EXPLAIN_A_KIND); i++) {
        bool ours = report_number(e->signatures, i, "signed") != 0;

        section_begin(s);
        buf_adds(&s->text, explain_or(report_get(e->signatures, i, "domain"), "-"));
        buf_addf(&s->text, "/%s %s: %s", explain_or(report_get(e->signatures, i, "selector"), "-"),
                 explain_or(report_get(e->signatures, i, "algorithm"), ""),
                 ours ? "made here" : explain_or(report_get(e->signatures, i, "result"), "-"));
        if (report_get(e->signatures, i, "reason") != NULL) {
            buf_adds(&s->text, ", ");
            buf_adds(&s->text, report_get(e->signatures, i, "reason"));
        }
        section_end(s);
    }
}

void explain_add_edits(struct section *s, const struct explanation *e, bool all)
{
    for (size_t i = 0; i < e->edits->rows; i++) {
        const char *op = explain_or(report_get(e->edits, i, "op"), "-");
        bool more = strcmp(op, "more") == 0;

        if (!all && !more && i >= EXPLAIN_A_KIND)
            continue;
        section_begin(s);
        buf_addf(&s->text, "%s ", more ? "and not logged, more" : op);
        buf_adds(&s->text, explain_or(report_get(e->edits, i, "field"), ""));
        buf_adds(&s->text, report_get(e->edits, i, "value") != NULL ? ": " : "");
        buf_adds(&s->text, explain_or(report_get(e->edits, i, "value"), ""));
        if (report_get(e->edits, i, "file") != NULL)
            buf_addf(&s->text, " (%s:%s)", report_get(e->edits, i, "file"),
                     explain_or(report_get(e->edits, i, "line"), "0"));
        section_end(s);
    }
}
