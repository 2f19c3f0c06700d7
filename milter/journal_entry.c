/* journal_entry - one finished transaction on its way into the log */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"
#include "journal_wait.h"

const char *entry_action_name(enum entry_action action)
{
    static const char *const names[] = {
        [ENTRY_ACCEPT] = "accept",   [ENTRY_REJECT] = "reject",   [ENTRY_TEMPFAIL] = "tempfail",
        [ENTRY_DISCARD] = "discard", [ENTRY_ABORTED] = "aborted",
    };

    return (size_t)action < ARRAY_LEN(names) ? names[action] : "aborted";
}

struct entry *entry_new(struct message *message)
{
    struct entry *entry = arena_alloc(message->arena, sizeof(*entry));

    entry->message = message;
    return entry;
}

bool entry_is_promise(const struct entry *entry)
{
    return entry->message->tokens != NULL || entry->late.token != NULL || entry->ruleset != NULL;
}

bool entry_is_mail(const struct entry *entry)
{
    return entry->ruleset == NULL && entry->shadow == NULL;
}

void entry_free(struct entry *entry)
{
    if (entry == NULL)
        return;
    if (entry->waiter != NULL)
        waiter_tell(entry->waiter, false);
    waiter_release(entry->waiter);
    if (entry->release != NULL)
        entry->release(entry->owner);
    message_free(entry->message);
}

uint64_t entry_drop_details(struct entry *entry)
{
    struct message *m = entry->message;
    uint64_t count = 0;

    for (const struct check_record *check = m->checks; check != NULL; check = check->next)
        count++;
    entry->lacks_details = true;
    m->checks = NULL;
    m->checks_tail = &m->checks;
    m->findings = NULL;
    m->findings_tail = &m->findings;
    m->keeps_evidence = false;
    return count;
}
