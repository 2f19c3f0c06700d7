/* explain_advise - what to write to allow or refuse it next time; where else to look */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain_advise.h"

#include <stdlib.h>
#include <string.h>

/* A line that would do it, and where. */
struct remedy {
    const char *path;   /* of the file that changes */
    const char *line;   /* what is written there, at its beginning or in front of `before` */
    const char *before; /* text of the configuration; NULL: a line of its own, in front of all */
    int number;         /* of the line in which `before` stands */
};

static void say(struct explanation *e, const char *kind, const char *text)
{
    explain_add_line(&e->advice, e->arena, kind, text);
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool fits_inline(const char *key)
{
    return strpbrk(key, " \t\"\\#{},=$") == NULL;
}

static bool is_word(const char *text)
{
    while (is_alnum((unsigned char)*text))
        text++;
    return *text == '\0';
}

/* As keys stand in tables. */
static const char *lower(const char *text, struct arena *arena)
{
    char *copy = arena_strdup(arena, text);

    for (char *c = copy; c != NULL && *c != '\0'; c++)
        *c = (char)to_lower((unsigned char)*c);
    return copy;
}

/* Without a domain an address is looked up as nothing that a table could hold. */
static bool has_domain(const char *address)
{
    return address != NULL && strchr(address, '@') != NULL;
}

/* What an access check of this name is asked for; the whole key. Recipients are left out: an OK for
 * one is for everybody who writes to it. */
static const char *key_for(const struct explanation *e, const char *restriction, bool allow)
{
    const char *sender = lower(report_get(e->mail, 0, "sender"), e->arena);

    if (starts(restriction, "check_sender_access"))
        return has_domain(sender) ? sender : NULL;
    if (starts(restriction, "check_client_access"))
        return report_get(e->mail, 0, "client_addr");
    if (starts(restriction, "check_recipient_access") && !allow && e->focus > 0)
        return lower(report_get(e->recipients, (size_t)e->focus - 1, "address"), e->arena);
    return NULL;
}

/* A text as a pattern that matches nothing else. */
static void add_quoted(struct buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\^$.[]|()*+?{}/", *text) != NULL)
            buf_addc(b, '\\');
        buf_addc(b, *text);
    }
}

/* The row for a table of this type. */
static const char *row_for(const char *type, const char *key, const char *value,
                           struct arena *arena)
{
    struct buf b = {0};
    const char *row;

    if (strcmp(type, "pcre") == 0 || strcmp(type, "regexp") == 0) {
        buf_adds(&b, "/^");
        add_quoted(&b, key);
        buf_addf(&b, "$/ %s", value);
    } else {
        buf_addf(&b, "%s %s", key, value);
    }
    row = arena_strndup(arena, buf_text(&b), b.len);
    buf_free(&b);
    return row;
}

static bool can_hold(const struct step *step, const char *key)
{
    const char *type = step->table != NULL ? table_type(step->table) : "";
    bool cidr = strcmp(type, "cidr") == 0;

    if (step->table == NULL || table_file(step->table) == NULL || step->warn_only || key == NULL ||
        key[0] == '\0' || strpbrk(key, " \t\"\\#") != NULL)
        return false;
    return !cidr || starts(step->text, "check_client_access");
}

/* The list and place of the restriction that decided; false: in none. */
struct place {
    const struct steps *list;
    size_t index;
};

static bool is_step(const struct step *step, const char *restriction, const struct where *where)
{
    return strcmp(step->text, restriction) == 0 &&
           (where->file == NULL || step->table != NULL ||
            (step->where.file != NULL && strcmp(step->where.file, where->file) == 0 &&
             step->where.line == where->line));
}

static bool find_place(const struct explanation *e, const struct policy *policy,
                       struct place *place)
{
    size_t row = explain_deciding_step(e);
    const char *restriction = report_get(e->steps, row, "restriction");
    const char *direction = report_get(e->mail, 0, "direction");
    enum direction d =
        direction != NULL && strcmp(direction, "outgoing") == 0 ? DIR_OUTGOING : DIR_INCOMING;
    struct where where = {report_get(e->steps, row, "file"),
                          (int)report_number(e->steps, row, "line")};

    for (int id = 0; id < LIST_COUNT && restriction != NULL; id++) {
        const struct steps *list = policy->lists[d][id];

        for (size_t i = 0; i < list->count; i++)
            if (is_step(&list->list[i], restriction, &where)) {
                *place = (struct place){list, i};
                return true;
            }
    }
    return false;
}

/* A table of the same list, in front of what decided, or that one itself. */
static bool remedy_by_table(const struct explanation *e, const struct place *place,
                            struct remedy *remedy)
{
    for (size_t i = place->index + 1; i-- > 0;) {
        const struct step *step = &place->list->list[i];
        const char *key = key_for(e, step->text, true);

        if (!can_hold(step, key))
            continue;
        *remedy = (struct remedy){.path = table_file(step->table),
                                  .line = row_for(table_type(step->table), key, "OK", e->arena)};
        return true;
    }
    return false;
}

/* No table fits: a restriction of its own, in front of the one that decided. */
static bool remedy_by_list(const struct explanation *e, const struct place *place,
                           struct remedy *remedy)
{
    const struct step *step = &place->list->list[place->index];
    const char *sender = lower(report_get(e->mail, 0, "sender"), e->arena);
    bool by_sender = has_domain(sender) && fits_inline(sender);
    const char *key = by_sender ? sender : report_get(e->mail, 0, "client_addr");

    if (step->where.file == NULL || key == NULL)
        return false;
    *remedy = (struct remedy){.path = step->where.file,
                              .number = step->where.line,
                              .before = step->text,
                              .line = arena_printf(e->arena, "check_%s_access inline:{{%s = OK}},",
                                                   by_sender ? "sender" : "client", key)};
    return true;
}

/* The file as it would read; NULL when the place cannot be found in it. */
static const char *changed_text(struct explain_again *again, const struct remedy *r,
                                struct arena *arena)
{
    size_t len, at = 0;
    const char *text = explain_again_file(again, r->path, &len), *found;

    if (text == NULL)
        return NULL;
    if (r->before == NULL)
        return arena_printf(arena, "%s\n%.*s", r->line, (int)len, text);
    for (int line = 1; line < r->number && at < len; line++) {
        const char *next = memchr(text + at, '\n', len - at);

        at = next != NULL ? (size_t)(next - text) + 1 : len;
    }
    found = memmem(text + at, len - at, r->before, strlen(r->before));
    if (found == NULL)
        return NULL;
    return arena_printf(arena, "%.*s%s %.*s", (int)(found - text), text, r->line,
                        (int)(text + len - found), found);
}

static void tell_remedy(struct explanation *e, struct explain_again *again, const struct remedy *r)
{
    const char *text = changed_text(again, r, e->arena), *said = NULL;
    bool accepted = false;

    if (text != NULL)
        said = explain_again_try(again, r->path, text, &accepted);
    if (r->before != NULL)
        say(e, "next",
            arena_printf(e->arena, "to allow it: %s:%d, in front of %s:", r->path, r->number,
                         r->before));
    else
        say(e, "next", arena_printf(e->arena, "to allow it: %s, as its first line:", r->path));
    say(e, "next", arena_printf(e->arena, "    %s", r->line));
    if (said != NULL)
        say(e, "next", arena_printf(e->arena, "(tried on this mail: %s)", said));
}

static void advise_allowing(struct explanation *e, struct explain_again *again)
{
    const struct policy *policy = again != NULL ? explain_again_policy(again) : NULL;
    struct remedy remedy;
    struct place place;

    if (policy == NULL || !find_place(e, policy, &place)) {
        const char *file = explain_decided(e, "file");

        if (file != NULL)
            say(e, "next",
                arena_printf(e->arena, "to allow it: change or remove %s:%s", file,
                             explain_decided(e, "line")));
        return;
    }
    if (remedy_by_table(e, &place, &remedy) || remedy_by_list(e, &place, &remedy))
        tell_remedy(e, again, &remedy);
}

static void advise_refusing(struct explanation *e, struct explain_again *again)
{
    const struct policy *policy = again != NULL ? explain_again_policy(again) : NULL;
    const char *sender = lower(report_get(e->mail, 0, "sender"), e->arena);
    const char *direction = report_get(e->mail, 0, "direction");
    bool outgoing = direction != NULL && strcmp(direction, "outgoing") == 0;

    for (int id = 0; policy != NULL && !outgoing && id < LIST_COUNT; id++) {
        const struct steps *list = policy->lists[DIR_INCOMING][id];

        for (size_t i = 0; i < list->count; i++) {
            const struct step *step = &list->list[i];
            bool by_sender = starts(step->text, "check_sender_access") && has_domain(sender);
            const char *key = by_sender ? sender : NULL;

            if (!can_hold(step, key))
                continue;
            say(e, "next",
                arena_printf(e->arena,
                             "to refuse it: %s, as its first line:", table_file(step->table)));
            say(e, "next",
                arena_printf(e->arena, "    %s",
                             row_for(table_type(step->table), key, "REJECT", e->arena)));
            return;
        }
    }
    if (!outgoing && has_domain(sender) && fits_inline(sender))
        say(e, "next",
            arena_printf(e->arena,
                         "to refuse it: in milter.conf, first in "
                         "sender_restrictions: check_sender_access inline:{{%s = REJECT}}",
                         sender));
}

/* For a pattern of grep between single quotes, which somebody gives to a shell: what means
 * something there is any character. */
static const char *as_pattern(const char *text, struct arena *arena)
{
    char *copy = arena_strdup(arena, text);

    for (char *c = copy; *c != '\0'; c++)
        if (strchr("'\\[]*^$", *c) != NULL)
            *c = '.';
    return copy;
}

/* What only the mail server's own log tells. */
static void advise_elsewhere(struct explanation *e, const char *action)
{
    const char *queue_id = report_get(e->mail, 0, "queue_id");
    const char *address =
        e->focus > 0 ? report_get(e->recipients, (size_t)e->focus - 1, "address") : NULL;

    if (address != NULL)
        address = as_pattern(address, e->arena);
    if (queue_id != NULL && !is_word(queue_id))
        queue_id = arena_printf(e->arena, "'%s'", as_pattern(queue_id, e->arena));
    if (queue_id != NULL && strcmp(action, "accept") == 0)
        say(e, "elsewhere",
            arena_printf(e->arena,
                         "whether it was delivered the mail server's log "
                         "tells: grep %s /var/log/mail.log",
                         queue_id));
    else if (strcmp(action, "accept") == 0 || strcmp(action, "aborted") == 0)
        say(e, "elsewhere",
            arena_printf(e->arena,
                         "tamis refused nothing; if the mail server did, its "
                         "log tells: grep 'NOQUEUE: .*%s%s%s' /var/log/mail.log",
                         address != NULL ? "to=<" : "", address != NULL ? address : "reject",
                         address != NULL ? ">" : ""));
    if (explain_is_mta(e))
        say(e, "elsewhere",
            arena_printf(e->arena,
                         "the mail server's reason: grep 'NOQUEUE: "
                         ".*to=<%s>' /var/log/mail.log",
                         address != NULL ? address : ""));
}

void explain_advise(struct explanation *e, struct explain_again *again)
{
    const char *action = e->focus > 0 ? report_get(e->recipients, (size_t)e->focus - 1, "action")
                                      : report_get(e->mail, 0, "action");

    if (action == NULL)
        return;
    if (explain_is_mta(e))
        say(e, "next",
            "no rule of tamis decided; what to change stands in the mail server's "
            "configuration");
    else if (strcmp(action, "accept") == 0)
        advise_refusing(e, again);
    else if (strcmp(action, "aborted") != 0)
        advise_allowing(e, again);
    advise_elsewhere(e, action);
}
