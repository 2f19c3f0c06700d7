/* access - the right-hand sides of access tables: access(5) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access.h"

#include "log.h"
#include "mime.h"
#include "policy.h"

#include <stdlib.h>
#include <string.h>

/* "5.7.1", followed by a blank or the end: its length, else 0. */
static size_t dsn_length(const char *text)
{
    size_t i = 0;

    if (text[0] != '2' && text[0] != '4' && text[0] != '5')
        return 0;
    i = 1;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;

        if (text[i++] != '.')
            return 0;
        while (digits < 4 && is_digit((unsigned char)text[i + digits]))
            digits++;
        if (digits < 1 || digits > 3)
            return 0;
        i += digits;
    }
    return text[i] == '\0' || is_space((unsigned char)text[i]) ? i : 0;
}

const char *dsn_split(const char *text, const char **dsn, struct arena *arena)
{
    size_t len = dsn_length(text);

    *dsn = NULL;
    if (len == 0)
        return text;
    *dsn = arena_strndup(arena, text, len);
    for (text += len; is_space((unsigned char)*text); text++)
        ;
    return text;
}

const char *dsn_for_class(const char *dsn, const char *class)
{
    static const struct {
        const char *detail, *sender, *recipient;
    } map[] = {
        {"1", "4.1.7", "4.1.1"}, {"2", "4.1.8", "4.1.2"}, {"3", "4.1.7", "4.1.3"},
        {"4", "4.1.7", "4.1.4"}, {"5", "4.1.0", "4.1.5"}, {"6", "4.1.7", "4.1.6"},
        {"7", "4.1.7", "4.1.3"}, {"8", "4.1.8", "4.1.2"},
    };
    bool sender = strcmp(class, "Sender address") == 0;
    bool recipient = strcmp(class, "Recipient address") == 0;

    if (strncmp(dsn + 1, ".1.", 3) != 0)
        return dsn;
    if (!sender && !recipient)
        return "4.0.0";
    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        if (strcmp(dsn + 4, map[i].detail) == 0)
            return sender ? map[i].sender : map[i].recipient;
    return "4.1.0";
}

/* One evaluation of a value: its word, what follows, and for whom. */
struct value {
    const struct scene *scene;
    const struct subject *subject;
    const struct where *where;
    struct slice word;
    const char *text;
};

static struct outcome refuse(const struct value *v, int code, const char *preset_dsn,
                             const char *preset_text)
{
    const char *dsn, *text = dsn_split(v->text, &dsn, v->scene->arena);

    return outcome_refuse(v->scene, v->subject, code,
                          dsn_for_class(dsn != NULL ? dsn : preset_dsn, v->subject->class), "%s",
                          text[0] ? text : preset_text);
}

static struct outcome defer_if(const struct value *v, enum act act)
{
    int code = v->scene->policy->settings->access_map_defer_code;
    struct outcome o = refuse(v, code, "4.7.1", "Service unavailable");

    o.act = act;
    return o;
}

static struct outcome on_dunno(const struct value *v)
{
    (void)v;
    return outcome_dunno();
}

static struct outcome on_permit(const struct value *v)
{
    (void)v;
    return outcome_permit();
}

static struct outcome on_reject(const struct value *v)
{
    return refuse(v, v->scene->policy->settings->access_map_reject_code, "5.7.1", "Access denied");
}

static struct outcome on_defer(const struct value *v)
{
    return refuse(v, v->scene->policy->settings->access_map_defer_code, "4.7.1", "Access denied");
}

static struct outcome on_defer_if_permit(const struct value *v)
{
    return defer_if(v, ACT_DEFER_IF_PERMIT);
}

static struct outcome on_defer_if_reject(const struct value *v)
{
    return defer_if(v, ACT_DEFER_IF_REJECT);
}

static struct outcome on_info(const struct value *v)
{
    return (struct outcome){.act = ACT_INFO, .text = v->text};
}

static struct outcome on_warn(const struct value *v)
{
    return (struct outcome){.act = ACT_WARN, .text = v->text};
}

static void warn(const struct value *v, const char *what)
{
    static struct log_limit limit;

    log_limited(&limit, LOG_WARNING, "%s:%d: %s", v->where->file != NULL ? v->where->file : "?",
                v->where->line, what);
}

/* What acts on a message needs one: with delay_reject = no the client and HELO lists are judged
 * outside of any. */
static bool has_message(const struct value *v)
{
    if (v->scene->message->has_mail)
        return true;
    warn(v, "this action needs a message; skipped at CONNECT and HELO (delay_reject = no)");
    return false;
}

static struct outcome on_hold(const struct value *v)
{
    if (!has_message(v))
        return outcome_dunno();
    return (struct outcome){
        .act = ACT_HOLD,
        .text = arena_printf(v->scene->arena, "<%s>: %s %s", v->subject->name, v->subject->class,
                             v->text[0] ? v->text : "triggers HOLD action"),
    };
}

static struct outcome on_discard(const struct value *v)
{
    if (!has_message(v))
        return outcome_dunno();
    return (struct outcome){
        .act = ACT_DISCARD,
        .text = arena_printf(v->scene->arena, "<%s>: %s %s", v->subject->name, v->subject->class,
                             v->text[0] ? v->text : "triggers DISCARD action"),
    };
}

static struct outcome deliver_to(const struct value *v, enum act act)
{
    if (!has_message(v))
        return outcome_dunno();
    if (strchr(v->text, '@') == NULL) {
        warn(v, "REDIRECT and BCC need user@domain; skipped");
        return outcome_dunno();
    }
    return (struct outcome){.act = act, .text = v->text};
}

static struct outcome on_redirect(const struct value *v)
{
    return deliver_to(v, ACT_REDIRECT);
}

static struct outcome on_bcc(const struct value *v)
{
    return deliver_to(v, ACT_BCC);
}

static struct outcome on_filter(const struct value *v)
{
    warn(v, "FILTER cannot be done by a milter; skipped (keep this rule in Postfix)");
    return outcome_dunno();
}

static struct outcome on_prepend(const struct value *v)
{
    if (!has_message(v))
        return outcome_dunno();
    if (v->scene->list == LIST_END_OF_DATA) {
        warn(v, "PREPEND must be used before end_of_data_restrictions; skipped");
        return outcome_dunno();
    }
    if (!is_header_field(v->text)) {
        warn(v, "PREPEND needs a header field, \"Name: text\"; skipped");
        return outcome_dunno();
    }
    return (struct outcome){.act = ACT_PREPEND, .text = v->text};
}

bool is_header_field(const char *text)
{
    size_t colon;

    return mime_field_name(slice_of(text), &colon) > 0;
}

static const struct action {
    const char *word;
    struct outcome (*run)(const struct value *v);
} actions[] = {
    {"DUNNO", on_dunno},
    {"REJECT", on_reject},
    {"DEFER", on_defer},
    {"OK", on_permit},
    {"RELAY", on_permit},
    {"INFO", on_info},
    {"WARN", on_warn},
    {"HOLD", on_hold},
    {"DISCARD", on_discard},
    {"REDIRECT", on_redirect},
    {"BCC", on_bcc},
    {"FILTER", on_filter},
    {"PREPEND", on_prepend},
    {"DEFER_IF_PERMIT", on_defer_if_permit},
    {"DEFER_IF_REJECT", on_defer_if_reject},
};

static const struct action *action_find(struct slice word)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (slice_is_nocase(word, actions[i].word))
            return &actions[i];
    return NULL;
}

static bool is_all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit((unsigned char)s.ptr[i]))
            return false;
    return s.len > 0;
}

static bool is_reply_code(struct slice word)
{
    return word.len == 3 && is_all_digits(word) && (word.ptr[0] == '4' || word.ptr[0] == '5');
}

const char *access_split(const char *value, struct slice *word)
{
    const char *text = value + strcspn(value, " \t");

    *word = (struct slice){value, (size_t)(text - value)};
    while (is_space((unsigned char)*text))
        text++;
    return text;
}

struct outcome access_outcome(const struct scene *scene, const struct subject *subject,
                              const char *value, const struct where *where)
{
    struct value v = {scene, subject, where, {0}, NULL};
    const struct action *action;

    v.text = access_split(value, &v.word);
    action = action_find(v.word);
    if (action != NULL)
        return action->run(&v);
    if (is_all_digits(slice_of(value)))
        return outcome_permit();
    if (is_reply_code(v.word) && v.text[0] != '\0') {
        int code = (v.word.ptr[0] - '0') * 100 + (v.word.ptr[1] - '0') * 10 + (v.word.ptr[2] - '0');

        return refuse(&v, code, code >= 500 ? "5.7.1" : "4.7.1", "Access denied");
    }
    if (strchr(value, ':') != NULL) {
        warn(&v, "lookup tables cannot be named in a table's value: define a restriction class");
        return outcome_config_error(scene);
    }
    return (struct outcome){.list = value, .subject = *subject};
}
