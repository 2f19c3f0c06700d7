/* sign_who - may this message be signed, and for which domain? */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign_who.h"

#include "address.h"
#include "fold.h"
#include "rfc5322.h"

#include <string.h>

enum { LOGIN_SHOWN = 200 };

static void refuse(struct sign_who *who, struct arena *arena, const char *why)
{
    char *text = arena_printf(arena, "dkim: not signed: %s", why);

    fold_printable(text, '?');
    who->may = false;
    who->why = text;
}

static const char *folded(const char *text, struct arena *arena)
{
    struct slice s = fold_case(slice_of(text), arena);

    return arena_strndup(arena, s.ptr != NULL ? s.ptr : "", s.len);
}

/* The address in the one From field; false after a refusal. */
static bool find_author(const struct sign_scene *scene, struct arena *arena, struct sign_who *who)
{
    struct mailbox mailbox;
    const char *why = NULL;
    int count;

    if (scene->from_count != 1) {
        refuse(who, arena, scene->from_count == 0
                               ? "no From field"
                               : arena_printf(arena, "%zu From fields", scene->from_count));
        return false;
    }
    count = mailboxes_read(scene->from[0], &mailbox, 1, arena, &why);
    if (count < 0)
        refuse(who, arena, arena_printf(arena, "the From field cannot be read: %s", why));
    else if (count == 0)
        refuse(who, arena, "no address in the From field");
    else if (count > 1)
        refuse(who, arena, arena_printf(arena, "%d addresses in the From field", count));
    else if (mailbox.domain[0] == '[')
        refuse(who, arena, arena_printf(arena, "From %s, which is no domain", mailbox.domain));
    else
        who->domain = mailbox.domain;
    if (who->domain != NULL)
        who->address = arena_printf(arena, "%s@%s", folded(mailbox.local, arena), who->domain);
    return who->domain != NULL;
}

static bool is_same_folded(const char *a, const char *b, struct arena *arena)
{
    return strcmp(folded(a, arena), folded(b, arena)) == 0;
}

static bool is_ours(const struct site *site, const char *domain, struct arena *arena)
{
    return is_same_folded(domain, fold_domain_ascii(site->mydomain, arena), arena) ||
           is_same_folded(domain, fold_domain_ascii(site->myorigin, arena), arena) ||
           match_domain(site->mydestination, slice_of(domain), arena) == MATCH_YES;
}

/* The table's logins are separated by commas and blanks. */
static bool names_login(const char *value, const char *login, struct arena *arena)
{
    struct slice rest = slice_of(value), word;
    const char *wanted = folded(login, arena);

    while (slice_word(&rest, ", \t\r\n", &word)) {
        struct slice name = fold_case(word, arena);

        if (slice_is(name, wanted))
            return true;
    }
    return false;
}

/* The keys in the order in which they are tried; NULL: this one is not. */
enum { KEYS = 5 };

static void keys_of(const struct sign_scene *scene, const struct sign_who *who,
                    const char *keys[KEYS], struct arena *arena)
{
    size_t user_len = strlen(who->address) - strlen(who->domain) - 1;
    size_t extension = address_extension(who->address, scene->site->recipient_delimiter);
    size_t bare_len = extension > 0 && extension < user_len ? extension : user_len;

    memset(keys, 0, KEYS * sizeof(*keys));
    keys[0] = who->address;
    if (table_has_patterns(scene->senders))
        return;
    if (bare_len < user_len)
        keys[1] = arena_printf(arena, "%.*s@%s", (int)bare_len, who->address, who->domain);
    if (is_ours(scene->site, who->domain, arena))
        keys[2] = arena_strndup(arena, who->address, bare_len);
    keys[3] = arena_printf(arena, "@%s", who->domain);
    keys[4] = who->domain;
}

/* Does the login own the address? False after a refusal if nobody can say. */
static bool owns_by_table(const struct sign_scene *scene, struct arena *arena,
                          struct sign_who *who)
{
    const char *keys[KEYS];

    keys_of(scene, who, keys, arena);
    for (size_t i = 0; i < KEYS; i++) {
        struct hit hit = {0};
        enum table_result result;

        if (keys[i] == NULL)
            continue;
        result = table_lookup(scene->senders, slice_of(keys[i]), arena, &hit);
        if (result == TABLE_FOUND)
            return names_login(hit.value, scene->message->login, arena);
        if (result == TABLE_ERROR) {
            refuse(who, arena,
                   arena_printf(arena, "signing_senders (%s) cannot be asked for %s: %s",
                                table_spec(scene->senders), keys[i],
                                hit.why != NULL ? hit.why : "the lookup failed"));
            return false;
        }
    }
    return false;
}

static const char *domain_of_login(const char *login, struct arena *arena)
{
    const char *at = strrchr(login, '@');

    return at == NULL ? NULL : fold_domain_ascii(at + 1, arena);
}

static bool owns_by_name(const struct sign_scene *scene, const struct sign_who *who,
                         struct arena *arena)
{
    const char *domain = domain_of_login(scene->message->login, arena);

    return domain == NULL ? is_ours(scene->site, who->domain, arena)
                          : strcmp(domain, who->domain) == 0;
}

static void judge_login(const struct sign_scene *scene, struct arena *arena, struct sign_who *who)
{
    const char *login = scene->message->login;
    const char *domain = domain_of_login(login, arena), *subject;

    who->may = scene->senders != NULL ? owns_by_table(scene, arena, who)
                                      : owns_by_name(scene, who, arena);
    if (who->may || who->why != NULL)
        return;
    /* where the domain is the same, the address is what differs */
    subject = domain != NULL && strcmp(domain, who->domain) == 0 ? who->address : who->domain;
    refuse(who, arena,
           arena_printf(arena, "login %.*s, From %s", LOGIN_SHOWN, login, subject));
}

static void judge_client(const struct sign_scene *scene, bool listed, struct arena *arena,
                         struct sign_who *who)
{
    const struct client *client = scene->client;

    who->may = client->local || listed ||
               site_is_our_client(scene->site, slice_of(client->name), &client->addr, arena) ==
                   MATCH_YES;
    if (!who->may)
        refuse(who, arena,
               arena_printf(arena, "no login, and %s[%s] is not in mynetworks, From %s",
                            client->name, client->addr_text, who->domain));
}

void sign_who(const struct sign_scene *scene, bool listed, struct arena *arena,
              struct sign_who *who)
{
    *who = (struct sign_who){0};
    if (scene->message->direction != DIR_OUTGOING || !find_author(scene, arena, who))
        return;
    if (scene->message->login[0] != '\0')
        judge_login(scene, arena, who);
    else
        judge_client(scene, listed, arena, who);
}
