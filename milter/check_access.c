/* check_access - check_*_access: tables asked as access(5) says */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access.h"
#include "access_keys.h"
#include "fold.h"
#include "address.h"
#include "log.h"
#include "policy.h"
#include "restriction.h"

#include <string.h>

/* One search through the keys of one subject; ends at the first key that the table has. */
struct search {
    const struct step *step;
    const struct scene *scene;
    struct access_keys keys;
    struct slice first; /* the full key: what the log shows when nothing is found */
    struct slice found;
    struct hit hit;
    enum table_result result;
};

static bool ask(void *arg, struct slice key)
{
    struct search *s = arg;

    if (s->first.ptr == NULL)
        s->first = key;
    s->result = table_lookup(s->step->table, key, s->scene->arena, &s->hit);
    check_report_undecided(&s->hit);
    if (s->result == TABLE_NOT_FOUND)
        return false;
    if (s->result == TABLE_FOUND && !is_utf8(slice_of(s->hit.value))) {
        s->result = TABLE_ERROR;
        s->hit.why = "its value is not UTF-8 (iconv -f LATIN1 -t UTF-8)";
    }
    s->found = key;
    return true;
}

static void search_start(struct search *s, const struct step *step, const struct scene *scene)
{
    const struct site *site = scene->policy->site;

    *s = (struct search){.step = step, .scene = scene, .result = TABLE_NOT_FOUND};
    s->keys = (struct access_keys){
        .ask = ask,
        .arg = s,
        .whole_only = table_has_patterns(step->table),
        .bare_parents = site->access_parents,
        .delimiters = site->recipient_delimiter,
        .null_sender = site->null_access_lookup_key,
        .arena = scene->arena,
    };
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

static struct outcome judge_client_access(const struct step *step, const struct scene *scene)
{
    struct search s;

    search_start(&s, step, scene);
    if (!access_keys_name(&s.keys, scene->client->name))
        access_keys_address(&s.keys, scene->client->addr_text);
    return conclude(&s, subject_client(scene));
}

static struct outcome judge_reverse_access(const struct step *step, const struct scene *scene)
{
    struct search s;
    const char *ptr = scene->client->ptr ? scene->client->ptr : "unknown";
    struct outcome o;

    search_start(&s, step, scene);
    if (!access_keys_name(&s.keys, ptr))
        access_keys_address(&s.keys, scene->client->addr_text);
    o = conclude(&s, (struct subject){ptr, "Unverified Client host"});
    o.permission = PERMISSION_FORBIDDEN;
    return o;
}

static struct outcome judge_helo_access(const struct step *step, const struct scene *scene)
{
    struct search s;

    if (scene->client->helo == NULL)
        return outcome_dunno();
    search_start(&s, step, scene);
    access_keys_name(&s.keys, scene->client->helo);
    return conclude(&s, subject_helo(scene));
}

static struct outcome judge_sender_access(const struct step *step, const struct scene *scene)
{
    struct search s;

    if (!scene->message->has_mail)
        return outcome_dunno();
    search_start(&s, step, scene);
    access_keys_sender(&s.keys, scene->message->sender.key);
    return conclude(&s, subject_sender(scene));
}

static struct outcome judge_recipient_access(const struct step *step, const struct scene *scene)
{
    struct search s;
    struct outcome o;

    if (scene->recipient == NULL || strchr(scene->recipient->address.key, '@') == NULL)
        return outcome_dunno();
    search_start(&s, step, scene);
    access_keys_mail(&s.keys, scene->recipient->address.key);
    o = conclude(&s, subject_recipient(scene));
    if (address_is_routed(&scene->recipient->address))
        o.permission = PERMISSION_IGNORED;
    return o;
}

static struct outcome judge_sasl_access(const struct step *step, const struct scene *scene)
{
    struct search s;
    char *name;

    if (scene->message->login[0] == '\0')
        return outcome_dunno();
    name = arena_strdup(scene->arena, scene->message->login);
    for (char *p = name; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '_';
    search_start(&s, step, scene);
    ask(&s, slice_of(scene->message->login));
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
     .judge = judge_helo_access, .class = "Helo command",
     .help = "access table keyed by the HELO name and its parents"},
    {.name = "check_sender_access", .arg = ARG_TABLE, .first_stage = STAGE_MAIL,
     .judge = judge_sender_access, .class = "Sender address",
     .help = "access table keyed by the sender's address"},
    {.name = "check_recipient_access", .arg = ARG_TABLE, .first_stage = STAGE_RCPT,
     .judge = judge_recipient_access, .class = "Recipient address",
     .help = "access table keyed by the recipient's address"},
    {.name = "check_sasl_access", .arg = ARG_TABLE, .first_stage = STAGE_MAIL, .awaits_login = true,
     .judge = judge_sasl_access, .class = "SASL login name",
     .help = "access table keyed by the login name"},
    {0},
};
