/* keys - libFuzzer: any bytes as a From field, whose address asks for keys; as a key's record */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_record.h"
#include "keys.h"
#include "rfc5322.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char conf_text[] =
    "postfix_config_directory =\nmultiple_signatures = yes\n"
    "key_table = csl:any=%:s:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n"
    "signing_table = csl:*=any @%,joe@*=any joe@%,.example=any,example.org=any\n";

static const struct keys *fixed_keys(void)
{
    static struct keys *keys;
    struct problems problems = {0};
    struct conf *conf;

    if (keys != NULL)
        return keys;
    conf = conf_new();
    conf_read_text(conf, "f", conf_text, strlen(conf_text), &problems);
    keys = keys_load(settings_of_conf(conf, "f", &problems), &problems);
    if (problems.errors > 0)
        abort();
    problems_free(&problems);
    return keys;
}

/* Whatever can be read has a domain that can stand in d=. */
static void check_mailbox(const struct mailbox *mailbox, struct arena *arena)
{
    const struct key_choice *list;
    const char *address = arena_printf(arena, "%s@%s", mailbox->local, mailbox->domain);
    size_t count = keys_select(fixed_keys(), address, arena, &list);

    if (mailbox->domain[0] == '[')
        return;
    if (!keys_is_domain(mailbox->domain) || mailbox->local[0] == '\0' || count == 0)
        abort();
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].domain, mailbox->domain) != 0)
            abort();
}

static void try_from(const char *text, struct arena *arena)
{
    struct mailbox list[2];
    const char *why = NULL;
    int count = mailboxes_read(text, list, ARRAY_LEN(list), arena, &why);

    if (count < 0 && why == NULL)
        abort();
    for (int i = 0; i < count && i < (int)ARRAY_LEN(list); i++)
        check_mailbox(&list[i], arena);
}

static void see_key(const struct key_choice *choice, void *arg)
{
    *(const struct dkim_key **)arg = choice->key;
}

static void try_record(struct slice text)
{
    struct dns_record record = {.type = DNS_TXT};
    struct dns_answer answer = {.state = DNS_FOUND, .records = &record, .count = 1};
    struct problems problems = {0};
    const struct dkim_key *key = NULL;

    keys_each(fixed_keys(), see_key, &key);
    record.txt.joined = text;
    record.txt.strings = &text;
    record.txt.count = 1;
    if (key_record_judge(key, "s._domainkey.example.org", &answer, &problems) != KEY_READY &&
        problems.errors == 0)
        abort();
    problems_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();

    if (size > 0 && data[0] == 'r')
        try_record((struct slice){(const char *)data + 1, size - 1});
    else if (size > 0)
        try_from(arena_strndup(arena, (const char *)data + 1, size - 1), arena);
    arena_free(arena);
    return 0;
}
