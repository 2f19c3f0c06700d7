/* decision - the syslog lines, in Postfix's shape */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "decision.h"

#include "fold.h"
#include "log.h"

/* What follows the text; a field that is not known is left out. */
static const char *context(const struct client *client, const struct message *message,
                           const struct recipient *recipient, const struct rule_ref *rule)
{
    struct arena *arena = message->arena;
    const char *text = "";

    if (rule != NULL && rule->where.file != NULL)
        text = arena_printf(arena, " rule=%s:%d", rule->where.file, rule->where.line);
    if (message->has_mail)
        text = arena_printf(arena, "%s from=<%s>", text, message->sender.text);
    if (recipient != NULL)
        text = arena_printf(arena, "%s to=<%s>", text, recipient->address.text);
    if (client->helo != NULL)
        text = arena_printf(arena, "%s helo=<%s>", text, client->helo);
    if (message->login[0] != '\0')
        text = arena_printf(arena, "%s login=<%s>", text, message->login);
    return text;
}

void decision_log(const char *what, enum stage stage, const struct client *client,
                  const struct message *message, const struct recipient *recipient,
                  const char *text, const struct rule_ref *rule)
{
    double delay = (double)(now_us() - message->begun_us) / 1e6;

    log_line(LOG_INFO, "%s: %s: %s from %s[%s]: %s;%s delay=%.3f",
             message->queue_id[0] ? message->queue_id : "NOQUEUE", what, stage_name(stage),
             client->name, client->addr_text, text, context(client, message, recipient, rule),
             delay);
}

void decision_log_verdict(const struct verdict *verdict, const struct client *client,
                          const struct message *message, const struct recipient *recipient)
{
    const char *what = verdict->act == ACT_DISCARD ? "discard" : "reject";
    const char *text = verdict->text;

    if (verdict_refuses(verdict))
        text = arena_printf(message->arena, "%d %s %s", verdict->code, verdict->dsn, verdict->text);
    if (verdict->token != NULL)
        text = arena_printf(message->arena, "%s [%s]", text, verdict->token);
    if (!verdict->enforced)
        what = arena_printf(message->arena, "would-%s", what);
    decision_log(what, verdict->stage, client, message, recipient, text, &verdict->rule);
}

/* The text of a rule may hold the folds of the header that it was taken from. */
static const char *one_line(const char *text, struct arena *arena)
{
    char *copy = arena_strdup(arena, text);

    fold_printable(copy, '?');
    return copy;
}

/* As Postfix: the last one that was taken. */
static const struct recipient *last_recipient(const struct message *message)
{
    const struct recipient *last = NULL;

    for (const struct recipient *r = message->recipients; r != NULL; r = r->next)
        if (!r->refused_by_mta && !(verdict_refuses(&r->verdict) && r->verdict.enforced))
            last = r;
    return last;
}

void decision_log_content(const struct decision_content *d, const struct client *client,
                          const struct message *message)
{
    const char *text = one_line(d->text, message->arena);

    log_line(LOG_INFO, "%s: %s: %s %s from %s[%s];%s%s%s",
             message->queue_id[0] ? message->queue_id : "NOQUEUE", d->what, d->place, d->excerpt,
             client->name, client->addr_text,
             context(client, message, last_recipient(message), d->rule), text[0] ? ": " : "", text);
}
