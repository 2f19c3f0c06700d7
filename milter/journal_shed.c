/* journal_shed - a mail's entry that is too large for the queue, as what must be told of it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"

#include "fold.h"

#include <string.h>

enum { TEXT_MAX = 1000 }; /* the log cuts before */

static const char *copy(const char *text, struct arena *arena)
{
    return text != NULL ? arena_strndup(arena, text, fold_cut(text, TEXT_MAX)) : NULL;
}

static struct address copy_address(const struct address *a, struct arena *arena)
{
    const char *text = copy(a->text, arena);

    return (struct address){text, text, text};
}

static struct verdict copy_verdict(const struct verdict *v, struct arena *arena)
{
    struct verdict to = *v;

    to.dsn = copy(v->dsn, arena);
    to.text = copy(v->text, arena);
    to.token = copy(v->token, arena);
    to.rule.where.file = copy(v->rule.where.file, arena);
    to.rule.text = copy(v->rule.text, arena);
    return to;
}

static void copy_recipients(struct message *to, const struct message *from)
{
    for (const struct recipient *r = from->recipients; r != NULL; r = r->next) {
        struct address address = copy_address(&r->address, to->arena);
        struct recipient *added = message_add_recipient(to, &address);

        added->number = r->number;
        added->verdict = copy_verdict(&r->verdict, to->arena);
        added->refused_by_mta = r->refused_by_mta;
    }
    to->recipient_count = from->recipient_count;
    to->accepted_count = from->accepted_count;
}

/* They are told in the order of their list. */
static void copy_tokens(struct message *to, const struct message *from)
{
    struct reply_token **tail = &to->tokens;

    for (const struct reply_token *t = from->tokens; t != NULL; t = t->next) {
        *tail = arena_alloc(to->arena, sizeof(**tail));
        **tail = (struct reply_token){NULL, t->recipient, copy(t->text, to->arena)};
        tail = &(*tail)->next;
    }
}

static void keep_last(struct message *to, const struct message *from, enum act act)
{
    const struct edit *last = message_last_edit(from, act);
    struct rule_ref rule;

    if (last == NULL)
        return;
    rule = last->rule;
    rule.where.file = copy(rule.where.file, to->arena);
    rule.text = copy(rule.text, to->arena);
    message_add_edit(to, act, copy(last->text, to->arena), &rule);
    to->edits_left_out--;
}

/* What becomes of the message is in its row; which fields were changed, is not. */
static void copy_edits(struct message *to, const struct message *from)
{
    to->edits_left_out = from->edits_left_out;
    for (const struct edit *e = from->edits; e != NULL; e = e->next)
        to->edits_left_out++;
    keep_last(to, from, ACT_HOLD);
    keep_last(to, from, ACT_REDIRECT);
}

static struct message *copy_message(const struct message *from)
{
    struct message *to = message_new(from->time_us);

    to->begun_us = from->begun_us;
    to->mail_us = from->mail_us;
    to->direction = from->direction;
    to->queue_id = copy(from->queue_id, to->arena);
    to->message_id = copy(from->message_id, to->arena);
    to->has_mail = from->has_mail;
    to->smtputf8 = from->smtputf8;
    to->size = from->size;
    to->sender = copy_address(&from->sender, to->arena);
    to->login = copy(from->login, to->arena);
    to->auth_method = copy(from->auth_method, to->arena);
    to->verdict = copy_verdict(&from->verdict, to->arena);
    memcpy(to->stage_us, from->stage_us, sizeof(to->stage_us));
    copy_recipients(to, from);
    copy_tokens(to, from);
    copy_edits(to, from);
    return to;
}

struct entry *entry_shed(struct entry *entry, uint64_t *checks)
{
    struct message *m = copy_message(entry->message);
    struct entry *small = entry_new(m);

    *checks = entry_drop_details(entry);
    *small = *entry;
    small->message = m;
    client_copy(&small->client, &entry->client, m->arena);
    small->late = copy_verdict(&entry->late, m->arena);
    message_free(entry->message);
    return small;
}
