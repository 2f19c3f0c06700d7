/* replay_evidence - what the log keeps for replays alone: raw arguments, fields of the header */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_evidence.h"

#include "replay_json.h"

#include <stdlib.h>
#include <string.h>

/* What one policy had recorded. */
struct known {
    struct known *next;
    int64_t policy;
    const char **headers;
    bool arguments, dkim;
};

struct recorded {
    struct logdb *log;
    struct arena *arena;
    struct known *known;
    int64_t first; /* transaction with evidence; INT64_MAX: there is none */
};

static struct recipient *recipient_of(const struct message *m, long number)
{
    for (struct recipient *r = m->recipients; r != NULL; r = r->next)
        if (r->number == number)
            return r;
    return NULL;
}

static void read_arguments(struct message *m, struct json *json)
{
    long number;

    for (json_take(json, '{'); !json_take(json, '}'); json_take(json, ',')) {
        const char *key = json_text(json, m->arena), *arg;
        struct recipient *recipient;

        if (key == NULL || !json_take(json, ':') || (arg = json_text(json, m->arena)) == NULL)
            return;
        if (!parse_long(slice_of(key), 1, INT32_MAX, &number))
            continue;
        recipient = recipient_of(m, number);
        if (recipient != NULL)
            recipient->address.arg = arg;
    }
}

static void read_headers(struct message *m, struct json *json)
{
    for (json_take(json, '['); json_take(json, '['); json_take(json, ',')) {
        const char *name = json_text(json, m->arena), *value;

        if (name == NULL || !json_take(json, ',') ||
            (value = json_text(json, m->arena)) == NULL || !json_take(json, ']'))
            return;
        message_add_header(m, name, value);
    }
    json_take(json, ']');
}

static void read_parts(struct message *m, struct json *json)
{
    const char *text;

    json_take(json, '[');
    for (; (text = json_text(json, m->arena)) != NULL; json_take(json, ','))
        message_add_part(m, slice_of(text));
    json_take(json, ']');
}

void evidence_read(struct message *m, const char *text)
{
    struct json json = {text};

    for (json_take(&json, '{'); !json_take(&json, '}'); json_take(&json, ',')) {
        const char *key = json_text(&json, m->arena), *arg;

        if (key == NULL || !json_take(&json, ':'))
            return;
        if (strcmp(key, "recipients") == 0)
            read_arguments(m, &json);
        else if (strcmp(key, "headers") == 0)
            read_headers(m, &json);
        else if (strcmp(key, "parts") == 0)
            read_parts(m, &json);
        else if (strcmp(key, "parts_whole") == 0)
            m->parts_whole = json_skip(&json);
        else if (strcmp(key, "sender") != 0 && !json_skip(&json))
            return;
        else if (strcmp(key, "sender") == 0 && (arg = json_text(&json, m->arena)) != NULL)
            m->sender.arg = arg;
    }
}

/* --- what was recorded ------------------------------------------------------------------------ */

struct recorded *recorded_new(struct logdb *log, struct err *err)
{
    sqlite3_stmt *stmt = logdb_prepare(log, "SELECT min(id) FROM mail_evidence", err);
    struct recorded *r;

    if (stmt == NULL)
        return NULL;
    r = xcalloc(1, sizeof(*r));
    *r = (struct recorded){.log = log, .arena = arena_new(), .first = INT64_MAX};
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        r->first = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return r;
}

void recorded_free(struct recorded *r)
{
    if (r == NULL)
        return;
    arena_free(r->arena);
    free(r);
}

static const char **read_names(struct recorded *r, const char *list)
{
    struct slice rest = slice_of(list), word;
    const char **names = arena_alloc(r->arena, (rest.len / 2 + 2) * sizeof(*names));
    size_t count = 0;

    while (slice_word(&rest, ", \t\r\n", &word))
        names[count++] = arena_strndup(r->arena, word.ptr, word.len);
    return names;
}

static struct known *know(struct recorded *r, int64_t policy)
{
    struct known *k = arena_alloc(r->arena, sizeof(*k));
    struct replay_texts *texts = replay_texts_read(r->log, policy, NULL);
    char *list = texts != NULL ? replay_texts_setting(texts, "evidence_headers") : NULL;
    struct problems problems = {0};
    struct policy *p = texts != NULL ? replay_texts_load_whole(texts, &problems) : NULL;

    *k = (struct known){.next = r->known, .policy = policy};
    k->arguments = list != NULL && list[0] != '\0';
    k->dkim = p != NULL && p->verifies_dkim;
    k->headers = read_names(r, k->arguments && p != NULL && policy_needs(p).headers ? list : "");
    r->known = k;
    if (p != NULL)
        policy_release(p);
    policy_reap();
    problems_free(&problems);
    free(list);
    replay_texts_free(texts);
    return k;
}

static const struct known *known_of(struct recorded *r, int64_t policy)
{
    const struct known *k = r->known;

    while (k != NULL && k->policy != policy)
        k = k->next;
    return k != NULL || policy == 0 ? k : know(r, policy);
}

/* A mail without any of the fields is taken for one whose evidence was left out in a rush. */
void recorded_set(struct recorded *r, struct message *message, struct replay_facts *facts)
{
    static const char *const none[] = {NULL};
    const struct known *k = known_of(r, facts->policy);

    facts->recorded_headers = none;
    facts->arguments_unknown = true;
    if (k == NULL || !k->dkim)
        message->dkim = NULL;
    if (k == NULL || facts->id < r->first)
        return;
    facts->arguments_unknown = !k->arguments;
    if (message->headers != NULL)
        facts->recorded_headers = k->headers;
}
