/* check_access - check_*_access: tables asked for clients, names, logins and addresses as access(5) says */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access.h"
#include "address.h"
#include "log.h"
#include "policy.h"
#include "restriction.h"

#include <string.h>

/* One search through the keys of one subject; ends at the first key that the table has. */
struct search {
    const struct step *step;
    const struct scene *scene;
    struct slice first; /* the full key: what the log shows when nothing is found */
    struct slice found;
    struct hit hit;
    enum table_result result;
};

/* Asks for one key. Tables with patterns are asked for full keys only. True ends the search. */
static bool try_key(struct search *s, struct slice key, bool partial)
{
    if (key.len == 0 || (partial && table_has_patterns(s->step->table)))
        return false;
    if (s->first.ptr == NULL)
        s->first = key;
    s->result = table_lookup(s->step->table, key, s->scene->arena, &s->hit);
    if (s->result == TABLE_NOT_FOUND)
        return false;
    s->found = key;
    return true;
}

/* The parents of a domain, `parent.tld` or, in the other style, `.parent.tld`. */
static bool try_parents(struct search *s, struct slice name)
{
    bool bare = s->scene->policy->site->access_parents;

    for (;;) {
        const char *dot = name.len > 1 ? memchr(name.ptr + 1, '.', name.len - 1) : NULL;
        size_t skip;

        if (dot == NULL)
            return false;
        skip = (size_t)(dot - name.ptr) + (bare ? 1 : 0);
        name = (struct slice){name.ptr + skip, name.len - skip};
        if (name.len == 0)
            return false;
        if (try_key(s, name, true))
            return true;
    }
}

static bool try_domain(struct search *s, const char *name)
{
    struct slice key = slice_of(name);
    struct addr addr;

    if (try_key(s, key, false))
        return true;
    return !addr_parse(key, &addr) && try_parents(s, key);
}

/* The address, then what is left when it is cut at the last delimiter, again and again. */
static bool try_address(struct search *s, const char *address)
{
    struct slice key = slice_of(address);
    int delimiter = strchr(address, ':') ? ':' : '.';
    bool partial = false;

    for (;;) {
        const char *cut;

        if (try_key(s, key, partial))
            return true;
        partial = true;
        cut = key.len > 0 ? memrchr(key.ptr, delimiter, key.len) : NULL;
        if (cut == NULL)
            return false;
        key.len = (size_t)(cut - key.ptr);
    }
}

/* An address in its quoted form, then, if that differs, without quotes. */
static bool try_both_forms(struct search *s, const char *address, bool partial)
{
    const char *quoted = address_quote(address, s->scene->arena);

    if (try_key(s, slice_of(quoted), partial))
        return true;
    return quoted != address && try_key(s, slice_of(address), partial);
}

static const char *local_at(const char *address, struct arena *arena)
{
    const char *at = strrchr(address, '@');

    return arena_strndup(arena, address, (size_t)(at + 1 - address));
}

static const char *without_extension(const char *address, size_t extension, struct arena *arena)
{
    return arena_printf(arena, "%.*s%s", (int)extension, address, strrchr(address, '@'));
}

static bool try_mail_address(struct search *s, const char *key)
{
    struct arena *arena = s->scene->arena;
    size_t extension = address_extension(key, s->scene->policy->site->recipient_delimiter);
    const char *plain = extension ? without_extension(key, extension, arena) : NULL;
    struct slice domain = address_domain(key);

    if (try_both_forms(s, key, false) || (plain && try_both_forms(s, plain, true)))
        return true;
    if (try_key(s, domain, true) || try_parents(s, domain))
        return true;
    if (try_both_forms(s, local_at(key, arena), true))
        return true;
    return plain && try_both_forms(s, local_at(plain, arena), true);
}

static struct outcome lookup_error(const struct search *s, const struct subject *subject)
{
    static struct log_limit limit;

    log_limited(&limit, LOG_WARNING, "%s:%d: table %s has no answer: %s",
                s->step->where.file ? s->step->where.file : "?", s->step->where.line,
                table_spec(s->step->table), s->hit.why ? s->hit.why : "lookup error");
    return outcome_refuse(s->scene, subject, 451, "4.3.5", "Server configuration error");
}

/* What the log shows of a search. */
static void note(struct outcome *o, const struct search *s)
{
    struct slice key = s->found.ptr ? s->found : s->first;

    o->question = arena_printf(s->scene->arena, "table %s %.*s", table_spec(s->step->table),
                               (int)key.len, key.ptr ? key.ptr : "");
    if (s->result == TABLE_FOUND) {
        o->answer = s->hit.value;
        o->rule = (struct rule_ref){s->hit.rule, s->hit.text};
    } else {
        o->answer = s->result == TABLE_ERROR ? "error" : "not found";
    }
}

static struct outcome conclude(const struct search *s, struct subject subject)
{
    struct outcome o = outcome_dunno();

    if (s->result == TABLE_ERROR)
        o = lookup_error(s, &subject);
    else if (s->result == TABLE_FOUND)
        o = access_outcome(s->scene, &subject, s->hit.value, &s->hit.rule);
    note(&o, s);
    return o;
}

static struct search search_new(const struct step *step, const struct scene *scene)
{
    return (struct search){.step = step, .scene = scene, .result = TABLE_NOT_FOUND};
}

static struct outcome judge_client_access(const struct step *step, const struct scene *scene)
{
    struct search s = search_new(step, scene);

    if (!try_domain(&s, scene->client->name))
        try_address(&s, scene->client->addr_text);
    return conclude(&s, subject_client(scene));
}

static struct outcome judge_reverse_access(const struct step *step, const struct scene *scene)
{
    struct search s = search_new(step, scene);
    const char *ptr = scene->client->ptr ? scene->client->ptr : "unknown";
    struct outcome o;

    if (!try_domain(&s, ptr))
        try_address(&s, scene->client->addr_text);
    o = conclude(&s, (struct subject){ptr, "Unverified Client host"});
    o.permission = PERMISSION_FORBIDDEN;
    return o;
}

static struct outcome judge_helo_access(const struct step *step, const struct scene *scene)
{
    struct search s = search_new(step, scene);

    if (scene->client->helo == NULL)
        return outcome_dunno();
    try_domain(&s, scene->client->helo);
    return conclude(&s, subject_helo(scene));
}

static struct outcome judge_sender_access(const struct step *step, const struct scene *scene)
{
    struct search s = search_new(step, scene);

    if (!scene->message->has_mail)
        return outcome_dunno();
    if (scene->message->sender.key[0] == '\0')
        try_key(&s, slice_of(scene->policy->site->null_access_lookup_key), false);
    else
        try_mail_address(&s, scene->message->sender.key);
    return conclude(&s, subject_sender(scene));
}

static struct outcome judge_recipient_access(const struct step *step, const struct scene *scene)
{
    struct search s = search_new(step, scene);
    struct outcome o;

    if (scene->recipient == NULL || strchr(scene->recipient->address.key, '@') == NULL)
        return outcome_dunno();
    try_mail_address(&s, scene->recipient->address.key);
    o = conclude(&s, subject_recipient(scene));
    if (address_is_routed(&scene->recipient->address))
        o.permission = PERMISSION_IGNORED;
    return o;
}

static struct outcome judge_sasl_access(const struct step *step, const struct scene *scene)
{
    struct search s = search_new(step, scene);
    char *name;

    if (scene->message->login[0] == '\0')
        return outcome_dunno();
    name = arena_strdup(scene->arena, scene->message->login);
    for (char *p = name; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '_';
    try_key(&s, slice_of(scene->message->login), false);
    return conclude(&s, (struct subject){name, "SASL login name"});
}

const struct restriction rows_access[] = {
    {.name = "check_client_access", .arg = ARG_TABLE, .first_stage = STAGE_CONNECT,
     .judge = judge_client_access, .class = "Client host",
     .help = "access table keyed by the client's verified name, its parents, its address"},
    {.name = "check_reverse_client_hostname_access", .arg = ARG_TABLE,
     .first_stage = STAGE_CONNECT, .judge = judge_reverse_access, .class = "Unverified Client host",
     .help = "access table keyed by the client's unverified reverse name"},
    {.name = "check_helo_access", .arg = ARG_TABLE, .first_stage = STAGE_HELO,
     .judge = judge_helo_access, .class = "Helo command", .help = "access table keyed by the HELO name and its parents"},
    {.name = "check_sender_access", .arg = ARG_TABLE, .first_stage = STAGE_MAIL,
     .judge = judge_sender_access, .class = "Sender address", .help = "access table keyed by the sender's address"},
    {.name = "check_recipient_access", .arg = ARG_TABLE, .first_stage = STAGE_RCPT,
     .judge = judge_recipient_access, .class = "Recipient address", .help = "access table keyed by the recipient's address"},
    {.name = "check_sasl_access", .arg = ARG_TABLE, .first_stage = STAGE_MAIL,
     .judge = judge_sasl_access, .class = "SASL login name", .help = "access table keyed by the login name"},
    {0},
};
