/* explain_json - an explanation for programs: one JSON object */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain.h"

#include <string.h>

static void add_rows(struct buf *b, const char *name, const struct report_table *t)
{
    buf_addf(b, ",\n\"%s\":[", name);
    for (size_t i = 0; i < t->rows; i++) {
        buf_adds(b, i > 0 ? ",\n" : "");
        report_add_json_row(b, t, i);
    }
    buf_addc(b, ']');
}

static void add_row(struct buf *b, const char *name, const struct report_table *t)
{
    buf_addf(b, ",\n\"%s\":", name);
    if (t->rows > 0)
        report_add_json_row(b, t, 0);
    else
        buf_adds(b, "null");
}

static void add_lines(struct buf *b, const char *name, const struct explain_line *line)
{
    buf_addf(b, ",\n\"%s\":[", name);
    for (const struct explain_line *l = line; l != NULL; l = l->next) {
        buf_adds(b, l != line ? ",\n{" : "{");
        buf_add_member(b, "kind", l->kind);
        buf_add_member(b, "text", l->text);
        buf_addc(b, '}');
    }
    buf_addc(b, ']');
}

/* By question: did a rule need the answer? */
static void add_used(struct buf *b, const struct explanation *e)
{
    buf_adds(b, ",\n\"used\":");
    if (e->unused == NULL) {
        buf_adds(b, "null");
        return;
    }
    for (size_t i = 0; i < e->questions->rows; i++)
        buf_addf(b, "%s%s", i > 0 ? "," : "[", e->unused[i] ? "false" : "true");
    buf_adds(b, e->questions->rows > 0 ? "]" : "[]");
}

void explain_add_json(struct buf *b, const struct explanation *e)
{
    size_t deciding = explain_deciding_step(e);

    buf_addf(b, "{\"id\":%lld,\"recipient\":%lld,\"by\":\"%s\",\"step\":", (long long)e->id,
             (long long)e->focus, explain_is_mta(e) ? "mta" : "tamis");
    if (deciding < e->steps->rows)
        buf_addf(b, "%zu", deciding + 1);
    else
        buf_adds(b, "null");
    add_row(b, "decision", e->mail);
    add_rows(b, "recipients", e->recipients);
    add_rows(b, "tokens", e->tokens);
    add_row(b, "policy", e->policy);
    add_row(b, "rule", e->rule);
    add_rows(b, "steps", e->steps);
    add_rows(b, "questions", e->questions);
    add_used(b, e);
    add_rows(b, "signatures", e->signatures);
    add_rows(b, "edits", e->edits);
    add_lines(b, "again", e->again);
    add_rows(b, "history", e->history);
    add_lines(b, "advice", e->advice);
    buf_adds(b, "}\n");
}
