/* explain_text - an explanation for a person, on one screen */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain.h"

#include "fold.h"

#include <stdlib.h>
#include <string.h>

enum { QUESTIONS = 6, LINES_A_KIND = 4 };

/* The lines behind one heading are kept apart until it is known how many there is room for. */
struct section {
    const char *heading;
    struct buf text;
    size_t lines, from; /* of the line that is begun */
};

static void begin(struct section *s)
{
    s->from = s->text.len;
    buf_addf(&s->text, "%-10s ", s->lines == 0 ? s->heading : "");
}

/* Nothing in it may write on the reader's terminal, whoever said it. */
static void end(struct section *s)
{
    fold_printable(s->text.ptr + s->from, '?');
    buf_addc(&s->text, '\n');
    s->lines++;
}

static void add_line(struct section *s, const char *text)
{
    begin(s);
    buf_adds(&s->text, text);
    end(s);
}

static const char * or (const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

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
    return strcmp(or (explain_decided(e, "enforced"), "0"), "0") != 0;
}

/* What became of it when it was not what became of the recipient in focus. */
static void add_message(struct section *s, const struct explanation *e)
{
    const char *action = or (mail_get(e, "action"), ""), *stage = or (mail_get(e, "stage"), "-");
    bool would = !is_taken(action) && report_number(e->mail, 0, "enforced") == 0;

    if (strcmp(action, or (focus_get(e, "action"), "")) == 0 &&
        strcmp(stage, or (explain_decided(e, "stage"), "-")) == 0)
        return;
    begin(s);
    buf_addf(&s->text, "the message itself: %s%s", would ? "would have been " : "",
             action_word(action));
    if (strcmp(action, "aborted") != 0)
        buf_addf(&s->text, " at %s", stage);
    end(s);
}

static void add_verdict(struct section *s, const struct explanation *e)
{
    const char *action = or (focus_get(e, "action"), "");
    bool taken = is_taken(action);

    begin(s);
    buf_addf(&s->text, "%s%s", taken || is_enforced(e) ? "" : "would have been ",
             action_word(action));
    if (!taken)
        buf_addf(&s->text, " at %s", or (explain_decided(e, "stage"), "-"));
    buf_addf(&s->text, ", %s UTC, %s", or (mail_get(e, "time"), "-"),
             or (mail_get(e, "direction"), "-"));
    end(s);
    if (explain_is_mta(e))
        add_line(s, "rejected by the MTA, not by tamis");
    if (!taken && !is_enforced(e))
        add_line(s, "only judged: the mail server was told to go on (mode = observe)");
    add_message(s, e);
}

static void add_identity(struct section *s, const struct explanation *e)
{
    begin(s);
    buf_addf(&s->text, "id %lld, queue id %s", (long long)e->id,
             or (mail_get(e, "queue_id"), "NOQUEUE"));
    for (size_t i = 0; i < e->tokens->rows; i++)
        if (report_number(e->tokens, i, "recipient") == e->focus ||
            report_get(e->tokens, i, "recipient") == NULL)
            buf_addf(&s->text, ", token %s", report_get(e->tokens, i, "token"));
    if (mail_get(e, "message_id") != NULL) {
        buf_adds(&s->text, ", Message-ID ");
        buf_adds(&s->text, mail_get(e, "message_id"));
    }
    end(s);
}

static void add_client(struct section *s, const struct explanation *e)
{
    char *text =
        xasprintf("%s[%s]%s%s%s%s", or (mail_get(e, "client_name"), "unknown"),
                  or (mail_get(e, "client_addr"), ""), mail_get(e, "helo") != NULL ? ", HELO " : "",
                  or (mail_get(e, "helo"), ""), mail_get(e, "login") != NULL ? ", login " : "",
                  or (mail_get(e, "login"), ""));

    add_line(s, text);
    free(text);
}

static void add_sender(struct section *s, const struct explanation *e)
{
    char *text = mail_get(e, "sender") != NULL ? xasprintf("<%s>", mail_get(e, "sender"))
                                               : xstrdup("not told: the client did not get so far");

    add_line(s, text);
    free(text);
}

static void add_recipient(struct section *s, const struct explanation *e, size_t row, bool all)
{
    const struct report_table *t = e->recipients;
    const char *action = or (report_get(t, row, "action"), "");
    const char *stage = all && !is_taken(action) ? report_get(t, row, "stage") : NULL;
    bool would = !is_taken(action) && report_number(t, row, "enforced") == 0;
    char *text = xasprintf("<%s>: %s%s%s%s%s%s", or (report_get(t, row, "address"), ""),
                           would ? "would have been " : "", action_word(action),
                           stage ? " at " : "", or (stage, ""),
                           report_get(t, row, "file") ? " by " : "",
                           or (report_get(t, row, "file"), ""));

    begin(s);
    buf_adds(&s->text, text);
    if (report_get(t, row, "line") != NULL)
        buf_addf(&s->text, ":%s", report_get(t, row, "line"));
    end(s);
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
        begin(s);
        buf_addf(&s->text, "and %zu more: --all, or --rcpt ADDRESS", rows - 1);
        end(s);
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
    begin(s);
    if (!is_enforced(e))
        buf_adds(&s->text, "nothing; it would have been ");
    if (code != NULL)
        buf_addf(&s->text, "%s %s ", code, or (dsn, ""));
    buf_adds(&s->text, text);
    if (focus_token(e) != NULL)
        buf_addf(&s->text, " [%s]", focus_token(e));
    end(s);
}

static void add_rule_life(struct section *s, const struct explanation *e)
{
    const char *since = report_get(e->rule, 0, "since"), *time = mail_get(e, "time");
    const char *file_since = report_get(e->rule, 0, "file_since");
    const char *loaded = report_get(e->policy, 0, "loaded");

    begin(s);
    if (since != NULL && time != NULL && strcmp(since, time) <= 0)
        buf_addf(&s->text, "in force since %s, still so", since);
    else if (file_since != NULL)
        buf_addf(&s->text, "the file had been so since %s%s", file_since,
                 since != NULL ? "; the rule is in force today, too" : "; not in force any more");
    else
        buf_addf(&s->text, "since when is not known");
    if (loaded != NULL)
        buf_addf(&s->text, "; policy %s, loaded %s by %s", report_get(e->policy, 0, "policy"),
                 loaded, or (report_get(e->policy, 0, "loaded_by"), "-"));
    end(s);
}

static void add_rule(struct section *s, const struct explanation *e)
{
    const char *text = explain_decided(e, "rule_text");

    if (explain_decided(e, "file") == NULL)
        return;
    begin(s);
    buf_adds(&s->text, explain_decided(e, "file"));
    buf_addf(&s->text, ":%s  ", or (explain_decided(e, "line"), "0"));
    buf_adds(&s->text, or (text, ""));
    end(s);
    add_rule_life(s, e);
}

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

    begin(s);
    buf_addf(&s->text, "%c%*zu ", row == deciding ? '>' : ' ', t->rows < 100 ? 2 : 4, row + 1);
    buf_adds(&s->text, or (restriction, "-"));
    if (asked != NULL) {
        buf_adds(&s->text, ": ");
        buf_adds(&s->text, asked);
        buf_adds(&s->text, " -> ");
        buf_adds(&s->text, or (report_get(t, row, "answer"), "-"));
    }
    buf_addf(&s->text, ": %s (", or (report_get(t, row, "result"), "-"));
    if (report_get(t, row, "file") != NULL) {
        buf_adds(&s->text, report_get(t, row, "file"));
        buf_addf(&s->text, ":%s, ", or (report_get(t, row, "line"), "0"));
    }
    add_duration(&s->text, report_number(t, row, "us"));
    buf_addc(&s->text, ')');
    end(s);
}

/* The last ones count: the one that decided is among them. */
static void add_steps(struct section *s, const struct explanation *e, bool all, size_t room)
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
            begin(s);
            buf_addf(&s->text, "    %zu steps before these: --all", count + 1 - room);
            end(s);
        }
    }
    if (e->steps->rows == 0)
        add_line(s, "none: no list had a rule, or the details were dropped");
}

static void add_question(struct section *s, const struct explanation *e, size_t row)
{
    const struct report_table *t = e->questions;

    begin(s);
    buf_adds(&s->text, or (report_get(t, row, "question"), "-"));
    buf_adds(&s->text, " -> ");
    buf_adds(&s->text, or (report_get(t, row, "answer"), "-"));
    buf_addf(&s->text, " (%s, ", or (report_get(t, row, "state"), "-"));
    add_duration(&s->text, report_number(t, row, "us"));
    buf_addc(&s->text, ')');
    end(s);
}

/* A step tells as much. */
static bool is_told(const struct explanation *e, size_t row)
{
    const char *question = or (report_get(e->questions, row, "question"), "");
    const char *answer = or (report_get(e->questions, row, "answer"), "");

    for (size_t i = 0; i < e->steps->rows; i++)
        if (strcmp(or (report_get(e->steps, i, "question"), "-"), question) == 0 &&
            strcmp(or (report_get(e->steps, i, "answer"), "-"), answer) == 0)
            return true;
    return false;
}

static void add_questions(struct section *s, const struct explanation *e, bool unused, bool all)
{
    size_t count = 0;

    for (size_t i = 0; i < e->questions->rows; i++) {
        if ((e->unused != NULL && e->unused[i]) != unused || (!all && is_told(e, i)))
            continue;
        if (++count <= QUESTIONS || all)
            add_question(s, e, i);
    }
    if (count > QUESTIONS && !all) {
        begin(s);
        buf_addf(&s->text, "and %zu more: --all", count - QUESTIONS);
        end(s);
    }
}

static void add_signatures(struct section *s, const struct explanation *e, bool all)
{
    for (size_t i = 0; i < e->signatures->rows && (all || i < LINES_A_KIND); i++) {
        bool ours = report_number(e->signatures, i, "signed") != 0;

        begin(s);
        buf_adds(&s->text, or (report_get(e->signatures, i, "domain"), "-"));
        buf_addf(&s->text, "/%s %s: %s", or (report_get(e->signatures, i, "selector"), "-"),
                 or (report_get(e->signatures, i, "algorithm"), ""),
                 ours ? "made here" : or (report_get(e->signatures, i, "result"), "-"));
        if (report_get(e->signatures, i, "reason") != NULL) {
            buf_adds(&s->text, ", ");
            buf_adds(&s->text, report_get(e->signatures, i, "reason"));
        }
        end(s);
    }
}

static void add_edits(struct section *s, const struct explanation *e, bool all)
{
    for (size_t i = 0; i < e->edits->rows; i++) {
        const char *op = or (report_get(e->edits, i, "op"), "-");
        bool more = strcmp(op, "more") == 0;

        if (!all && !more && i >= LINES_A_KIND)
            continue;
        begin(s);
        buf_addf(&s->text, "%s ", more ? "and not logged, more" : op);
        buf_adds(&s->text, or (report_get(e->edits, i, "field"), ""));
        buf_adds(&s->text, report_get(e->edits, i, "value") ? ": " : "");
        buf_adds(&s->text, or (report_get(e->edits, i, "value"), ""));
        if (report_get(e->edits, i, "file") != NULL)
            buf_addf(&s->text, " (%s:%s)", report_get(e->edits, i, "file"),
                     or (report_get(e->edits, i, "line"), "0"));
        end(s);
    }
}

static void add_lines(struct section *s, const struct explain_line *list, const char *kind,
                      bool all)
{
    for (; list != NULL; list = list->next)
        if (strcmp(list->kind, kind) == 0 && (all || s->lines < LINES_A_KIND))
            add_line(s, list->text);
}

static void add_history(struct section *s, const struct explanation *e)
{
    const char *sender = mail_get(e, "sender"), *address = focus_get(e, "address");

    if (sender == NULL || e->focus == 0)
        return;
    for (size_t i = 0; i < e->history->rows; i++) {
        bool back = strcmp(or (report_get(e->history, i, "way"), ""), "back") == 0;
        char *text =
            xasprintf("<%s> to <%s>: %s accepted, %s refused, last %s", back ? address : sender,
                      back ? sender : address, or (report_get(e->history, i, "accepted"), "0"),
                      or (report_get(e->history, i, "refused"), "0"),
                      or (report_get(e->history, i, "last"), "-"));

        add_line(s, text);
        free(text);
    }
    if (e->history->rows == 0)
        add_line(s, "no other mail between these two in the log");
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
    add_questions(&s[ASKED], e, false, all);
    add_questions(&s[UNUSED], e, true, all);
    add_signatures(&s[SIGNED], e, all);
    add_edits(&s[EDITED], e, all);
    add_lines(&s[WITHOUT], e->again, "without", all);
    add_lines(&s[NOW], e->again, "now", all);
    add_history(&s[HISTORY], e);
    add_lines(&s[NEXT], e->advice, "next", all);
    add_lines(&s[ELSEWHERE], e->advice, "elsewhere", all);
    for (size_t i = 0; i < SECTIONS; i++)
        lines += s[i].lines;
    add_steps(&s[STEPS], e, all, lines + 3 < EXPLAIN_LINES ? EXPLAIN_LINES - lines : 3);
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
