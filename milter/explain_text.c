/* explain_text - an explanation for a person, on one screen */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain_section.h"

#include <stdlib.h>
#include <string.h>

static const char *mail_get(const struct explanation *e, const char *name)
{
    return report_get(e->mail, 0, name);
}

static const char *focus_get(const struct explanation *e, const char *name)
{
    return e->focus > 0 ? report_get(e->recipients, (size_t)e->focus - 1, name) : mail_get(e, name);
}

static const char *action_word(const char *action)
{
    static const char *const words[][2] = {
        {"accept", "accepted"},
        {"reject", "rejected"},
        {"tempfail", "deferred"},
        {"discard", "discarded"},
        {"aborted", "not finished: the client broke off"},
    };

    for (size_t i = 0; i < ARRAY_LEN(words) && action != NULL; i++)
        if (strcmp(action, words[i][0]) == 0)
            return words[i][1];
    return "not decided";
}

static bool is_taken(const char *action)
{
    return strcmp(action, "accept") == 0 || strcmp(action, "aborted") == 0;
}

static bool is_enforced(const struct explanation *e)
{
    return strcmp(explain_or(explain_decided(e, "enforced"), "0"), "0") != 0;
}

/* What became of it when it was not what became of the recipient in focus. */
static void add_message(struct section *s, const struct explanation *e)
{
    const char *action = explain_or(mail_get(e, "action"), "");
    const char *stage = explain_or(mail_get(e, "stage"), "-");
    bool would = !is_taken(action) && report_number(e->mail, 0, "enforced") == 0;

    if (strcmp(action, explain_or(focus_get(e, "action"), "")) == 0 &&
        strcmp(stage, explain_or(explain_decided(e, "stage"), "-")) == 0)
        return;
    section_begin(s);
    buf_addf(&s->text, "the message itself: %s%s", would ? "would have been " : "",
             action_word(action));
    if (strcmp(action, "aborted") != 0)
        buf_addf(&s->text, " at %s", stage);
    section_end(s);
}

static void add_verdict(struct section *s, const struct explanation *e)
{
    const char *action = explain_or(focus_get(e, "action"), "");
    bool taken = is_taken(action);

    section_begin(s);
    buf_addf(&s->text, "%s%s", taken || is_enforced(e) ? "" : "would have been ",
             action_word(action));
    if (!taken)
        buf_addf(&s->text, " at %s", explain_or(explain_decided(e, "stage"), "-"));
    buf_addf(&s->text, ", %s UTC, %s", explain_or(mail_get(e, "time"), "-"),
             explain_or(mail_get(e, "direction"), "-"));
    section_end(s);
    if (explain_is_mta(e))
        section_add(s, "rejected by the MTA, not by tamis");
    if (!taken && !is_enforced(e))
        section_add(s, "only judged: the mail server was told to go on (mode = observe)");
    add_message(s, e);
}

static void add_identity(struct section *s, const struct explanation *e)
{
    section_begin(s);
    buf_addf(&s->text, "id %lld, queue id %s", (long long)e->id,
             explain_or(mail_get(e, "queue_id"), "NOQUEUE"));
    for (size_t i = 0; i < e->tokens->rows; i++)
        if (report_number(e->tokens, i, "recipient") == e->focus ||
            report_get(e->tokens, i, "recipient") == NULL)
            buf_addf(&s->text, ", token %s", report_get(e->tokens, i, "token"));
    if (mail_get(e, "message_id") != NULL) {
        buf_adds(&s->text, ", Message-ID ");
        buf_adds(&s->text, mail_get(e, "message_id"));
    }
    section_end(s);
}

static void add_client(struct section *s, const struct explanation *e)
{
    char *text =
        xasprintf("%s[%s]%s%s%s%s", explain_or(mail_get(e, "client_name"), "unknown"),
                  explain_or(mail_get(e, "client_addr"), ""),
                  mail_get(e, "helo") != NULL ? ", HELO " : "", explain_or(mail_get(e, "helo"), ""),
                  mail_get(e, "login") != NULL ? ", login " : "",
                  explain_or(mail_get(e, "login"), ""));

    section_add(s, text);
    free(text);
}

static void add_sender(struct section *s, const struct explanation *e)
{
    char *text = mail_get(e, "sender") != NULL ? xasprintf("<%s>", mail_get(e, "sender"))
                                               : xstrdup("not told: the client did not get so far");

    section_add(s, text);
    free(text);
}

static void add_recipient(struct section *s, const struct explanation *e, size_t row, bool all)
{
    const struct report_table *t = e->recipients;
    const char *action = explain_or(report_get(t, row, "action"), "");
    const char *stage = all && !is_taken(action) ? report_get(t, row, "stage") : NULL;
    bool would = !is_taken(action) && report_number(t, row, "enforced") == 0;
    char *text = xasprintf("<%s>: %s%s%s%s%s%s", explain_or(report_get(t, row, "address"), ""),
                           would ? "would have been " : "", action_word(action),
                           stage ? " at " : "", explain_or(stage, ""),
                           report_get(t, row, "file") ? " by " : "",
                           explain_or(report_get(t, row, "file"), ""));

    section_begin(s);
    buf_adds(&s->text, text);
    if (report_get(t, row, "line") != NULL)
        buf_addf(&s->text, ":%s", report_get(t, row, "line"));
    section_end(s);
    free(text);
}

static void add_recipients(struct section *s, const struct explanation *e, bool all)
{
    size_t rows = e->recipients->rows;

    if (rows == 0)
        return;
    if (!all)
        add_recipient(s, e, (size_t)e->focus - 1, false);
    for (size_t i = 0; i < rows && all; i++)
        add_recipient(s, e, i, true);
    if (!all && rows > 1) {
        section_begin(s);
        buf_addf(&s->text, "and %zu more: --all, or --rcpt ADDRESS", rows - 1);
        section_end(s);
    }
}

/* Its own refusal's, else that of the whole message's. */
static const char *focus_token(const struct explanation *e)
{
    const char *token = NULL;

    for (size_t i = 0; i < e->tokens->rows; i++) {
        if (report_number(e->tokens, i, "recipient") == e->focus)
            return report_get(e->tokens, i, "token");
        if (report_get(e->tokens, i, "recipient") == NULL)
            token = report_get(e->tokens, i, "token");
    }
    return token;
}

static void add_reply(struct section *s, const struct explanation *e)
{
    const char *code = focus_get(e, "code"), *dsn = focus_get(e, "dsn"), *text;

    text = focus_get(e, "text");
    if (text == NULL)
        return;
    section_begin(s);
    if (!is_enforced(e))
        buf_adds(&s->text, "nothing; it would have been ");
    if (code != NULL)
        buf_addf(&s->text, "%s %s ", code, explain_or(dsn, ""));
    buf_adds(&s->text, text);
    if (focus_token(e) != NULL)
        buf_addf(&s->text, " [%s]", focus_token(e));
    section_end(s);
}

static void add_rule_life(struct section *s, const struct explanation *e)
{
    const char *since = report_get(e->rule, 0, "since"), *time = mail_get(e, "time");
    const char *file_since = report_get(e->rule, 0, "file_since");
    const char *loaded = report_get(e->policy, 0, "loaded");

    section_begin(s);
    if (since != NULL && time != NULL && strcmp(since, time) <= 0)
        buf_addf(&s->text, "in force since %s, still so", since);
    else if (file_since != NULL)
        buf_addf(&s->text, "the file had been so since %s%s", file_since,
                 since != NULL ? "; the rule is in force today, too" : "; not in force any more");
    else
        buf_addf(&s->text, "since when is not known");
    if (loaded != NULL)
        buf_addf(&s->text, "; policy %s, loaded %s by %s", report_get(e->policy, 0, "policy"),
                 loaded, explain_or(report_get(e->policy, 0, "loaded_by"), "-"));
    section_end(s);
}

static void add_rule(struct section *s, const struct explanation *e)
{
    const char *text = explain_decided(e, "rule_text");

    if (explain_decided(e, "file") == NULL)
        return;
    section_begin(s);
    buf_adds(&s->text, explain_decided(e, "file"));
    buf_addf(&s->text, ":%s  ", explain_or(explain_decided(e, "line"), "0"));
    buf_adds(&s->text, explain_or(text, ""));
    section_end(s);
    add_rule_life(s, e);
}

static void add_lines(struct section *s, const struct explain_line *list, const char *kind,
                      bool all)
{
    for (; list != NULL; list = list->next)
        if (strcmp(list->kind, kind) == 0 && (all || s->lines < EXPLAIN_A_KIND))
            section_add(s, list->text);
}

static void add_history(struct section *s, const struct explanation *e)
{
    const char *sender = mail_get(e, "sender"), *address = focus_get(e, "address");

    if (sender == NULL || e->focus == 0)
        return;
    for (size_t i = 0; i < e->history->rows; i++) {
        bool back = strcmp(explain_or(report_get(e->history, i, "way"), ""), "back") == 0;
        char *text =
            xasprintf("<%s> to <%s>: %s accepted, %s refused, last %s", back ? address : sender,
                      back ? sender : address,
                      explain_or(report_get(e->history, i, "accepted"), "0"),
                      explain_or(report_get(e->history, i, "refused"), "0"),
                      explain_or(report_get(e->history, i, "last"), "-"));

        section_add(s, text);
        free(text);
    }
    if (e->history->rows == 0)
        section_add(s, "no other mail between these two in the log");
}

enum {
    VERDICT,
    WHICH,
    FROM,
    SENDER,
    TO,
    TOLD,
    RULE,
    STEPS,
    ASKED,
    UNUSED,
    SIGNED,
    EDITED,
    WITHOUT,
    NOW,
    HISTORY,
    NEXT,
    ELSEWHERE,
    SECTIONS
};

static void fill(struct section *s, const struct explanation *e, bool all)
{
    size_t lines = 0;

    add_verdict(&s[VERDICT], e);
    add_identity(&s[WHICH], e);
    add_client(&s[FROM], e);
    add_sender(&s[SENDER], e);
    add_recipients(&s[TO], e, all);
    add_reply(&s[TOLD], e);
    add_rule(&s[RULE], e);
    explain_add_questions(&s[ASKED], e, false, all);
    explain_add_questions(&s[UNUSED], e, true, all);
    explain_add_signatures(&s[SIGNED], e, all);
    explain_add_edits(&s[EDITED], e, all);
    add_lines(&s[WITHOUT], e->again, "without", all);
    add_lines(&s[NOW], e->again, "now", all);
    add_history(&s[HISTORY], e);
    add_lines(&s[NEXT], e->advice, "next", all);
    add_lines(&s[ELSEWHERE], e->advice, "elsewhere", all);
    for (size_t i = 0; i < SECTIONS; i++)
        lines += s[i].lines;
    explain_add_steps(&s[STEPS], e, all, lines + 3 < EXPLAIN_LINES ? EXPLAIN_LINES - lines : 3);
}

void explain_add_text(struct buf *b, const struct explanation *e, bool all)
{
    static const char *const headings[SECTIONS] = {
        "verdict", "which", "client",  "from",       "to",         "told",
        "rule",    "steps", "asked",   "not needed", "signatures", "edits",
        "without", "now",   "history", "next time",  "elsewhere",
    };
    struct section sections[SECTIONS] = {{0}};

    for (size_t i = 0; i < SECTIONS; i++)
        sections[i].heading = headings[i];
    fill(sections, e, all);
    for (size_t i = 0; i < SECTIONS; i++) {
        buf_adds(b, buf_text(&sections[i].text));
        buf_free(&sections[i].text);
    }
}
