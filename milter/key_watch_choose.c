/* key_watch_choose - which key of several signs, which waits, which is retired */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_watch.h"

#include "key_watch_parts.h"

#include <stdlib.h>
#include <string.h>

const char *key_role_name(enum key_role role)
{
    static const char *const names[] = {
        [KEY_SIGNS] = "signs", [KEY_WAITS] = "waits", [KEY_RETIRED] = "retired",
    };

    return names[role];
}

/* How good a state is for signing; 0: not at all. */
static int worth(enum key_state state)
{
    return state == KEY_READY ? 3 : state == KEY_UNKNOWN ? 2 : state == KEY_ABSENT ? 1 : 0;
}

static bool is_in_time(const struct key_choice *choice, int64_t now)
{
    return choice->not_before <= now && (choice->not_after == 0 || now <= choice->not_after);
}

/* Only these stand in for each other. */
static bool is_same_group(const struct key_choice *a, const struct key_choice *b)
{
    return dkim_key_algorithm(a->key) == dkim_key_algorithm(b->key) &&
           strcmp(a->domain, b->domain) == 0;
}

/* Of two in the order of the tables: is the second newer? */
static bool is_newer(const struct key_choice *first, const struct key_choice *second)
{
    if (first->not_before != second->not_before)
        return second->not_before > first->not_before;
    return second->made > first->made;
}

/* The index of the key that signs for the group of list[i]; count: none. */
static size_t signer_of(const struct key_choice *list, const struct key_known *known, size_t count,
                        size_t i, int64_t now)
{
    size_t best = count;

    for (size_t j = 0; j < count; j++) {
        int value = worth(known[j].state), best_value = best < count ? worth(known[best].state) : 0;

        if (!is_same_group(&list[i], &list[j]) || !is_in_time(&list[j], now) || value == 0)
            continue;
        if (best == count || value > best_value ||
            (value == best_value && is_newer(&list[best], &list[j])))
            best = j;
    }
    return best;
}

size_t key_watch_choose(struct key_watch *watch, const struct key_choice *list, size_t count,
                        int64_t now, struct arena *arena, const struct key_choice ***chosen)
{
    struct key_known *known = arena_alloc(arena, (count + 1) * sizeof(*known));
    size_t n = 0;

    *chosen = arena_alloc(arena, (count + 1) * sizeof(struct key_choice *));
    for (size_t i = 0; i < count; i++)
        key_watch_look(watch, &list[i], true, arena, &known[i]);
    for (size_t i = 0; i < count; i++)
        if (signer_of(list, known, count, i, now) == i)
            (*chosen)[n++] = &list[i];
    return n;
}

/* All keys, so that groups can be seen; those of a group stand side by side. */
struct gathering {
    struct key_choice *list;
    size_t count, cap;
};

static void gather(const struct key_choice *choice, void *arg)
{
    struct gathering *g = arg;

    if (g->count == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 16;
        g->list = xreallocarray(g->list, g->cap, sizeof(*g->list));
    }
    g->list[g->count++] = *choice;
}

/* Those of a group in the order of the tables. */
static int compare(const void *a, const void *b)
{
    const struct key_choice *x = *(const struct key_choice *const *)a;
    const struct key_choice *y = *(const struct key_choice *const *)b;
    enum dkim_algorithm p = dkim_key_algorithm(x->key), q = dkim_key_algorithm(y->key);
    int order = strcmp(x->domain, y->domain);

    if (order == 0)
        order = (p > q) - (p < q);
    return order != 0 ? order : (x > y) - (x < y);
}

static struct key_choice *sorted(const struct gathering *g)
{
    const struct key_choice **places = xcalloc(g->count + 1, sizeof(*places));
    struct key_choice *list = xcalloc(g->count + 1, sizeof(*list));

    for (size_t i = 0; i < g->count; i++)
        places[i] = &g->list[i];
    qsort(places, g->count, sizeof(*places), compare);
    for (size_t i = 0; i < g->count; i++)
        list[i] = *places[i];
    free(places);
    return list;
}

/* Is the key at `i` newer than the one at `than`? */
static bool is_newer_at(const struct key_choice *list, size_t than, size_t i)
{
    return than < i ? is_newer(&list[than], &list[i]) : !is_newer(&list[i], &list[than]);
}

static enum key_role role_of(const struct key_choice *list, const struct key_known *known,
                             size_t count, size_t i, int64_t now, const char **why)
{
    size_t signer = signer_of(list, known, count, i, now);

    *why = known[i].state == KEY_READY ? "" : known[i].why;
    if (signer == i)
        return KEY_SIGNS;
    if (list[i].not_before > now) {
        *why = "before its time";
        return KEY_WAITS;
    }
    if (list[i].not_after != 0 && now > list[i].not_after) {
        *why = "past its time";
        return KEY_RETIRED;
    }
    if (signer == count || is_newer_at(list, signer, i))
        return KEY_WAITS;
    if (known[i].state == KEY_READY)
        *why = "a newer key signs";
    return KEY_RETIRED;
}

static void report_group(struct key_watch *watch, const struct key_choice *list, size_t count,
                         int64_t now, void (*visit)(const struct key_report *report, void *arg),
                         void *arg)
{
    struct arena *arena = arena_new();
    struct key_known *known = arena_alloc(arena, count * sizeof(*known));

    for (size_t i = 0; i < count; i++)
        key_watch_look(watch, &list[i], false, arena, &known[i]);
    for (size_t i = 0; i < count; i++) {
        struct key_report report = {
            .choice = &list[i],
            .state = known[i].state,
            .asked_at = known[i].asked_at,
            .age = list[i].made > 0 ? now - list[i].made : -1,
        };

        report.role = role_of(list, known, count, i, now, &report.why);
        report.trouble = report.role != KEY_RETIRED && is_in_time(&list[i], now) &&
                         worth(known[i].state) == 0;
        visit(&report, arg);
    }
    arena_free(arena);
}

void key_watch_report(struct key_watch *watch, const struct keys *keys, int64_t now,
                      void (*visit)(const struct key_report *report, void *arg), void *arg)
{
    struct gathering g = {0};
    struct key_choice *list;
    size_t end;

    keys_each(keys, gather, &g);
    list = sorted(&g);
    for (size_t i = 0; i < g.count; i = end) {
        for (end = i + 1; end < g.count && is_same_group(&list[i], &list[end]); end++)
            continue;
        report_group(watch, list + i, end - i, now, visit, arg);
    }
    free(list);
    free(g.list);
}

struct changes {
    struct key_watch *watch;
    void (*visit)(const struct key_report *report, void *arg);
    void *arg;
};

static void pass_change(const struct key_report *report, void *arg)
{
    const struct changes *c = arg;

    if (key_watch_tell(c->watch, report->choice, report->role, report->state))
        c->visit(report, c->arg);
}

void key_watch_changes(struct key_watch *watch, const struct keys *keys, int64_t now,
                       void (*visit)(const struct key_report *report, void *arg), void *arg)
{
    struct changes changes = {watch, visit, arg};

    key_watch_report(watch, keys, now, pass_change, &changes);
}
