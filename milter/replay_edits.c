/* replay_edits - what was done to a mail beside its verdict, and what would be done now */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_edits.h"

#include "replay_content.h"

#include <string.h>
#include <strings.h>

enum {
    EDITS_MAX = 200,   /* of one mail: more are not compared */
    VALUE_MAX = 400,   /* the log cuts values behind it */
};

struct part {
    const struct edit *edit;
    struct slice field, value;
    bool met; /* on the other side, too */
};

struct parts {
    struct part list[EDITS_MAX];
    size_t count;
};

static bool is_own(struct slice field)
{
    static const char *const names[] = {"Authentication-Results", "Received-SPF", "Received",
                                        "DKIM-Signature"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_is_nocase(field, names[i]))
            return true;
    return false;
}

static void collect(struct parts *parts, const struct message *m, bool content)
{
    for (const struct edit *e = m->edits; e != NULL && parts->count < EDITS_MAX; e = e->next) {
        struct part part = {.edit = e};

        edit_split(e, &part.field, &part.value);
        if (e->annotates || is_own(part.field) || (!content && content_made(m, &e->rule, e->act)))
            continue;
        parts->list[parts->count++] = part;
    }
}

/* What the log cannot keep as it was, it keeps otherwise: only what is in front of it counts. */
static size_t plain_length(struct slice text)
{
    size_t len = 0;

    while (len < text.len && len < VALUE_MAX && text.ptr[len] >= ' ' && text.ptr[len] <= '~')
        len++;
    return len;
}

static bool is_value(struct slice a, struct slice b)
{
    size_t a_len = plain_length(a), b_len = plain_length(b);

    return a_len == b_len && (a_len == 0 || memcmp(a.ptr, b.ptr, a_len) == 0);
}

static bool is_field(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

/* Of several holds only the first one is kept; their words do not matter. */
static bool is_equal(const struct part *a, const struct part *b)
{
    return a->edit->act == b->edit->act && is_field(a->field, b->field) &&
           (a->edit->act == ACT_HOLD || is_value(a->value, b->value));
}

static void meet(struct parts *was, struct parts *now)
{
    for (size_t i = 0; i < was->count; i++)
        for (size_t j = 0; j < now->count && !was->list[i].met; j++)
            if (!now->list[j].met && is_equal(&was->list[i], &now->list[j]))
                was->list[i].met = now->list[j].met = true;
}

static struct replay_edit **append(struct replay_edit **tail, const struct parts *parts, bool added,
                                   struct arena *arena)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *part = &parts->list[i];

        if (part->met)
            continue;
        *tail = arena_alloc(arena, sizeof(**tail));
        **tail = (struct replay_edit){.added = added, .act = part->edit->act,
                                      .rule = part->edit->rule};
        if (part->field.len > 0)
            (*tail)->field = arena_strndup(arena, part->field.ptr, part->field.len);
        tail = &(*tail)->next;
    }
    return tail;
}

struct replay_edit *replay_edits_compare(const struct message *was, const struct message *now,
                                         bool content, struct arena *arena)
{
    struct parts before, after;
    struct replay_edit *first = NULL, **tail = &first;

    if ((was->edits == NULL && now->edits == NULL) || was->edits_left_out > 0)
        return NULL;
    before.count = after.count = 0;
    collect(&before, was, content);
    collect(&after, now, content);
    if (before.count == EDITS_MAX || after.count == EDITS_MAX)
        return NULL;
    meet(&before, &after);
    tail = append(tail, &after, true, arena);
    append(tail, &before, false, arena);
    return first;
}

const char *replay_edits_fate(const struct replay_edit *edits)
{
    static const struct {
        enum act act;
        const char *now, *before;
    } fates[] = {
        {ACT_REDIRECT, "redirected", "no longer redirected"},
        {ACT_HOLD, "held", "no longer held"},
        {ACT_BCC, "copied", "no longer copied"},
    };

    for (size_t i = 0; i < ARRAY_LEN(fates); i++)
        for (const struct replay_edit *e = edits; e != NULL; e = e->next)
            if (e->act == fates[i].act)
                return e->added ? fates[i].now : fates[i].before;
    return NULL;
}
