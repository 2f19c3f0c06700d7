/* status_keys - for `tamis status`: which DKIM key signs, which waits, which is retired */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "status_keys.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 100, REASONS_MAX = 5, DAY_SECONDS = 24 * 60 * 60 };

static void take(const struct key_report *report, void *arg)
{
    const struct key_choice *choice = report->choice;
    struct status_keys *s = arg;

    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->list = xreallocarray(s->list, s->cap, sizeof(*s->list));
    }
    s->list[s->count++] = (struct status_key){
        .name = key_record_name(choice->selector, choice->domain, s->arena),
        .path = arena_strdup(s->arena, choice->path),
        .algorithm = dkim_algorithm_name(dkim_key_algorithm(choice->key)),
        .why = arena_strdup(s->arena, strcmp(choice->domain, "%") == 0
                                          ? "asked for domain by domain" : report->why),
        .bits = dkim_key_bits(choice->key),
        .role = report->role,
        .state = report->state,
        .asked_at = report->asked_at,
        .age = report->age,
        .trouble = report->trouble,
    };
    s->roles[report->role]++;
    s->troubles += report->trouble;
}

void status_keys_read(struct status_keys *status, struct key_watch *watch, const struct keys *keys,
                      int64_t now)
{
    *status = (struct status_keys){.arena = arena_new()};
    key_watch_report(watch, keys, now, take, status);
}

void status_keys_free(struct status_keys *status)
{
    if (status->arena != NULL)
        arena_free(status->arena);
    free(status->list);
    *status = (struct status_keys){0};
}

void status_keys_reasons(const struct status_keys *status, struct buf *out)
{
    size_t told = 0;

    for (size_t i = 0; i < status->count && told < REASONS_MAX; i++)
        if (status->list[i].trouble) {
            buf_addf(out, "  the DKIM key %s signs nothing: %s\n", status->list[i].name,
                     status->list[i].why);
            told++;
        }
    if (status->troubles > told)
        buf_addf(out, "  and so do %zu more keys\n", status->troubles - told);
}

static void add_key(const struct status_key *key, int64_t now, struct buf *out)
{
    buf_addf(out, "  %-7s %s, %s, %u bits", key_role_name(key->role), key->name, key->algorithm,
             key->bits);
    if (key->age >= 0)
        buf_addf(out, ", %lld days old", (long long)(key->age / DAY_SECONDS));
    buf_addf(out, ": %s", key_state_name(key->state));
    if (key->asked_at > 0)
        buf_addf(out, " %lld s ago", (long long)(now - key->asked_at));
    buf_addf(out, "%s%s\n", key->why[0] != '\0' ? "; " : "", key->why);
}

void status_keys_text(const struct status_keys *status, int64_t now, bool observes,
                      struct buf *out)
{
    if (status->count == 0)
        return;
    buf_addf(out, "DKIM keys   %zu sign, %zu wait, %zu retired%s\n", status->roles[KEY_SIGNS],
             status->roles[KEY_WAITS], status->roles[KEY_RETIRED],
             observes ? "; mode = observe signs nothing" : "");
    for (size_t i = 0; i < status->count && i < LINES_MAX; i++)
        add_key(&status->list[i], now, out);
    if (status->count > LINES_MAX)
        buf_addf(out, "  and %zu more: --json tells all\n", status->count - LINES_MAX);
}

static void add_json_key(const struct status_key *key, struct buf *out)
{
    buf_addc(out, '{');
    buf_add_member(out, "name", key->name);
    buf_add_member(out, "role", key_role_name(key->role));
    buf_add_member(out, "record", key_state_name(key->state));
    buf_add_member(out, "why", key->why);
    buf_add_member(out, "algorithm", key->algorithm);
    buf_add_member(out, "file", key->path);
    buf_addf(out, ",\"bits\":%u,\"asked_at\":%lld,\"age\":%lld,\"trouble\":%s}", key->bits,
             (long long)key->asked_at, (long long)key->age, key->trouble ? "true" : "false");
}

void status_keys_json(const struct status_keys *status, struct buf *out)
{
    buf_addf(out,
             "\"dkim\":{\"signs\":%zu,\"waits\":%zu,\"retired\":%zu,\"trouble\":%zu,\"keys\":[",
             status->roles[KEY_SIGNS], status->roles[KEY_WAITS], status->roles[KEY_RETIRED],
             status->troubles);
    for (size_t i = 0; i < status->count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        add_json_key(&status->list[i], out);
    }
    buf_adds(out, "]},");
}
