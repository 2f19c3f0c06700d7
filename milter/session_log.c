/* session_log - what a session tells the decision log, and what it promises for it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_log.h"

#include "counters.h"
#include "dkim_result.h"
#include "session_end.h"
#include "session_macros.h"
#include "token.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

static bool may_promise(const struct session_log *log)
{
    return log->journal != NULL && log->policy->settings->reject_token &&
           journal_has_room(log->journal);
}

void session_log_token(const struct session_log *log, struct message *m,
                       const struct recipient *recipient, struct verdict *v)
{
    char token[TOKEN_SIZE];

    if (!verdict_refuses(v) || !v->enforced || v->token != NULL || !may_promise(log) ||
        (log->client->local && v->stage < STAGE_HEADER))
        return;
    token_new(token);
    v->token = message_add_token(m, recipient != NULL ? recipient->number : 0, token);
}

static void note_parameter(struct message *m, const char *text)
{
    struct slice value = {text + 5, strlen(text) < 5 ? 0 : strlen(text) - 5};
    long size;

    if (value.len > 0 && strncasecmp(text, "SIZE=", 5) == 0 &&
        parse_long(value, 0, LONG_MAX, &size))
        m->size = size;
}

void session_log_mail(struct message *m, const char *const *argv)
{
    const char *all = "";

    for (size_t i = 1; argv[0] != NULL && argv[i] != NULL && i < 20; i++) {
        note_parameter(m, argv[i]);
        if (strlen(argv[i]) + strlen(all) < 1000)
            all = arena_printf(m->arena, "%s%s%s", all, all[0] ? " " : "", argv[i]);
    }
    m->esmtp = all[0] ? printable_copy(m->arena, all, '?') : "";
}

bool session_log_parts(const struct session_log *log, const struct message *m)
{
    return log->journal != NULL && m->keeps_evidence &&
           log->policy->checks[m->direction][CHECKS_MIME]->count > 0;
}

void session_log_header(const struct session_log *log, struct message *m, const char *name,
                        const char *value)
{
    int first = to_lower((unsigned char)name[0]);

    if (m->message_id[0] == '\0' && slice_is_nocase(slice_of(name), "Message-ID")) {
        struct slice id = slice_trim(slice_of(value));

        m->message_id = printable_copy(m->arena, arena_strndup(m->arena, id.ptr, id.len), '?');
    }
    if (log->journal == NULL || !m->keeps_evidence)
        return;
    if (session_log_parts(log, m) &&
        mime_class_of(slice_of(name), MIME_PRIMARY) == MIME_CLASS_MIME) {
        message_add_evidence(m, name, value);
        return;
    }
    for (const char *const *wanted = log->policy->evidence; *wanted != NULL; wanted++) {
        if (to_lower((unsigned char)(*wanted)[0]) == first && strcasecmp(*wanted, name) == 0) {
            message_add_evidence(m, name, value);
            return;
        }
    }
}

static void release_policy(void *policy)
{
    policy_release(policy);
}

/* What was found, then what was made; texts are the message's or the policy's. */
static void note_signatures(struct message *m)
{
    struct logged_signature *log;

    for (size_t i = 0; m->dkim != NULL && i < m->dkim->count; i++) {
        const struct dkim_signature *s = &m->dkim->signature[i];

        log = message_log_signature(m);
        log->domain = s->d;
        log->selector = s->s;
        log->algorithm = s->a;
        log->canonicalization = s->c;
        log->identity = s->i;
        log->result = dkim_result_name(s->result);
        log->reason = s->why;
        log->bits = s->bits;
    }
    for (const struct made_signature *s = m->signatures; s != NULL; s = s->next) {
        log = message_log_signature(m);
        log->domain = s->domain;
        log->selector = s->selector;
        log->algorithm = s->algorithm;
        log->bits = s->bits;
        log->made = true;
    }
}

static struct entry *entry_of(const struct session_log *log, struct message *m,
                              enum entry_action action)
{
    struct entry *entry = entry_new(m);

    client_copy(&entry->client, log->client, m->arena);
    entry->action = action;
    entry->duration_us = now_us() - m->begun_us;
    policy_hold(log->policy);
    entry->owner = log->policy;
    entry->release = release_policy;
    entry->policy = log->policy->hash;
    note_signatures(m);
    return entry;
}

struct verdict session_log_late(const char *token)
{
    return (struct verdict){.act = ACT_DEFER, .stage = STAGE_EOM, .code = 451, .dsn = "4.3.0",
                            .text = "Error: the decision log cannot be written", .enforced = true,
                            .token = token[0] != '\0' ? token : NULL};
}

bool session_log_end(const struct session_log *log, struct message *m, bool touched, bool finished,
                     char token[SESSION_TOKEN_SIZE])
{
    const struct settings *settings = log->policy->settings;
    enum entry_action action = transaction_action(m, finished);
    bool written = true;
    struct entry *entry;

    token[0] = '\0';
    if (!touched) {
        message_free(m);
        return true;
    }
    if (log->journal == NULL) {
        message_free(m);
    } else if (!finished || !log->enforce || settings->log_sync != LOG_SYNC_MESSAGE ||
               (action != ENTRY_ACCEPT && action != ENTRY_DISCARD)) {
        journal_offer(log->journal, entry_of(log, m, action));
    } else {
        entry = entry_of(log, m, action);
        if (may_promise(log))
            token_new(token);
        entry->late = session_log_late(arena_strdup(m->arena, token));
        written = journal_commit(log->journal, entry, (uint64_t)settings->log_sync_time_limit);
    }
    if (!log->quiet)
        counter_add(COUNT_ACCEPT + (written ? action : ENTRY_TEMPFAIL));
    return written;
}
